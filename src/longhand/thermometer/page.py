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
LEAST_TOP = 0.05  # of the error rate's axis: below, chance would look like something
ROUND_TOPS = (0.05, 0.1, 0.2, 0.5, 1.0)
SCALE_STEP = 0.01  # between the ticks of the thermometer, as a share of the entropy


@dataclass(frozen=True)
class Bar:
    """What one model did at one distance: `height` in percent of the strip, None where there was no such agreement."""

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
    bits: float


@dataclass(frozen=True)
class Scale:
    """The thermometer: from the source's entropy, or a little below it, to a little above the farthest model."""

    marks: Sequence[Mark]
    ticks: Sequence[Mark]
    own: Mark


def result_page(result: Result) -> str:
    """Return the page, one HTML file that loads nothing."""
    top = _top(result.gauges)
    return rendered(
        "thermometer",
        FILTERS,
        result=result,
        language=language_of(result.sample.language).name,
        code=result.sample.language,
        names=NAMES,
        scale=_scale(result),
        strips=_strips(result, top),
        top=top,
        bins=[bin_name(place) for place in range(len(BINS))],
        written=WRITTEN,
        examples="".join(result.sample.text.splitlines(keepends=True)[:SHOWN]),
        long=LONG,
    )


def _scale(result: Result) -> Scale:
    """Return where the bits of the grammar and of the models lie, with a tick for each hundredth of the entropy."""
    entropy, own = result.entropy.bits_per_character, result.sample.bits_per_character
    found = [own, entropy, *(gauge.bits for gauge in result.gauges)]
    low, high = min(found) / entropy - 1, max(found) / entropy - 1
    margin = max(0.12 * (high - low), 0.004)
    low, high = low - margin, high + margin
    step = SCALE_STEP * next(
        size for size in (1, 2, 5, 10, 20, 50, 100, 1000) if (high - low) / (SCALE_STEP * size) <= 6
    )

    def mark(kind: str, bits: float) -> Mark:
        return Mark(kind, round(100 * (bits / entropy - 1 - low) / (high - low), 2), bits)

    ticks = [
        mark(f"{share:+.0%}" if number else "entropy", entropy * (1 + share))
        for number in range(math.ceil(low / step), math.floor(high / step) + 1)
        for share in [number * step]
    ]
    return Scale([mark(gauge.tokens, gauge.bits) for gauge in result.gauges], ticks, mark("own", own))


def _top(gauges: Sequence[Gauge]) -> float:
    """Return the highest error rate that the strips have room for."""
    rates = [
        tally.error_rate or 0.0 for gauge in gauges for tallies in gauge.reach.by_kind.values() for tally in tallies
    ]
    return next(top for top in ROUND_TOPS if top >= max([LEAST_TOP, *rates]) - 1e-9)


def _strips(result: Result, top: float) -> list[Strip]:
    return [
        Strip(bond.kind, bond.meaning, [_cell(result.gauges, bond.kind, place, top) for place in range(len(BINS))])
        for bond in language_of(result.sample.language).bonds
    ]


def _cell(gauges: Sequence[Gauge], kind: str, place: int, top: float) -> Cell:
    bars = []
    for gauge in gauges:
        tally = gauge.reach.of(kind)[place]
        height = None if tally.error_rate is None else round(100 * tally.error_rate / top, 2)
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
    "plainly": _plainly,
}
