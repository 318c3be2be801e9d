"""A thread that carries out requests round by round, and the line before it; what a round is, its kinds say."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

from longhand.runtime.session import Session
from longhand.serving.fair import Shares
from longhand.serving.line import Line
from longhand.serving.rate import Rate
from longhand.serving.request import BusyError, Event, Failed, Request
from longhand.serving.turns import (
    GAP_SECONDS,
    LARGE_SLICE_SECONDS,
    LOOK_SECONDS,
    MEDIUM_SLICE_SECONDS,
    SHORT_SLICE_SECONDS,
    SLICE_SECONDS,
    Turns,
)

BATCH_SIZES = {LARGE_SLICE_SECONDS: 128, SLICE_SECONDS: 64, MEDIUM_SLICE_SECONDS: 32, SHORT_SLICE_SECONDS: 8}
"""Texts that advance together, by the seconds that the piece of work may take.

The kernel is hardly faster with larger batches, and delivering their results takes time.
"""
ROOM_SECONDS = 1.0  # after which it is looked again whether somebody that waits can begin
RESERVED = 32  # of so many places in the line one more is kept for requests of a single text


class Rounds(ABC):
    """Requests that are carried out together.

    - waiting: requests that may wait for their turn
    - after: is called after each piece of work, when all that came of it has been told, and before the thread waits:
      with whether it does
    - turns: which of all models' threads may do long work
    - clock: returns the seconds that the calling thread has worked: what others take meanwhile makes no piece smaller
    """

    def __init__(
        self,
        waiting: int,
        after: Callable[[bool], None],
        turns: Turns | None,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._most_waiting, self._after = waiting, after
        self._turn = (turns or Turns()).of(self._wake)
        self._changed = threading.Condition()
        self._clock, self._threads = clock, 1
        self._looked = time.monotonic()
        self._waiting = Line()
        self._shares = Shares()
        self._many_fresh = False  # whether more fresh requests write than advance together
        self._answered = False  # whether a text of a fresh request ended since there was no short work
        self._submitted = False  # whether requests have come since the last round began
        self._gone = False  # whether a request was cancelled since then
        self._news = False  # whether something happened since the last round that may let a text begin or go on
        self._ended, self.written = Rate(), Rate()  # texts and tokens
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
        """Have requests of one HTTP request written as soon as there are streams.

        Those for which there are streams do not wait; as many as are submitted together may, where nothing else does.
        Raises `BusyError` if too many wait already.
        """
        with self._changed:
            if self._closing or len(self._waiting) + len(requests) > self._places(requests):
                waiting = len(self._waiting)
                raise BusyError(waiting, self._ended.seconds_for(waiting + 1), closing=self._closing)
            for request in requests:
                request.changed = partial(self._note_change, request)
                self._waiting.add(request)
            self._gone = True  # some may be cancelled already
            self._news = self._submitted = True
            self._turn.set_short(True)
            self._changed.notify()

    def _places(self, requests: tuple[Request, ...]) -> int:
        """Return how many places the line has for requests.

        Beyond the usual number there are some for requests of a single text, and as many again for addresses that have
        less than their share of the line: however long somebody makes it, it is not full for everybody.
        """
        most = self._most_waiting + max(0, self._room())
        client = requests[0].client if requests else ""
        if self._waiting.of_client(client) + len(requests) <= self._most_waiting // (self._waiting.clients + 1):
            return 2 * most
        if len(requests) == 1 and len(requests[0].seeds) == 1:
            most += self._most_waiting // RESERVED
        return max(most, len(requests))

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
        """Whether there is nothing to do before something happens that `_news` tells of."""

    @abstractmethod
    def _room(self) -> int:
        """Return how many requests can be taken in without making another one wait."""

    def _somebody_waits(self) -> bool:
        return len(self._waiting) > 0

    @abstractmethod
    def _leave(self) -> None:
        """Free what cancelled requests hold."""

    @abstractmethod
    def _admit(self) -> None:
        """Take requests out of the line, and let texts begin or go on, as far as there are streams."""

    @abstractmethod
    def _round(self) -> None:
        """Do a piece of each kind of work."""

    def _wake(self) -> None:
        with self._changed:
            self._news = True
            self._changed.notify()

    def _note_change(self, request: Request) -> None:
        """Wake the thread because a request was cancelled or resumed."""
        if request.cancelled:
            self._gone = True
        self._wake()

    def _all(self) -> set[Request]:
        return {*self._waiting, *self._taken()}

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._ending and not self._news and self._idle() and not (self._closing and not self._all()):
                    self._after(True)
                    if not self._changed.wait(self._patience()):
                        self._news |= time.monotonic() >= self._looked + ROOM_SECONDS  # keep what came meanwhile
                        break
                if self._closing and (self._ending or not self._all()):
                    break
                news, self._news, self._submitted = self._news, False, False
                self._looked = time.monotonic() if news else self._looked
                if self._gone:
                    self._gone = False
                    self._waiting.leave()
                    self._leave()
            try:
                if news:
                    self._admit()
                self._round()
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it, and others come)
                self._end_turns()
                self._fail(self._taken(), error)
            self._after(False)
        self._end_turns()
        for request in self._all():
            tell(request, Failed(TimeoutError("the server ends"), closing=True))
        self._after(True)

    def _patience(self) -> float | None:
        """Return how many seconds to wait at most; None if an event will wake this thread."""
        if self._turn.must_look:
            return GAP_SECONDS
        if self._turn.waits:
            return LOOK_SECONDS
        return ROOM_SECONDS if self._somebody_waits() else None

    def _slice(self, *, fresh: bool) -> float:
        """Return the seconds that a piece of work may take now, for fresh requests or for others."""
        if fresh and not self._many_fresh:
            return MEDIUM_SLICE_SECONDS
        return SLICE_SECONDS if fresh else self._turn.slice  # small pieces for many would take longer than they save

    @abstractmethod
    def _has_long_work(self) -> bool:
        """Whether there is work for a request that has had much already, or a long prompt to be read."""

    @abstractmethod
    def _do_long_work(self) -> None:
        """Do a piece of it."""

    @abstractmethod
    def _has_short_work(self) -> bool:
        """Whether there is work for fresh requests, or a short prompt to be read."""

    def _take_turn(self, *, has_fresh_texts: bool) -> None:
        """Do a piece of long work if it is this thread's turn; short work comes first, but not for long.

        - has_fresh_texts: whether there are texts of fresh requests, paused ones included
        """
        has_short_work = self._has_short_work() or self._submitted
        self._turn.set_short(has_short_work, answered=self._answered or has_fresh_texts)
        self._answered &= has_short_work
        if not self._has_long_work():
            self._turn.give_back()
        elif self._turn.take():
            try:
                self._do_long_work()
            finally:
                self._turn.give_back(again=self._has_long_work())

    def _note_end(self, *, was_fresh: bool) -> None:
        """Note that a text has ended, perhaps of a request that was fresh until then."""
        self._ended.add()
        self._answered |= was_fresh

    def _limit_threads(self, session: Session, *, short: bool) -> None:
        """Set the threads of a session: all for short work, one fewer for long work beside a little short work."""
        threads: int | None = getattr(session, "threads", None)
        if threads is not None:
            self._threads = max(self._threads, threads)
            fewer = not short and not self._many_fresh and self._turn.has_recent_short_work
            session.threads = max(1, self._threads - fewer)  # type: ignore[attr-defined]

    def _end_turns(self) -> None:
        self._turn.set_short(False)
        self._turn.give_back()

    def _fail(self, requests: list[Request], error: Exception) -> None:
        """Tell those who asked that nothing more comes, and why; go on for others."""
        for request in set(requests):
            tell(request, Failed(error))
            request.cancel()
        with self._changed:
            self._leave()


def tell(request: Request, event: Event) -> None:
    """Deliver an event unless the request was cancelled; cancel it if delivery raises."""
    if not request.cancelled:
        try:
            request.tell(event)
        except Exception:  # noqa: BLE001 (others are not to suffer from it)
            request.cancel()
