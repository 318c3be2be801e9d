"""Limits on the memory and time that a shape takes: a short request can describe an automaton of any size."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from longhand.errors import OptionError

STEPS_PER_CHECK = 64  # few enough that a check comes every few milliseconds, and too many for it to cost anything


class Bounds(NamedTuple):
    """The largest shape that is accepted.

    - places, connections: of a pattern, repeats counted as often as they may occur, and which may follow which
    - sets: different sets of characters that the shapes tell apart
    - combinations, steps: states of the product of all shapes, and transitions between them
    - max_bytes: memory of everything that is kept for the shape, the token masks included
    - max_seconds: time to prepare the shape, and again for the token mask of each state
    """

    places: int = 20_000
    connections: int = 2_000_000
    sets: int = 20_000
    combinations: int = 300_000
    steps: int = 3_000_000
    max_bytes: int = 1 << 29
    max_seconds: float = 30.0


USUAL = Bounds()
"""For the command line and Python. The server has tighter ones (`longhand.serving.asking.BOUNDS`)."""


def never_interrupt() -> None:
    """Never interrupt."""


class Budget:
    """What is left of the bounds for one shape: every long loop and every large allocation asks here first.

    - interrupt: is called every few steps, and raises an error to stop
    - clock: seconds, as of `time.monotonic`
    """

    def __init__(
        self,
        bounds: Bounds = USUAL,
        *,
        interrupt: Callable[[], None] = never_interrupt,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.bounds, self.clock = bounds, clock
        self.used_bytes = 0
        self._interrupt = interrupt
        self._steps = 0
        self.renew()

    def renew(self) -> None:
        """Allow `max_seconds` from now on."""
        self._seconds_left = self.bounds.max_seconds
        self.resume()

    def resume(self) -> None:
        """Count time from now on."""
        self._since = self.clock()

    def pause(self) -> None:
        """Stop counting time, until `resume`."""
        self._seconds_left -= self.clock() - self._since

    def ignore_interrupts(self) -> None:
        """Do not call `interrupt` any more: the shape is prepared."""
        self._interrupt = never_interrupt

    def tick(self, steps: int = 1) -> None:
        """Count steps. Raises `OptionError` after the deadline, and whatever `interrupt` raises."""
        self._steps += steps
        if self._steps >= STEPS_PER_CHECK:
            self._steps = 0
            self._interrupt()
            if self.clock() - self._since > self._seconds_left:
                raise OptionError(
                    f"the shape takes more than {self.bounds.max_seconds:g} seconds to prepare: ask for a simpler one"
                )

    def charge(self, size: int) -> None:
        """Count bytes that are about to be allocated. Raises `OptionError` if they are too many."""
        if self.used_bytes + size > self.bounds.max_bytes:
            raise OptionError(f"the shape takes more than {self.bounds.max_bytes >> 20} MB: ask for a simpler one")
        self.used_bytes += size

    def release(self, size: int) -> None:
        """Give bytes back."""
        self.used_bytes -= size
