"""The order in which the classic recipe reads: windows at stride 1, shuffled, each with the one token after it."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from longhand.arrays import TokenIds
from longhand.training.batches import Window
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


class WindowsFacts(msgspec.Struct):
    """What a checkpoint holds of `Windows` beside arrays."""

    next: Count
    random: GeneratorFacts


class Windows:
    """Every window of a text once in each epoch, in another order each time, cut from the text only when it is read.

    - ids: the text, (tokens,), longer than a window
    - batch: how many are read at once; the last ones of an epoch may be fewer
    """

    streams = None  # each window begins from the fresh state

    def __init__(self, ids: TokenIds, *, batch: int, window: int, random: np.random.Generator) -> None:
        self._ids, self._batch, self._window, self._random = ids, batch, window, random
        self.count = len(ids) - window
        self.steps_per_epoch = -(-self.count // batch)
        self._order = Shuffle(self.count, random)
        self._next = 0

    @property
    def at_epoch_end(self) -> bool:
        """Whether all windows of the epoch have been read."""
        return self._next == self.count

    def read(self) -> Window:
        """Return the next windows: inputs (window, batch) and targets (1, batch)."""
        if self.at_epoch_end:
            self._order, self._next = Shuffle(self.count, self._random), 0
        end = min(self._next + self._batch, self.count)
        first = self._order.at(self._next, end)
        self._next = end
        inputs, targets = cut(self._ids, first, self._window)
        return Window(inputs, targets, restart=np.ones(len(first), np.bool_))

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`."""
        return Saved({"keys": self._order.keys.copy()}, {"next": self._next, "random": generator_facts(self._random)})

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        facts = checked_facts(saved, WindowsFacts)
        if facts.next > self.count:
            raise ValueError(f"window {facts.next} of {self.count}")
        self._order.keys = checked_array(saved, "keys", np.uint64, self._order.keys.shape)
        self._next = facts.next
        restore_generator(self._random, facts.random)


def cut(ids: TokenIds, first: npt.NDArray[np.int64], window: int) -> tuple[TokenIds, TokenIds]:
    """Return the windows that begin at `first`, (window, batch), and the token after each, (1, batch)."""
    tokens = ids[first + np.arange(window + 1)[:, None]].astype(np.int64)
    return tokens[:-1], tokens[-1:]
