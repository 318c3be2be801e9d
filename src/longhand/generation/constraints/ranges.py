"""Sets of characters as ranges of code points: what a set takes depends on its ranges, not on Unicode's size.

Python's own engine decides what its categories and `(?i)` mean, so that a set has the characters that `re` matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from longhand.generation.constraints.sre import compiler, constants, parser

LAST = 0x10FFFF
Ranges = npt.NDArray[np.int64]  # (ranges, 2): first code point, and the one after the last; ascending and disjoint

NO_RANGES: Ranges = np.zeros((0, 2), np.int64)
ALL_RANGES: Ranges = np.array([[0, LAST + 1]], np.int64)


def ranges_of(points: Iterable[int]) -> Ranges:
    """Return the set of some code points."""
    first = np.array(sorted(points), np.int64)
    return merged(np.stack([first, first + 1], axis=1))


def merged(pairs: Ranges) -> Ranges:
    """Return the union of ranges, (ranges, 2), that may overlap and come in any order."""
    if len(pairs) < 2:
        return pairs
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    ends = np.maximum.accumulate(pairs[:, 1])
    begins = np.concatenate([[True], pairs[1:, 0] > ends[:-1]])
    return np.stack([pairs[begins, 0], ends[np.concatenate([begins[1:], [True]])]], axis=1)


def complement(ranges: Ranges) -> Ranges:
    """Return all other code points."""
    edges = np.concatenate([[0], ranges.ravel(), [LAST + 1]]).reshape(-1, 2)
    return edges[edges[:, 0] < edges[:, 1]]


def ranges_of_item(item: Any, flags: int) -> Ranges:
    """Return the characters that match one item of a parsed pattern: a literal, `.` or a set in brackets."""
    kind, value = str(item[0]), item[1]
    if kind == "ANY":
        return ALL_RANGES if flags & re.DOTALL else complement(ranges_of([ord("\n")]))
    items = value if kind == "IN" else [(constants.LITERAL, value)]
    negated = kind == "NOT_LITERAL" or items[0][0] is constants.NEGATE
    pairs = [(each, each + 1) for operation, each in items if operation is constants.LITERAL]
    pairs += [(each[0], each[1] + 1) for operation, each in items if operation is constants.RANGE]
    plain = merged(np.array(pairs, np.int64).reshape(-1, 2))
    categories = {str(each): each for operation, each in items if operation is constants.CATEGORY}
    found = merged(np.concatenate([plain, *(_category(each, bool(flags & re.ASCII)) for each in categories.values())]))
    if flags & re.IGNORECASE:
        found = _in_any_case(found, plain, categories.values(), flags)
    return complement(found) if negated else found


def _in_any_case(found: Ranges, plain: Ranges, categories: Iterable[Any], flags: int) -> Ranges:
    """Return what a set of characters and categories takes if case is ignored.

    Only characters that have cases need to be compared: the others match themselves.
    """
    text, cased = _cased()
    inside = cased[np.searchsorted(plain.ravel(), cased, "right") % 2 == 1]
    members = [(constants.RANGE, (first, end - 1)) for first, end in ranges_of(inside).tolist()]
    members += [(constants.CATEGORY, each) for each in categories]
    others = complement(merged(np.concatenate([complement(found), ranges_of(cased)])))
    if not members:
        return others
    matching = [match.start() for match in _compiled((constants.IN, members), flags).finditer(text)]
    return merged(np.concatenate([others, ranges_of(cased[matching])]))


def _compiled(item: Any, flags: int) -> re.Pattern[str]:
    part = parser.SubPattern(parser.State(), [item])
    flags |= 0 if flags & re.ASCII else re.UNICODE
    compiled: re.Pattern[str] = compiler.compile(part, flags & ~re.DEBUG)
    return compiled


@cache
def _cased() -> tuple[str, npt.NDArray[np.int64]]:
    """Return all characters that have another case, and their code points."""
    points = [point for point in range(LAST + 1) if compiler._sre.unicode_iscased(point)]
    return "".join(map(chr, points)), np.array(points, np.int64)


@cache
def _category(category: Any, ascii_only: bool) -> Ranges:
    r"""Return the characters of a category such as \w."""
    item = (constants.IN, [(constants.CATEGORY, category)])
    several = (constants.MAX_REPEAT, (1, constants.MAXREPEAT, parser.SubPattern(parser.State(), [item])))
    text = np.arange(LAST + 1, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    found = _compiled(several, re.ASCII if ascii_only else 0).finditer(text)
    return np.array([match.span() for match in found], np.int64)
