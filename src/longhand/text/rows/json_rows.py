"""The texts of one key of JSON: of lines, of an array, or of one object."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from longhand.errors import CorpusError
from longhand.text.rows.bad_rows import BadRows, listed, short
from longhand.text.rows.json_values import DECODER, Number, json_values, syntax_fault

_DEPTH = 3  # of keys that are listed
MISSING = object()


class _FaultError(Exception):
    """What is wrong with a row, for a person."""


class JsonColumn:
    """Takes the text of one key out of rows.

    - column: a key, or several with points between them for those within others: "message.text"
    - bad: what happens to rows that cannot be read
    - found: whether any row had the key
    """

    def __init__(self, column: str, bad: BadRows) -> None:
        self._column, self._path, self._bad = column, column.split("."), bad
        self.found = False
        self._first: Any = MISSING

    def of_lines(self, lines: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Yield the line and the text of each row of JSON lines; empty where a row has none. Raises `CorpusError`."""
        decode = _one_key_decoder(self._column, self._path[0])
        for number, line in enumerate(lines, 1):
            if line and not line.isspace():
                yield from self._of_line(number, line, decode)
        self._refuse_missing()

    def of_values(self, pieces: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Yield the same of the values of an array, or of objects one after another.

        Of a single object the rows are those of the first array on the way to the key.
        """
        values = json_values(pieces, self._bad.label)
        first, second = next(values, None), next(values, None)
        if first is None:
            return
        line, value, in_array = first
        if second is None and isinstance(value, dict) and not in_array:
            self._first = value
            for row, path in _rows_within(value, self._path):
                yield from self._of(line, row, path)
        else:
            yield from self._of(line, value, self._path)
        while second is not None:
            yield from self._of(second[0], second[1], self._path)
            second = next(values, None)
        self._refuse_missing()

    def _of_line(self, number: int, line: str, decode: Callable[[str], Any]) -> Iterator[tuple[int, str]]:
        strict = True
        if self._first is not MISSING:  # the first row is decoded whole, for its keys may be listed
            try:
                yield from self._of(number, decode(line), self._path)
            except (msgspec.DecodeError, RecursionError):
                strict = False  # for what may be in another key, such as NaN
            else:
                return
        try:
            found = DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            self._bad.refuse(number, syntax_fault(error, line), "expected one value of JSON a line")
            return
        good = yield from self._of(number, found, self._path)
        if good and not strict:
            self._bad.add_lenient(number)

    def _of(self, number: int, row: Any, path: Sequence[str]) -> Generator[tuple[int, str], None, bool]:
        """Yield line and text of a row; nothing where it is bad. Return whether it is good."""
        self._first = row if self._first is MISSING else self._first
        try:
            yield number, self._text(row, path)
        except _FaultError as fault:
            self._bad.refuse(number, str(fault), "expected text")
            return False
        return True

    def _text(self, row: Any, path: Sequence[str]) -> str:
        """Return the text of a row. Raises `_FaultError`."""
        if _is_text(row):  # it has no keys: all of it is text
            self.found = True
            return _whole_characters(row)
        if not isinstance(row, dict):
            raise _FaultError(f"{_shown(row)}, which is no object with keys")
        value = row[self._column] if self._column in row else _value_at(row, path)
        if value is MISSING:
            return ""
        self.found = True
        return _joined(value, self._column)

    def _refuse_missing(self) -> None:
        if not self.found and self._first is not MISSING:
            keys = [name for name, _ in columns_of(self._first)]
            raise CorpusError(
                f"{self._bad.label}: no row has the key {self._column!r}; the first has {listed(keys)}: name one"
            )


def columns_of(row: Any, depth: int = _DEPTH) -> list[tuple[str, str]]:
    """Return the keys of a row, those within others with points, and a text of each."""
    found = []
    for name, value in row.items() if isinstance(row, dict) else ():
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(inner, dict) and depth > 1:
            found += [(f"{name}.{below}", text) for below, text in columns_of(inner, depth - 1)]
        else:
            found.append((name, value if _is_text(value) else _shown(value)))
    return found


def first_value(text: str) -> tuple[Any, str]:
    """Return the first value of JSON in a text that may be cut, and what sort of text it is: "lines", "values" or "".

    An array's first value is that of its first element.
    """
    begun = text.lstrip(" \t\n\ufeff")
    if begun[:1] not in ("{", "["):
        return None, ""
    line = begun.partition("\n")[0]
    try:
        value = DECODER.decode(line)
    except (ValueError, RecursionError):
        pass
    else:
        if isinstance(value, dict):
            return value, "lines"
    try:
        return next(iter(json_values([begun], "")), (0, None, False))[1], "values"
    except CorpusError:
        return None, ""


def first_rows(text: str, count: int = 200) -> list[dict[str, Any]]:
    """Return the first objects of a text, of JSON lines or of an array, which may be cut; none for other texts."""
    if not first_value(text)[1]:
        return []
    rows: list[dict[str, Any]] = []
    try:
        for _, value, _ in islice(json_values([text], ""), count):
            if isinstance(value, dict):
                rows.append(value)
    except CorpusError:
        pass  # where the text is cut
    return rows


def _one_key_decoder(column: str, first: str) -> Callable[[str], dict[str, Any]]:
    """Return what decodes of an object only the key that is wanted, and that which begins its path."""
    names = dict(zip(("whole", "first"), dict.fromkeys((column, first)), strict=False))
    fields = [(name, Any, msgspec.field(default=msgspec.UNSET)) for name in names]
    decode = msgspec.json.Decoder(msgspec.defstruct("Row", fields, rename=names)).decode

    def decoded(line: str) -> dict[str, Any]:
        row = decode(line)
        return {key: value for name, key in names.items() if (value := getattr(row, name)) is not msgspec.UNSET}

    return decoded


def _rows_within(value: Any, path: Sequence[str]) -> Iterator[tuple[Any, Sequence[str]]]:
    """Yield the rows of a single object, and what of the path is left: those of the first array on it."""
    here: Any = value
    for depth, key in enumerate(path[:-1], 1):
        here = here.get(key, MISSING) if isinstance(here, dict) else MISSING
        if isinstance(here, list):
            yield from ((row, path[depth:]) for row in here)
            return
    last = here.get(path[-1]) if isinstance(here, dict) else None
    if isinstance(last, list):
        yield from ((row, ()) for row in last)
    else:
        yield value, path


def _value_at(value: Any, path: Sequence[str]) -> Any:
    """Return what is at a path of keys; of an array, a list of what is there in each of its values."""
    for depth, key in enumerate(path):
        if isinstance(value, list):
            if key.isdecimal():
                value = value[int(key)] if int(key[:9]) < len(value) else MISSING
                continue
            found = [_value_at(one, path[depth:]) for one in value]
            return [one for one in found if one is not MISSING]
        value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
        if value is MISSING:
            return MISSING
    return value


def _joined(value: Any, column: str) -> str:
    """Return the text of a value: a string, nothing for null, the strings of an array joined by line ends."""
    if value is None:
        return ""
    if _is_text(value):
        return _whole_characters(value)
    if isinstance(value, list) and all(one is None or isinstance(one, list) or _is_text(one) for one in value):
        return "\n".join(_joined(one, column) for one in value if one is not None)
    raise _FaultError(f"{column!r} is {_shown(value)}, which is no string")


def _whole_characters(text: str) -> str:
    """Return a text as it is. Raises `_FaultError` for half a character, which JSON's escapes may have."""
    if not text.isascii():
        half = next((letter for letter in text if "\ud800" <= letter <= "\udfff"), "")
        if half:
            raise _FaultError(f"half a character, \\u{ord(half):04x} (a lone surrogate): the text was cut inside it")
    return text


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)


def _shown(value: Any) -> str:
    return repr(short(value)) if _is_text(value) else short(json.dumps(value, ensure_ascii=False)).strip('"')
