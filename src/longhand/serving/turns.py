"""Turns at long work: no more threads compute than there are processors, and fewer while there is short work.

Short requests are what people wait for, so their thread and the one that answers come first. Long work then gets the
processors that are left, but at least short pieces of time at regular intervals.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable

SLICE = 0.012  # seconds that a piece of long work takes: a new request waits no longer for its first character
MEDIUM_SLICE = 0.003  # the same, while new requests come, and of a piece of work for one of these
SHORT_SLICE = 0.002  # and of a piece of long work while there is short work
REST = 8  # while there is short work, long work rests for so many times as long as its last piece took
ABOUT_SECONDS = 0.25  # within which another short request comes where there are many
GAP = 0.003  # seconds after short work, in which more of it is likely to come: one client's next request
LOOK_SECONDS = 0.05  # after which it is looked again whether a turn has come
OF_SHORT = 2  # processors that short work takes: the thread that writes, and the one that answers


class Turns:
    """Shares out the time for long work among threads, in pieces: whoever has had least comes next.

    - width: how many may work at the same time; as many as there are processors, if left out
    """

    def __init__(self, width: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = width or os.cpu_count() or 1
        self._lock, self._clock = threading.Lock(), clock
        self._short_begun, self._short_until, self._short_ended = -math.inf, -math.inf, -math.inf
        self._working, self._due = 0, -math.inf
        self._waiting: list[Turn] = []
        self._short: set[Turn] = set()  # of threads that have short work to do now
        self._looks: Turn | None = None  # of the thread that had some last, which looks after others once `GAP` is over
        self._least = 0.0  # seconds that the one had whose turn came last: one that comes anew has had as much

    def of(self, wake: Callable[[], None]) -> Turn:
        """Return what a thread takes its turns with; `wake` is called when one has come that it waits for."""
        return Turn(self, wake)

    def set_short(self, turn: Turn, has_short_work: bool) -> None:
        """See `Turn.set_short`."""
        with self._lock:
            if has_short_work:
                self._short.add(turn)
            elif turn in self._short:
                self._short.discard(turn)
                self._short_ended, self._looks = self._clock(), turn

    def begin_short(self, turn: Turn) -> None:
        """See `Turn.begin_short`."""
        with self._lock:
            now = self._clock()
            if now < self._short_begun + ABOUT_SECONDS:
                self._short_until = now + ABOUT_SECONDS
            self._short_begun = now
            self._short.add(turn)

    @property
    def is_short_about(self) -> bool:
        """Whether there is short work, or more of it is likely to come soon: one request alone says nothing of that."""
        return bool(self._short) or self._clock() < self._short_until

    @property
    def slice(self) -> float:
        """See `Turn.slice`."""
        now = self._clock()
        if self._is_short_now(now):
            return SHORT_SLICE
        return MEDIUM_SLICE if now < self._short_until else SLICE

    def _is_short_now(self, now: float) -> bool:
        """Return whether there is short work, or was a moment ago."""
        return bool(self._short) or now < self._short_ended + GAP

    def _width(self, now: float) -> int:
        """Return how many may do long work now."""
        if self._is_short_now(now):
            return max(self._most - OF_SHORT, int(now >= self._due))
        return max(1, self._most - self.is_short_about)

    def take(self, turn: Turn) -> bool:
        """See `Turn.take`."""
        with self._lock:
            if turn.has_come:
                return True
            if turn not in self._waiting:
                turn.had = max(turn.had, self._least)
                self._waiting.append(turn)
            woken = self._grant()
        self._wake(woken, turn)
        return turn.has_come

    def give_back(self, turn: Turn, *, again: bool) -> None:
        """See `Turn.give_back`."""
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
            if turn.has_come:
                turn.has_come = False
                now = self._clock()
                turn.had += now - turn.began
                turn.due = self._due = now + REST * (now - turn.began)
                self._working -= 1
            if again:
                self._waiting.append(turn)
            woken = self._grant()
        self._wake(woken, turn)

    def looks(self, turn: Turn) -> bool:
        """See `Turn.looks`."""
        with self._lock:
            return turn is self._looks and not self._short and len(self._waiting) > 0

    def waits(self, turn: Turn) -> bool:
        """See `Turn.waits`."""
        with self._lock:
            return turn in self._waiting

    def _grant(self) -> list[Turn]:
        """Give turns to those that have had least, as many as there are."""
        granted, now = [], self._clock()
        if not self._is_short_now(now):
            self._looks = None
        while self._working < self._width(now):
            ready = [turn for turn in self._waiting if turn not in self._short or now >= turn.due]
            if not ready:
                break
            turn = min(ready, key=lambda turn: turn.had)
            self._waiting.remove(turn)
            turn.has_come, turn.began, self._least = True, now, turn.had
            self._working += 1
            self._due = math.inf  # until this piece has ended
            granted.append(turn)
        return granted

    def _wake(self, granted: list[Turn], own: Turn) -> None:
        for turn in granted:
            if turn is not own:
                turn.wake()


class Turn:
    """What a thread takes its turns with.

    - had: seconds of work that it has had
    - due: from when on it gets a turn although its thread has short work
    """

    def __init__(self, turns: Turns, wake: Callable[[], None]) -> None:
        self._turns, self.wake = turns, wake
        self.had, self.began, self.due, self.has_come = 0.0, 0.0, -math.inf, False

    @property
    def is_short_about(self) -> bool:
        """Whether any thread has short work, or is likely to have some soon."""
        return self._turns.is_short_about

    @property
    def slice(self) -> float:
        """How many seconds a piece of long work may take now."""
        return self._turns.slice

    def begin_short(self) -> None:
        """Say that a request has come for this thread."""
        self._turns.begin_short(self)

    def set_short(self, has_short_work: bool) -> None:
        """Say whether this thread has short work to do, for which it needs no turn."""
        self._turns.set_short(self, has_short_work)

    def take(self) -> bool:
        """Take a turn and return True; or wait for one and return False, and be woken when it has come.

        It comes soon enough if one tries again every `LOOK_SECONDS`.
        """
        return self._turns.take(self)

    def give_back(self, *, again: bool = False) -> None:
        """End a turn, or stop waiting for one; with `again`, wait for the next one, which may come at once."""
        self._turns.give_back(self, again=again)

    @property
    def looks(self) -> bool:
        """Whether this thread, which had short work last, is to `take` or `give_back` once `GAP` is over.

        Long work of others begins by that. If all who wait looked themselves they would disturb the short work.
        """
        return self._turns.looks(self)

    @property
    def waits(self) -> bool:
        """Whether it waits for a turn that has not come."""
        return self._turns.waits(self)
