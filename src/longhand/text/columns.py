"""One column of a table, or one key of JSON: what alone is read of a file. What a file is, its content says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path, PurePath
from typing import Literal

from longhand.errors import LonghandError
from longhand.text.opened import opened
from longhand.text.packed import SUFFIXES
from longhand.text.reading import Reading
from longhand.text.rows.bad_rows import BadRows
from longhand.text.rows.delimited import Table
from longhand.text.rows.json_rows import JsonColumn, columns_of, first_rows, first_value
from longhand.text.sources import File

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
    if not text.startswith("{"):
        return False
    lines = text[:HEAD].split("\n", 2)
    return len(lines) > 2 and all(first_value(line)[1] == "lines" for line in lines[:2])


def is_table(path: str | os.PathLike[str], column: str) -> bool:
    """Return whether a file is a table with a column: by its name, or where that does not say, by its content."""
    if kind_by_name(os.fspath(path)) is not None:
        return True
    if not Path(path).is_file():
        return False
    try:
        with opened(File(Path(path)), HEAD) as file:
            head = next(file.pieces, b"").decode("utf-8", "ignore")
    except LonghandError:
        return False  # what is wrong with it is told when it is read
    rows = first_rows(head, 1)
    return bool(rows) and column in {name for name, _ in columns_of(rows[0])}


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

    def texts(self, pieces: Iterable[str]) -> Iterator[str]:
        r"""Yield the text of each row that has some.

        - pieces: of the file's text, with `\n` for line ends

        Raises `CorpusError`, naming the line, where there is no such column, or a row cannot be read.
        """
        pieces = iter(pieces)
        head = _head(pieces)
        for _, text in self._rows(chain(head, pieces), "".join(head)):
            if text:
                yield text
            else:
                self.empty += 1
        self._bad.tell()

    def _rows(self, pieces: Iterator[str], head: str) -> Iterator[tuple[int, str]]:
        """Return line and text of each row."""
        kind = kind_by_name(self._label)
        form = "" if self._separator is not None else first_value(head)[1]
        if not form and kind == "JSON" and self._separator is None and head.strip():
            form = "values" if _is_one_value(self._label, head) else "lines"
        if form:
            if kind != "JSON":
                self._note(f"read as JSON{' lines' * (form == 'lines')}, by its content")
            column = JsonColumn(self._column, self._bad)
            return column.of_values(pieces) if form == "values" else column.of_lines(lines_of(pieces))
        usual = "\t" if kind == "TSV" else ","
        table = Table(lines_of(pieces), self._column, self._bad, separator=self._separator, usual=usual)
        if table.first:
            self._note(table.described())
        return table.texts()


def _is_one_value(label: str, head: str) -> bool:
    """Return whether a file of JSON, whose first value is long or wrong, is one value rather than one a line."""
    begun = head.lstrip(" \t\n\ufeff")
    return begun[:1] == "[" or (begun[:1] == "{" and _suffix(label) == ".json")


def _suffix(name: str) -> str:
    """Return what the name of a file ends with, in small letters, but for what a compressed one has after it."""
    path = PurePath(name.lower())
    return PurePath(path.stem if path.suffix in SUFFIXES else path).suffix


def _head(pieces: Iterator[str]) -> list[str]:
    """Take the first pieces of a text, by which it is told what it is."""
    head: list[str] = []
    while sum(map(len, head)) < HEAD and (piece := next(pieces, "")):
        head.append(piece)
    return head
