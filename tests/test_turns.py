"""Threads take turns at long work, and short work comes first."""

from __future__ import annotations

from collections import Counter

from longhand.serving.turns import (
    GAP_SECONDS,
    MEDIUM_SLICE_SECONDS,
    RECENT_SECONDS,
    REST_FACTOR,
    SHORT_SLICE_SECONDS,
    SLICE_SECONDS,
    Turn,
    Turns,
)


def test_threads_take_turns_by_the_time_that_they_have_had() -> None:
    now, woken = [0.0], list[str]()
    turns = Turns(1, lambda: now[0])
    slow, quick = turns.of(lambda: woken.append("slow")), turns.of(lambda: woken.append("quick"))
    had: Counter[str] = Counter()
    assert slow.take()
    assert not quick.take()
    for _ in range(200):
        one, name, seconds = (slow, "slow", 5.0) if slow.has_come else (quick, "quick", 1.0)
        now[0] += seconds
        had[name] += int(seconds)
        one.give_back(again=True)
    assert abs(had["slow"] - had["quick"]) <= 5
    assert set(woken) == {"slow", "quick"}


def turns_on(processors: int) -> tuple[list[float], Turn, Turn, Turn]:
    """Return the time, and what three threads take their turns with."""
    now = [0.0]
    turns = Turns(processors, lambda: now[0])
    return now, turns.of(lambda: None), turns.of(lambda: None), turns.of(lambda: None)


def test_a_processor_is_left_to_short_work_as_long_as_there_was_some_a_moment_ago() -> None:
    now, short, one, other = turns_on(2)
    short.set_short(True)
    short.set_short(False)
    now[0] += GAP_SECONDS
    assert one.take()
    assert not other.take()
    other.give_back()
    now[0] += RECENT_SECONDS
    assert other.take()


def test_while_there_is_short_work_long_work_rests_in_proportion_to_what_it_took() -> None:
    now, short, one, other = turns_on(2)
    short.set_short(True)
    assert one.take()
    assert not other.take()
    now[0] += 2.0
    one.give_back(again=True)
    now[0] += REST_FACTOR * 2.0 - 0.1
    assert not one.take()
    assert not other.has_come
    now[0] += 0.2
    assert not one.take()
    assert other.has_come, "the one that has had least comes first"


def test_between_two_requests_of_one_client_no_long_work_begins() -> None:
    now, short, one, _ = turns_on(2)
    short.set_short(True)
    assert one.take()
    now[0] += 1.0
    one.give_back()
    short.set_short(False)
    now[0] += GAP_SECONDS / 2
    assert not one.take()
    now[0] += GAP_SECONDS
    assert one.take()


def test_where_there_are_more_processors_the_others_do_long_work_without_rest() -> None:
    _, short, one, other = turns_on(4)
    short.set_short(True)
    assert one.take()
    assert other.take()


def test_a_thread_does_its_own_short_work_first_on_any_number_of_processors() -> None:
    now, short, _, _ = turns_on(64)
    short.set_short(True)
    assert short.take()
    now[0] += 2.0
    short.give_back(again=True)
    now[0] += REST_FACTOR * 2.0 - 0.1
    assert not short.take()
    now[0] += 0.2
    assert short.take()


def test_pieces_of_long_work_are_the_shorter_the_more_short_work_there_is() -> None:
    now, short, one, _ = turns_on(2)
    assert one.slice == SLICE_SECONDS
    short.set_short(True)
    assert one.slice == SHORT_SLICE_SECONDS
    short.set_short(False)
    now[0] += GAP_SECONDS
    assert one.slice == MEDIUM_SLICE_SECONDS
    now[0] += RECENT_SECONDS
    assert one.slice == SLICE_SECONDS


def test_the_thread_that_had_short_work_last_lets_others_begin_and_only_that_one_looks() -> None:
    now, short, one, other = turns_on(2)
    short.set_short(True)
    assert one.take()
    now[0] += 1.0
    one.give_back(again=True)
    short.set_short(False)
    assert short.must_look
    assert not one.must_look
    now[0] += GAP_SECONDS
    short.give_back()
    assert one.has_come
    assert not short.must_look
    assert not other.must_look


def test_a_thread_whose_piece_ends_in_the_gap_looks_itself_since_the_other_may_be_asleep() -> None:
    now, short, one, _ = turns_on(2)
    assert one.take()
    short.set_short(True)
    short.set_short(False)
    short.give_back()
    assert not short.must_look, "nobody waits yet"
    now[0] += GAP_SECONDS / 3
    one.give_back(again=True)
    assert not one.has_come
    assert one.must_look
    now[0] += GAP_SECONDS
    assert one.take()


def test_a_turn_that_is_granted_during_short_work_begins_when_it_is_taken() -> None:
    now, short, one, _ = turns_on(2)
    assert one.take()
    short.set_short(True)
    assert not short.take()
    now[0] += 1.0
    one.give_back()
    now[0] += REST_FACTOR
    one.give_back()
    assert short.has_come
    now[0] += 5.0  # of short work
    assert short.take()
    now[0] += 1.0
    short.give_back(again=True)
    now[0] += REST_FACTOR
    assert short.take()


def test_after_short_work_that_has_become_long_no_processor_and_no_time_is_left_free() -> None:
    _, short, one, other = turns_on(2)
    short.set_short(True)
    short.set_short(False, answered=False)
    assert one.slice == SLICE_SECONDS
    assert one.take()
    assert other.take()
