"""Whether the end of a running text, which is held out, is like the rest: if not, a score says little of the whole."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from longhand.text.points import code_points

SORTED_SHARE, MIN_COMPARED = 0.9, 100  # of the lines, that follow by the alphabet on those before them
MAX_SPREAD, COMPARED_FROM_FAR = 2000, 60  # lines that are kept, from all over a text, and compared with each other
_UP_TO_DIGIT = re.compile(r"[^\d]{0,300}").match
FEATURES_BITS, MAX_BLOCKS, BLOCK = 12, 128, 512  # of pairs of characters; characters of a block of a short text
PART, ALL_OF, ONE_IN = 1 << 13, 1 << 19, 16  # of a text that is longer than ALL_OF, one part in so many is looked at
MIN_CHARACTERS = 10_000
MIN_WINDOWS = 4
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
    """Counts pairs of characters in stretches of a text, which comes piece by piece, in bounded memory."""

    def __init__(self) -> None:
        self._blocks: list[Counts] = []
        self._size, self._left = BLOCK, 0  # characters of a block, and those that the last one still takes
        self._characters = 0

    def add(self, piece: str) -> None:
        """Take in a piece."""
        for begin in range(0, len(piece), PART):
            if self._characters < ALL_OF or (self._characters // PART) % ONE_IN == 0:
                self._count(code_points(piece[begin : begin + PART]))
            self._characters += min(PART, len(piece) - begin)

    def _count(self, points: npt.NDArray[np.uint32]) -> None:
        pairs = points[:-1] * np.uint32(40_503) + points[1:]
        features = (pairs * np.uint32(2_654_435_761)) >> np.uint32(32 - FEATURES_BITS)
        while len(features):
            if not self._left:
                if len(self._blocks) == MAX_BLOCKS:
                    self._blocks = list(np.reshape(self._blocks, (MAX_BLOCKS // 2, 2, -1)).sum(axis=1))
                    self._size *= 2
                self._blocks.append(np.zeros(1 << FEATURES_BITS, np.int64))
                self._left = self._size
            some, features = features[: self._left], features[self._left :]
            self._blocks[-1] += np.bincount(some, minlength=1 << FEATURES_BITS)
            self._left -= len(some)

    def end_is_unlike(self, share: float) -> bool:
        """Whether the end of the text differs more from all other stretches of its length than these from each other.

        - share: which share of the text the end is
        """
        width = round(len(self._blocks) * share)
        count = len(self._blocks) // width if width else 0
        if self._characters < MIN_CHARACTERS or count < MIN_WINDOWS:
            return False
        end = len(self._blocks)
        windows = [np.sum(self._blocks[end - width * (n + 1) : end - width * n], axis=0) for n in range(count)]
        nearest = [
            min(_divergence(one, other) for number, other in enumerate(windows) if number != this)
            for this, one in enumerate(windows)
        ]
        usual = float(np.median(nearest[1:]))
        return nearest[0] > UNLIKE * usual and nearest[0] > usual + MIN_DIFFERENCE


def _divergence(one: Counts, other: Counts) -> float:
    """Return the Jensen-Shannon divergence of two counts in bits, less what chance makes of it."""
    first, second = one / max(one.sum(), 1), other / max(other.sum(), 1)
    middle = (first + second) / 2
    found = 0.0
    for share in (first, second):
        met = share > 0
        found += float((share[met] * np.log2(share[met] / middle[met])).sum()) / 2
    chance = (np.count_nonzero(middle) - 1) / (2 * int(one.sum() + other.sum()) * math.log(2))
    return max(found - chance, 0.0)


def end_warning(order: AlphabeticalOrder, stretches: Stretches, share: float) -> str:
    """Return why the end of a running text is unlike the rest; empty where it is not.

    - share: which share of the text is held out
    """
    if not share:
        return ""
    if order.is_sorted:
        return f"{order.share:.0%} of the lines are in alphabetical order, so that the held-out end is unlike the rest"
    return "the end of the text, which is held out, is unlike the rest" if stretches.end_is_unlike(share) else ""
