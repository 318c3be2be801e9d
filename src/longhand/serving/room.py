"""How much may lie in memory of answers until they are whole, and of prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from longhand.serving.problems import ApiError
from longhand.serving.request import BusyError

MOST_NUMBERS = 1_000_000  # that are told of the tokens of one answer; about 100 bytes each until it is sent
OF_ALL_NUMBERS = 4_000_000
OF_ALL_TEXTS = 64_000_000  # tokens of unstreamed texts
OF_ALL_PROMPTS = 16_000_000  # tokens, of 16 bytes each until they are read
OF_ALL_ECHOES = 64_000_000  # characters of prompts that answers repeat
RESERVED = 8  # of each room this part is kept for small requests
SMALL = 256  # a request is small that takes such a part of the reserve at most
MAX_SECONDS = 3600.0  # nobody is told to come back later than in an hour
Patience = Callable[[int], float]
"""Returns in how many seconds there is likely to be so much more room."""


def _a_second(_: int) -> float:
    return 1.0


class Holding(Protocol):
    """An answer that holds room: tokens that it may have, and those that are still to be generated for it."""

    @property
    def reserved(self) -> int: ...  # noqa: D102

    @property
    def left(self) -> int: ...  # noqa: D102


class Room:
    """Memory that all share: no address may hold more than what is still free, and small requests have a reserve.

    One address alone gets half of it, two get a third each; some is always left for the next one, as in a network
    switch that shares its buffers by dynamic thresholds (A. Choudhury, E. Hahne, 1998).

    - most: in all
    - why: what is told where nothing is left
    - patience: says when there may be some
    """

    def __init__(self, most: int, why: str, patience: Patience = _a_second) -> None:
        self._most, self._why, self._taken = most, why, 0
        self._held: dict[str, int] = {}
        self.patience = patience

    def take(self, wanted: int, client: str | None = None) -> None:
        """Take some. Raises `BusyError` for more than is left; who asks for more than there is gets it all alone.

        - client: the address that it is for; None for room that is not shared by addresses
        """
        if self._taken and (short := wanted - self._left(wanted, client)) > 0:
            raise BusyError(0, self.patience(short), why=self._why)
        self._taken += wanted
        if client is not None and wanted:
            self._held[client] = self._held.get(client, 0) + wanted

    def give_back(self, taken: int, client: str | None = None) -> None:
        """Give some back."""
        self._taken -= taken
        if client is not None and taken:
            self._held[client] -= taken
            if not self._held[client]:
                del self._held[client]

    @contextmanager
    def taken(self, wanted: int, client: str | None = None) -> Iterator[None]:
        """Take some for as long as it is used. Raises `BusyError` as `take` does."""
        self.take(wanted, client)
        try:
            yield
        finally:
            self.give_back(wanted, client)

    def _left(self, wanted: int, client: str | None) -> int:
        """Return how much of the room there is for a request that wants so much."""
        left = self._most - self._taken
        if client is None:
            return left
        reserve = self._most // RESERVED
        if wanted <= reserve // SMALL:
            return left
        return left - reserve - self._held.get(client, 0)


class Rooms:
    """All of a server's.

    - speed: returns how many tokens are generated in a second
    """

    def __init__(self, speed: Callable[[], float] = lambda: 0.0) -> None:
        self._speed, self._answers = speed, set[Holding]()
        self.numbers = Room(OF_ALL_NUMBERS, "too many long answers are written", self.seconds_until)
        self.texts = Room(OF_ALL_TEXTS, "too many long answers are written", self.seconds_until)
        self.echoes = Room(OF_ALL_ECHOES, "too many long answers are written", self.seconds_until)
        self.prompts = Room(OF_ALL_PROMPTS, "too many long prompts are read", self.seconds_until)

    @contextmanager
    def held_by(self, answer: Holding) -> Iterator[None]:
        """Know of an answer for as long as it holds room."""
        self._answers.add(answer)
        try:
            yield
        finally:
            self._answers.discard(answer)

    def seconds_until(self, short: int) -> float:
        """Estimate when so much is given back, as all that hold something are generated at the same speed."""
        freed = needed = 0
        for answer in sorted(self._answers, key=lambda answer: answer.left):
            freed, needed = freed + answer.reserved, answer.left
            if freed >= short:
                break
        work, speed = sum(min(answer.left, needed) for answer in self._answers), self._speed()
        return min(max(1.0, work / speed), MAX_SECONDS) if speed > 0 else 1.0


def refuse_too_much(numbers: int) -> None:
    """Raise `ApiError` for more numbers on its tokens than any answer may have."""
    if numbers > MOST_NUMBERS:
        raise ApiError(
            400,
            f"max_tokens: the answer would have up to {numbers:,} numbers on its tokens, expected up to "
            f"{MOST_NUMBERS:,}: ask for fewer tokens, texts or logprobs, or for a stream",
            param="max_tokens",
        )
