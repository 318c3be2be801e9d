"""Turns at long work: no more threads compute than there are processors, and one less while short work is about."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

ABOUT_SECONDS = 0.25  # for which one processor is left to short work after there was some


class Turns:
    """Shares out the time for long work among threads, in pieces: whoever has had least comes next.

    - width: how many may work at the same time; as many as there are processors, if left out
    """

    def __init__(self, width: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = width or os.cpu_count() or 1
        self._lock, self._clock = threading.Lock(), clock
        self._short_until = -ABOUT_SECONDS
        self._working = 0
        self._waiting: list[Turn] = []
        self._least = 0.0  # seconds that the one had whose turn came last: one that comes anew has had as much

    def of(self, wake: Callable[[], None]) -> Turn:
        """Return what a thread takes its turns with; `wake` is called when one has come that it waits for."""
        return Turn(self, wake)

    def note_short(self) -> None:
        """Take note that there is short work, which is not to wait for a processor."""
        self._short_until = self._clock() + ABOUT_SECONDS

    @property
    def is_short_about(self) -> bool:
        """Whether there was short work a moment ago."""
        return self._clock() < self._short_until

    @property
    def _width(self) -> int:
        return max(1, self._most - self.is_short_about)

    def take(self, turn: Turn) -> bool:
        """See `Turn.take`."""
        with self._lock:
            if turn.has_come:
                return True
            if turn in self._waiting:
                return False
            turn.had = max(turn.had, self._least)
            self._waiting.append(turn)
            self._grant()
            return turn.has_come

    def give_back(self, turn: Turn, *, again: bool) -> None:
        """See `Turn.give_back`."""
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
            if turn.has_come:
                turn.has_come = False
                turn.had += self._clock() - turn.began
                self._working -= 1
            if again:
                self._waiting.append(turn)
            woken = self._grant()
        for other in woken:
            if other is not turn:
                other.wake()

    def waits(self, turn: Turn) -> bool:
        """See `Turn.waits`."""
        with self._lock:
            return turn in self._waiting

    def _grant(self) -> list[Turn]:
        """Give turns to those that have had least, as many as there are."""
        granted = []
        while self._waiting and self._working < self._width:
            turn = min(self._waiting, key=lambda turn: turn.had)
            self._waiting.remove(turn)
            turn.has_come, turn.began, self._least = True, self._clock(), turn.had
            self._working += 1
            granted.append(turn)
        return granted


class Turn:
    """What a thread takes its turns with.

    - had: seconds of work that it has had
    """

    def __init__(self, turns: Turns, wake: Callable[[], None]) -> None:
        self._turns, self.wake = turns, wake
        self.had, self.began, self.has_come = 0.0, 0.0, False

    @property
    def is_short_about(self) -> bool:
        """Whether there was short work a moment ago, in any thread."""
        return self._turns.is_short_about

    def note_short(self) -> None:
        """Take note that this thread has short work to do, for which it needs no turn."""
        self._turns.note_short()

    def take(self) -> bool:
        """Take a turn and return True; or wait for one and return False, and be woken when it has come."""
        return self._turns.take(self)

    def give_back(self, *, again: bool = False) -> None:
        """End a turn, or stop waiting for one; with `again`, wait for the next one, which may come at once."""
        self._turns.give_back(self, again=again)

    @property
    def waits(self) -> bool:
        """Whether it waits for a turn that has not come."""
        return self._turns.waits(self)
