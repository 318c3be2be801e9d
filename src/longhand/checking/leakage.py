"""Passages of the held-out text that were learned from: what is copied within a text makes its score look too good.

A passage is `WINDOW` characters or more, where letters and digits count as they are in small letters, and whatever is
between them, signs, spaces and line ends, as one space: near copies count too. The held-out text's windows are kept as
sorted 64-bit hashes; the windows of all that is learned from are looked up there as it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from longhand.checking.characters import Places
from longhand.checking.finding import Finding, Place
from longhand.text.points import CODE_POINTS, code_points

WINDOW = 50
MOST_HELD_OUT = 1 << 21  # characters of the held-out text that are looked for, from its beginning on
EXAMPLE = 60  # characters of the longest passage that are shown
MUCH = 0.05  # of the held-out characters
PART = 1 << 16  # characters that are looked at together
SPACE = ord(" ")
_MULTIPLIERS = np.random.default_rng(0).integers(1, 2**63, 6).astype(np.uint64) * np.uint64(2) + np.uint64(1)
_FILTER_BITS = (16, 27)  # of the hashes, by which most windows are seen not to be among the wanted: least, most

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Leakage:
    """What of the held-out text was learned from.

    - characters: held-out characters that were looked for; not all of a long text
    - copied: how many of them lie in passages that are learned from
    - longest: the length of the longest passage, example: its beginning, at: where it is, before: where it was learned
    """

    characters: int
    copied: int
    longest: int = 0
    example: str = ""
    at: Place | None = None
    before: Place | None = None

    @property
    def share(self) -> float:
        """Which share of the held-out characters was learned from."""
        return self.copied / max(self.characters, 1)

    def findings(self) -> list[Finding]:
        """Return what a person should know."""
        if self.share < MUCH:
            return []
        found = f"{self.share:.0%} of the held-out text is copied from what is learned: scores will look too good"
        return [Finding("harms", "leakage", found, "keep one copy of each: the longest is shown below")]


class Folding:
    """Makes letters small, and one space of what is between them.

    - characters: the different ones that there may be
    """

    def __init__(self, characters: str) -> None:
        self._folded = np.full(CODE_POINTS, SPACE, np.uint32)
        kept = [letter for letter in characters if letter.isalnum()]
        small = [lower if len(lower := letter.lower()) == 1 else letter for letter in kept]
        self._folded[code_points("".join(kept))] = code_points("".join(small))

    def fold(self, text: str, after_space: bool = True) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Return folded characters, (kept,), and the place in `text` of each.

        - after_space: whether the text before ended with a space, so that none is kept at the beginning
        """
        folded = self._folded[code_points(text)]
        spaces = folded == SPACE
        kept = np.flatnonzero(~(spaces & np.concatenate([[after_space], spaces[:-1]])))
        return folded[kept], kept

    def is_space(self, text: str) -> bool:
        """Whether all of a text counts as a space."""
        return bool((self._folded[code_points(text)] == SPACE).all())


def window_hashes(letters: npt.NDArray[np.uint32]) -> Hashes:
    """Return a hash for each stretch of `WINDOW` characters, (characters - WINDOW + 1,)."""
    if len(letters) < WINDOW:
        return np.zeros(0, np.uint64)
    hashes = letters.astype(np.uint64)
    length = 1
    for multiplier in _MULTIPLIERS:
        step = min(length, WINDOW - length)  # 1, 2, 4, 8, 16, then what is left: stretches may overlap
        hashes = hashes[:-step] * multiplier + hashes[step:]
        length += step
    return hashes


def _parts(text: str) -> Iterator[str]:
    """Yield a text in parts that the processor's caches can hold the hashes of."""
    for begin in range(0, len(text), PART):
        yield text[begin : begin + PART]


class Copies:
    """Finds passages of a held-out text in the text that is learned from.

    - held_out: the text, of which the first `MOST_HELD_OUT` characters are looked for
    """

    def __init__(self, held_out: str, folding: Folding) -> None:
        self._text, self._folding = held_out[:MOST_HELD_OUT], folding
        letters, self._places = folding.fold(self._text)
        self._hashes = window_hashes(letters)
        self._known = np.unique(self._hashes)
        self._found_in = np.full(len(self._known), -1, np.int64)  # the line in which each was first learned
        bits = min(max(len(self._known).bit_length() + 5, _FILTER_BITS[0]), _FILTER_BITS[1])
        self._shift, self._filter = np.uint64(64 - bits), np.zeros(1 << bits, np.bool_)
        self._filter[self._known >> self._shift] = True
        self._looked_for = len(self._known)

    def look_in(self, pieces: Iterable[str]) -> None:
        """Look for the passages in the text that is learned from."""
        line, after_space = 0, True
        letters, lines = np.zeros(0, np.uint32), np.zeros(0, np.int64)  # the last ones, and the lines they are in
        for piece in (part for whole in pieces for part in _parts(whole)):
            ends = np.flatnonzero(code_points(piece) == ord("\n"))
            more, places = self._folding.fold(piece, after_space)
            letters = np.concatenate([letters, more])
            new, windows = self._new_in(window_hashes(letters))
            if len(new):
                self._found_in[new] = np.concatenate([lines, line + np.searchsorted(ends, places)])[windows]
                self._forget_found()
            lines = np.concatenate([lines, line + np.searchsorted(ends, places[-WINDOW + 1 :])])[-WINDOW + 1 :]
            letters = letters[-WINDOW + 1 :]
            line, after_space = line + len(ends), self._folding.is_space(piece[-1:])

    def _new_in(self, hashes: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return which of the known hashes are met for the first time, and by which window each."""
        likely = np.flatnonzero(self._filter[hashes >> self._shift])
        if not len(likely) or not len(self._known):
            return likely[:0], likely[:0]
        at = np.minimum(np.searchsorted(self._known, hashes[likely]), len(self._known) - 1)
        found = self._known[at] == hashes[likely]
        at, first = np.unique(at[found], return_index=True)
        new = self._found_in[at] < 0
        return at[new], likely[found][first[new]]

    def _forget_found(self) -> None:
        """Look no longer for what is found, however often it occurs: once half of what is looked for is."""
        left = self._found_in < 0
        if left.sum() <= self._looked_for // 2:
            self._looked_for = int(left.sum())
            self._filter[:] = False
            self._filter[self._known[left] >> self._shift] = True

    def leakage(self, at: Places, before: Places) -> Leakage:
        """Return what was found.

        - at, before: tell where a line of the held-out text is, and one of the text that is learned from
        """
        found_in = self._found_in[np.searchsorted(self._known, self._hashes)] if len(self._known) else self._found_in
        change = np.zeros(len(self._hashes) + WINDOW, np.int32)
        copied = np.flatnonzero(found_in >= 0)
        change[copied] += 1
        change[copied + WINDOW] -= 1
        inside = np.concatenate([[0], np.cumsum(change)[:-1] > 0, [0]]).astype(np.int8)
        begins, ends = (np.flatnonzero(np.diff(inside) == step) for step in (1, -1))
        if not len(begins):
            return Leakage(len(self._text), 0)
        first, last = self._places[begins], self._places[ends - 1] + 1
        longest = int((last - first).argmax())
        begin, end, window = int(first[longest]), int(last[longest]), int(begins[longest])
        if self._folding.is_space(self._text[begin]) and found_in[min(window + 1, len(found_in) - 1)] >= 0:
            window += 1  # where the passage's first letter is, not the line end before it
        line = self._text.count("\n", 0, self._places[window])
        return Leakage(
            len(self._text),
            int((last - first).sum()),
            end - begin,
            self._text[begin : min(end, begin + EXAMPLE)],
            at(line),
            before(int(found_in[window])),
        )
