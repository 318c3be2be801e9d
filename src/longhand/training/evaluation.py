"""Scoring the held-out text: in order, with the state carried, or window by window as the classic recipe predicts.

A long held-out text is scored on a fixed sample, spread evenly over it. Every scorer reads in small blocks whose order
never changes, so that two scores can be compared on the blocks that both have read, wherever the clock cut them off.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from longhand.arrays import TokenIds
from longhand.config import NetworkConfig
from longhand.state import State
from longhand.training.engine import Engine
from longhand.training.windows import cut

WINDOW = 64  # tokens read at once; more would take much memory where the vocabulary is large
LEAD_IN = 4 * WINDOW  # tokens that a stream reads, unscored, before its part begins
STREAMS = 32
SEGMENT, SEGMENT_LEAD_IN = 4 * WINDOW, 2 * WINDOW  # of a sample: scored at one place, and read before it
SAMPLE_ROUNDS = 24  # of STREAMS segments each: a standard error of about 0.35 % (LOG.md, 2026-11-30)
SAMPLE = SAMPLE_ROUNDS * STREAMS * SEGMENT
WHOLE = SAMPLE + SAMPLE // 2  # up to this many tokens the whole text costs no more than the sample of a longer one
WINDOWS = 128  # of the classic recipe, read at once
GOLDEN = (math.sqrt(5) - 1) / 2

Counts = npt.NDArray[np.int64]


class Scorer(ABC):
    """Reads a held-out text in blocks of a fixed order.

    - scored: how many tokens each block scores, (blocks,)
    - sample: how many of the first blocks make up the sample that every score reads
    - characters, size: how many characters and bytes the whole text has; those of a part are taken to be its share
    """

    def __init__(self, tokens: int, scored: Counts, sample: int, *, characters: int, size: int) -> None:
        self.tokens, self.sample = tokens, sample
        self._scored, self._characters, self._size = np.concatenate([[0], np.cumsum(scored)]), characters, size

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._scored) - 1

    @abstractmethod
    def blocks(self, engine: Engine, config: NetworkConfig) -> Iterator[float]:
        """Read the text; yield the sum of the losses of each block in nats."""

    def bits(self, engine: Engine, config: NetworkConfig) -> float:
        """Return the mean bits per character of the whole text."""
        return self.bits_of(list(self.blocks(engine, config)))

    def bits_of(self, nats: Sequence[float]) -> float:
        """Return the mean bits per character of the first blocks, given their losses; at least one token is scored."""
        return math.fsum(nats) * self.tokens / (self.tokens_in(len(nats)) * self._characters * math.log(2))

    def tokens_in(self, blocks: int) -> int:
        """Return how many tokens the first blocks score."""
        return int(self._scored[blocks])

    def characters_in(self, blocks: int) -> int:
        """Return how many characters the first blocks score."""
        return round(self.tokens_in(blocks) * self._characters / self.tokens)

    def bytes_in(self, blocks: int) -> int:
        """Return how many bytes of UTF-8 the first blocks score."""
        return round(self.tokens_in(blocks) * self._size / self.tokens)


class HeldOut(Scorer):
    """The held-out text as streams that are scored side by side.

    A text of up to `WHOLE` tokens is cut into consecutive parts, one for each stream. A longer one is cut into
    segments: each round reads one segment for each stream, from all over the text. So that no part begins without a
    past, each stream first reads what comes before its part, unscored; the first begins with a fresh state and the
    start token. The result for a text that is read whole is that of one pass from the beginning, to 1e-4 bits.

    - ids: the held-out text, (tokens,)
    - start: the start token
    - characters, size: how many characters and bytes these are; left out, as many as tokens
    """

    def __init__(self, ids: TokenIds, start: int, *, characters: int | None = None, size: int | None = None) -> None:
        self._ids, self._start = ids, start
        if len(ids) <= WHOLE:
            streams = max(1, min(STREAMS, len(ids) // LEAD_IN))
            self._part, self._lead_in = -(-len(ids) // streams), LEAD_IN
            self._rounds = [np.arange(streams) * self._part]
        else:
            self._part, self._lead_in = SEGMENT, SEGMENT_LEAD_IN
            segments = -(-len(ids) // SEGMENT)
            rounds = -(-segments // STREAMS)
            self._rounds = [np.arange(first, segments, rounds) * SEGMENT for first in _spread(rounds)]
        scored = np.concatenate([self._counts(first) for first in self._rounds])
        sample = min(len(self._rounds), SAMPLE_ROUNDS) * len(self._offsets())
        characters = len(ids) if characters is None else characters
        super().__init__(len(ids), scored, sample, characters=characters, size=characters if size is None else size)

    def blocks(self, engine: Engine, config: NetworkConfig) -> Iterator[float]:
        """See `Scorer.blocks`; a block is a window of all streams, and scores nothing before their parts begin."""
        for first in self._rounds:
            state = State.zeros(config, len(first))
            for offset in self._offsets():
                if offset == 0:  # the part at the text's beginning has no past
                    state = state.restarted(first == 0)
                inputs, targets = self._window(first, offset)
                losses, state = engine.losses(inputs, targets, state)
                inside = np.arange(offset, offset + WINDOW)[:, None] < self._lengths(first)
                yield 0.0 if offset < 0 else float(losses[inside].sum(dtype=np.float64))

    def _offsets(self) -> range:
        return range(-self._lead_in, self._part, WINDOW)

    def _window(self, first: Counts, offset: int) -> tuple[TokenIds, TokenIds]:
        """Return inputs and targets, (window, streams), `offset` into the parts that begin at `first`."""
        positions = first + np.arange(offset, offset + WINDOW)[:, None]
        targets = self._ids[np.clip(positions, 0, len(self._ids) - 1)].astype(np.int64)
        inputs = self._ids[np.clip(positions - 1, 0, len(self._ids) - 1)].astype(np.int64)
        inputs[positions == 0] = self._start
        return inputs, targets

    def _lengths(self, first: Counts) -> Counts:
        """Return how many tokens the parts have that begin at `first`: the text's last one may be shorter."""
        lengths: Counts = np.minimum(self._part, len(self._ids) - first)
        return lengths

    def _counts(self, first: Counts) -> Counts:
        """Return how many tokens each block of a round scores."""
        offsets = np.array(self._offsets())[:, None]
        inside = np.clip(self._lengths(first) - offsets, 0, WINDOW).sum(axis=1)
        return np.where(offsets[:, 0] < 0, 0, inside)


class HeldOutWindows(Scorer):
    """The held-out text as the classic recipe predicts it: each token from the window before it, from a fresh state.

    The first windows reach back into what was learned. A block has windows from all over the text.

    - ids: the whole text, (tokens,)
    - first: where what is scored begins, at least a window from the beginning
    - count: how many tokens are scored
    - characters, size: how many characters and bytes these are; of the size nothing is known if it is left out
    """

    def __init__(self, ids: TokenIds, *, first: int, count: int, characters: int, size: int = 0, window: int) -> None:
        self._ids, self._begin, self._end, self._window = ids, first - window, first - window + count, window
        self._stride = -(-count // WINDOWS)  # number of blocks: one begins at each offset below it
        self._order = _spread(self._stride)
        scored = [len(range(self._begin + offset, self._end, self._stride)) for offset in self._order]
        sample = self._stride if count <= WHOLE else -(-SAMPLE // WINDOWS)
        super().__init__(count, np.array(scored), sample, characters=characters, size=size)

    def blocks(self, engine: Engine, config: NetworkConfig) -> Iterator[float]:
        """See `Scorer.blocks`."""
        for offset in self._order:
            begins = np.arange(self._begin + offset, self._end, self._stride)
            inputs, targets = cut(self._ids, begins, self._window)
            losses, _ = engine.losses(inputs, targets, State.zeros(config, targets.size))
            yield float(losses.sum(dtype=np.float64))


def _spread(count: int) -> Counts:
    """Return the numbers below `count` in an order of which every beginning is spread evenly over all of them.

    The multiples of the golden ratio, modulo 1, lie evenly wherever their series is cut off.
    """
    order: Counts = np.argsort(np.arange(count) * GOLDEN % 1)
    return order
