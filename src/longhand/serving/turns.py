"""Schedule long work across threads: short work comes first, and no more threads compute than there are processors.

People wait for short requests. While there are any, long work gets the processors that they leave over, or short pieces
of time at intervals.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable

SLICE_SECONDS = 0.01  # length of a piece of long work: a new request waits no longer for its first character
LARGE_SLICE_SECONDS = 0.04  # the same where hundreds of texts are generated
MEDIUM_SLICE_SECONDS = 0.003  # the same after recent short work; also the length of a piece of short work
SHORT_SLICE_SECONDS = 0.001  # the same while there is short work
REST_FACTOR = 16  # long work rests this many times as long as its last piece took, while there is short work
RECENT_SECONDS = 0.25  # after short work, one processor stays free for more of it
GAP_SECONDS = 0.003  # after short work, it counts as going on: a client needs a moment to send its next request
LOOK_SECONDS = 0.05  # between two attempts to take a turn
NUM_SHORT_PROCESSORS = 2  # that short work uses: the model's thread and the event loop


class Turns:
    """Shares out the time for long work among threads, in pieces: whoever has had least comes next.

    - width: how many may work at the same time; as many as there are processors, if left out
    """

    def __init__(self, width: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = width or os.cpu_count() or 1
        self._lock, self._clock = threading.Lock(), clock
        self._short_ended = -math.inf
        self._working, self._due = 0, -math.inf
        self._waiting: list[Turn] = []
        self._short: set[Turn] = set()  # of threads that have short work to do now
        self._looker: Turn | None = None  # of the thread that starts long work again after short work
        self._least = 0.0  # seconds that the one had whose turn came last: one that comes anew has had as much

    def of(self, wake: Callable[[], None]) -> Turn:
        """Return what a thread takes its turns with; `wake` is called when one has come that it waits for."""
        return Turn(self, wake)

    def set_short(self, turn: Turn, has_short_work: bool, *, answered: bool) -> None:
        """See `Turn.set_short`."""
        with self._lock:
            if has_short_work:
                self._short.add(turn)
            elif turn in self._short:
                self._short.discard(turn)
                if answered:
                    self._short_ended, self._looker = self._clock(), turn

    @property
    def has_recent_short_work(self) -> bool:
        """Whether there is short work, or was within the last `RECENT_SECONDS`."""
        return bool(self._short) or self._clock() < self._short_ended + RECENT_SECONDS

    @property
    def slice(self) -> float:
        """See `Turn.slice`."""
        now = self._clock()
        if self._has_short_work(now):
            return SHORT_SLICE_SECONDS
        return MEDIUM_SLICE_SECONDS if self.has_recent_short_work else SLICE_SECONDS

    def _has_short_work(self, now: float) -> bool:
        """Return whether there is short work, or was within the last `GAP_SECONDS`."""
        return bool(self._short) or now < self._short_ended + GAP_SECONDS

    def _width(self, now: float) -> int:
        """Return how many threads may do long work now."""
        if self._has_short_work(now):
            return max(self._most - NUM_SHORT_PROCESSORS, int(now >= self._due))
        return max(1, self._most - self.has_recent_short_work)

    def take(self, turn: Turn) -> bool:
        """See `Turn.take`."""
        with self._lock:
            if turn.has_come:
                turn.began = self._clock()  # it may have been granted while its thread did short work
                return True
            if turn not in self._waiting:
                turn.had = max(turn.had, self._least)
                self._waiting.append(turn)
            woken = self._grant()
            self._appoint_looker(turn)
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
                turn.due = self._due = now + REST_FACTOR * (now - turn.began)
                self._working -= 1
            if again:
                self._waiting.append(turn)
            woken = self._grant()
            self._appoint_looker(turn)
        self._wake(woken, turn)

    def must_look(self, turn: Turn) -> bool:
        """See `Turn.must_look`."""
        with self._lock:
            return turn is self._looker and not self._short and len(self._waiting) > 0

    def waits(self, turn: Turn) -> bool:
        """See `Turn.waits`."""
        with self._lock:
            return turn in self._waiting

    def _grant(self) -> list[Turn]:
        """Give turns to those that have had least, as many as there are."""
        granted, now = [], self._clock()
        if not self._has_short_work(now):
            self._looker = None
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

    def _appoint_looker(self, turn: Turn) -> None:
        """Make a thread look that has to wait only for the gap to end: the one that had short work may be asleep."""
        if turn in self._waiting and not self._short and self._has_short_work(self._clock()):
            self._looker = turn

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
    def has_recent_short_work(self) -> bool:
        """Whether any thread has short work, or had some within the last `RECENT_SECONDS`."""
        return self._turns.has_recent_short_work

    @property
    def slice(self) -> float:
        """Seconds that a piece of long work may take now."""
        return self._turns.slice

    def set_short(self, has_short_work: bool, *, answered: bool = True) -> None:
        """Set whether this thread has short work to do. It needs no turn for that.

        - answered: whether requests came to their end by it, so that clients may send their next ones; not so where
          they are long work now
        """
        self._turns.set_short(self, has_short_work, answered=answered)

    def take(self) -> bool:
        """Take a turn and return True; or wait for one and return False, and be woken when it has come.

        Call it again every `LOOK_SECONDS` while waiting: a turn can come due without an event that wakes anybody.
        """
        return self._turns.take(self)

    def give_back(self, *, again: bool = False) -> None:
        """End a turn, or stop waiting for one; with `again`, wait for the next one, which may come at once."""
        self._turns.give_back(self, again=again)

    @property
    def must_look(self) -> bool:
        """Whether this thread has to call `take` or `give_back` once `GAP_SECONDS` is over.

        That starts long work again after short work. If all threads polled, they would disturb the short work.
        """
        return self._turns.must_look(self)

    @property
    def waits(self) -> bool:
        """Whether it waits for a turn that has not come."""
        return self._turns.waits(self)
