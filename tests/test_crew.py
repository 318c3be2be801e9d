"""All threads, or one alone: whichever is faster on a machine that others use too."""

from __future__ import annotations

from collections.abc import Callable

from longhand.training.native.crew import LONGEST_ALONE, LOOK, Crew


def run(crew: Crew, steps: int, seconds: Callable[[int, int], float]) -> tuple[list[int], float]:
    """Make steps that take `seconds` of the step's number and the threads; return the threads, and all seconds."""
    made, total = [], 0.0
    for step in range(steps):
        threads = crew.threads()
        took = seconds(step, threads)
        crew.took(threads, took)
        made.append(threads)
        total += took
    return made, total


def test_on_a_quiet_machine_all_threads_work_but_for_a_trial() -> None:
    made, _ = run(Crew(2), 1000, lambda _, threads: 1 / threads)
    assert made.count(1) == 2 + 1000 // LOOK


def test_where_another_program_runs_one_thread_goes_on_alone_and_later_all_do_again() -> None:
    def seconds(step: int, threads: int) -> float:
        busy = 200 <= step < 600
        return (5.0 if busy else 0.5) if threads == 2 else (1.1 if busy else 1.0)

    made, _ = run(Crew(2), 1500, seconds)
    assert made[203:219] == [1] * 16
    assert made[200:600].count(2) < 25
    assert made[600 + LONGEST_ALONE :].count(1) <= 3


def test_it_costs_little_whatever_is_faster() -> None:
    for together in (0.3, 0.55, 0.95, 1.05, 2.0, 20.0):
        _, took = run(Crew(4), 2000, lambda _, threads, together=together: together if threads > 1 else 1.0)  # type: ignore[misc]
        assert took <= 2000 * min(together, 1.0) * 1.03 + 30 * together


def test_a_score_is_never_slowed_by_a_trial() -> None:
    crew, scored = Crew(2), []
    for _ in range(2 * LOOK):
        threads = crew.threads()
        scored.append(crew.scoring_threads())
        crew.took(threads, 1 / threads)
    assert set(scored) == {2}


def test_one_thread_is_one_thread() -> None:
    made, _ = run(Crew(1), 50, lambda *_: 1.0)
    assert made == [1] * 50


def test_single_slow_steps_change_nothing() -> None:
    made, _ = run(Crew(2), 1000, lambda step, threads: 9.0 if step % 7 == 6 else 1 / threads)
    assert made.count(1) == 2 + 1000 // LOOK


def test_a_trial_that_was_disturbed_is_made_up_for() -> None:
    def seconds(step: int, threads: int) -> float:
        if threads == 1:
            return 6.0 if step < 10 else 1.0
        return 0.5 if step < 300 else 5.0

    made, _ = run(Crew(2), 2000, seconds)
    assert made[600:].count(2) < 50
