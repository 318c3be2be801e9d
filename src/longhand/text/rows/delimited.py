"""The rows of tables in text: CSV and its kin."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from longhand.errors import CorpusError
from longhand.text.rows.bad_rows import BadRows, listed, short
from longhand.text.rows.dialect import SEPARATORS, Dialect, found_dialect, is_header, parsed, wide_fields

SAMPLE_LINES, SAMPLE_CHARACTERS = 5000, 1 << 20  # that a dialect is found in
MAX_ROW_LINES = 1_000_000  # of one row: more are a quotation mark that is not closed
SUSPICIOUS_LINES = 20  # that look like rows of their own, within one: the quotation mark was never meant to open it
ROWS_OF_HEADER = 200  # that a header is known by


class Table:
    """A table in text, whose dialect is found in its first lines.

    - lines: of the text, without their ends
    - column: a name, or a number from 1
    - separator: what separates columns, if a person said so
    - usual: what a file of this name usually separates them with
    - bad: what happens to rows that cannot be read
    - sample: its first rows, the first one too; has_header: whether that names the columns
    """

    def __init__(
        self, lines: Iterator[str], column: str, bad: BadRows, *, separator: str | None = None, usual: str = ","
    ) -> None:
        self._column, self._bad = column, bad
        sample = _sample(lines)
        rest = next(lines, None)
        self.dialect = found_dialect(sample, whole=rest is None, separator=separator, usual=usual, column=column)
        self._lines = _Lines(chain(sample, [] if rest is None else [rest], lines), self.dialect)
        dialect, body = self.dialect, sample[self.dialect.skip :]
        self.sample = rows = parsed(body, dialect.separator, dialect.quoting, whole=rest is None).rows
        self.first = rows[0] if rows else []
        named = column in self.names and (not column.isdecimal() or int(column[:9]) > len(self.first))
        self.has_header = named or (len(rows) > 1 and is_header(rows[0], rows[1:ROWS_OF_HEADER]))

    @property
    def names(self) -> list[str]:
        """The cells of the first row."""
        return [cell.strip() for cell in self.first]

    @property
    def separated_by(self) -> str:
        """What separates its columns, for a person."""
        return SEPARATORS.get(self.dialect.separator or "", repr(self.dialect.separator))

    def described(self) -> str:
        """Return what the table is read as, for a person."""
        dialect = self.dialect
        how = "one column" if dialect.separator is None else f"{dialect.width} columns separated by {self.separated_by}"
        if self.has_header:
            how += f", named by its first row {listed(self.names)}"
        elif self._column.isdecimal() and self.first:
            how += f"; the first row, {listed(self.names)}, is read as text like the others"
        if dialect.first_open:
            how += f"; quotation marks are read as part of the text, as that in line {dialect.first_open}"
        return how

    def refuse_prose(self, *, known: bool) -> None:
        """Raise `CorpusError` for a text that only happens to have as many commas in each line.

        - known: whether its name, or a separator that was said, makes it a table
        """
        if not known and not self.has_header and self.dialect.separator == "," and self._column.isdecimal():
            raise CorpusError(
                f"{self._bad.label}: a text whose lines have commas, with no row that names columns: if it is a table, "
                "add --separator comma, else leave --column out"
            )

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield the line and the text of each row; empty where a row has none. Raises `CorpusError`."""
        if not self.first:
            return
        place = self._place()
        rows = self._rows()
        if self.has_header:
            next(rows, None)
        width = len(self.first)
        for line, row in rows:
            if len(row) > width and (any(row[width:]) or len(row) != self.dialect.width):
                self._bad.refuse(
                    line,
                    f"{len(row)} columns, expected {len(self.first)} as in the first row",
                    "take out the space before a quotation mark"
                    if any(cell[:1] == " " and cell.lstrip()[:1] == '"' for cell in row)
                    else "put what has the separator in it between quotation marks",
                )
                continue
            if len(row) < width:
                self._bad.add_short(line)
            if place < len(row):
                yield line, row[place]

    def _place(self) -> int:
        """Return the place of the column."""
        at, row = f"{self._bad.label}, line {1 + self.dialect.skip}", self.names
        if self._column in row:
            if row.count(self._column) > 1:
                raise CorpusError(f"{at}: more than one column {self._column!r}: give its number from 1")
            return row.index(self._column)
        if self._column.isdecimal():
            if not 1 <= int(self._column[:9]) <= len(row) or len(self._column) > 9:
                raise CorpusError(
                    f"{at}: {len(row)} columns, expected a column {short(self._column)}: they are numbered from 1"
                )
            return int(self._column) - 1
        if len(row) == 1:
            raise CorpusError(
                f"{at}: no column {self._column!r}, and no separator in its first line {short(row[0])!r}: is it a "
                "table? Give --separator, or leave --column out"
            )
        raise CorpusError(
            f"{at}: no column {self._column!r}; it has {listed(row)}: name one of them, or its number where this is no "
            "header"
        )

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line and the cells of each row; those that cannot be read are refused or left out."""
        lines = self._lines
        with wide_fields():
            while True:
                lines.begin_row()
                fault = ""
                try:
                    row = next(csv.reader(lines, **self.dialect.format), None)
                except csv.Error as error:
                    row, fault = [], self._fault(str(error))
                except _JoinedError:
                    row, fault = [], _JOINED
                if row is None:
                    return
                if not fault and len(lines.row) > 1 and all(map(self.dialect.looks_like_a_row, lines.row)):
                    fault = _JOINED
                if fault and self.dialect.unsure and (cells := self._as_text(lines.row[0])):
                    self._bad.add_stray(lines.number)
                    lines.put_back()
                    yield lines.number, cells
                elif fault:
                    first, last = lines.number, lines.number + len(lines.row) - 1
                    fault = fault.format(first=first, last=last)
                    self._bad.refuse(first, fault, "close it, or write it twice within quotation marks")
                    lines.put_back()
                elif row:
                    if len(lines.row) > 1:
                        self._bad.add_span(lines.number, lines.number + len(lines.row) - 1)
                    yield lines.number, row

    def _as_text(self, line: str) -> list[str]:
        """Return the cells of a line whose quotation marks are text; none where it is no row then."""
        cells = [line] if self.dialect.separator is None else line.split(self.dialect.separator)
        return cells if len(cells) == self.dialect.width else []

    def _fault(self, problem: str) -> str:
        if "unexpected end" in problem:
            return "a quotation mark that is opened and never closed"
        if "field larger" in problem:
            return "a field that is too long: a quotation mark is opened and not closed"
        return f"a quotation mark within a field ({problem})"


class _JoinedError(Exception):
    """A row that joins many lines which look like rows of their own."""


_JOINED = "a quotation mark that joins lines {first} to {last}, which look like rows of their own"


class _Lines:
    """Gives a table's lines to the module csv, and remembers those of the row that is being read.

    - number: where the row begins, from 1
    - row: its lines
    """

    def __init__(self, lines: Iterator[str], dialect: Dialect) -> None:
        self._lines = iter(lines)
        self._dialect = dialect
        self._again: deque[str] = deque()
        self.number, self.row = 1 + dialect.skip, list[str]()
        for _ in islice(self._lines, dialect.skip):
            pass

    def begin_row(self) -> None:
        """Begin the next row after the lines that were read."""
        self.number += len(self.row)
        self.row = []

    def put_back(self) -> None:
        """Read the lines of a bad row again as rows of their own, but for its first."""
        first, *others = self.row
        self.row = [first]
        self._again.extendleft(reversed(others))

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.row.append(line)
        count = len(self.row)
        if count > MAX_ROW_LINES or (count == SUSPICIOUS_LINES and all(map(self._dialect.looks_like_a_row, self.row))):
            raise _JoinedError
        return f"{self._dialect.as_doubled(line)}\n"


def _sample(lines: Iterator[str]) -> list[str]:
    """Take the first lines of a table."""
    sample, size = [], 0
    for line in lines:
        sample.append(line)
        size += len(line)
        if len(sample) >= SAMPLE_LINES or size >= SAMPLE_CHARACTERS:
            break
    return sample
