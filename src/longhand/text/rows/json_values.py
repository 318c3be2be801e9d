"""Values of JSON taken one by one from the front of a text, so that a large array is never held whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from longhand.errors import CorpusError
from longhand.text.rows.bad_rows import short

MAX_VALUE = 1 << 28  # characters of one value: it is held in memory
BEGINNINGS = (*'"{[-0123456789tfnNI', "")  # of values, or nothing
AT_END = 16  # characters before the end of what was read, in which a value may be cut


class Number(str):
    """A number as it is written: nobody counts with it, and Python refuses to read very long ones."""


DECODER = json.JSONDecoder(strict=False, parse_int=Number, parse_float=Number)


def json_values(pieces: Iterable[str], label: str) -> Iterator[tuple[int, Any, bool]]:
    """Yield line and value of the elements of arrays, or of values one after another, and whether it is in an array.

    Raises `CorpusError`, with the line, for what is no JSON.
    """
    reader, in_array = _Buffer(iter(pieces)), False
    while sign := reader.skip(" \t\n\r,\ufeff"):
        if sign == "]" and in_array:
            in_array = False
            reader.place += 1
        elif sign == "[" and not in_array:
            in_array = True
            reader.place += 1
        else:
            line = reader.line
            yield line, reader.value(label), in_array
    if in_array:
        raise CorpusError(f"{label}, line {reader.line}: an array of JSON that is not closed: is it cut off?")


class _Buffer:
    """A text of which values are taken from the front.

    - place: how much of the piece at hand is taken
    """

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces, self._text, self.place = pieces, "", 0
        self._lines = 1  # the line of the beginning of the piece
        self._counted = 0

    @property
    def line(self) -> int:
        """The line of the place, from 1."""
        self._lines += self._text.count("\n", self._counted, self.place)
        self._counted = self.place
        return self._lines

    def skip(self, characters: str) -> str:
        """Pass over some characters; return the next other one, "" at the end."""
        while True:
            while self.place < len(self._text) and self._text[self.place] in characters:
                self.place += 1
            if self.place < len(self._text) or not self._more():
                return self._text[self.place : self.place + 1]

    def value(self, label: str) -> Any:
        """Take a value. Raises `CorpusError`."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self.place)
                problem: Exception | None = None
            except (ValueError, RecursionError) as error:
                problem, end = error, 0
            cut = end == len(self._text) if problem is None else self._may_be_cut(problem)
            if not cut or not self._more():
                if problem is not None:
                    line = self.line
                    if cut:
                        raise CorpusError(f"{label}, line {line}: JSON that ends within a value: is it cut off?")
                    at = self._text.count("\n", self.place, getattr(problem, "pos", self.place))
                    raise CorpusError(
                        f"{label}, line {line + at}: {syntax_fault(problem, self._text)}; expected JSON"
                    ) from None
                self.place = end
                return value
            if len(self._text) - self.place > MAX_VALUE:
                raise CorpusError(
                    f"{label}, line {self.line}: a value of JSON of more than {MAX_VALUE >> 20} million characters, "
                    "the most that is held in memory: make lines of it, with jq -c '.KEY[]' FILE > rows.jsonl"
                )

    def _may_be_cut(self, error: Exception) -> bool:
        """Return whether a problem may be that no more has been read."""
        if not isinstance(error, json.JSONDecodeError):
            return False
        if error.msg == "Expecting value" and self._text[error.pos : error.pos + 1] not in BEGINNINGS:
            return False
        return error.msg.startswith("Unterminated string") or error.pos > len(self._text) - AT_END

    def _more(self) -> bool:
        """Read on, at least as much as is at hand, so that a long value is not begun too often."""
        line = self.line
        parts, size = [self._text[self.place :]], 0
        wanted = max(len(parts[0]), 1)
        for piece in self._pieces:
            parts.append(piece)
            size += len(piece)
            if size >= wanted:
                break
        self._text, self.place = "".join(parts), 0
        self._lines, self._counted = line, 0
        return size > 0


def syntax_fault(error: Exception, text: str) -> str:
    """Return why a text is no JSON."""
    if isinstance(error, RecursionError):
        return "values within values, deeper than can be read"
    if isinstance(error, json.JSONDecodeError):
        around = short(text[error.pos : error.pos + 20])
        where = f"at {around!r}" if around else "at its end"
        return f"no JSON ({error.msg.lower()}, {where})"
    return f"no JSON ({error})"
