"""The characters that a model can write, in classes of those that no rule tells apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from longhand.arrays import BoolArray
from longhand.text.tokenizer import Tokenizer

LAST = 0x10FFFF
AT_ONCE = 32  # sets
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
            numbers = np.unique(numbers, return_inverse=True)[1].reshape(-1)
        first, self._classes = np.unique(numbers, return_index=True)[1], numbers
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
            found = self._in_range[first, last] = tuple(np.unique(self._classes[begin:end]).tolist())
        return found
