"""A neural cache: what followed when the network was in a state like this one is likely to follow again.

E. Grave, A. Joulin, N. Usunier: Improving Neural Language Models with a Continuous Cache (2017). Of the last few
thousand tokens, each is remembered with what the last layer showed before it. The next one is expected to be one of
them, the more so the more alike what is shown now is to what was shown then. How much that counts beside the network's
own prediction is learned as the text is read, by expectation maximisation a token at a time: no setting to be tuned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from longhand.arrays import DoubleArray, FloatArray, TokenIds

FLATNESS = 20.0  # of the cosine of what was shown: from a development split (LOG.md), as is the next
STEP = 0.002  # that the cache's share moves towards what a token says of it
FIRST_SHARE, LEAST_SHARE, MOST_SHARE = 0.1, 0.001, 0.98  # surprises are never without remedy
AT_ONCE = 128  # tokens
BLOCK_TOKENS = 512  # remembered tokens that are compared at once: about a millisecond of work


@dataclass
class _KeyBlock:
    """Consecutive tokens and the outputs before each, (tokens, hidden); `first` is the place of the first."""

    first: int
    shown: FloatArray
    tokens: TokenIds
    count: int = 0

    def add(self, ids: TokenIds, shown: FloatArray) -> int:
        """Add as many tokens as fit, and return how many."""
        part = slice(self.count, self.count + len(ids))
        added = len(self.tokens[part])
        self.shown[part], self.tokens[part] = shown[:added], ids[:added]
        self.count += added
        return added


class NeuralCache:
    """The last `size` tokens of a text, and what was shown before each.

    - share: how much the cache counts at the moment, from 0 to 1
    - pause: is called between pieces of the work
    """

    def __init__(self, size: int, hidden: int, pause: Callable[[], None] = lambda: None) -> None:
        self._size, self.share, self._pause = size, FIRST_SHARE, pause
        self._hidden, self._count = hidden, 0
        self._blocks: deque[_KeyBlock] = deque()
        self._begun = False

    def mixed(self, ids: TokenIds, outputs: FloatArray, log_probabilities: DoubleArray) -> DoubleArray:
        """Return the natural logarithms of the probabilities of the next block's tokens with the cache, (tokens,).

        - outputs: what the last layer showed before each, (tokens, hidden)
        - log_probabilities: those by the network alone, (tokens,)
        """
        length = np.linalg.norm(outputs, axis=1, keepdims=True)
        directions = outputs / np.maximum(length, np.float32(1e-12))
        result = np.empty(len(ids))
        for begin in range(0, len(ids), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            cached = self._cached(ids[part], directions[part])
            result[part] = self._mixture(np.exp(log_probabilities[part]), cached)
        return result

    def _cached(self, ids: TokenIds, shown: FloatArray) -> DoubleArray:
        """Return the probabilities of some tokens, (tokens,), by what came before each."""
        here = np.arange(self._count, self._count + len(ids))[:, None]
        self._remember(ids, shown)
        totals, hits = np.zeros(len(ids)), np.zeros(len(ids))
        for before in self._blocks:
            self._pause()
            there = before.first + np.arange(before.count)
            weights = np.exp(np.float32(FLATNESS) * (shown @ before.shown[: before.count].T - 1))
            weights *= (there < here) & (there >= here - self._size)
            totals += weights.sum(axis=1, dtype=np.float64)
            hits += (weights * (before.tokens[: before.count] == ids[:, None])).sum(axis=1, dtype=np.float64)
        found: DoubleArray = np.divide(hits, totals, out=np.zeros(len(ids)), where=totals > 0)
        return found

    def _remember(self, ids: TokenIds, shown: FloatArray) -> None:
        """Add tokens, after dropping blocks that lie too far back for all of them."""
        while self._blocks and self._blocks[0].first + BLOCK_TOKENS <= self._count - self._size:
            self._blocks.popleft()
        done = 0
        while done < len(ids):
            if not self._blocks or self._blocks[-1].count == BLOCK_TOKENS:
                empty = np.empty((BLOCK_TOKENS, self._hidden), np.float32), np.empty(BLOCK_TOKENS, np.int64)
                self._blocks.append(_KeyBlock(self._count + done, *empty))
            done += self._blocks[-1].add(ids[done:], shown[done:])
        self._count += len(ids)

    def _mixture(self, own: DoubleArray, cached: DoubleArray) -> DoubleArray:
        """Return the logarithms of probabilities mixed with the cache's, (tokens,), whose share changes meanwhile."""
        result = np.empty(len(own))
        for place, (alone, again) in enumerate(zip(own.tolist(), cached.tolist(), strict=True)):
            if not self._begun:  # nothing is remembered yet
                self._begun, result[place] = True, alone
                continue
            mixed = (1 - self.share) * alone + self.share * again
            result[place] = mixed
            if mixed > 0:
                moved = self.share + STEP * (self.share * again / mixed - self.share)
                self.share = min(max(moved, LEAST_SHARE), MOST_SHARE)
        found: DoubleArray = np.log(np.maximum(result, np.finfo(np.float64).tiny))
        return found
