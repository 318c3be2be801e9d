"""One column of a table, or one key of lines of JSON: what alone is read of .csv, .tsv, .jsonl and .ndjson files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, Literal

import msgspec

from longhand.errors import CorpusError
from longhand.text.packed import SUFFIXES

Kind = Literal["CSV", "TSV", "JSON lines"]
KINDS: dict[str, Kind] = {".csv": "CSV", ".tsv": "TSV", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}
LONGEST_FIELD = 1 << 28  # characters: what comes after a quotation mark that is not closed would be one field
MOST_SHOWN = 20  # columns


def kind_by_name(name: str) -> Kind | None:
    """Return what a file of this name is, compressed or not; None where the name does not say."""
    path = PurePath(name.lower())
    return KINDS.get(PurePath(path.stem if path.suffix in SUFFIXES else path).suffix)


def kind_by_line(line: str) -> Kind:
    """Return what a text is that begins with this line."""
    return "JSON lines" if line.lstrip().startswith("{") else "TSV" if "\t" in line else "CSV"


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


def column_of(lines: Iterable[str], kind: Kind, column: str, label: str) -> Iterator[tuple[int, str]]:
    """Yield the line where each row begins and its text in a column, which is empty where the row has none.

    - column: what the first row calls it, or its number from 1, for a table without such a row; for JSON a key
    - label: what to call the file

    Raises `CorpusError`, naming the line, where there is no such column, what it has is no text, or the file is no
    such file.
    """
    if kind == "JSON lines":
        return _of_json(lines, column, label)
    return _of_table(lines, kind, column, label)


def _of_table(lines: Iterable[str], kind: Kind, column: str, label: str) -> Iterator[tuple[int, str]]:
    rows = csv.reader((f"{line}\n" for line in lines), delimiter="\t" if kind == "TSV" else ",", strict=True)
    place = width = -1
    with _wide_fields():
        while True:
            line = rows.line_num + 1
            at = f"{label}, line {line}"
            try:
                row = next(rows, None)
            except csv.Error as error:
                raise CorpusError(_no_table(at, kind, str(error))) from None
            if row is None:
                return
            if not row:  # an empty line
                continue
            if place < 0:
                place, width = _place(row, column, at), len(row)
                if not column.isdecimal():
                    continue
            if any(row[width:]):
                raise CorpusError(
                    f"{at}: {len(row)} columns, expected {width} as in the first row: put what has the separator in it "
                    "between quotation marks"
                )
            yield line, row[place] if place < len(row) else ""


def _place(row: Sequence[str], column: str, at: str) -> int:
    """Return the place of a column, found in the first row of its table."""
    if column.isdecimal():
        if not 1 <= int(column) <= len(row):
            raise CorpusError(f"{at}: {len(row)} columns, expected a column {column}: they are numbered from 1")
        return int(column) - 1
    if row.count(column) != 1:
        found = "no column" if column not in row else "more than one column"
        raise CorpusError(
            f"{at}: {found} {column!r}; it has {_listed(row)}: name one of them, or its number where this is no header"
        )
    return row.index(column)


def _no_table(at: str, kind: Kind, problem: str) -> str:
    if kind == "TSV":
        return (
            f"{at}: no {kind} ({problem}); expected quotation marks to enclose a field: where they are part of the "
            "text, take the column out with cut -f N FILE > column.txt"
        )
    return f'{at}: no {kind} ({problem}); expected quotation marks to enclose a field, those in it doubled: ""'


@contextmanager
def _wide_fields() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _of_json(lines: Iterable[str], column: str, label: str) -> Iterator[tuple[int, str]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    keys: dict[str, Any] = {}
    found = False
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        try:
            row = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise CorpusError(
                f"{label}, line {number}: no object of JSON ({error}); expected one a line, "
                f'such as {{"{_short(column)}": "..."}}'
            ) from None
        keys, found = keys or row, found or column in row
        value = row.get(column)
        if value is not None and not isinstance(value, str):
            shown = _short(msgspec.json.encode(value).decode())
            raise CorpusError(f"{label}, line {number}: {column!r} is {shown}, expected a string, or null")
        yield number, value or ""
    if keys and not found:
        raise CorpusError(f"{label}: no line has the key {column!r}; the first has {_listed(list(keys))}: name one")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(repr(_short(name)) for name in names[:MOST_SHOWN]) + more


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
