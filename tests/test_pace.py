"""How long a training goes on, by a clock that the tests move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.training.default_recipe import DefaultRecipe
from longhand.training.pace import SLOW_STEPS, StepPace, TimePace
from longhand.training.schedule import LOWEST, WARM_UP, learning_rate

AT_LEAST = DefaultRecipe.fewest_scored


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def simulate(seconds: float, step: float, held_out: int) -> tuple[float, float, int]:
    """Run a training of 1000 characters a step; return its length, the time spent scoring, and the scores."""
    clock = Clock()
    pace = TimePace(clock.now, held_out, seconds, AT_LEAST, clock)
    clock.now += 3.0  # torch is imported
    scoring, scores, done = 0.0, 0, 0

    def score() -> None:
        nonlocal scoring, scores
        takes = pace.scored_characters() / 1000 * step / 3
        clock.now += takes
        pace.evaluated(takes)
        scoring, scores = scoring + takes, scores + 1

    while pace.progress(done) < 1:
        clock.now += step
        done += 1
        pace.stepped(1000, step)
        if pace.evaluation_due(done):
            score()
    score()
    return clock.now - 1000.0, scoring, scores


@given(st.floats(30, 3_600), st.floats(0.05, 0.5), st.integers(1_000, 10**8))
def test_minutes_are_kept_with_the_last_score_inside(seconds: float, step: float, held_out: int) -> None:
    took, scoring, _ = simulate(seconds, step, held_out)
    assert took <= seconds + step + 1
    assert took >= seconds * 0.97 - 1
    assert scoring <= 0.2 * seconds + AT_LEAST / 1000 * step


def test_scores_come_early_and_then_now_and_then() -> None:
    _, scoring, scores = simulate(120, 0.055, 111_539)
    assert 3 <= scores <= 5
    assert scoring < 12


def test_all_of_a_tenth_of_a_megabyte_is_scored_in_two_minutes_at_half_the_usual_speed() -> None:
    pace = TimePace(0, 111_539, 120, AT_LEAST, lambda: 10.0)
    for _ in range(SLOW_STEPS + 1):
        pace.stepped(1024, 0.11)
    assert pace.scored_characters() == 111_539


def test_the_first_steps_say_nothing_about_the_speed() -> None:
    pace = StepPace(0, 1000, 100, 10, lambda: 1.0)
    for seconds in [50.0] * SLOW_STEPS + [1.0]:
        pace.stepped(500, seconds)
    assert pace.characters_per_second() == 500


def test_counted_steps_end_and_score_by_the_count_alone() -> None:
    pace = StepPace(0, 1000, 100, 30, lambda: 1e9)
    assert [pace.progress(step) for step in (0, 50, 100)] == [0, 0.5, 1]
    assert [step for step in range(1, 101) if pace.evaluation_due(step)] == [30, 60]
    assert pace.scored_characters() == 1000


def test_an_interrupted_training_is_scored_only_if_that_is_quick() -> None:
    pace = StepPace(0, 10_000, 100, 30, lambda: 1.0)
    for _ in range(SLOW_STEPS + 1):
        pace.stepped(1000, 1.0)
    assert pace.evaluation_may_be_quick()
    pace.evaluated(60.0)
    assert not pace.evaluation_may_be_quick()


def test_time_is_set_aside_at_the_speed_that_the_machine_has_now() -> None:
    clock = Clock()
    pace = TimePace(clock.now, 100_000, 200, AT_LEAST, clock)
    for _ in range(50):
        pace.stepped(1000, 0.05)
    pace.evaluated(2.0)
    clock.now += 150
    before = pace.progress(0)
    for _ in range(300):
        pace.stepped(1000, 0.25)  # someone else works on it too
    assert before == pytest.approx(150 / (200 - 2.3), rel=1e-3)
    assert pace.progress(0) == pytest.approx(150 / (200 - 10.3), rel=1e-2)


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
    pace = TimePace(clock.now, 1000, seconds, AT_LEAST, clock)
    clock.now += seconds
    assert not pace.overdue()
    clock.now += max(0.03 * seconds, 5) - 1
    assert pace.overdue()
    assert not StepPace(0.0, 1000, 10, 1, clock).overdue()
