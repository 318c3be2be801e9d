"""How fast things happen, measured: what a client is told about when to come back depends on it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

MEMORY_SECONDS = 20.0  # what is further back counts for little
MAX_SECONDS = 3600.0  # nobody is told to come back later than in an hour


class Rate:
    """How many things happen in a second, of late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._began = self._last = clock()
        self._count = 0.0

    def add(self, count: float = 1.0) -> None:
        """Take note of things that have happened."""
        with self._lock:
            self._fade()
            self._count += count

    def per_second(self) -> float:
        """Return how many happen in a second; fewer, the longer nothing has happened."""
        with self._lock:
            self._fade()
            span = MEMORY_SECONDS * (1 - math.exp(-max(self._last - self._began, 1.0) / MEMORY_SECONDS))
            return self._count / span

    def seconds_for(self, count: float) -> float:
        """Return how long so many take, from 1 second to an hour; 1 second where nothing is known."""
        rate = self.per_second()
        return min(max(1.0, count / rate), MAX_SECONDS) if rate > 0 else 1.0

    def _fade(self) -> None:
        now = self._clock()
        self._count *= math.exp(-(now - self._last) / MEMORY_SECONDS)
        self._last = now
