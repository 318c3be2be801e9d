"""A thread that carries out requests round by round, and the line before it; what a round is, its kinds say."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

import numpy as np

from longhand.serving.line import Line
from longhand.serving.request import BusyError, Event, Failed, Request

ROUND = 0.012  # seconds that a piece of the texts takes: so long somebody new waits, and no writer's page stands still
USUAL_SECONDS = 1.0  # that a text takes, until some have been seen
REMEMBERED = 50  # texts of which the time is known


class Rounds(ABC):
    """Requests that are carried out together.

    - waiting: requests that may wait for their turn
    - after: is called after each round, when all that came of it has been told
    """

    def __init__(self, waiting: int, after: Callable[[], None]) -> None:
        self._most_waiting, self._after = waiting, after
        self._changed = threading.Condition()
        self._waiting = Line()
        self._took: deque[float] = deque(maxlen=REMEMBERED)
        self._closing = self._ending = False
        self._thread = threading.Thread(target=self._run, name="longhand scheduler", daemon=True)

    @property
    @abstractmethod
    def writing(self) -> int:
        """How many streams are taken."""

    @property
    def queued(self) -> int:
        """How many requests wait for a stream."""
        return len(self._waiting)

    def submit(self, *requests: Request) -> None:
        """Let requests be written as soon as there are streams. Raises `BusyError` if too many wait already.

        Those for whom there are streams do not wait; as many as ask together may, where nobody else does.
        """
        with self._changed:
            most = max(self._most_waiting + max(0, self._room()), len(requests))
            if self._closing or len(self._waiting) + len(requests) > most:
                raise BusyError(len(self._waiting), self._patience(), closing=self._closing)
            for request in requests:
                request.changed = self._wake
                self._waiting.add(request)
            self._changed.notify()

    def close(self, grace: float = 5.0) -> None:
        """Take nothing new, let what is being written come to its end for some seconds, and end the rest."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(grace)
        self._ending = True
        self._wake()
        self._thread.join()

    @abstractmethod
    def _taken(self) -> list[Request]:
        """Return all requests that do not wait any more, as often as may be."""

    @abstractmethod
    def _idle(self) -> bool:
        """Whether there is nothing to do but to wait for somebody."""

    @abstractmethod
    def _room(self) -> int:
        """Return how many requests can be taken in."""

    @abstractmethod
    def _leave(self) -> None:
        """Free what those hold who gave up."""

    @abstractmethod
    def _round(self, admitted: list[Request]) -> None:
        """Take some in, and let all texts become longer."""

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _patience(self) -> float:
        """Return in how many seconds about a stream is free for one more."""
        usual = float(np.mean(self._took)) if self._took else USUAL_SECONDS
        return max(1.0, usual * (1 + len(self._waiting) / max(1, self.writing)))

    def _all(self) -> set[Request]:
        return {*self._waiting, *self._taken()}

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._ending and self._idle() and not (self._closing and not self._all()):
                    self._changed.wait()
                if self._closing and (self._ending or not self._all()):
                    break
                self._waiting.leave()
                self._leave()
                admitted = [self._waiting.next() for _ in range(max(0, min(len(self._waiting), self._room())))]
            try:
                self._round(admitted)
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it, and others come)
                self._fail(self._taken(), error)
            self._after()
        for request in self._all():
            tell(request, Failed(TimeoutError("the server ends"), closing=True))
        self._after()

    def _fail(self, requests: list[Request], error: Exception) -> None:
        """Tell those who asked that nothing more comes, and why; go on for others."""
        for request in set(requests):
            tell(request, Failed(error))
            request.cancel()
        with self._changed:
            self._leave()


def tell(request: Request, event: Event) -> None:
    """Tell an event to who has not given up; one who fails to listen has."""
    if not request.cancelled:
        try:
            request.tell(event)
        except Exception:  # noqa: BLE001 (others are not to suffer from it)
            request.cancel()
