"""Scoring the held-out text: in order, with the state carried, or window by window as the classic recipe predicts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from longhand.arrays import BoolArray, TokenIds
from longhand.config import NetworkConfig
from longhand.state import State
from longhand.training.engine import Engine
from longhand.training.windows import cut

WINDOW = 64  # tokens read at once; more would take much memory where the vocabulary is large
LEAD_IN = 4 * WINDOW  # tokens that a stream reads, unscored, before its part begins
STREAMS = 32
WINDOWS = 128  # of the classic recipe, read at once


class HeldOut:
    """The held-out text, cut into consecutive parts that are scored side by side.

    So that no part begins without a past, each stream first reads what comes before its part, unscored; the first
    begins with a fresh state and the start token. The result is that of one pass from the beginning, to 1e-4 bits.

    - ids: the held-out text, (tokens,)
    - start: the start token
    - characters, size: how many characters and bytes these are; left out, as many as tokens
    """

    def __init__(self, ids: TokenIds, start: int, *, characters: int | None = None, size: int | None = None) -> None:
        self.tokens = len(ids)
        self.characters = self.tokens if characters is None else characters
        self.size = self.characters if size is None else size
        self._ids, self._start = ids, start
        streams = max(1, min(STREAMS, len(ids) // LEAD_IN))
        self._part = -(-len(ids) // streams)
        self._first = np.arange(streams) * self._part  # where each stream's part begins

    def bits(self, engine: Engine, config: NetworkConfig, stopped: Callable[[], bool] = lambda: False) -> float | None:
        """Return the mean bits per character; None if `stopped` said so before the end."""
        state = State.zeros(config, len(self._first))
        nats = 0.0
        for offset in range(-LEAD_IN, self._part, WINDOW):
            if stopped():
                return None
            if offset == 0:  # the first stream's part is the text's beginning: it has no past
                state = state.restarted(self._first == 0)
            inputs, targets, scored = self._window(offset)
            losses, state = engine.losses(inputs, targets, state)
            nats += float(losses[scored].sum(dtype=np.float64))
        return nats / self.characters / math.log(2)

    def _window(self, offset: int) -> tuple[TokenIds, TokenIds, BoolArray]:
        """Return inputs, targets and which of these are scored, (window, streams), `offset` into each part."""
        positions = self._first + np.arange(offset, offset + WINDOW)[:, None]
        inside = (positions >= 0) & (positions < np.minimum(self._first + self._part, self.tokens))
        targets = self._ids[np.clip(positions, 0, self.tokens - 1)].astype(np.int64)
        inputs = self._ids[np.clip(positions - 1, 0, self.tokens - 1)].astype(np.int64)
        inputs[positions == 0] = self._start
        return inputs, targets, inside & (positions >= self._first)


class HeldOutWindows:
    """The held-out text as the classic recipe predicts it: each token from the window before it, from a fresh state.

    The first windows reach back into what was learned.

    - ids: the whole text, (tokens,)
    - first: where what is scored begins, at least a window from the beginning
    - count: how many tokens are scored
    - characters, size: how many characters and bytes these are; of the size nothing is known if it is left out
    """

    def __init__(self, ids: TokenIds, *, first: int, count: int, characters: int, size: int = 0, window: int) -> None:
        self.characters, self.size = characters, size
        self._ids, self._begin, self._end, self._window = ids, first - window, first - window + count, window

    def bits(self, engine: Engine, config: NetworkConfig, stopped: Callable[[], bool] = lambda: False) -> float | None:
        """Return the mean bits per character; None if `stopped` said so before the end."""
        nats = 0.0
        for begin in range(self._begin, self._end, WINDOWS):
            if stopped():
                return None
            inputs, targets = cut(self._ids, np.arange(begin, min(begin + WINDOWS, self._end)), self._window)
            losses, _ = engine.losses(inputs, targets, State.zeros(config, targets.size))
            nats += float(losses.sum(dtype=np.float64))
        return nats / self.characters / math.log(2)
