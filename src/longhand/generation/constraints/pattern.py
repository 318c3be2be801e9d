"""A regular expression as an automaton over characters.

Python's own parser reads the pattern, and Python's own engine says which characters each of its places takes, so that
what is written matches as `re.fullmatch` sees it. The automaton is that of Glushkov (1961): its states are the places
of the pattern, which are kept as the bits of an integer.
"""

from __future__ import annotations

import re
import sys
import warnings
from typing import Any

import numpy as np

from longhand.arrays import BoolArray
from longhand.errors import OptionError
from longhand.generation.constraints.alphabet import CodePoints
from longhand.generation.constraints.bounds import USUAL, Bounds

if sys.version_info >= (3, 11):
    import re._compiler as compiler  # type: ignore[import-not-found]
    import re._constants as constants  # type: ignore[import-not-found]
    import re._parser as parser  # type: ignore[import-not-found]
else:
    import sre_compile as compiler
    import sre_constants as constants
    import sre_parse as parser

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


class Part:
    """A part of a pattern: whether it may be empty, and the places that may come first and last in it."""

    def __init__(self, empty: bool, first: int = 0, last: int = 0) -> None:
        self.empty, self.first, self.last = empty, first, last


class Pattern:
    """An automaton that reads what matches a regular expression; state 0 is its beginning.

    Raises `OptionError` for a pattern that is none, that is too large, or that looks around itself.
    """

    ends = True

    def __init__(self, pattern: str, bounds: Bounds = USUAL) -> None:
        self.text, self._bounds = pattern, bounds
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                parsed = parser.parse(pattern)
        except (re.error, RecursionError, OverflowError, Warning) as error:
            raise OptionError(f"pattern: found {pattern!r}, {error}") from None
        self._flags = parsed.state.flags
        self._connections = 0
        self._takes: list[Any] = [None]  # what each place takes
        self._follow: list[int] = [0]  # the places that may come after each
        try:
            whole = self._sequence(parsed, self._flags)
        except RecursionError:
            raise OptionError(f"pattern: {pattern[:60]!r} is nested too deeply") from None
        self._follow[START] = whole.first
        self._finals = whole.last | (1 << START if whole.empty else 0)

    def sets(self, points: CodePoints) -> list[BoolArray]:
        """Return what each of its places takes of some characters; asked for before it reads."""
        text = points.astype("<u4").tobytes().decode("utf-32-le")
        found: dict[str, BoolArray] = {}
        for item, flags in self._takes[1:]:
            key = f"{flags} {item!r}"
            if key not in found and str(item[0]) == "LITERAL" and not flags & re.IGNORECASE:
                found[key] = points == item[1]
            elif key not in found:
                part = parser.SubPattern(parser.State(), [item])
                one = compiler.compile(part, flags & ~re.DEBUG)
                found[key] = np.zeros(len(points), np.bool_)
                found[key][[match.start() for match in one.finditer(text)]] = True
        self._members = found
        self._points = points
        return list(found.values())

    def taking(self, character: str) -> int:
        """Return the places that take a character."""
        place = int(np.searchsorted(self._points, ord(character)))
        takes = {key: members[place] for key, members in self._members.items()}
        return sum(1 << n for n, (item, flags) in enumerate(self._takes[1:], 1) if takes[f"{flags} {item!r}"])

    def after(self, place: int) -> int:
        """Return the places that may come after one."""
        return self._follow[place]

    def final(self, places: int) -> bool:
        """Whether the pattern may end at one of some places."""
        return bool(places & self._finals)

    def _sequence(self, items: Any, flags: int) -> Part:
        result = Part(True)
        for item in items:
            result = self._joined(result, self._part(item, flags))
        return result

    def _part(self, item: Any, flags: int) -> Part:
        kind, value = str(item[0]), item[1]
        if kind in OF_ONE:
            return self._one(item, flags)
        if kind == "SUBPATTERN":
            _, added, removed, inner = value
            return self._sequence(inner, (flags | added) & ~removed)
        if kind == "BRANCH":
            parts = [self._sequence(each, flags) for each in value[1]]
            first, last = (sum_of(getattr(part, name) for part in parts) for name in ("first", "last"))
            return Part(any(part.empty for part in parts), first, last)
        if kind in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = value
            return self._repeated(least, most, inner, flags)
        raise OptionError(f"pattern: {self.text!r} has {NOT_HERE.get(kind, kind)}, which cannot be written by")

    def _one(self, item: Any, flags: int) -> Part:
        if len(self._takes) > self._bounds.places:
            raise OptionError(f"pattern: {self.text[:60]!r} is too large: repeats count as often as they may occur")
        place = 1 << len(self._takes)
        self._takes.append((item, flags))
        self._follow.append(0)
        return Part(False, place, place)

    def _repeated(self, least: int, most: int, inner: Any, flags: int) -> Part:
        if most == 0:
            return Part(True)
        before = len(self._takes)
        first = self._sequence(inner, flags)
        if len(self._takes) == before:  # nothing, however often
            return Part(True)
        if least == 0:
            self._forget(before)
        result = first if least else Part(True)
        for _ in range(least - 1):
            result = self._joined(result, self._sequence(inner, flags))
        if most == constants.MAXREPEAT:
            more = self._sequence(inner, flags)
            self._connect(more.last, more.first)
            return self._joined(result, Part(True, more.first, more.last))
        optional = Part(True)
        for _ in range(most - least):  # from the inside: each may come only after the one before
            one = self._sequence(inner, flags)
            optional = self._joined(Part(one.empty, one.first, one.last), optional)
            optional.empty = True
        return self._joined(result, optional)

    def _forget(self, count: int) -> None:
        """Take back all places but the first ones."""
        del self._takes[count:], self._follow[count:]

    def _joined(self, one: Part, two: Part) -> Part:
        self._connect(one.last, two.first)
        first = one.first | (two.first if one.empty else 0)
        last = two.last | (one.last if two.empty else 0)
        return Part(one.empty and two.empty, first, last)

    def _connect(self, places: int, followers: int) -> None:
        self._connections += places.bit_count() * followers.bit_count()
        if self._connections > self._bounds.connections:
            raise OptionError(f"pattern: {self.text[:60]!r} is too large: too much may follow too much")
        while places:
            low = places & -places
            self._follow[low.bit_length() - 1] |= followers
            places ^= low


def sum_of(bits: Any) -> int:
    """Return the union of sets that are kept as bits."""
    result = 0
    for each in bits:
        result |= each
    return result
