"""The characters that a model can write, in classes of those that no rule tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from longhand.generation.constraints import bits
from longhand.generation.constraints.bounds import Budget
from longhand.generation.constraints.ranges import LAST, Ranges
from longhand.text.tokenizer import Tokenizer

SURROGATES = (0xD800, 0xDFFF)
LAST_KEPT = 0x7FF  # characters of one or two bytes: few, and looked up for most states
INTERVAL_BYTES = 64  # of an interval's edge, class and first point, and of what sorting them takes

CodePoints = npt.NDArray[np.int64]


def writable(tokenizer: Tokenizer) -> CodePoints:
    """Return the code points of what a model can write, ascending: any character where tokens are bytes."""
    if tokenizer.kind in ("byte", "bpe"):
        return all_characters()
    ids = np.setdiff1d(np.arange(tokenizer.size), tokenizer.never_written)
    points = {ord(character) for character in tokenizer.decode(ids)}
    return np.array(sorted(point for point in points if not SURROGATES[0] <= point <= SURROGATES[1]), np.int64)


@cache
def all_characters() -> CodePoints:
    """Return all code points but surrogates: one read-only array for all shapes of models of bytes."""
    points = np.concatenate([np.arange(SURROGATES[0]), np.arange(SURROGATES[1] + 1, LAST + 1)])
    points.flags.writeable = False
    return points


class Alphabet:
    """Classes of characters.

    - points: code points, ascending
    - sets: of characters that a rule tells apart from all others
    """

    def __init__(self, points: CodePoints, sets: Sequence[Ranges], budget: Budget | None = None) -> None:
        budget = budget or Budget()
        self._points = points
        budget.charge(INTERVAL_BYTES * (3 + 2 * sum(map(len, sets))))
        fixed = [0, SURROGATES[0], SURROGATES[1] + 1, LAST + 1]
        self._edges = np.unique(np.concatenate([fixed, *(each.ravel() for each in sets)]))
        first = np.searchsorted(points, self._edges)
        classes = np.where(first[:-1] < first[1:], 0, -1)  # -1: an interval without a character that can be written
        count = 1
        for each in sets:  # what lies in a set becomes other classes than what lies beside it
            budget.tick()
            inside = self._intervals(each)
            inside = inside[classes[inside] >= 0]
            before, which = np.unique(classes[inside], return_inverse=True)
            classes[inside] = count + which.reshape(-1)
            count += len(before)
        used = classes >= 0
        _, examples, numbers = np.unique(classes[used], return_index=True, return_inverse=True)
        self._classes = classes
        classes[used] = numbers.reshape(-1)
        self.examples = [chr(point) for point in points[first[:-1][used][examples]]]  # of each class, the first one
        self._in_range: dict[tuple[int, int], tuple[int, ...]] = {}

    @property
    def size(self) -> int:
        """How many classes there are."""
        return len(self.examples)

    def class_of(self, character: str) -> int:
        """Return the class of a character; -1 for one that cannot be written."""
        return int(self.classes_of(np.array([ord(character)]))[0])

    def classes_of(self, points: CodePoints) -> npt.NDArray[np.int64]:
        """Return the class of each code point; -1 for one that cannot be written."""
        if not len(self._points):
            return np.full(len(points), -1)
        places = np.searchsorted(self._points, points).clip(max=len(self._points) - 1)
        classes = self._classes[np.searchsorted(self._edges, points, "right") - 1]
        return np.where(self._points[places] == points, classes, -1)

    def between(self, first: int, last: int) -> tuple[int, ...]:
        """Return the classes of all characters with numbers from `first` to `last`, which no model of bytes lacks."""
        if first > last:
            return ()
        found = self._in_range.get((first, last))
        if found is None:
            begin = int(self._edges.searchsorted(first, "right"))
            if first == last and last > LAST_KEPT:  # of whole characters there are a million
                number = int(self._classes[begin - 1])
                return () if number < 0 else (number,)
            end = int(self._edges.searchsorted(last, "right"))
            classes = np.unique(self._classes[begin - 1 : end])
            found = self._in_range[first, last] = tuple(classes[classes >= 0].tolist())
        return found

    def mask(self, ranges: Ranges) -> int:
        """Return the classes, as bits, of one of the sets that the alphabet is made of."""
        classes = self._classes[self._intervals(ranges)]
        return bits.of_numbers(classes[classes >= 0])

    def _intervals(self, ranges: Ranges) -> npt.NDArray[np.intp]:
        """Return which of the intervals between all edges lie in a set."""
        begins, ends = np.searchsorted(self._edges, ranges).T
        counts = ends - begins
        before = np.cumsum(counts) - counts
        return np.repeat(begins - before, counts) + np.arange(counts.sum())
