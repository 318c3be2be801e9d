"""How a table separates its columns: found in a sample of its rows, because names such as .csv do not tell."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

Quoting = Literal["none", "doubled", "backslash"]
"""Whether quotation marks enclose fields, and how those within a field are written: twice, or after a backslash."""

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
NO_SEPARATOR = "\x1f"  # stands for none: a control character that no text has
MAX_FIELD = 1 << 28  # characters: a longer one is a quotation mark that is not closed
MIN_AGREEING = 0.9  # of the rows, that have as many columns as most
MOST_INTEGERS = 0.75  # of a column that is one of whole numbers
MOSTLY, FEW = 0.5, 0.1
MAX_CUT_LINES = 200  # of a row at the end of a sample; more are swallowed by a quotation mark
MAX_ERRORS = 20  # after which a dialect is given up
_NUMBER = re.compile(r"[+-]?[\d.,:/\-\s%$€]*\d[\d.,:/\-\s%$€]*\Z")
_INTEGER = re.compile(r"\s*\d+\s*\Z")
_BACKSLASH = re.compile(r'(?<!\\)((?:\\\\)*)\\"')  # a quotation mark after an odd number of them
_STYLES: dict[Quoting, dict[str, Any]] = {
    "none": {"quoting": csv.QUOTE_NONE},
    "doubled": {"doublequote": True},
    "backslash": {"doublequote": True},  # of lines in which these quotation marks were doubled
}


@dataclass(frozen=True)
class Dialect:
    r"""How the rows of a table are written.

    - separator: what stands between columns; None for a table of one column
    - quoting: whether quotation marks enclose fields
    - width: how many columns most rows have
    - integers: the places of columns that hold whole numbers, by which a row is known
    - first_open: the line of a quotation mark that a field begins with, where these are read as text; 0 for none
    - unsure: whether no field of the sample begins with a quotation mark, so that a later one may be text
    - skip: how many lines come before the table, such as Excel's `sep=;`
    """

    separator: str | None
    quoting: Quoting
    width: int
    integers: tuple[int, ...] = ()
    first_open: int = 0
    skip: int = 0
    unsure: bool = False

    @property
    def format(self) -> dict[str, Any]:
        """Return the arguments of `csv.reader`."""
        return {"delimiter": self.separator or NO_SEPARATOR, "strict": True, **_STYLES[self.quoting]}

    def as_doubled(self, line: str) -> str:
        """Return a line whose quotation marks after backslashes are written twice; other backslashes stay."""
        return _BACKSLASH.sub(r'\1""', line) if self.quoting == "backslash" and '\\"' in line else line

    def looks_like_a_row(self, line: str) -> bool:
        """Return whether a line is sure to be a row of its own, whatever quotation mark was opened before it."""
        if self.separator is None or line.count(self.separator) != self.width - 1:
            return False
        if not self.integers:
            return self.width > 2 or self.separator == "\t"
        cells = line.split(self.separator)
        return all(_INTEGER.match(cells[place].strip('"')) for place in self.integers)


@dataclass
class _Parsed:
    """The rows of a sample as one dialect has them.

    - spans: first and last line of rows that go over several lines, from 1
    - errors: how many rows are none in this dialect; more than MAX_ERRORS are not counted
    """

    rows: list[list[str]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    errors: int = 0

    @property
    def width(self) -> int:
        """How many columns most rows have."""
        return Counter(map(len, self.rows)).most_common(1)[0][0] if self.rows else 0

    @property
    def agreeing(self) -> float:
        """The share of rows that have as many columns as most."""
        width = self.width
        return sum(len(row) == width for row in self.rows) / max(len(self.rows), 1)


def found_dialect(lines: Sequence[str], *, whole: bool, separator: str | None, usual: str, column: str) -> Dialect:
    """Return the dialect of a table.

    - lines: its first ones, without their ends; whole: whether they are all
    - separator: what separates columns, if a person said so
    - usual: what a file of this name usually separates them with
    - column: what is read of it, a name or a number: its name is in the first row
    """
    skip = 0
    if lines and (said := re.match(r"sep=(.)\Z", lines[0])):  # Excel writes and reads this line
        separator, lines, skip = separator or said[1], lines[1:], 1
    candidates = [separator] if separator else [usual, *(other for other in SEPARATORS if other != usual)]
    ranked = [(_rank(lines, candidate, column, whole=whole), candidate) for candidate in candidates]
    best, chosen = max(ranked, key=lambda one: one[0])
    return _with_quoting(lines, chosen if separator or best[1] > 1 else None, skip, whole=whole)


def parsed(lines: Sequence[str], separator: str | None, quoting: Quoting, *, whole: bool = True) -> _Parsed:
    """Read a sample of a table in a dialect. Of a row that is none in it the first line is left out.

    - whole: whether the sample is the whole table, or may end within a row
    """
    result = _Parsed()
    dialect = Dialect(separator, quoting, 0)
    begin = 0
    with wide_fields():
        while begin < len(lines) and result.errors <= MAX_ERRORS:
            rows = csv.reader(
                (f"{dialect.as_doubled(lines[place])}\n" for place in range(begin, len(lines))), **dialect.format
            )
            first = begin
            try:
                for row in rows:
                    last = begin + rows.line_num
                    if row:
                        result.rows.append(row)
                        if last > first + 1:
                            result.spans.append((first + 1, last))
                    first = last
                return result
            except csv.Error as error:
                at_end = begin + rows.line_num >= len(lines) and "unexpected end" in str(error)
                if at_end and not whole and not _swallows_rows(lines[first:], lines[0], separator):
                    return result  # a row that the end of the sample has cut
                result.errors += 1
                begin = first + 1
    return result


def _swallows_rows(lines: Sequence[str], first: str, separator: str | None) -> bool:
    """Return whether many lines, of a field that does not end, have as many separators as a table's first line."""
    if separator is None or len(lines) <= MAX_CUT_LINES or separator not in first:
        return False
    return sum(line.count(separator) == first.count(separator) for line in lines) > MOSTLY * len(lines)


@contextmanager
def wide_fields() -> Iterator[None]:
    """Let the module csv read long fields; its limit holds for the whole process, so it is put back."""
    before = csv.field_size_limit(MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _rank(lines: Sequence[str], separator: str, column: str, *, whole: bool) -> tuple[bool, int, float]:
    """Return how much speaks for a separator: the larger, the more."""
    best = (False, 0, 0.0)
    for quoting in ("none", "doubled"):
        found = parsed(lines, separator, quoting, whole=whole)
        if not found.rows:
            continue
        named = len(found.rows[0]) > 1 and column in [cell.strip() for cell in _unquoted(found.rows[0])]
        width = found.width if found.agreeing >= MIN_AGREEING and found.errors <= FEW * len(found.rows) else 1
        best = max(best, (named, max(width, 2) if named else width, found.agreeing))
    return best


def _unquoted(row: Sequence[str]) -> list[str]:
    return [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in row]


def _with_quoting(lines: Sequence[str], separator: str | None, skip: int, *, whole: bool) -> Dialect:
    """Return a dialect for a separator: whether quotation marks are in use, and which columns hold whole numbers."""
    plain = parsed(lines, separator, "none", whole=whole)
    quoting, chosen, opened = _quoting(lines, separator, plain, whole=whole)
    integers = _integer_columns(chosen.rows, chosen.width)
    unsure = quoting != "none" and not _opened(lines, separator)
    return Dialect(separator, quoting, chosen.width, integers, opened + skip if opened else 0, skip, unsure)


def _quoting(
    lines: Sequence[str], separator: str | None, plain: _Parsed, *, whole: bool
) -> tuple[Quoting, _Parsed, int]:
    """Return the quoting that is in use, the rows that it gives, and the line of a quotation mark that is text."""
    doubled = parsed(lines, separator, "doubled", whole=whole)
    opened = _opened(lines, separator)
    if not opened:
        return "doubled", doubled, 0
    if _in_use(doubled, plain, lines, separator):
        return "doubled", doubled, 0
    if any('\\"' in line for line in lines):
        backslash = parsed(lines, separator, "backslash", whole=whole)
        if _in_use(backslash, plain, lines, separator):
            return "backslash", backslash, 0
    if separator is None or plain.agreeing >= MIN_AGREEING:
        return "none", plain, opened
    return "doubled", doubled, 0  # no table in either way: what is wrong is told as it is read


def _opened(lines: Sequence[str], separator: str | None) -> int:
    """Return the line, from 1, of the first field that only begins with a quotation mark; 0 for none.

    Where there is none such, return that of the first one that begins and ends with one.
    """
    first = 0
    for number, line in enumerate(lines, 1):
        if '"' in line:
            cells = [line] if separator is None else line.split(separator)
            if any(cell[:1] == '"' and (len(cell) < 2 or cell[-1] != '"') for cell in cells):
                return number
            if not first and any(cell[:1] == '"' for cell in cells):
                first = number
    return first


def _in_use(quoted: _Parsed, plain: _Parsed, lines: Sequence[str], separator: str | None) -> bool:
    """Return whether quotation marks enclose the fields of a sample, rather than being part of its text."""
    opened = sum(cell[:1] == '"' for row in plain.rows for cell in row)
    integers = _integer_columns(plain.rows, plain.width)
    if quoted.errors > FEW * opened or not quoted.rows:
        return False
    if quoted.agreeing > plain.agreeing and len(quoted.rows[0]) == quoted.width != plain.width:
        return True  # the first row, which may be a header, fits the others only so
    if all(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in plain.rows[0]):
        return True  # a header between quotation marks
    if (
        _merges_rows(quoted, plain, lines, Dialect(separator, "none", plain.width, integers))
        or quoted.agreeing < plain.agreeing
    ):
        return False
    if quoted.spans and integers:
        return True  # lines that are no rows of their own, by their numbers
    if quoted.agreeing > plain.agreeing or _has_doubled(lines, separator):
        return True
    if separator is None and _only_where_needed(quoted, lines):
        return True
    of_text = sum(bool(cell) and not _NUMBER.match(cell) for row in quoted.rows[1:] for cell in row)
    return opened >= MOSTLY * of_text or (separator not in (None, "\t") and not quoted.spans)


def _only_where_needed(quoted: _Parsed, lines: Sequence[str]) -> bool:
    """Return whether those texts of one column are enclosed that have to be: with a comma, a mark or a line end in."""
    needed = sum(any(sign in cell for sign in ',"\n') for row in quoted.rows for cell in row)
    enclosed = sum(line[:1] == '"' for line in lines)
    bare = sum("," in line or '"' in line for line in lines if line[:1] != '"')
    return 0 < needed == enclosed and (bare == 0 or bool(quoted.spans))


def _has_doubled(lines: Sequence[str], separator: str | None) -> bool:
    """Return whether a field is enclosed that has a quotation mark in it, written as such."""
    between = re.escape(separator or NO_SEPARATOR)
    inner = r'(?:[^"]|"")*'
    enclosed = re.compile(rf'(?:^|{between})"{inner}(?:""|\\"){inner}"(?={between}|$)')
    return any('"' in line and enclosed.search(line) for line in lines)


def _merges_rows(quoted: _Parsed, plain: _Parsed, lines: Sequence[str], of_plain: Dialect) -> bool:
    """Return whether quotation marks would join lines that are rows of their own."""
    if of_plain.separator is None or not quoted.spans:
        return False
    joined = sum(all(map(of_plain.looks_like_a_row, lines[first - 1 : last])) for first, last in quoted.spans)
    return joined > MOSTLY * len(quoted.spans) or (joined > 0 and plain.agreeing == 1.0)


def _integer_columns(rows: Sequence[Sequence[str]], width: int) -> tuple[int, ...]:
    """Return the places of columns in which the rows but the first have whole numbers; some may be read wrongly."""
    body = [row for row in rows[1:] if len(row) == width]
    if len(body) < 3:
        return ()
    numbers = [sum(bool(_INTEGER.match(row[place].strip('"'))) for row in body) for place in range(width)]
    return tuple(place for place, count in enumerate(numbers) if count >= MOST_INTEGERS * len(body))


def is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Return whether a table's first row names its columns: other than all rows below, or as names are written.

    - others: some of the rows below
    """
    names = [cell.strip() for cell in first]
    if len(names) < 2 or not all(names) or len(set(names)) < len(names) or any(_NUMBER.match(name) for name in names):
        return False
    body = [row for row in others if len(row) == len(names)]
    if len(body) < 3:
        return False
    if any(all(_NUMBER.match(row[place]) for row in body) for place in range(len(names))):
        return True
    as_names = all(re.match(r"[^\W\d][\w .\-]{0,39}\Z", name) and len(name.split()) <= 3 for name in names)
    lengths = [sum(len(row[place]) for row in body) / len(body) for place in range(len(names))]
    longer = max(length / len(name) for length, name in zip(lengths, names, strict=True)) > 3
    again = any(name in {row[place] for row in body} for place, name in enumerate(names))
    return as_names and longer and not again
