"""How far a memory reaches: the agreements in what a model writes, by how many characters stand between their ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from longhand.corpora.language import Agreement

BINS = ((0, 10), (10, 25), (25, 50), (50, 100), (100, 150), (150, 200), (200, None))
LONG = 150  # characters from which on an agreement is called a long one


@dataclass(frozen=True)
class Tally:
    """How many agreements of a kind there were at a distance, and how many of them were not right."""

    count: int = 0
    wrong: int = 0
    missing: int = 0

    @property
    def errors(self) -> int:
        """Those whose second end does not fit, or that have but one end."""
        return self.wrong + self.missing

    @property
    def error_rate(self) -> float | None:
        """Their share; None where there was no such agreement."""
        return self.errors / self.count if self.count else None

    def plus(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(self.count + other.count, self.wrong + other.wrong, self.missing + other.missing)


NONE = Tally()


@dataclass(frozen=True)
class Reach:
    """The tallies of each kind of agreement, one for each of `BINS`, and those of the long ones alone."""

    by_kind: dict[str, list[Tally]]
    long: dict[str, Tally]

    def of(self, kind: str) -> list[Tally]:
        """Return the tallies of a kind, by distance."""
        return self.by_kind.get(kind, [NONE] * len(BINS))

    def at(self, place: int) -> Tally:
        """Return that of all kinds at the distances of a bin."""
        return _sum(tallies[place] for tallies in self.by_kind.values())

    def all_long(self) -> Tally:
        """Return that of all kinds at long distances."""
        return _sum(self.long.values())


def reach_of(found: Iterable[Agreement]) -> Reach:
    """Count agreements by kind and distance."""
    by_kind: dict[str, list[Tally]] = {}
    long: dict[str, Tally] = {}
    for one in found:
        tally = Tally(1, int(one.outcome == "wrong"), int(one.outcome == "missing"))
        tallies = by_kind.setdefault(one.kind, [NONE] * len(BINS))
        place = bin_of(one.distance)
        tallies[place] = tallies[place].plus(tally)
        if one.distance >= LONG:
            long[one.kind] = long.get(one.kind, NONE).plus(tally)
    return Reach(by_kind, long)


def bin_of(distance: int) -> int:
    """Return which of `BINS` a distance lies in."""
    return next(place for place, (_, end) in enumerate(BINS) if end is None or distance < end)


def bin_name(place: int) -> str:
    """Return the distances of a bin as people write them: 10–24, or 200+."""
    begin, end = BINS[place]
    return f"{begin}+" if end is None else f"{begin}–{end - 1}"


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = NONE
    for tally in tallies:
        total = total.plus(tally)
    return total
