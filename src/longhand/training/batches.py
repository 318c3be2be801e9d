"""The order in which the text is read: contiguous streams, each with its state carried from window to window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longhand.arrays import BoolArray, TokenIds
from longhand.training.saved import Saved, generator_facts, restore_generator

RESTART_SHARE = 1 / 64  # of the windows: so that the network also learns to begin
SEARCH_AHEAD = 4096  # tokens in which a line's beginning is looked for


@dataclass(frozen=True)
class Window:
    """What all streams read in one step.

    - inputs: (window, batch), int64
    - targets: (targets, batch), int64: the tokens that follow the last positions of `inputs`, or all of them
    - restart: (batch,), streams that begin here, from a fresh state and the start token
    """

    inputs: TokenIds
    targets: TokenIds
    restart: BoolArray


class Streams:
    """`batch` readers evenly spaced over one text, each reading on where it stopped and around its end.

    A reader begins afresh where the text ends, and now and then by chance, moved on to the next line's beginning: its
    state is then cleared and the start token takes the place of the token before, as when a model is asked to write.

    - ids: the text, (tokens,), longer than a window
    - line_end: the token after which a line begins; None if the text has no lines
    """

    def __init__(
        self,
        ids: TokenIds,
        *,
        batch: int,
        window: int,
        start: int,
        line_end: int | None,
        random: np.random.Generator,
    ) -> None:
        self._ids, self._window, self._start, self._line_end = ids, window, start, line_end
        self._random = random
        evenly = np.arange(batch) * len(ids) // batch
        self._next = np.array([self._line_start(int(position)) for position in evenly])  # position of the next target
        self._fresh = np.ones(batch, np.bool_)

    def read(self) -> Window:
        """Return the next window of every stream and move on."""
        restart = self._fresh | (self._random.random(len(self._next)) < RESTART_SHARE)
        for stream in np.flatnonzero(restart & ~self._fresh):
            self._next[stream] = self._line_start(int(self._next[stream]))
        restart |= (past_end := self._next + self._window > len(self._ids))
        for stream in np.flatnonzero(past_end):
            self._next[stream] = self._beginning()
        # Position -1 only ever stands where the start token goes.
        tokens = self._ids[self._next + np.arange(-1, self._window)[:, None]].astype(np.int64)
        tokens[0, restart] = self._start
        self._next += self._window
        self._fresh[:] = False
        return Window(tokens[:-1], tokens[1:], restart)

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`."""
        arrays = {"next": self._next.copy(), "fresh": self._fresh.copy()}
        return Saved(arrays, {"random": generator_facts(self._random)})

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        found, fresh = saved.arrays["next"], saved.arrays["fresh"]
        if found.shape != self._next.shape or fresh.shape != self._next.shape or not (found >= 0).all():
            raise ValueError(f"positions of {found.shape} streams, expected {self._next.shape}")
        self._next, self._fresh = found.copy(), fresh.copy()
        restore_generator(self._random, saved.facts["random"])

    def _beginning(self) -> int:
        """Return where to read on after the text's end: not always at 0, or all streams would meet on one grid."""
        spare = len(self._ids) - self._window
        position = self._line_start(int(self._random.integers(0, min(self._window, spare) + 1)))
        return position if position <= spare else 0

    def _line_start(self, position: int) -> int:
        """Return where the next line begins, or `position` itself if there is no line end near."""
        if position == 0 or self._line_end is None:
            return position
        ahead = self._ids[position - 1 : position + SEARCH_AHEAD] == self._line_end
        found = int(np.argmax(ahead))
        return position + found if ahead[found] else position
