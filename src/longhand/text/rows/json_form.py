"""Whether a text is JSON, and of which form: one value a line, or values one after another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

from longhand.errors import CorpusError
from longhand.text.rows.bad_rows import short
from longhand.text.rows.json_values import DECODER, Number, json_values

Form = Literal["", "lines", "values"]
"""One value a line; an array, one object or values one after another; or no JSON."""

BLANKS = " \t\n\r\ufeff"
_DEPTH = 3  # of keys that are listed
_SIGNS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
MISSING = object()


def json_form(head: str, *, whole: bool, named: str = "") -> Form:
    """Return the form of JSON that a text is.

    - head: its beginning; whole: whether that is all of it
    - named: the suffix of its file, where that says that it is JSON: ".json", ".jsonl" or ".ndjson"
    """
    begun = head.lstrip(BLANKS)
    if begun[:1] not in ("{", "["):
        return "lines" if named and begun else ""
    line, _, rest = begun.partition("\n")
    value = _decoded(line)
    following = rest.lstrip(BLANKS)[:1]
    if isinstance(value, dict):
        return "lines" if following or named in (".jsonl", ".ndjson") else "values"
    if isinstance(value, list) and value and following in ("{", "[") and not isinstance(value[0], dict):
        return "lines"  # an array a line: rows without names
    if named in (".jsonl", ".ndjson") and begun[0] == "{" and rest:
        return "lines"  # whose first row is bad
    return "values" if named or _reads_as_values(begun, whole=whole) else ""


def first_rows(head: str, count: int = 200) -> list[Any]:
    """Return the first values of a text of JSON, which may be cut: of lines, of an array, or one after another."""
    rows = []
    try:
        for _, value, _ in islice(json_values([head], ""), count):
            rows.append(value)
    except CorpusError:
        if not rows and (closed := _closed(head)):
            return first_rows(closed, count)  # a long object, as far as it is there
    return rows


def _closed(head: str) -> str:
    """Return an object that is cut, up to the end of the last value within it, and closed; empty if there is none."""
    ends, open_ones, last = {"{": "}", "[": "]"}, list[str](), ""
    for found in _SIGNS.finditer(head):
        sign = found[0]
        if sign in ends:
            open_ones.append(ends[sign])
        elif open_ones and sign == open_ones[-1]:
            open_ones.pop()
            last = head[: found.end()] + "".join(reversed(open_ones))
    return last if open_ones else ""


def rows_within(value: Any, path: tuple[str, ...], *, crossed: bool = False) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield the rows of a single object, with what is left of a path of keys: the elements of the arrays on it.

    - crossed: whether an array was met before; the strings of one at the path's end belong together then
    """
    if isinstance(value, list) and (path or not crossed):
        for one in value:
            yield from rows_within(one, path, crossed=True)
        return
    found, left = step(value, path)
    if found is MISSING or not path:
        yield value, path
    else:
        yield from rows_within(found, left, crossed=crossed)


def step(value: Any, path: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """Return what an object has at the beginning of a path, and the rest of it; a key may have points in it."""
    if isinstance(value, dict):
        for length in range(len(path), 0, -1):
            key = ".".join(path[:length])
            if key in value:
                return value[key], path[length:]
    return MISSING, path


def value_at(value: Any, path: tuple[str, ...]) -> Any:
    """Return what is at a path of keys, or MISSING; of an array, a list of what is there in each of its values."""
    while path:
        if isinstance(value, list):
            if not path[0].isdecimal():
                found = [value_at(one, path) for one in value]
                return [one for one in found if one is not MISSING]
            place = int(path[0][:9])
            value, path = (value[place] if place < len(value) else MISSING), path[1:]
        else:
            value, path = step(value, path)
        if value is MISSING:
            return MISSING
    return value


def columns_of(row: Any, depth: int = _DEPTH) -> list[tuple[str, str]]:
    """Return the keys of a row, those within others with points, and a text of each."""
    found = []
    for name, value in row.items() if isinstance(row, dict) else ():
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(inner, dict) and inner and depth > 1:
            found += [(f"{name}.{below}", text) for below, text in columns_of(inner, depth - 1)]
        else:
            found.append((name, value if is_text(value) else shown(value)))
    return found


def is_text(value: Any) -> bool:
    """Return whether a value is a string, and no number."""
    return isinstance(value, str) and not isinstance(value, Number)


def shown(value: Any) -> str:
    """Return a value as a person is shown it."""
    if is_text(value):
        return repr(short(value))
    try:
        return short(json.dumps(value, ensure_ascii=False)).strip('"')
    except RecursionError:
        return "arrays within arrays without end"


def _decoded(line: str) -> Any:
    try:
        return DECODER.decode(line)
    except (ValueError, RecursionError):
        return None


def _reads_as_values(head: str, *, whole: bool) -> bool:
    """Return whether a text that is not called JSON is an array or values, as far as it is there."""
    found = []
    try:
        for _, value, _ in json_values([head], ""):
            found.append(value)
    except CorpusError:
        return not whole and bool(found) and all(isinstance(one, dict) for one in found)
    return all(isinstance(one, dict) or is_text(one) for one in found)
