"""Shapes beside the pattern: lines, their lengths and first letters, letters and strings that may not occur.

Each is a small automaton with one state at a time, a number; `step` returns the next one, or None where the character
may not come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longhand.arrays import BoolArray
from longhand.generation.constraints.alphabet import CodePoints

LONGEST_LINE = 10_000


def both_cases(letters: str) -> set[str]:
    """Return letters with their other cases, as far as these are single characters."""
    return {each for letter in letters for each in (letter, letter.lower(), letter.upper()) if len(each) == 1}


def is_one_of(points: CodePoints, characters: set[str]) -> BoolArray:
    """Return which code points are those of some characters."""
    result: BoolArray = np.isin(points, [ord(each) for each in characters])
    return result


class Lines:
    """So many lines, each of some characters; the text ends where the last one does.

    - count: of the lines; None: of any number, without an end
    - shortest, longest: characters of a line; None: any number
    - initials: what lines begin with, in either case, one after another
    """

    def __init__(self, count: int | None, shortest: int, longest: int | None, initials: str = "") -> None:
        self.ends = count is not None
        self._count, self._shortest, self._longest = count, shortest, longest
        self._initials = [both_cases(letter) for letter in initials]
        self._most = (shortest if longest is None else longest) + 1  # characters that are told apart, and one

    def sets(self, points: CodePoints) -> list[BoolArray]:
        """Return what it tells apart."""
        return [is_one_of(points, {"\n"})] + [is_one_of(points, letters) for letters in self._initials]

    def step(self, state: int, character: str) -> int | None:
        """Return the next state: the line and how many of its characters were read."""
        line, length = divmod(state, self._most + 1)
        if character == "\n":
            if length < self._shortest or (self._count is not None and line + 1 == self._count):
                return None
            return (line + (self._count is not None)) * (self._most + 1)
        if length == 0 and line < len(self._initials) and character not in self._initials[line]:
            return None
        if self._longest is not None and length == self._longest:
            return None
        return line * (self._most + 1) + min(length + 1, self._most)

    def final(self, state: int) -> bool:
        """Whether the text may end here."""
        line, length = divmod(state, self._most + 1)
        return self._count is None or (line + 1 == self._count and length >= self._shortest)


class Without:
    """Some characters never occur."""

    ends = False

    def __init__(self, characters: set[str]) -> None:
        self._characters = characters

    def sets(self, points: CodePoints) -> list[BoolArray]:
        """Return what it tells apart."""
        return [is_one_of(points, self._characters)]

    def step(self, state: int, character: str) -> int | None:
        """Return the next state: there is one only."""
        return None if character in self._characters else state

    def final(self, state: int) -> bool:  # noqa: ARG002 (of any)
        """Whether the text may end here."""
        return True


class Banned:
    """Some strings never occur; the automaton of Aho and Corasick (1975)."""

    ends = False

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = sorted(set(strings))
        self._prefixes = sorted({string[:end] for string in self._strings for end in range(len(string))})
        self._numbers = {prefix: number for number, prefix in enumerate(self._prefixes)}

    def sets(self, points: CodePoints) -> list[BoolArray]:
        """Return what it tells apart."""
        return [is_one_of(points, {letter}) for letter in sorted(set("".join(self._strings)))]

    def step(self, state: int, character: str) -> int | None:
        """Return the next state: how much of which string the text ends with; 0 is nothing of any."""
        read = self._prefixes[state] + character
        if any(read.endswith(string) for string in self._strings):
            return None
        while read not in self._numbers:
            read = read[1:]
        return self._numbers[read]

    def final(self, state: int) -> bool:  # noqa: ARG002 (of any)
        """Whether the text may end here."""
        return True
