"""A regular expression as an automaton over characters.

Python's own parser reads the pattern, and Python's own engine says which characters each of its places takes, so that
what is written matches as `re.fullmatch` sees it. The automaton is that of Glushkov (1961): its states are the places
of the pattern, which are kept as the bits of an integer.
"""

from __future__ import annotations

import re
import threading
import warnings
from functools import cached_property
from typing import Any

import numpy as np

from longhand.errors import OptionError
from longhand.generation.constraints.bits import members, of_numbers
from longhand.generation.constraints.bounds import USUAL, Bounds, Budget
from longhand.generation.constraints.ranges import Ranges, ranges_of_item
from longhand.generation.constraints.sre import constants, parser

OF_ONE = {"LITERAL", "NOT_LITERAL", "ANY", "IN"}
REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
NOT_HERE = {
    "AT": "^, $ and \\b (the whole text has to match already)",
    "ASSERT": "a look ahead or behind",
    "ASSERT_NOT": "a look ahead or behind",
    "GROUPREF": "a reference to a group",
    "GROUPREF_EXISTS": "a condition on a group",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repeat",
}
START = 0
CASES = re.IGNORECASE | re.ASCII | re.DOTALL  # the flags that change what one place takes
TYPES = re.ASCII | re.LOCALE | re.UNICODE  # of these flags, one replaces another
PLACE_BYTES = 200  # of a place, besides the places that follow it
SET_STEPS = 16  # a large set takes as long as so many places
SET_BYTES = 500  # of a set, besides its ranges

_parsing = threading.Lock()  # filters for warnings belong to the whole process


class Part:
    """A part of a pattern: whether it may be empty, and the places that may come first and last in it."""

    def __init__(self, empty: bool, first: int = 0, last: int = 0) -> None:
        self.empty, self.first, self.last = empty, first, last


class Pattern:
    """An automaton that reads what matches a regular expression; state 0 is its beginning.

    - sets: the different sets of characters that its places take, for those who read `set_of`

    Raises `OptionError` for a pattern that is none, that is too large, or that looks around itself.
    """

    def __init__(self, pattern: str, bounds: Bounds = USUAL, budget: Budget | None = None) -> None:
        self.text, self._budget = pattern, budget or Budget(bounds)
        parsed = _parsed(pattern)
        self._connections = 0
        self.sets: list[Ranges] = []
        self.set_of: list[int] = [-1]  # of each place, its number among the sets
        self._set_numbers: dict[tuple[int, int] | bytes, int] = {}  # by the parsed item and the flags, or by the ranges
        self._follow: list[int] = [0]  # the places that may come after each
        try:
            whole = self._sequence(parsed, parsed.state.flags)
        except RecursionError:
            raise OptionError(f"pattern: {pattern[:60]!r} is nested too deeply") from None
        self._set_numbers.clear()
        self._follow[START] = whole.first
        self._finals = whole.last | (1 << START if whole.empty else 0)

    @cached_property
    def places_of(self) -> list[int]:
        """Of each set, the places that take it, as bits."""
        self._budget.charge(len(self.sets) * (self.size // 8 + 40))
        numbers = np.array(self.set_of)
        return [of_numbers(np.flatnonzero(numbers == number)) for number in range(len(self.sets))]

    @property
    def size(self) -> int:
        """How many places there are, the beginning included."""
        return len(self._follow)

    def after(self, place: int) -> int:
        """Return the places that may come after one."""
        return self._follow[place]

    def after_any(self, places: int) -> int:
        """Return the places that may come after one of some places."""
        return sum_of(self._follow[place] for place in members(places))

    def final(self, places: int) -> bool:
        """Whether the pattern may end at one of some places."""
        return bool(places & self._finals)

    def _sequence(self, items: Any, flags: int) -> Part:
        result = Part(True)
        for item in items:
            result = self._joined(result, self._part(item, flags))
        return result

    def _part(self, item: Any, flags: int) -> Part:
        self._budget.tick()
        kind, value = str(item[0]), item[1]
        if kind in OF_ONE:
            return self._one(item, flags)
        if kind == "SUBPATTERN":
            _, added, removed, inner = value
            kept = flags & ~TYPES if added & TYPES else flags
            return self._sequence(inner, (kept | added) & ~removed)
        if kind == "BRANCH":
            parts = [self._sequence(each, flags) for each in value[1]]
            first, last = (sum_of(getattr(part, name) for part in parts) for name in ("first", "last"))
            return Part(any(part.empty for part in parts), first, last)
        if kind in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = value
            return self._repeated(least, most, inner, flags)
        raise OptionError(f"pattern: {self.text!r} has {NOT_HERE.get(kind, kind)}, which cannot be written by")

    def _one(self, item: Any, flags: int) -> Part:
        if len(self.set_of) > self._budget.bounds.places:
            raise OptionError(f"pattern: {self.text[:60]!r} is too large: repeats count as often as they may occur")
        self._budget.charge(PLACE_BYTES)
        place = 1 << len(self.set_of)
        self.set_of.append(self._set(item, flags & CASES))
        self._follow.append(0)
        return Part(False, place, place)

    def _set(self, item: Any, flags: int) -> int:
        """Return the number of what an item takes: equal sets have one number, and repeats do not read theirs again."""
        known = (id(item), flags)  # the parsed pattern lives as long as this
        if known not in self._set_numbers:
            self._budget.tick(SET_STEPS)
            ranges = ranges_of_item(item, flags)
            number = self._set_numbers.setdefault(ranges.tobytes(), len(self.sets))
            if number == len(self.sets):
                self._budget.charge(SET_BYTES + 2 * ranges.nbytes)
                self.sets.append(ranges)
            self._set_numbers[known] = number
        return self._set_numbers[known]

    def _repeated(self, least: int, most: int, inner: Any, flags: int) -> Part:
        if most == 0:
            return Part(True)
        before = self.size
        unused = [self._sequence(inner, flags)]
        if self.size == before:  # nothing, however often
            return Part(True)

        def one() -> Part:  # reading the first one twice would double the work with every level of nesting
            return unused.pop() if unused else self._sequence(inner, flags)

        result = Part(True)
        for _ in range(least):
            result = self._joined(result, one())
        if most == constants.MAXREPEAT:
            more = one()
            self._connect(more.last, more.first)
            return self._joined(result, Part(True, more.first, more.last))
        optional = Part(True)
        for _ in range(most - least):  # from the inside: each may come only after the one before
            optional = self._joined(one(), optional)
            optional.empty = True
        return self._joined(result, optional)

    def _joined(self, one: Part, two: Part) -> Part:
        self._connect(one.last, two.first)
        first = one.first | (two.first if one.empty else 0)
        last = two.last | (one.last if two.empty else 0)
        return Part(one.empty and two.empty, first, last)

    def _connect(self, places: int, followers: int) -> None:
        self._connections += places.bit_count() * followers.bit_count()
        if self._connections > self._budget.bounds.connections:
            raise OptionError(f"pattern: {self.text[:60]!r} is too large: too much may follow too much")
        if not followers:
            return
        size = (followers.bit_length() + 7) // 8
        for place in members(places):
            self._budget.tick()
            self._budget.charge(max(0, size - (self._follow[place].bit_length() + 7) // 8))
            self._follow[place] |= followers


def _parsed(pattern: str) -> Any:
    """Return a pattern as Python's own parser reads it."""
    try:
        with _parsing, warnings.catch_warnings():
            warnings.simplefilter("error")
            return parser.parse(pattern)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise OptionError(f"pattern: found {pattern!r}, {error}") from None
    except ValueError:  # of Python's own limit to the digits that it reads
        raise OptionError(f"pattern: found {pattern!r}, a number in it has too many digits") from None


def sum_of(bits: Any) -> int:
    """Return the union of sets that are kept as bits."""
    result = 0
    for each in bits:
        result |= each
    return result
