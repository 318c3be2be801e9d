"""How well characters are predicted by those just before them: an interpolated n-gram model.

The probability of a character after the last few ones is estimated by Witten and Bell's method: what was counted after
them, blended with what is expected after one character less, the more so the more different characters have followed
(I. H. Witten, T. C. Bell: The zero-frequency problem, IEEE Transactions on Information Theory 37, 1991).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from longhand.arrays import DoubleArray
from longhand.text.points import code_points

ORDERS = range(7)  # characters before the one that is predicted
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Hashes = npt.NDArray[np.uint64]


def bits_per_character(learned: str, held_out: str) -> float:
    """Return how many bits the model that has learned one text needs for a character of another, in the mean."""
    count = len(learned)
    vocabulary, ids = np.unique(code_points(learned + held_out), return_inverse=True)
    expected = np.full(len(held_out), 1 / (len(vocabulary) + 1))
    numbers = ids.astype(np.uint64) + np.uint64(1)
    context = np.zeros(len(numbers), np.uint64)
    for order in ORDERS:
        if order:
            context[order:] = _mixed(context[order:], numbers[:-order])
        followed = _mixed(context, numbers)
        expected = _Counted.of(context[:count], followed[:count]).blended(expected, context[count:], followed[count:])
    return float(-np.log2(expected).mean())


def _mixed(hashes: Hashes, numbers: Hashes) -> Hashes:
    mixed = (hashes ^ numbers) * MULTIPLIER
    return mixed ^ (mixed >> np.uint64(29))


@dataclass(frozen=True)
class _Counted:
    """How often contexts, and contexts with the character after them, occur: sorted hashes and their counts.

    - kinds: how many different characters follow each context
    """

    contexts: Hashes
    totals: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int64]
    grams: Hashes
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, context: Hashes, followed: Hashes) -> _Counted:
        """Count what was learned, (characters,)."""
        grams, places, counts = np.unique(followed, return_index=True, return_counts=True)
        contexts, totals = np.unique(context, return_counts=True)
        kinds = np.bincount(np.searchsorted(contexts, context[places]), minlength=len(contexts))
        return cls(contexts, totals, kinds, grams, counts)

    def blended(self, expected: DoubleArray, context: Hashes, followed: Hashes) -> DoubleArray:
        """Return the probabilities of characters, (characters,), from those that one character less gives."""
        total, kinds = _found(self.contexts, self.totals, context), _found(self.contexts, self.kinds, context)
        count = _found(self.grams, self.counts, followed)
        blended: DoubleArray = np.where(total > 0, (count + kinds * expected) / np.maximum(total + kinds, 1), expected)
        return blended


def _found(known: Hashes, counts: npt.NDArray[np.int64], wanted: Hashes) -> npt.NDArray[np.int64]:
    """Return the count of each hash that is wanted; 0 for those that are not known."""
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[places] == wanted, counts[places], 0)
