"""How many threads make a step: all of them, or one alone where other programs keep the processors busy.

Threads that wait for one another at every position are as slow as the slowest; where another program runs beside them,
two may take five times as long as one.
"""

from __future__ import annotations

import math

TRIAL = (2, 4)  # these steps are made by one thread, to know how fast it is
LOOK = 256  # and one of so many later
SLOW_STEPS = 3  # in a row, slower than one thread would be: then it goes on alone
ALONE, LONGEST_ALONE = 16, 256  # steps until all are tried again; twice as many each time that they are still slower


class Crew:
    """Says how many threads make the next step, from how long the earlier ones took.

    - most: as many as there may be
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._steps = 0
        self._seconds_alone = math.inf  # of one thread, lately
        self._slow, self._alone, self._stretch = 0, 0, ALONE

    def threads(self) -> int:
        """Return how many threads are to make the next step."""
        looking = TRIAL[0] <= self._steps < TRIAL[1] or self._steps % LOOK == LOOK - 1
        return 1 if looking else self.scoring_threads()

    def scoring_threads(self) -> int:
        """Return how many threads are to score: nothing is tried out for the length of a whole score."""
        return 1 if self._alone else self._most

    def took(self, threads: int, seconds: float) -> None:
        """Take note of a step, and go on alone or together."""
        self._steps += 1
        if self._most == 1:
            return
        if threads == 1:
            before = self._seconds_alone if math.isfinite(self._seconds_alone) else seconds
            self._seconds_alone = min(seconds, before + 0.2 * (seconds - before))
            self._alone = max(0, self._alone - 1)
        elif seconds <= self._seconds_alone:
            self._slow, self._stretch = 0, ALONE
        else:
            self._slow += 1
            if self._slow == SLOW_STEPS:
                self._slow, self._alone, self._stretch = 1, self._stretch, min(2 * self._stretch, LONGEST_ALONE)
