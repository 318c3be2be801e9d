"""Shapes beside the pattern: lines, their lengths and first letters, letters and strings that may not occur.

Each is a small automaton with one state at a time, a number; `step` returns the next one, or None where the character
may not come. Its states and transitions are computed when they are asked for, never all of them beforehand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from longhand.generation.constraints.ranges import LAST, Ranges, ranges_of

LONGEST_LINE = 10_000
MAX_KNOWN_MOVES = 50_000  # of banned strings: some megabytes


def both_cases(letters: str) -> set[str]:
    """Return letters with their other cases, as far as these are single characters."""
    return {each for letter in letters for each in (letter, letter.lower(), letter.upper()) if len(each) == 1}


class Shape(Protocol):
    """A rule with one state at a time."""

    @property
    def ends(self) -> bool:
        """Whether the text ends where it may and a character comes that cannot follow."""
        ...

    def sets(self) -> Iterator[Ranges]:
        """Yield the sets of characters that it tells apart from all others."""
        ...

    def special(self, state: int) -> Iterable[int]:
        """Return which of its sets, by number, may lead elsewhere from a state than characters in none of them."""
        ...

    def step(self, state: int, character: str) -> int | None:
        """Return the next state, or None."""
        ...

    def final(self, state: int) -> bool:
        """Whether the text may end here."""
        ...


class Lines:
    """So many lines, each of some characters; the text ends where the last one does.

    - count: of the lines; None: of any number, without an end
    - shortest, longest: characters of a line; None: any number
    - initials: what lines begin with, in either case, one after another
    """

    def __init__(self, count: int | None, shortest: int, longest: int | None, initials: str = "") -> None:
        self.ends = count is not None
        self._count, self._shortest, self._longest = count, shortest, longest
        cases = {letter: both_cases(letter) for letter in initials}
        self._initials = [cases[letter] for letter in initials]
        self._sets = {letter: number for number, letter in enumerate(cases, 1)}  # after that of the line end
        self._set_of = [self._sets[letter] for letter in initials]
        self._most = (shortest if longest is None else longest) + 1  # characters that are told apart, and one

    def sets(self) -> Iterator[Ranges]:
        """Yield the line end, then the different letters that lines begin with."""
        yield ranges_of([ord("\n")])
        for letter in self._sets:
            yield ranges_of(map(ord, both_cases(letter)))

    def special(self, state: int) -> Iterable[int]:
        """Return the line end, and at the beginning of a line its letter."""
        line, length = divmod(state, self._most + 1)
        return (0,) if length or line >= len(self._set_of) else (0, self._set_of[line])

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

    def sets(self) -> Iterator[Ranges]:
        """Yield the set of these characters."""
        yield ranges_of(map(ord, self._characters))

    def special(self, state: int) -> Iterable[int]:  # noqa: ARG002 (of any)
        """Return the set of these characters."""
        return (0,)

    def step(self, state: int, character: str) -> int | None:
        """Return the next state: there is one only."""
        return None if character in self._characters else state

    def final(self, state: int) -> bool:  # noqa: ARG002 (of any)
        """Whether the text may end here."""
        return True


class Banned:
    """Some strings never occur; the automaton of Aho and Corasick (1975).

    A state is the longest end of the text that begins one of the strings: the first of these, and how much of it.
    """

    ends = False

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = sorted(set(strings))
        self._longest = max(map(len, self._strings), default=0) + 1
        self._moves: dict[int, dict[str, int | None]] = {}
        self._known = 0

    @cached_property
    def _letters(self) -> npt.NDArray[np.uint32]:
        return np.unique(np.frombuffer("".join(self._strings).encode("utf-32-le"), "<u4"))

    @cached_property
    def _first_moves(self) -> dict[str, int | None]:
        """Where each character leads that begins one of the strings."""
        return self._children(0, 0)

    @cached_property
    def _first_sets(self) -> list[int]:
        return self._set_numbers(self._first_moves)

    def sets(self) -> Iterator[Ranges]:
        """Yield the strings' characters, each by itself."""
        for letter in self._letters.tolist():
            yield np.array([[letter, letter + 1]], np.int64)

    def special(self, state: int) -> Iterable[int]:
        """Return the characters that begin one of the strings, or go on with one."""
        return [*self._first_sets, *self._set_numbers(self._moves_from(state))]

    def step(self, state: int, character: str) -> int | None:
        """Return the next state; 0 is nothing of any string."""
        moves = self._moves_from(state)
        return moves[character] if character in moves else self._first_moves.get(character, 0)

    def final(self, state: int) -> bool:  # noqa: ARG002 (of any)
        """Whether the text may end here."""
        return True

    def _set_numbers(self, letters: Iterable[str]) -> list[int]:
        numbers: list[int] = np.searchsorted(self._letters, [ord(letter) for letter in letters]).tolist()
        return numbers

    def _moves_from(self, state: int) -> dict[str, int | None]:
        """Return where characters lead from a state, but for those that lead where they would from the first one."""
        found = self._moves.get(state)
        if found is None:
            found, here = {}, state
            while here:  # the text also ends with every shorter beginning of a string that this one ends with
                for letter, after in self._children(*divmod(here, self._longest)).items():
                    found[letter] = None if after is None else found.get(letter, after)
                here = self._shorter(here)
            for letter in found:
                if self._first_moves.get(letter, 0) is None:
                    found[letter] = None
            if self._known > MAX_KNOWN_MOVES:
                self._moves.clear()
                self._known = 0
            self._moves[state] = found
            self._known += len(found) + 1
        return found

    def _children(self, string: int, length: int) -> dict[str, int | None]:
        """Return where characters lead that go on with one of the strings that begin as this one does."""
        beginning = self._strings[string][:length] if self._strings else ""
        result: dict[str, int | None] = {}
        number = string
        while number < len(self._strings) and self._strings[number].startswith(beginning):
            other = self._strings[number]
            letter = other[length]  # of all strings that go on with it, this is the first, and the shortest
            result[letter] = None if len(other) == length + 1 else number * self._longest + length + 1
            if ord(letter) == LAST:
                break
            number = bisect_left(self._strings, beginning + chr(ord(letter) + 1), number)
        return result

    def _shorter(self, state: int) -> int:
        """Return the state of the longest proper end of a state's characters that begins one of the strings."""
        string, length = divmod(state, self._longest)
        read = self._strings[string][:length]
        for start in range(1, length):
            end = read[start:]
            number = bisect_left(self._strings, end)
            if number < len(self._strings) and self._strings[number].startswith(end):
                return number * self._longest + length - start
        return 0
