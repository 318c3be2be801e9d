"""Answers that lie in memory until they are whole have a bound, each and all together."""

from __future__ import annotations

import pytest

from longhand.serving.problems import ApiError
from longhand.serving.request import BusyError
from longhand.serving.room import MOST_OF_ALL, MOST_OF_ONE, Room, room_for


def test_an_answer_may_have_so_much_and_all_together_so_much() -> None:
    room = Room()
    with pytest.raises(ApiError, match="ask for fewer tokens"), room.taken(MOST_OF_ONE + 1):
        pass
    held = [room.taken(MOST_OF_ONE) for _ in range(MOST_OF_ALL // MOST_OF_ONE)]
    for one in held:
        one.__enter__()
    with pytest.raises(BusyError, match="too many long answers"), room.taken(1):
        pass
    held.pop().__exit__(None, None, None)
    with room.taken(MOST_OF_ONE):
        pass
    with pytest.raises(ZeroDivisionError), room.taken(MOST_OF_ONE):
        raise ZeroDivisionError
    with room.taken(MOST_OF_ONE):  # what failed has given back what it took
        pass


def test_plain_text_takes_little_and_numbers_take_their_number() -> None:
    assert room_for(100_000, None) == 2000
    assert room_for(100_000, 0) == 100_000
    assert room_for(100, 20) == 2100
