"""What weather bulletins are about, in whatever language: the months and their temperatures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Month:
    """What the weather of a month may be: the lowest of the low temperatures, in degrees, and the hours of the sun."""

    coldest: int
    sunrise: int
    sunset: int

    @property
    def lows(self) -> range:
        """The low temperatures that it may have, all as likely as each other."""
        return range(self.coldest, self.coldest + 8)


MONTHS = (
    Month(-9, 8, 16),
    Month(-7, 7, 17),
    Month(-2, 6, 18),
    Month(2, 6, 19),
    Month(7, 5, 20),
    Month(11, 4, 21),
    Month(14, 4, 21),
    Month(13, 5, 20),
    Month(9, 6, 19),
    Month(4, 7, 18),
    Month(-1, 7, 17),
    Month(-6, 8, 16),
)
SPREADS = range(3, 11)  # degrees from the low temperature to the high one
