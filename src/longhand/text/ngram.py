"""How well characters are predicted by those just before them: an interpolated n-gram model, Kneser and Ney's.

The probability of a character after the last few ones is what was counted after them, each count a little discounted;
what that leaves goes to the estimate from one character less, for which not occurrences are counted, but different
characters before (R. Kneser, H. Ney: Improved backing-off for m-gram language modeling, 1995). Discounts are three, for
counts of one, two and more (S. F. Chen, J. Goodman: An empirical study of smoothing techniques for language modeling,
1999). The last resort is that every code point of Unicode is equally likely, so that nothing is impossible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from longhand.arrays import DoubleArray
from longhand.text.points import CODE_POINTS, code_points

ORDER = 6  # characters, the predicted one included
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
CLASSES = 3  # of counts: one, two, more

Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]


class NgramModel:
    """What a text says of the characters after others.

    - learned: the text; 64 bits stand for each few characters of it, which two may share once in 10^5 texts
    - order: how many characters are looked at, the predicted one included
    """

    def __init__(self, learned: str, order: int = ORDER) -> None:
        self._order = order
        numbers = _numbers(learned)
        places = np.arange(order - 1, len(numbers))
        self._tables: list[_Counted] = []
        for size in range(order, 0, -1):
            context = _hashed(numbers, places, size - 1)
            table = _Counted.of(context, _mixed(context, numbers[places]))
            self._tables.append(table)
            # A shorter gram counts once for each character that comes before it; the text's first ones have none.
            places = np.union1d(places[table.first], [size - 2] if size >= 2 and len(numbers) >= size - 1 else [])
            places = places.astype(np.int64)
        self._tables.reverse()

    def bits(self, text: str, before: str = "") -> DoubleArray:
        """Return how many bits it needs for each character of `text`, (characters,).

        - before: what comes before `text`; no more than `order` - 1 characters count
        """
        before = before[max(0, len(before) - self._order + 1) :] if self._order > 1 else ""
        numbers = _numbers(before + text)
        places = np.arange(len(before), len(numbers))
        expected = np.full(len(places), 1 / CODE_POINTS)
        for size, table in enumerate(self._tables, 1):
            enough = places >= size - 1
            context = _hashed(numbers, places[enough], size - 1)
            expected[enough] = table.blended(expected[enough], context, _mixed(context, numbers[places[enough]]))
        result: DoubleArray = -np.log2(expected)
        return result


def bits_per_character(learned: str, held_out: str) -> float:
    """Return how many bits the model that has learned one text needs for a character of another, in the mean."""
    return float(NgramModel(learned).bits(held_out).mean())


def _numbers(text: str) -> Hashes:
    return code_points(text).astype(np.uint64) + np.uint64(1)


def _hashed(numbers: Hashes, places: Counts, size: int) -> Hashes:
    """Return hashes of the `size` characters before each place, (places,)."""
    hashes = np.full(len(places), size, np.uint64)
    for back in range(size, 0, -1):
        hashes = _mixed(hashes, numbers[places - back])
    return hashes


def _mixed(hashes: Hashes, numbers: Hashes) -> Hashes:
    mixed = (hashes ^ numbers) * MULTIPLIER
    return mixed ^ (mixed >> np.uint64(29))


@dataclass(frozen=True)
class _Counted:
    """How often contexts, and contexts with the character after them, occur: sorted hashes and their counts.

    - totals: of each context, the sum of its counts
    - kinds: how many different characters follow each context once, twice, or more often, (contexts, 3)
    - discounts: what is taken off a count of none, one, two, or more
    - first: where each gram occurs first
    """

    contexts: Hashes
    totals: Counts
    kinds: Counts
    grams: Hashes
    counts: Counts
    discounts: DoubleArray
    first: Counts

    @classmethod
    def of(cls, context: Hashes, followed: Hashes) -> _Counted:
        """Count contexts and contexts with the character after them, (occurrences,) both."""
        grams, first, counts = np.unique(followed, return_index=True, return_counts=True)
        contexts, totals = np.unique(context, return_counts=True)
        place = np.searchsorted(contexts, context[first])
        kinds = np.zeros((len(contexts), CLASSES), np.int64)
        np.add.at(kinds, (place, np.minimum(counts, CLASSES) - 1), 1)
        return cls(contexts, totals, kinds, grams, counts, _discounts(counts), first)

    def blended(self, expected: DoubleArray, context: Hashes, followed: Hashes) -> DoubleArray:
        """Return the probabilities of characters, (characters,), from those that one character less gives."""
        if not len(self.contexts):
            return expected
        place = np.minimum(np.searchsorted(self.contexts, context), len(self.contexts) - 1)
        known = self.contexts[place] == context
        at = np.minimum(np.searchsorted(self.grams, followed), len(self.grams) - 1)
        count = np.where(self.grams[at] == followed, self.counts[at], 0)
        kept = count - self.discounts[np.minimum(count, CLASSES)]
        left = self.kinds[place] @ self.discounts[1:]
        blended: DoubleArray = np.where(known, (kept + left * expected) / self.totals[place], expected)
        return blended


def _discounts(counts: Counts) -> DoubleArray:
    """Return what is taken off a count of none, one, two and more, (4,), by how many there are of each."""
    ones, twos, threes, fours = (float(np.count_nonzero(counts == count)) for count in range(1, 5))
    if not ones or not twos:
        return np.array([0, 0.5, 0.5, 0.5]) if len(counts) else np.zeros(4)
    share = ones / (ones + 2 * twos)
    wanted = [1 - 2 * share * twos / ones, 2 - 3 * share * threes / twos, 3 - 4 * share * fours / max(threes, 1)]
    return np.array(
        [0, *(min(max(found, 0.1), limit) for found, limit in zip(wanted, (0.95, 1.95, 2.95), strict=True))]
    )
