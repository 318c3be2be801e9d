"""Whether the end of a running text, which is held out, is like the rest: if not, a score says little of the whole."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from longhand.text.points import CodePoints

SORTED_SHARE, MIN_COMPARED = 0.9, 100  # of the lines, that follow by the alphabet on those before them
MAX_SPREAD, COMPARED_FROM_FAR = 2000, 60  # lines that are kept, from all over a text, and compared with each other
_UP_TO_DIGIT = re.compile(r"[^\d]{0,300}").match
FEATURE_BITS, MAX_BLOCKS, BLOCK = 11, 64, 512  # of pairs of characters; characters of a block of a short text
LONG_BLOCK, COUNTED = 1 << 13, 1 << 11  # characters of a block of a long text, and pairs of it that are counted, about
MIN_BLOCKS, MIN_WINDOWS = 20, 4
UNLIKE, MIN_DIFFERENCE = 3.0, 0.012  # times, and bits, that the end differs more than other stretches do
ADVICE = "mix its parts, say what its --documents are, or name a text to score on with --validation"

Counts = npt.NDArray[np.int64]


class AlphabeticalOrder:
    """Counts how often a line comes after the one before it by the alphabet, and one far after another.

    Lines are compared up to the first digit: numbers and dates rise in texts whose end is like the rest.
    """

    def __init__(self) -> None:
        self._rising = self._falling = 0
        self._before = ""
        self._spread: list[str] = []  # lines from all over the text
        self._every, self._passed = 1, 0

    def add(self, lines: Sequence[str]) -> None:
        """Take in lines that follow on those before."""
        words = [beginning for line in lines if (beginning := _UP_TO_DIGIT(line)[0])]  # type: ignore[index]
        compared = [self._before, *words] if self._before else words
        self._rising += sum(map(operator.lt, compared, compared[1:]))
        self._falling += sum(map(operator.gt, compared, compared[1:]))
        self._before = compared[-1] if compared else ""
        self._spread += words[-self._passed % self._every :: self._every]
        self._passed += len(words)
        while len(self._spread) > MAX_SPREAD:
            self._spread, self._every = self._spread[::2], 2 * self._every

    @property
    def share(self) -> float:
        """Which share of the lines comes after the one before; half of them where there is no order."""
        compared = self._rising + self._falling
        return self._rising / compared if compared >= MIN_COMPARED else 0.5

    @property
    def is_sorted(self) -> bool:
        """Whether most lines are in alphabetical order, and not in one that begins again and again."""
        some = self._spread[:: 1 + len(self._spread) // COMPARED_FROM_FAR]
        far = [(one, other) for one, other in combinations(some, 2) if one != other]
        rising = sum(one < other for one, other in far)
        return self.share >= SORTED_SHARE and rising >= SORTED_SHARE * len(far)


class Stretches:
    """Counts pairs of characters in blocks of a text, which comes piece by piece, in bounded memory.

    Of long blocks only a part is counted, evenly spread.
    """

    def __init__(self) -> None:
        self._blocks: list[Counts] = []
        self._size, self._inside = BLOCK, BLOCK  # characters of a block, and those of the last one that have come

    def add(self, points: CodePoints) -> None:
        """Take in a piece, as code points."""
        if not self._blocks and 2 * len(points) >= MAX_BLOCKS * LONG_BLOCK:  # a piece of a long text
            self._size = self._inside = LONG_BLOCK
        place = 0
        while place < len(points):
            if self._inside == self._size:
                self._begin_block()
            length = min(self._size - self._inside, len(points) - place)
            self._blocks[-1] += _pairs(points[place : place + length], max(1, self._size // COUNTED))
            self._inside, place = self._inside + length, place + length

    def _begin_block(self) -> None:
        if len(self._blocks) == MAX_BLOCKS:
            self._blocks = list(np.reshape(self._blocks, (MAX_BLOCKS // 2, 2, -1)).sum(axis=1))
            self._size *= 2
        self._blocks.append(np.zeros(1 << FEATURE_BITS, np.int64))
        self._inside = 0

    def end_is_unlike(self, share: float) -> bool:
        """Whether the end of the text differs more from all other stretches of its length than these from each other.

        - share: which share of the text the end is
        """
        width = round(len(self._blocks) * share)
        count = len(self._blocks) // width if width else 0
        if len(self._blocks) < MIN_BLOCKS or count < MIN_WINDOWS:
            return False
        end = len(self._blocks)
        windows = [np.sum(self._blocks[end - width * (n + 1) : end - width * n], axis=0) for n in range(count)]
        apart = np.full((count, count), np.inf)
        for one, other in combinations(range(count), 2):
            apart[one, other] = apart[other, one] = _divergence(windows[one], windows[other])
        nearest = apart.min(axis=1)
        usual = float(np.median(nearest[1:]))
        return bool(nearest[0] > max(UNLIKE * usual, usual + MIN_DIFFERENCE))


def _divergence(one: Counts, other: Counts) -> float:
    """Return the Jensen-Shannon divergence of two counts in bits, less what chance makes of it."""
    first, second = one / max(one.sum(), 1), other / max(other.sum(), 1)
    middle = (first + second) / 2
    found = 0.0
    for share in (first, second):
        met = share > 0
        found += float((share[met] * np.log2(share[met] / middle[met])).sum()) / 2
    per_feature = (1 / max(int(one.sum()), 1) + 1 / max(int(other.sum()), 1)) / (8 * math.log(2))
    return max(found - (np.count_nonzero(middle) - 1) * per_feature, 0.0)


def _pairs(points: CodePoints, every: int) -> Counts:
    """Return how often each pair of neighbours occurs, by a hash of the pairs; of so many, one is counted."""
    pairs = points[:-1:every] * np.uint32(40_503) + points[1::every]
    features = (pairs * np.uint32(2_654_435_761)) >> np.uint32(32 - FEATURE_BITS)
    return np.bincount(features, minlength=1 << FEATURE_BITS)


def end_warning(order: AlphabeticalOrder, stretches: Stretches, share: float) -> str:
    """Return why the end of a running text is unlike the rest; empty where it is not.

    - share: which share of the text is held out
    """
    if not share:
        return ""
    if order.is_sorted:
        return f"{order.share:.0%} of the lines are in alphabetical order, so that the held-out end is unlike the rest"
    return "the end of the text, which is held out, is unlike the rest" if stretches.end_is_unlike(share) else ""
