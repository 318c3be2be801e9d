"""How much of answers may lie in memory until they are whole: bounded for each, and for all together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from longhand.serving.problems import ApiError
from longhand.serving.request import BusyError

MOST_OF_ONE = 1_000_000  # numbers that are told of the tokens of an answer; about 100 bytes each until it is sent
MOST_OF_ALL = 4_000_000
TEXT = 50  # tokens of plain text that take as much room as one number


def room_for(tokens: int, listed: int | None) -> int:
    """Return the room that tokens take; `listed`: of how many others in the place of each it is told."""
    return tokens // TEXT if listed is None else tokens * (1 + listed)


def refuse_too_much(wanted: int) -> None:
    """Raise `ApiError` for more than any answer may have."""
    if wanted > MOST_OF_ONE:
        raise ApiError(
            400,
            f"max_tokens: the answer would have up to {wanted:,} numbers on its tokens, expected up to "
            f"{MOST_OF_ONE:,}: ask for fewer tokens, texts or logprobs, or for a stream",
            param="max_tokens",
        )


class Room:
    """What is left of it."""

    def __init__(self) -> None:
        self._taken = 0

    @contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        """Take some for as long as it is used.

        Raises `ApiError` for more than any answer may have, `BusyError` for more than is left.
        """
        refuse_too_much(wanted)
        if self._taken + wanted > MOST_OF_ALL:
            raise BusyError(0, 1.0, why="too many long answers are written")
        self._taken += wanted
        try:
            yield
        finally:
            self._taken -= wanted
