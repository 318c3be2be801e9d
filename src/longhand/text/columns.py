"""One column of a table, or one key of JSON: what alone is read of a file. What a file is, its content says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import PurePath
from typing import Literal

from longhand.text.packed import SUFFIXES
from longhand.text.reading import Reading
from longhand.text.rows.bad_rows import BadRows
from longhand.text.rows.delimited import Table
from longhand.text.rows.json_form import MISSING, Form, first_rows, is_text, json_form, value_at
from longhand.text.rows.json_rows import JsonColumn

Kind = Literal["CSV", "TSV", "JSON"]
KINDS: dict[str, Kind] = {
    **dict.fromkeys((".csv",), "CSV"),
    **dict.fromkeys((".tsv", ".tab"), "TSV"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "JSON"),
}
HEAD = 1 << 16  # characters by which it is told what a file is


def kind_by_name(name: str) -> Kind | None:
    """Return what a file of this name is, compressed or not; None where the name does not say."""
    return KINDS.get(_suffix(name))


def lines_of(pieces: Iterable[str]) -> Iterator[str]:
    r"""Yield the lines of a text, without the `\n` at their ends."""
    begun: list[str] = []
    for piece in pieces:
        first, *others = piece.split("\n")
        begun.append(first)
        for line in others:
            yield "".join(begun)
            begun = [line]
    if any(begun):
        yield "".join(begun)


def is_json_lines(text: str) -> bool:
    """Return whether a text begins with lines that are objects of JSON, two at least."""
    return text.startswith("{") and json_form(text[:HEAD], whole=len(text) <= HEAD) == "lines"


class Column:
    r"""One column of a file.

    - reading: which column, what separates them, whether bad rows are left out
    - label: what to call the file
    - note: is called with what a person should know
    - empty: how many rows have no text, once they were read
    """

    def __init__(self, reading: Reading, label: str, note: Callable[[str], None]) -> None:
        assert reading.column is not None
        self._column, self._separator = reading.column, reading.separator
        self._label, self._note = label, note
        self._bad = BadRows(label, note, skip=reading.skip_bad_rows)
        self.empty = 0

    def is_in(self, head: str) -> bool:
        """Return whether a file has the column: by its name it is a table, or its beginning is one with that column."""
        if kind_by_name(self._label) is not None:
            return True
        if self._form(head):
            path = tuple(self._column.split("."))
            rows = first_rows(head)
            return any(is_text(row) or value_at(row, path) is not MISSING for row in rows)
        lines = list(lines_of([head]))[: None if len(head) < HEAD else -1]
        table = Table(iter(lines), self._column, self._bad, separator=self._separator)
        return self._column in table.names and len(table.sample) > 1

    def texts(self, pieces: Iterator[str], head: str) -> Iterator[tuple[int, int, str]]:
        r"""Yield the number, the line and the text of each row that has some; a header is no row.

        - pieces: of the file's text, with `\n` for line ends
        - head: what the text begins with

        Raises `CorpusError`, naming the line, where there is no such column, or a row cannot be read.
        """
        for number, (line, text) in enumerate(self._rows(pieces, head), 1):
            if text:
                yield number, line, text
            else:
                self.empty += 1
        self._bad.tell()

    def _form(self, head: str) -> Form:
        if self._separator is not None:
            return ""
        named = _suffix(self._label) if kind_by_name(self._label) == "JSON" else ""
        return json_form(head, whole=len(head) < HEAD, named=named)

    def _rows(self, pieces: Iterator[str], head: str) -> Iterator[tuple[int, str]]:
        """Return line and text of each row."""
        kind, form = kind_by_name(self._label), self._form(head)
        if form:
            if kind != "JSON":
                self._note(f"read as JSON{' lines' * (form == 'lines')}, by its content")
            column = JsonColumn(self._column, self._bad)
            return column.of_values(pieces) if form == "values" else column.of_lines(lines_of(pieces))
        usual = "\t" if kind == "TSV" else ","
        table = Table(lines_of(pieces), self._column, self._bad, separator=self._separator, usual=usual)
        if table.first:
            table.refuse_prose(known=kind is not None or self._separator is not None)
            self._note(table.described())
        return table.texts()


def _suffix(name: str) -> str:
    """Return what the name of a file ends with, in small letters, but for what a compressed one has after it."""
    path = PurePath(name.lower())
    return PurePath(path.stem if path.suffix in SUFFIXES else path).suffix


def peeked(pieces: Iterator[str]) -> tuple[str, Iterator[str]]:
    """Return the beginning of a text, by which it is told what it is, and all of its pieces."""
    head: list[str] = []
    while sum(map(len, head)) < HEAD and (piece := next(pieces, "")):
        head.append(piece)
    return "".join(head), chain(head, pieces)
