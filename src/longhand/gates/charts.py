"""Places of the page's two charts, in percent of their frames: how influence fades, and how long units remember."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longhand.arrays import DoubleArray
from longhand.gates.memory import Influence

LEAST_BITS = 1e-4  # an influence below is drawn as this: rounding makes as much
BINS = 36  # of a histogram
SHORTEST = 0.1  # tokens: a half-life below counts as this
LABELS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000, 10_000_000)


@dataclass(frozen=True)
class Tick:
    """A line of the grid: where it is, in percent, and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """Influence over distance, both axes logarithmic.

    - path: the d of an SVG path, in percent
    - spots: x, y, distance and bits at distances that are told
    """

    path: str
    spots: list[tuple[float, float, int, float]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


@dataclass(frozen=True)
class Histogram:
    """Half-lives of each layer's units.

    - bars: of each layer left, width and height, in percent
    - medians: of each layer, in percent of the width
    """

    bars: list[list[tuple[float, float, float]]]
    medians: list[float]
    x_ticks: list[Tick]


def influence_curve(influence: Influence, told: Mapping[int, float]) -> Curve | None:
    """Return the curve of an influence, with spots at the distances that are told; None where nothing is known."""
    reach = len(influence.bits)
    if reach < 2:
        return None
    distances = np.unique(np.geomspace(1, reach - reach // 20, 60).round().astype(int))
    bits = np.array([influence.around(distance) for distance in distances.tolist()])
    top = max(math.ceil(math.log10(max(bits.max(), LEAST_BITS))), -3)
    bottom = math.floor(math.log10(LEAST_BITS))

    def place(distance: int, value: float) -> tuple[float, float]:
        up = (top - math.log10(max(value, LEAST_BITS))) / (top - bottom)
        return 100 * math.log10(distance) / math.log10(reach), 100 * up

    points = [place(distance, value) for distance, value in zip(distances.tolist(), bits.tolist(), strict=True)]
    path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    spots = [(*place(k, value), k, value) for k, value in told.items()]
    y_ticks = [Tick(100 * (top - power) / (top - bottom), f"{10.0**power:g}") for power in range(bottom, top + 1)]
    x_ticks = [Tick(x, f"{k}") for x, _, k, _ in spots]
    return Curve(path, spots, x_ticks, y_ticks)


def lifetime_histogram(half_lives: DoubleArray) -> Histogram:
    """Return the histogram of half-lives, (layers, hidden), on one logarithmic axis for all layers."""
    low = math.log10(max(SHORTEST, float(half_lives.min())))
    high = math.log10(max(SHORTEST, float(half_lives.max()))) + 0.02
    low, high = min(low, high - 1), max(high, low + 1)
    edges = np.linspace(low, high, BINS + 1)
    counts = np.array([np.histogram(np.log10(np.maximum(layer, 10**low)), edges)[0] for layer in half_lives])
    most, width = max(1, int(counts.max())), 100 / BINS
    bars = [[(place * width, width, 100 * float(count) / most) for place, count in enumerate(row)] for row in counts]

    def across(value: float) -> float:
        return float(np.clip(100 * (math.log10(max(value, 10**low)) - low) / (high - low), 0, 100))

    ticks = [Tick(across(label), f"{label:,g}") for label in LABELS if low <= math.log10(label) <= high]
    return Histogram(bars, [across(float(np.median(layer))) for layer in half_lives], ticks)
