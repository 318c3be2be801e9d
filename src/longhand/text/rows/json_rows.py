"""The texts of one key of JSON: of lines, of an array, or of one object."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import msgspec

from longhand.errors import CorpusError
from longhand.text.rows.bad_rows import BadRows, listed
from longhand.text.rows.json_form import MISSING, columns_of, is_text, rows_within, shown, value_at
from longhand.text.rows.json_values import DECODER, json_values, syntax_fault


class _FaultError(Exception):
    """What is wrong with a row, for a person."""


class JsonColumn:
    """Takes the text of one key out of rows.

    - column: a key, or several with points between them for those within others: "message.text"
    - bad: what happens to rows that cannot be read
    - found: whether any row had the key
    """

    def __init__(self, column: str, bad: BadRows) -> None:
        self._column, self._path, self._bad = column, tuple(column.split(".")), bad
        self.found = False
        self._first: Any = MISSING

    def of_lines(self, lines: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Yield the line and the text of each row of JSON lines; empty where a row has none. Raises `CorpusError`."""
        decode = _one_key_decoder(self._path)
        for number, line in enumerate(lines, 1):
            if line and not line.isspace():
                yield from self._of_line(number, line, decode)
        self._refuse_missing()

    def of_values(self, pieces: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Yield the same of the values of an array, or of objects one after another.

        Of a single object the rows are the elements of the arrays on the way to the key.
        """
        values = json_values(pieces, self._bad.label)
        first, second = next(values, None), next(values, None)
        if first is None:
            return
        line, value, in_array = first
        if second is None and isinstance(value, dict) and not in_array:
            self._first = value
            for row, path in rows_within(value, self._path):
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
        if good and not strict and not _is_strict(line):
            self._bad.add_lenient(number)

    def _of(self, number: int, row: Any, path: tuple[str, ...]) -> Generator[tuple[int, str], None, bool]:
        """Yield line and text of a row; nothing where it is bad. Return whether it is good."""
        self._first = row if self._first is MISSING else self._first
        try:
            yield number, self._text(row, path)
        except _FaultError as fault:
            self._bad.refuse(number, str(fault), "expected text")
            return False
        except RecursionError:
            self._bad.refuse(number, "arrays within arrays without end", "expected text")
            return False
        return True

    def _text(self, row: Any, path: tuple[str, ...]) -> str:
        """Return the text of a row. Raises `_FaultError`."""
        if path and is_text(row):  # it has no keys: all of it is text
            self.found = True
            return _whole_characters(row)
        if isinstance(row, list) and self._column.isdecimal() and 0 < int(self._column[:9]) <= len(row):
            self.found = True
            return _joined(row[int(self._column) - 1], self._column)
        if path and not isinstance(row, dict):
            raise _FaultError(f"{shown(row)}, which is no object with keys")
        value = value_at(row, path)
        if value is MISSING:
            return ""
        self.found = True
        return _joined(value, self._column)

    def _refuse_missing(self) -> None:
        if not self.found and self._first is not MISSING:
            keys = [name for name, _ in columns_of(self._first)]
            has = f"; the first has {listed(keys)}: name one" if keys else ""
            raise CorpusError(f"{self._bad.label}: no row has the key {self._column!r}{has}")


def _is_strict(line: str) -> bool:
    """Return whether a line is JSON in all its parts."""
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _one_key_decoder(path: tuple[str, ...]) -> Callable[[str], dict[str, Any]]:
    """Return what decodes of an object only the key that is wanted: its path, or what the path may begin with."""
    keys = {f"key{length}": ".".join(path[:length]) for length in range(1, len(path) + 1)}
    fields = [(name, Any, msgspec.field(default=msgspec.UNSET)) for name in keys]
    decode = msgspec.json.Decoder(msgspec.defstruct("Row", fields, rename=keys)).decode

    def decoded(line: str) -> dict[str, Any]:
        row = decode(line)
        return {key: value for name, key in keys.items() if (value := getattr(row, name)) is not msgspec.UNSET}

    return decoded


def _joined(value: Any, column: str) -> str:
    """Return the text of a value: a string, nothing for null, the strings of an array joined by line ends.

    Telegram writes a text with links in it as an array of strings and of objects with a type and a text: these go on.
    """
    if value is None:
        return ""
    if is_text(value):
        return _whole_characters(value)
    if isinstance(value, list):
        if any(isinstance(one, dict) and is_text(one.get("text")) and "type" in one for one in value):
            return "".join(_joined(one.get("text") if isinstance(one, dict) else one, column) for one in value)
        if all(one is None or isinstance(one, list) or is_text(one) for one in value):
            return "\n".join(_joined(one, column) for one in value if one is not None)
    raise _FaultError(f"{column!r} is {shown(value)}, which is no string")


def _whole_characters(text: str) -> str:
    """Return a text as it is. Raises `_FaultError` for half a character, which JSON's escapes may have."""
    if "\0" in text:
        raise _FaultError("a NUL (\\u0000) in its text")
    if not text.isascii():
        half = next((letter for letter in text if "\ud800" <= letter <= "\udfff"), "")
        if half:
            raise _FaultError(f"half a character, \\u{ord(half):04x} (a lone surrogate): the text was cut inside it")
    return text
