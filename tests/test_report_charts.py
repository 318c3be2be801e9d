"""Charts: scales, ticks and lines, whatever the numbers."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from longhand.report.charts import MOST_DOTS, MOST_POINTS, Reading, Scale, chart, labelled, thinned, widened

NUMBERS = st.floats(-1e15, 1e15)
READINGS = st.lists(st.builds(Reading, NUMBERS, NUMBERS), min_size=1, max_size=40)


@given(low=NUMBERS, high=NUMBERS, most=st.integers(4, 12))
@example(low=0.0, high=0.0, most=6)
@example(low=0.0, high=5e-324, most=6)
@example(low=1e15, high=1e15, most=6)
@example(low=20001.0, high=27502.0, most=4)
def test_ticks_are_few_round_ascending_and_inside(low: float, high: float, most: int) -> None:
    low, high = widened(*sorted((low, high)))
    numbers = [number for number, _ in labelled(low, high, most)]
    assert 2 <= len(numbers) <= most
    assert all(later > earlier for earlier, later in pairwise(numbers))
    slack = (high - low) / 1000
    assert low - slack <= numbers[0] <= numbers[-1] <= high + slack
    mantissa = f"{(numbers[-1] - numbers[0]) / (len(numbers) - 1):.2e}".split("e")[0]
    assert float(mantissa) in (1, 2, 2.5, 5)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 120, ["0", "25", "50", "75", "100"]),
        (0, 2, ["0.0", "0.5", "1.0", "1.5", "2.0"]),
        (0, 0.006, ["0.000", "0.002", "0.004", "0.006"]),
        (2.1, 2.2, ["2.10", "2.12", "2.14", "2.16", "2.18", "2.20"]),
        (-0.1, 0.1, ["-0.10", "-0.05", "0.00", "0.05", "0.10"]),
        (0, 40_000, ["0", "10,000", "20,000", "30,000", "40,000"]),
    ],
)
def test_labels_are_as_people_write_them(low: float, high: float, expected: list[str]) -> None:
    assert [label for _, label in labelled(low, high)] == expected


@given(low=st.floats(0, 1e6), size=st.floats(1e-3, 1e6), most=st.integers(4, 12))
def test_no_two_ticks_have_the_same_label(low: float, size: float, most: int) -> None:
    shown = [label for _, label in labelled(low, low + size, most)]
    assert len(set(shown)) == len(shown)


@given(low=NUMBERS, high=NUMBERS, values=st.lists(NUMBERS, min_size=2, max_size=2))
def test_a_scale_keeps_the_order_and_maps_its_ends_to_its_ends(low: float, high: float, values: list[float]) -> None:
    assume(low < high)
    scale = Scale(*widened(low, high))
    assert (scale.at(scale.low), scale.at(scale.high)) == (0, 100)
    smaller, larger = sorted(values)
    assert scale.at(smaller) <= scale.at(larger)


@given(readings=READINGS, others=READINGS, from_zero=st.booleans())
def test_whatever_is_drawn_has_finite_places(readings: list[Reading], others: list[Reading], from_zero: bool) -> None:
    flagged = [("best", others[0])]
    drawn = chart({"training": readings, "held out": others}, dotted="held out", flagged=flagged, from_zero=from_zero)
    assert drawn is not None
    spots = [spot for line in drawn.lines for spot in line.spots] + [flag.spot for flag in drawn.flags]
    assert all(math.isfinite(spot.x) and math.isfinite(spot.y) and 0 <= spot.x <= 100 for spot in spots)
    assert all(0 <= spot.y <= 100 for spot in drawn.lines[1].spots) or from_zero
    assert all(re.fullmatch(r"M[-\d.e+ L]+", line.path) for line in drawn.lines)
    assert all(-0.01 <= tick.at <= 100.01 for tick in [*drawn.x_ticks, *drawn.y_ticks])


@given(values=st.lists(NUMBERS, max_size=300), most=st.integers(4, 50))
def test_thinning_keeps_the_ends_the_extremes_and_the_order(values: list[float], most: int) -> None:
    readings = [Reading(float(second), value) for second, value in enumerate(values)]
    kept = thinned(readings, most)
    assert len(kept) <= max(most, min(len(readings), most))
    assert kept == sorted(kept)
    assert set(kept) <= set(readings)
    if readings:
        assert (kept[0], kept[-1]) == (readings[0], readings[-1])
        assert min(reading.value for reading in kept) == min(values)
        assert max(reading.value for reading in kept) == max(values)


def test_a_long_training_is_drawn_with_few_points_and_dots() -> None:
    many = [Reading(float(second), 2 + math.sin(second)) for second in range(50_000)]
    drawn = chart({"training": many, "held out": many}, dotted="held out")
    assert drawn is not None
    assert [len(line.spots) <= MOST_POINTS for line in drawn.lines] == [True, True]
    assert [len(line.dots) <= MOST_DOTS for line in drawn.lines] == [True, True]
    assert drawn.unit == "hours"


def test_a_single_reading_is_a_dot() -> None:
    drawn = chart({"training": [Reading(10, 3.0)]})
    assert drawn is not None
    assert len(drawn.lines[0].dots) == 1
    assert drawn.unit == "seconds"


def test_a_steep_beginning_does_not_flatten_the_rest_and_is_told() -> None:
    training = [Reading(float(second), 2 + 4 * math.exp(-second / 3)) for second in range(100)]
    drawn = chart({"training": training, "held out": [Reading(50, 2.3), Reading(99, 2.2)]}, dotted="held out")
    assert drawn is not None
    assert drawn.above == 6
    assert drawn.lines[0].spots[0].y < 0 <= drawn.lines[1].spots[0].y
    assert drawn.lines[0].spots[-1].y > 80


def test_moments_outside_the_time_are_left_out_and_nothing_is_no_chart() -> None:
    drawn = chart({"rate": [Reading(0, 1), Reading(10, 1)]}, moments=[("resumed", 5), ("resumed", 11)], from_zero=True)
    assert drawn is not None
    assert [(mark.kind, mark.x) for mark in drawn.marks] == [("resumed", 50)]
    assert float(drawn.y_ticks[0].label) == 0
    assert chart({"training": [], "held out": []}) is None
