"""The order in which the text is read: chapters in a shuffled order, by several streams, window after window.

Streams that read on through a long text learn from sixteen places of it for all of a short training, and learn these by
heart: a source of 20 MB, of which an eighth was read, was predicted a sixth better from shuffled chapters (LOG.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from longhand.arrays import BoolArray, TokenIds
from longhand.training.saved import (
    Count,
    GeneratorFacts,
    Saved,
    checked_array,
    checked_facts,
    generator_facts,
    restore_generator,
)
from longhand.training.shuffle import Shuffle

CHAPTERS_A_STREAM = 4  # at least, where a text has so many windows
MOST_GROUPS = 16  # of streams, which take turns
RELEASED_AFTER = 256  # places that were read at: of a file, the system may keep two megabytes around each in memory
SEARCH_AHEAD = 4096  # tokens in which a line's beginning is looked for


@dataclass(frozen=True)
class Window:
    """What all streams read in one step.

    - inputs: (window, batch), int64
    - targets: (targets, batch), int64: the tokens that follow the last positions of `inputs`, or all of them
    - restart: (batch,), streams that begin here, from a fresh state and the start token
    - group: which streams these are, where several groups take turns
    """

    inputs: TokenIds
    targets: TokenIds
    restart: BoolArray
    group: int = 0


class StreamsFacts(msgspec.Struct):
    """What a checkpoint holds of `Streams` beside arrays."""

    place: Count
    turn: Count
    random: GeneratorFacts


class Streams:
    """Readers of one text, each with a chapter of its own and its state carried through it.

    `batch` of them read at a time; where there are chapters enough, several groups take turns, so that one step is not
    like the last one. A chapter begins at a line's beginning, with the state cleared and the start token in place of
    the token before, as when a model is asked to write. Each is read once before any is read again; the last window of
    one may reach into the next.

    - ids: the text, (tokens,), longer than a window
    - chapter: about how long one is, in tokens; shorter where a text is short
    - line_end: the token after which a line begins; None if the text has no lines
    - release: is called now and then, when much of `ids` was read
    - documents: whether `start` stands in the text, wherever one begins: a chapter that begins inside one has its own
      token before it
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
        documents: bool = False,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.streams = batch
        self._release, self._since = release, 0
        self._documents = documents
        self._ids, self._window, self._start, self._line_end = ids, window, start, line_end
        self._random, self._spare = random, len(ids) - window  # the last position at which a window may begin
        self._chapter = max(window, min(chapter, len(ids) // (CHAPTERS_A_STREAM * batch)))
        self._count = -(-len(ids) // self._chapter)
        self._order, self._place = Shuffle(self._count, random), 0
        groups = max(1, min(MOST_GROUPS, self._count // (CHAPTERS_A_STREAM * batch)))
        self._next, self._end = (np.zeros((groups, batch), np.int64) for _ in range(2))  # of targets, and of chapters
        self._fresh, self._turn = np.ones((groups, batch), np.bool_), 0
        self._heads = np.zeros((0, 2), np.int64)
        for stream in range(groups * batch):  # so that they do not all end at once, these chapters' heads come last
            begin, end = self._new_chapter()
            position = self._line_start(begin + (end - begin) * stream // (groups * batch))
            position = position if position < end else begin
            self._next.flat[stream], self._end.flat[stream] = position, end
            if position > begin and position - begin >= window:
                self._heads = np.append(self._heads, [[begin, position]], axis=0)

    def read(self) -> Window:
        """Return the next window of every stream of the next group and move on."""
        group, self._turn = self._turn, (self._turn + 1) % len(self._next)
        position, end = self._next[group], self._end[group]
        over = (position >= end) | (position > self._spare)
        for stream in np.flatnonzero(over):
            if position[stream] < end[stream]:  # less than a window is left of the text
                position[stream] = self._spare
            else:
                position[stream], end[stream] = self._new_chapter()
        self._touch(len(position))
        restart = self._fresh[group] | over
        # Position -1 only ever stands where the start token goes.
        tokens = self._ids[position + np.arange(-1, self._window)[:, None]].astype(np.int64)
        tokens[0, position == 0 if self._documents else restart] = self._start
        position += self._window
        self._fresh[group] = False
        return Window(tokens[:-1], tokens[1:], restart, group)

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`."""
        arrays = {name: getattr(self, f"_{name}").copy() for name in ("next", "end", "fresh")}
        facts = {"place": self._place, "turn": self._turn, "random": generator_facts(self._random)}
        return Saved({**arrays, "keys": self._order.keys.copy(), "heads": self._heads.copy()}, facts)

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        facts, length = checked_facts(saved, StreamsFacts), len(self._ids)
        if facts.place > self._count or facts.turn >= len(self._next):
            raise ValueError(f"chapter {facts.place} of {self._count}, group {facts.turn} of {len(self._next)}")
        heads = checked_array(saved, "heads", np.int64, (*saved.arrays["heads"].shape[:1], 2))
        if not ((heads >= 0) & (heads <= length)).all() or not (heads[:, 1] - heads[:, 0] >= self._window).all():
            raise ValueError("the parts of chapters are not in the text")
        keys = checked_array(saved, "keys", np.uint64, self._order.keys.shape)
        following, end = (checked_array(saved, name, np.int64, self._next.shape) for name in ("next", "end"))
        if not ((following >= 0) & (following <= length) & (end >= 0) & (end <= length)).all():
            raise ValueError("streams are at places that are not in the text")
        self._fresh = checked_array(saved, "fresh", np.bool_, self._fresh.shape)
        self._next, self._end = following, end
        self._order.keys, self._place, self._turn, self._heads = keys, facts.place, facts.turn, heads
        restore_generator(self._random, facts.random)

    def _new_chapter(self) -> tuple[int, int]:
        """Return where the next chapter begins and ends."""
        while True:
            if self._place == self._count and len(self._heads):
                (begin, end), self._heads = self._heads[-1].tolist(), self._heads[:-1]
                return begin, end
            if self._place == self._count:
                self._order, self._place = Shuffle(self._count, self._random), 0
            self._touch(1)
            number = int(self._order.at(self._place, self._place + 1)[0])
            self._place += 1
            begin, end = (self._line_start(min(n * self._chapter, len(self._ids))) for n in (number, number + 1))
            if begin < end:  # not so where a line is longer than a chapter
                return min(begin, self._spare), end

    def _touch(self, places: int) -> None:
        """Take note that the text is read at some places."""
        self._since += places
        if self._since >= RELEASED_AFTER:
            self._release()
            self._since = 0

    def _line_start(self, position: int) -> int:
        """Return where the next line begins, or `position` itself if there is no line end near."""
        if position == 0 or self._line_end is None:
            return position
        ahead = self._ids[position - 1 : position + SEARCH_AHEAD] == self._line_end
        found = int(np.argmax(ahead))
        return position + found if ahead[found] else position
