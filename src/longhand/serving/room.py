"""How much may lie in memory of answers until they are whole, and of prompts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from longhand.serving.problems import ApiError
from longhand.serving.request import BusyError

MOST_NUMBERS = 1_000_000  # that are told of the tokens of one answer; about 100 bytes each until it is sent
OF_ALL_NUMBERS = 4_000_000
OF_ALL_TEXTS = 64_000_000  # tokens of unstreamed texts
OF_ALL_PROMPTS = 16_000_000  # tokens, of 16 bytes each until they are read


class Room:
    """What is left of it.

    - most: in all
    - why: what is told where nothing is left
    """

    def __init__(self, most: int, why: str) -> None:
        self._most, self._why, self._taken = most, why, 0

    def take(self, wanted: int) -> None:
        """Take some. Raises `BusyError` for more than is left; who asks for more than there is gets it all alone."""
        if self._taken and self._taken + wanted > self._most:
            raise BusyError(0, 1.0, why=self._why)
        self._taken += wanted

    def give_back(self, taken: int) -> None:
        """Give some back."""
        self._taken -= taken

    @contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        """Take some for as long as it is used. Raises `BusyError` as `take` does."""
        self.take(wanted)
        try:
            yield
        finally:
            self.give_back(wanted)


class Rooms:
    """All of a server's."""

    def __init__(self) -> None:
        self.numbers = Room(OF_ALL_NUMBERS, "too many long answers are written")
        self.texts = Room(OF_ALL_TEXTS, "too many long answers are written")
        self.prompts = Room(OF_ALL_PROMPTS, "too many long prompts are read")


def refuse_too_much(numbers: int) -> None:
    """Raise `ApiError` for more numbers on its tokens than any answer may have."""
    if numbers > MOST_NUMBERS:
        raise ApiError(
            400,
            f"max_tokens: the answer would have up to {numbers:,} numbers on its tokens, expected up to "
            f"{MOST_NUMBERS:,}: ask for fewer tokens, texts or logprobs, or for a stream",
            param="max_tokens",
        )
