"""How long a training goes on, by a clock that the tests move."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.training.evaluation import SAMPLE
from longhand.training.pace import MAX_SCORES, MIN_SCORES, SLOW_STEPS, StepPace, TimePace
from longhand.training.schedule import LOWEST, WARM_UP, learning_rate


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def simulate(
    seconds: float, step: float, held_out: int, *, forward: float = 3.0, writing: float = 0.0, slower: float = 1.0
) -> tuple[float, float, int]:
    """Run a training of 1000 tokens a step; return its length, the time spent scoring, and the scores but the last.

    - forward: how many times as fast as learning a score reads
    - writing: seconds that telling of a score takes
    - slower: how many times as long everything takes in the second half
    """
    clock = Clock()
    pace = TimePace(clock.now, min(held_out, SAMPLE), held_out, seconds, clock)
    clock.now += 3.0  # torch is imported
    scoring, scores, done = 0.0, 0, 0

    def takes(duration: float) -> None:
        clock.now += duration * (slower if clock.now > 1000 + seconds / 2 else 1)

    def score(tokens: int, longest: float) -> None:
        nonlocal scoring, scores
        began = clock.now
        while tokens > 0 and clock.now - began < longest and not pace.overdue():
            takes(min(tokens, 2048) / 1000 * step / forward)
            tokens -= 2048
        reading = clock.now - began
        takes(writing)
        pace.evaluated(max(1, round(reading / step * forward * 1000)), reading, clock.now - began)
        scoring, scores = scoring + clock.now - began, scores + 1

    while pace.progress(done) < 1:
        began = clock.now
        takes(step)
        done += 1
        pace.stepped(1000, clock.now - began)
        if pace.evaluation_due(done):
            score(min(held_out, SAMPLE), pace.max_score_seconds)
    early = scores
    score(min(held_out, SAMPLE), float("inf"))
    return clock.now - 1000.0, scoring, early


@settings(max_examples=25, deadline=None)
@given(st.floats(30, 1_800), st.floats(0.1, 1), st.integers(1_000, 10**8), st.floats(1, 3), st.floats(1, 5))
def test_minutes_are_kept_with_the_last_score_inside(
    seconds: float, step: float, held_out: int, forward: float, slower: float
) -> None:
    took, scoring, _ = simulate(seconds, step, held_out, forward=forward, slower=slower)
    assert took <= seconds + max(0.02 * seconds, 3) + slower * step * 3
    assert took >= seconds * 0.95 - 1 - slower * step
    assert scoring <= 0.25 * seconds + (MIN_SCORES + 3) * 2.048 * slower * step / forward  # a block each, at least


@settings(max_examples=25, deadline=None)
@given(st.floats(60, 1_800), st.floats(0.1, 0.3), st.integers(10_000, 10**8), st.floats(1, 4), st.floats(0, 0.3))
def test_a_training_is_scored_a_few_times_however_long_a_score_takes(
    seconds: float, step: float, held_out: int, forward: float, writing: float
) -> None:
    """The wait for a score once followed from how long the one before had taken: a slow one was the only one."""
    _, _, scores = simulate(seconds, step, held_out, forward=forward, writing=writing)
    assert MIN_SCORES - 1 <= scores <= MAX_SCORES


def test_a_score_of_a_long_text_takes_no_more_than_its_share() -> None:
    took, scoring, scores = simulate(1800, 0.25, 7_400_000, forward=1.0)
    assert scores >= MIN_SCORES
    assert scoring <= 0.16 * 1800
    assert took <= 1.02 * 1800


def test_the_first_steps_say_nothing_about_the_speed() -> None:
    pace = StepPace(0, 1000, 1000, 100, 10, lambda: 1.0)
    for seconds in [50.0] * SLOW_STEPS + [1.0]:
        pace.stepped(500, seconds)
    assert pace.characters_per_second() == 500


def test_counted_steps_end_and_score_by_the_count_alone() -> None:
    pace = StepPace(0, 1000, 1000, 100, 30, lambda: 1e9)
    assert [pace.progress(step) for step in (0, 50, 100)] == [0, 0.5, 1]
    assert [step for step in range(1, 101) if pace.evaluation_due(step)] == [30, 60]
    assert pace.max_score_seconds == math.inf
    assert not pace.overdue()
    assert not pace.time_is_up()


def test_time_is_set_aside_at_the_speed_that_the_machine_has_now() -> None:
    clock = Clock()
    pace = TimePace(clock.now, 100_000, 100_000, 200, clock)
    for _ in range(50):
        pace.stepped(1000, 0.05)
    pace.evaluated(100_000, 1.0, 1.5)
    clock.now += 150
    before = pace.progress(0)
    for _ in range(300):
        pace.stepped(1000, 0.25)  # someone else works on it too
    assert before == pytest.approx(150 / (200 - 1.0 - 1.0 - 0.3), rel=1e-3)
    assert pace.progress(0) == pytest.approx(150 / (200 - 5.0 - 1.0 - 0.3), rel=1e-2)


def test_some_time_is_set_aside_to_score_more_than_the_sample_of_a_long_text() -> None:
    clock = Clock()
    pace = TimePace(clock.now, SAMPLE, 10**8, 1000, clock)
    for _ in range(50):
        pace.stepped(1000, 0.001)
    clock.now += 500
    assert pace.progress(0) == pytest.approx(500 / (1000 - 20 - 0.3), rel=1e-3)


@pytest.mark.parametrize(
    ("progress", "share"), [(0, LOWEST), (WARM_UP / 2, 0.5), (WARM_UP, 1), (1, LOWEST), (2, LOWEST)]
)
def test_the_learning_rate_rises_straight_and_falls_as_a_cosine(progress: float, share: float) -> None:
    assert learning_rate(progress, 0.01) == pytest.approx(0.01 * share)


def test_annealed_sooner_it_falls_as_fast_and_then_stays_the_lowest() -> None:
    for share in (0.005, 0.1, 0.3, 0.5):
        assert learning_rate(share, 1, anneal=0.5) == pytest.approx(learning_rate(2 * share, 1))
    assert learning_rate(0.8, 1, anneal=0.5) == pytest.approx(LOWEST)


@given(st.floats(WARM_UP, 1), st.floats(WARM_UP, 1))
def test_after_the_warm_up_the_learning_rate_only_falls(one: float, two: float) -> None:
    assert learning_rate(min(one, two), 1) >= learning_rate(max(one, two), 1)


@given(st.floats(1, 100_000))
def test_a_last_score_may_be_late_by_less_than_is_promised(seconds: float) -> None:
    clock = Clock()
    pace = TimePace(clock.now, 1000, 1000, seconds, clock)
    clock.now += seconds
    assert pace.time_is_up()
    assert not pace.overdue()
    clock.now += max(0.03 * seconds, 5) - 1
    assert pace.overdue()
