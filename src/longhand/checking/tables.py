"""Tables that are checked without a column: what columns they have, and which one is most likely meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from longhand.checking.finding import Finding
from longhand.errors import CorpusError
from longhand.text.columns import kind_by_name, lines_of
from longhand.text.rows.bad_rows import BadRows, short
from longhand.text.rows.delimited import Table
from longhand.text.rows.json_form import columns_of, first_rows, is_text, json_form

SAMPLE = 1 << 18  # characters of a file that is looked at
MIN_ROWS = 20  # of a text that its name does not call a table


@dataclass(frozen=True)
class Column:
    """A column of a table.

    - name: what `--column` calls it: its name, a key, or its number from 1
    - example: a text of it
    - length: of its texts, in the mean
    """

    name: str
    example: str
    length: float


@dataclass(frozen=True)
class TableFacts:
    """A table, by its first rows.

    - kind: "JSON", or what separates its columns
    - suggested: the column that has most text; empty where none has any
    """

    file: str
    kind: str
    columns: list[Column]
    suggested: str


def table_in(file: str, text: str) -> TableFacts | None:
    """Return what columns a file has; None where it is no table.

    - text: its beginning
    """
    kind = kind_by_name(file)
    named = PurePath(file).suffix if kind == "JSON" else ""
    if json_form(text, whole=len(text) < SAMPLE, named=named):
        rows = first_rows(text)
        if rows and all(map(is_text, rows)):
            return _facts(file, "JSON, an array of strings", {"text": rows})
        names = list(dict.fromkeys(name for row in rows for name, _ in columns_of(row)))
        texts = {name: [found for row in rows if (found := dict(columns_of(row)).get(name, ""))] for name in names}
        return _facts(file, "JSON", texts) if names else None
    if kind == "JSON":
        return None
    return _delimited(file, text, known=kind is not None, usual="\t" if kind == "TSV" else ",")


def table_findings(tables: Sequence[TableFacts]) -> list[Finding]:
    """Return what a person should know of tables that are read whole."""
    found = []
    for table in tables:
        columns = "; ".join(f"{column.name} ({column.example!r})" for column in table.columns[:9])
        more = f" and {len(table.columns) - 9} more" if len(table.columns) > 9 else ""
        what = f"{table.file}: a table ({table.kind}) that is read whole, with the columns {columns}{more}"
        advice = f"to learn one column alone, --column {table.suggested}" if table.suggested else "is that meant?"
        found.append(Finding("harms", "table", what, advice))
    return found


def _delimited(file: str, text: str, *, known: bool, usual: str) -> TableFacts | None:
    lines = list(lines_of([text]))
    lines = lines[: len(lines) - (not text.endswith("\n") and len(lines) > 1)]
    try:
        table = Table(iter(lines), "1", BadRows(file, _untold, skip=True), usual=usual)
        rows = table.sample
    except CorpusError:
        return None
    dialect = table.dialect
    if dialect.separator is None:
        return None
    if not known and (dialect.width < 2 or len(rows) < MIN_ROWS or not (dialect.separator == "\t" or table.has_header)):
        return None
    width = len(table.first)
    names = table.names if table.has_header else [str(number) for number in range(1, width + 1)]
    body = rows[1:] if table.has_header else rows
    texts = {name: [row[place] for row in body if place < len(row)] for place, name in enumerate(names)}
    return _facts(file, table.separated_by, texts)


def _facts(file: str, kind: str, texts: dict[str, list[str]]) -> TableFacts:
    columns = []
    best, most = "", 0.0
    for name, found in texts.items():
        whole = "".join(found)
        length = len(whole) / max(len(found), 1)
        example = short(next((text for text in found if text.strip()), ""))
        columns.append(Column(name, example, round(length, 1)))
        letters = sum(map(str.isalpha, whole)) / max(len(found), 1)
        if letters > most and not all(text.startswith(("http", "/")) for text in found):
            best, most = name, letters
    return TableFacts(file, kind, columns, best)


def _untold(_fact: str) -> None:
    """Tell nobody."""
