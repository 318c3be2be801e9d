"""Where things lie in a chart: scales, ticks, lines. A template makes SVG of it.

All places are in percent of the area between the axes, from its left and from its top: the area may have any size, and
text in it stays as large as text is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

MOST_POINTS = 600  # of a line
MOST_DOTS = 60  # of a line, before they run into one another
MOST_TICKS = 6  # along the time; upwards there is room for more, in the lower charts, which begin at zero, for fewer
HIGH_TICKS, LOW_TICKS = 8, 5
MARGIN = 0.04  # of the values' range, above and below it
EARLY = 0.05  # of the time: what is higher than all that comes later would leave little room for the rest
FLAT, TINY = 1e-9, 1e-12  # a range narrower than this share of its numbers is none, and so is one narrower than this
UNITS = ((120.0, 1.0, "seconds"), (7200.0, 60.0, "minutes"), (math.inf, 3600.0, "hours"))  # up to, length, name


class Reading(NamedTuple):
    """A value at a time."""

    seconds: float
    value: float
    step: int = 0


class Spot(NamedTuple):
    """A place in a chart, in percent, and what was read there."""

    x: float
    y: float
    reading: Reading


class Tick(NamedTuple):
    """A place along an axis, in percent, and its number."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """A line of a chart: `path` is SVG's, in a box of 100 by 100; dots are drawn at some of the spots, or at none."""

    name: str
    path: str
    spots: list[Spot]
    dots: list[Spot]


@dataclass(frozen=True)
class Mark:
    """A moment on the time axis, in percent."""

    kind: str
    x: float


@dataclass(frozen=True)
class Flag:
    """A value that is written into the chart, beside its place."""

    kind: str
    spot: Spot

    @property
    def anchor(self) -> Literal["start", "middle", "end"]:
        """Which end of the words lies at the place, so that they stay inside."""
        return "start" if self.spot.x < 20 else "end" if self.spot.x > 80 else "middle"

    @property
    def below(self) -> bool:
        """Whether the words go below the place: a line that has turned up again leaves room there."""
        return self.anchor == "middle" and self.spot.y < 85


@dataclass(frozen=True)
class Chart:
    """A chart.

    - unit: of the time axis
    - above: the highest value, where it lies above the area
    """

    unit: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]
    marks: list[Mark]
    flags: list[Flag]
    above: float | None


@dataclass(frozen=True)
class Scale:
    """Maps numbers from `low` to `high` to 0 to 100 percent."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return the place of a number, in percent; outside the range it is below 0 or above 100."""
        return round(100 * (value - self.low) / (self.high - self.low), 3)


def chart(
    lines: Mapping[str, Sequence[Reading]],
    *,
    dotted: str = "",
    moments: Iterable[tuple[str, float]] = (),
    flagged: Iterable[tuple[str, Reading]] = (),
    from_zero: bool = False,
) -> Chart | None:
    """Return a chart of values over time, or None if there is nothing to draw.

    - lines: readings by the line's name
    - dotted: the line whose readings are few and each worth a dot
    - moments: what happened, and after how many seconds
    - flagged: readings to write into the chart, and what they are
    - from_zero: whether the values' axis begins at zero
    """
    series = {name: thinned(sorted(readings, key=_when)) for name, readings in lines.items() if readings}
    if not series:
        return None
    seconds = [reading.seconds for readings in series.values() for reading in readings]
    _, length, unit = next(unit for unit in UNITS if max(seconds) <= unit[0])
    time = Scale(*widened(min(0.0, *seconds), max(seconds) or 1.0))
    highest = max(reading.value for readings in series.values() for reading in readings)
    low, high = widened(*_to_show(series, dotted, time))
    margin = MARGIN * (high - low)
    up = Scale(0.0 if from_zero and low >= 0 else low - margin, high + margin)
    upwards = LOW_TICKS if from_zero else HIGH_TICKS
    return Chart(
        unit,
        [Tick(time.at(tick * length), label) for tick, label in labelled(time.low / length, time.high / length)],
        [Tick(round(100 - up.at(tick), 3), label) for tick, label in labelled(up.low, up.high, upwards)],
        [_line(name, readings, time, up, name == dotted) for name, readings in series.items()],
        [Mark(kind, time.at(moment)) for kind, moment in moments if time.low <= moment <= time.high],
        [Flag(kind, _spot(reading, time, up)) for kind, reading in flagged],
        highest if highest > up.high else None,
    )


def _to_show(series: dict[str, list[Reading]], dotted: str, time: Scale) -> tuple[float, float]:
    """Return the lowest and the highest value that the axis must have room for: the other lines' earliest are none."""
    early = time.low + EARLY * (time.high - time.low)
    values = [
        reading.value
        for name, readings in series.items()
        for reading in readings
        if name == dotted or reading.seconds >= early or reading is readings[-1]
    ]
    return min(values), max(values)


def _line(name: str, readings: list[Reading], time: Scale, up: Scale, dotted: bool) -> Line:
    spots = [_spot(reading, time, up) for reading in readings]
    path = "M" + "L".join(f"{spot.x:g} {spot.y:g}" for spot in spots)
    some = spots[:: math.ceil(len(spots) / MOST_DOTS)]
    return Line(name, path, spots, some if dotted or len(spots) == 1 else [])


def _spot(reading: Reading, time: Scale, up: Scale) -> Spot:
    return Spot(time.at(reading.seconds), round(100 - up.at(reading.value), 3), reading)


def _when(reading: Reading) -> float:
    return reading.seconds


def thinned(readings: Sequence[Reading], most: int = MOST_POINTS) -> list[Reading]:
    """Return at most so many readings, four or more: the lowest and the highest of each stretch."""
    if len(readings) <= most:
        return list(readings)
    inner = readings[1:-1]
    stretches = most // 2 - 1
    kept = [readings[0]]
    for stretch in range(stretches):
        part = inner[stretch * len(inner) // stretches : (stretch + 1) * len(inner) // stretches]
        values = [reading.value for reading in part]
        kept += [part[place] for place in sorted({values.index(min(values)), values.index(max(values))})]
    return [*kept, readings[-1]]


def widened(low: float, high: float) -> tuple[float, float]:
    """Return a range that is not empty: the one given, or one around it."""
    size = max(abs(low), abs(high))
    if high - low > max(FLAT * size, TINY):
        return low, high
    margin = size / 10 if size > TINY else 0.1
    return low - margin, high + margin


def labelled(low: float, high: float, most: int = MOST_TICKS) -> list[tuple[float, str]]:
    """Return round numbers at equal distances from `low` to `high`, and each as people write it.

    There are two at least and `most` at most.
    """
    low, high = widened(low, high)
    step, first, last = next(
        (step, first, last)
        for step in _round_steps((high - low) / most / 2)
        if (last := math.floor(high / step + FLAT)) - (first := math.ceil(low / step - FLAT)) < most
    )
    numbers = [place * step for place in range(first, last + 1)]
    if not 1e-5 < step < 1e9:
        return [(number, f"{number:.4g}") for number in numbers]
    decimals = next(places for places in range(8) if abs(round(step, places) - step) < step / 100)
    return [(number, f"{number + 0.0:,.{decimals}f}") for number in numbers]


def _round_steps(least: float) -> Iterator[float]:
    """Yield the numbers from `least` on that are 1, 2, 2.5 or 5 times a power of ten: none is more than twice another.

    So of the first one that makes few enough ticks, there are two at least.
    """
    power = 10.0 ** math.floor(math.log10(least))
    for place in range(10):
        yield from (factor * 10.0**place * power for factor in (1, 2, 2.5, 5) if factor * 10.0**place * power >= least)
