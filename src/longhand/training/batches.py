"""The order in which the text is read: chapters in a shuffled order, by several streams, window after window.

Streams that read on through a long text learn from sixteen places of it for all of a short training, and learn these by
heart: a source of 20 MB, of which an eighth was read, was predicted a sixth better from shuffled chapters (LOG.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longhand.arrays import BoolArray, TokenIds
from longhand.training.saved import Saved, generator_facts, restore_generator
from longhand.training.shuffle import Shuffle

CHAPTERS_A_STREAM = 4  # at least, where a text has so many windows
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
    """`batch` readers of one text, each with a chapter of its own and its state carried through it.

    A chapter begins at a line's beginning, with the state cleared and the start token in place of the token before, as
    when a model is asked to write. Each is read once before any is read again; the last window of one may reach into
    the next.

    - ids: the text, (tokens,), longer than a window
    - chapter: about how long one is, in tokens; shorter where a text is short
    - line_end: the token after which a line begins; None if the text has no lines
    """

    def __init__(
        self,
        ids: TokenIds,
        *,
        batch: int,
        window: int,
        chapter: int,
        start: int,
        line_end: int | None,
        random: np.random.Generator,
    ) -> None:
        self._ids, self._window, self._start, self._line_end = ids, window, start, line_end
        self._random, self._spare = random, len(ids) - window  # the last position at which a window may begin
        self._chapter = max(window, min(chapter, len(ids) // (CHAPTERS_A_STREAM * batch)))
        self._count = -(-len(ids) // self._chapter)
        self._order, self._place = Shuffle(self._count, random), 0
        self._next, self._end = (np.zeros(batch, np.int64) for _ in range(2))  # of the targets, and of the chapter
        self._fresh = np.ones(batch, np.bool_)
        for stream in range(batch):  # so that they do not all end at once, the first chapters are read in part
            begin, end = self._new_chapter()
            position = self._line_start(begin + (end - begin) * stream // batch)
            self._next[stream], self._end[stream] = position if position < end else begin, end

    def read(self) -> Window:
        """Return the next window of every stream and move on."""
        over = (self._next >= self._end) | (self._next > self._spare)
        for stream in np.flatnonzero(over):
            if self._next[stream] < self._end[stream]:  # less than a window is left of the text
                self._next[stream] = self._spare
            else:
                self._next[stream], self._end[stream] = self._new_chapter()
        restart = self._fresh | over
        # Position -1 only ever stands where the start token goes.
        tokens = self._ids[self._next + np.arange(-1, self._window)[:, None]].astype(np.int64)
        tokens[0, restart] = self._start
        self._next += self._window
        self._fresh[:] = False
        return Window(tokens[:-1], tokens[1:], restart)

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`."""
        arrays = {name: getattr(self, f"_{name}").copy() for name in ("next", "end", "fresh")}
        facts = {"place": self._place, "random": generator_facts(self._random)}
        return Saved({**arrays, "keys": self._order.keys.copy()}, facts)

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        for name in ("next", "end", "fresh"):
            found, own = saved.arrays[name], getattr(self, f"_{name}")
            if found.shape != own.shape or not (found >= 0).all():
                raise ValueError(f"{name} of {found.shape} streams, expected {own.shape}")
            own[:] = found
        self._order.keys, self._place = saved.arrays["keys"].copy(), saved.facts["place"]
        restore_generator(self._random, saved.facts["random"])

    def _new_chapter(self) -> tuple[int, int]:
        """Return where the next chapter begins and ends."""
        while True:
            if self._place == self._count:
                self._order, self._place = Shuffle(self._count, self._random), 0
            number = int(self._order.at(self._place, self._place + 1)[0])
            self._place += 1
            begin, end = (self._line_start(min(n * self._chapter, len(self._ids))) for n in (number, number + 1))
            if begin < end:  # not so where a line is longer than a chapter
                return min(begin, self._spare), end

    def _line_start(self, position: int) -> int:
        """Return where the next line begins, or `position` itself if there is no line end near."""
        if position == 0 or self._line_end is None:
            return position
        ahead = self._ids[position - 1 : position + SEARCH_AHEAD] == self._line_end
        found = int(np.argmax(ahead))
        return position + found if ahead[found] else position
