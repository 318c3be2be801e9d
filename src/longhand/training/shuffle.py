"""A shuffled order of any number of things in no memory: a permutation that is computed, not stored."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from longhand.text.document_split import mixed

ROUNDS = 8

Numbers = npt.NDArray[np.uint64]


class Shuffle:
    """A pseudo-random permutation of 0 .. count - 1, another one for each generator state.

    A Feistel network over the smallest even number of bits that holds `count` (Luby and Rackoff, 1988), walked until
    the result lies below `count` (Black and Rogaway, 2002): less than four walks on average.

    - keys: all that makes it another one than others, (rounds,), uint64
    """

    def __init__(self, count: int, random: np.random.Generator) -> None:
        self.count = count
        self._half = np.uint64(max(1, -(-(count - 1).bit_length() // 2)))
        self._mask = np.uint64((1 << int(self._half)) - 1)
        self.keys = random.integers(0, 2**64, ROUNDS, np.uint64)

    def at(self, begin: int, end: int) -> npt.NDArray[np.int64]:
        """Return what stands at the places from `begin` to `end`, (end - begin,)."""
        places = self._walked(np.arange(begin, end, dtype=np.uint64))
        while (outside := places >= self.count).any():
            places[outside] = self._walked(places[outside])
        return places.astype(np.int64)

    def _walked(self, places: Numbers) -> Numbers:
        left, right = places >> self._half, places & self._mask
        for key in self.keys:
            left, right = right, left ^ (mixed(right ^ key) & self._mask)
        return (left << self._half) | right
