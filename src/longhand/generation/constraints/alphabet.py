"""The characters that a model can write, in classes of those that no rule tells apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from longhand.arrays import BoolArray
from longhand.text.tokenizer import Tokenizer

LAST = 0x10FFFF
AT_ONCE = 12  # sets
MOST_COUNTED = 1 << 22  # of the numbers that a table is made for
SURROGATES = (0xD800, 0xDFFF)

CodePoints = npt.NDArray[np.int64]


def writable(tokenizer: Tokenizer) -> CodePoints:
    """Return the code points of what a model can write, ascending: any character where tokens are bytes."""
    if tokenizer.kind in ("byte", "bpe"):
        return np.concatenate([np.arange(SURROGATES[0]), np.arange(SURROGATES[1] + 1, LAST + 1)])
    ids = np.setdiff1d(np.arange(tokenizer.size), tokenizer.never_written)
    points = {ord(character) for character in tokenizer.decode(ids)}
    return np.array(sorted(point for point in points if not SURROGATES[0] <= point <= SURROGATES[1]), np.int64)


class Alphabet:
    """Classes of characters.

    - points: code points, ascending
    - sets: which of them belong together to somebody, (points,) each
    """

    def __init__(self, points: CodePoints, sets: Sequence[BoolArray]) -> None:
        self.points = points
        numbers = np.zeros(len(points), np.int64)
        for place in range(0, len(sets), AT_ONCE):  # numbered anew each time, so that they stay small
            for members in sets[place : place + AT_ONCE]:
                numbers = 2 * numbers + members
            numbers = _renumbered(numbers)
        self._classes = numbers
        first = np.zeros(int(numbers.max(initial=-1)) + 1, np.int64)
        first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # of several, the last one that is written stays
        self.examples = [chr(point) for point in points[first]]
        self._in_range: dict[tuple[int, int], tuple[int, ...]] = {}

    def class_of(self, character: str) -> int:
        """Return the class of a character; -1 for one that cannot be written."""
        place = int(np.searchsorted(self.points, ord(character)))
        if place == len(self.points) or self.points[place] != ord(character):
            return -1
        return int(self._classes[place])

    def between(self, first: int, last: int) -> tuple[int, ...]:
        """Return the classes of all characters with numbers from `first` to `last`."""
        found = self._in_range.get((first, last))
        if found is None:
            begin, end = np.searchsorted(self.points, [first, last + 1])
            found = self._in_range[first, last] = tuple(np.flatnonzero(np.bincount(self._classes[begin:end])).tolist())
        return found


def _renumbered(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return numbers from 0 on, in the order of those given; without sorting a million, where they are small."""
    most = int(numbers.max(initial=0))
    if most > MOST_COUNTED:
        return np.unique(numbers, return_inverse=True)[1].reshape(-1)
    met = np.zeros(most + 1, np.int64)
    met[numbers] = 1
    result: npt.NDArray[np.int64] = (np.cumsum(met) - 1)[numbers]
    return result
