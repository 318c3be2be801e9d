"""The page that shows how near models come to the source's entropy, and how far their memory reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from longhand.corpora.weather import language_of
from longhand.pages.rendering import Filters, rendered
from longhand.thermometer.gauge import SHOWN, WRITTEN, Gauge, Result
from longhand.thermometer.reach import BINS, LONG, Tally, bin_name

NAMES = {"char": "character by character", "word": "word by word"}
FEWEST = 20  # agreements that make a bar: one that went wrong of three says little
LEAST_TOP = 0.05  # of the error rate's axis: below, chance would look like something
ROUND_TOPS = (0.05, 0.1, 0.2, 0.5, 1.0)
LEAST_SCALE = 0.01  # of the thermometer: less would make much of little
STEPS = tuple(size * 10.0**power for power in range(-3, 4) for size in (1, 2, 5))  # between its ticks
MOST_TICKS = 5


@dataclass(frozen=True)
class Bar:
    """What one model did at one distance: `height` in percent of the strip, None where there was too little to see."""

    tokens: str
    height: float | None
    tally: Tally


@dataclass(frozen=True)
class Cell:
    """The bars of all models at one distance."""

    name: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Strip:
    """The bars of one kind of agreement, by distance."""

    kind: str
    meaning: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Mark:
    """A place on the thermometer, in percent of its length, and what lies there."""

    kind: str
    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """The thermometer: from what the grammar itself needs for the sample to a little above the farthest model."""

    marks: Sequence[Mark]
    ticks: Sequence[Mark]
    zero: Mark


def result_page(result: Result) -> str:
    """Return the page, one HTML file that loads nothing."""
    top = _top(result.gauges)
    strips = _strips(result, top)
    return rendered(
        "thermometer",
        FILTERS,
        result=result,
        language=language_of(result.sample.language).name,
        code=result.sample.language,
        names=NAMES,
        scale=_scale(result),
        strips=strips,
        drawn=any(bar.height is not None for strip in strips for cell in strip.cells for bar in cell.bars),
        top=top,
        bins=[bin_name(place) for place in range(len(BINS))],
        written=WRITTEN,
        examples="".join(result.sample.text.splitlines(keepends=True)[:SHOWN]),
        long=LONG,
        fewest=FEWEST,
    )


def _scale(result: Result) -> Scale:
    """Return where the models lie, with the grammar at zero and a tick at round percentages."""
    distances = [gauge.distance for gauge in result.gauges]
    low, high = min(0.0, *distances), max(LEAST_SCALE, *distances)
    margin = 0.08 * (high - low)
    low, high = low - margin, high + margin
    step = next(step for step in STEPS if (high - low) / step <= MOST_TICKS or step == STEPS[-1])

    def mark(kind: str, distance: float) -> Mark:
        return Mark(kind, round(100 * (distance - low) / (high - low), 2), signed(distance))

    places = range(math.ceil(low / step), math.floor(high / step) + 1)
    ticks = [mark("tick", place * step) for place in places if place]
    return Scale([mark(gauge.tokens, gauge.distance) for gauge in result.gauges], ticks, mark("zero", 0.0))


def _top(gauges: Sequence[Gauge]) -> float:
    """Return the highest error rate that the strips have room for."""
    rates = [_rate(tally) or 0.0 for gauge in gauges for tallies in gauge.reach.by_kind.values() for tally in tallies]
    return next(top for top in ROUND_TOPS if top >= max([LEAST_TOP, *rates]) - 1e-9)


def _rate(tally: Tally) -> float | None:
    """Return the error rate that a bar shows, if there is one."""
    return tally.error_rate if tally.count >= FEWEST else None


def _strips(result: Result, top: float) -> list[Strip]:
    return [
        Strip(bond.kind, bond.meaning, [_cell(result.gauges, bond.kind, place, top) for place in range(len(BINS))])
        for bond in language_of(result.sample.language).bonds
    ]


def _cell(gauges: Sequence[Gauge], kind: str, place: int, top: float) -> Cell:
    bars = []
    for gauge in gauges:
        tally = gauge.reach.of(kind)[place]
        height = round(100 * rate / top, 2) if (rate := _rate(tally)) is not None else None
        bars.append(Bar(gauge.tokens, height, tally))
    return Cell(bin_name(place), bars)


def bits(value: float) -> str:
    """Return bits as the page and the terminal write them."""
    return f"{value:.4f}"


def percent(value: float) -> str:
    """Return a share as a percentage with one decimal, with a sign that is no hyphen where it is below zero."""
    return f"{value:.1%}".replace("-", "−").replace("%", " %")


def signed(value: float) -> str:
    """Return a share as a percentage with its sign and two decimals."""
    return f"{value:+.2%}".replace("-", "−").replace("%", " %")


def _mean(value: float) -> str:
    return f"{value:.2f}"


def errors(tally: Tally) -> str:
    """Return how many of how many were not right: `3 of 412`, or a dash where there were none."""
    return f"{tally.errors:,} of {tally.count:,}" if tally.count else "–"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _plainly(value: float) -> str:
    return f"{value:g}"


FILTERS: Filters = {
    "bits": bits,
    "percent": percent,
    "signed": signed,
    "errors": errors,
    "count": _count,
    "mean": _mean,
    "plainly": _plainly,
}
