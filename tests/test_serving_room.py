"""What lies in memory for those who ask has a bound, all together."""

from __future__ import annotations

import pytest

from longhand.serving.problems import ApiError
from longhand.serving.request import BusyError
from longhand.serving.room import MOST_NUMBERS, Room, refuse_too_much


def test_all_together_may_have_so_much_and_what_is_given_back_can_be_taken_again() -> None:
    room = Room(100, "too much")
    with room.taken(60), room.taken(40):
        with pytest.raises(BusyError, match="too much"), room.taken(1):
            pass
        room.give_back(40)
        room.take(30)
        room.give_back(30)
        room.take(40)
    with pytest.raises(ZeroDivisionError), room.taken(100):
        raise ZeroDivisionError
    with room.taken(100):  # what failed has given back what it took
        pass


def test_who_needs_more_than_there_is_gets_it_alone() -> None:
    room = Room(100, "too much")
    with room.taken(1000), pytest.raises(BusyError), room.taken(1):
        pass
    with room.taken(1), pytest.raises(BusyError), room.taken(1000):
        pass


def test_one_answer_may_have_so_many_numbers() -> None:
    refuse_too_much(MOST_NUMBERS)
    with pytest.raises(ApiError, match="ask for fewer tokens"):
        refuse_too_much(MOST_NUMBERS + 1)
