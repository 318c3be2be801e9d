"""What the readers of Word and OpenDocument files share: lines, cells, and telling of what is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from longhand.text.extracting.extract import Note

# No XML may have these characters, so they can stand for something until the text is whole.
OPEN_LINE = "\x1c"  # a line end, unless a line begins here
_OPEN_LINES = re.compile(rf"(^|[\n\t]){OPEN_LINE}+")


def closed_paragraph(text: str) -> str:
    """Return a paragraph with its line end; one that ends with the text of a frame in it has its own."""
    return text + (OPEN_LINE if OPEN_LINE in text else "\n")


def framed(text: str) -> str:
    """Return the text of a frame inside a paragraph, on lines of its own."""
    return OPEN_LINE + text + OPEN_LINE if text else ""


def row_of(cells: Iterable[str]) -> str:
    """Return a row of a table: a tab between its cells."""
    return "\t".join(cell.rstrip("\n" + OPEN_LINE) for cell in cells) + "\n"


def with_lines(text: str) -> str:
    """Return a text in which all lines that were left open end where they must."""
    text = re.sub(f"{OPEN_LINE}+", OPEN_LINE, text)
    return _OPEN_LINES.sub(r"\1", text).replace(OPEN_LINE, "\n")


def tell(left_out: Iterable[str], note: Note) -> None:
    """Say what is left out, if anything is."""
    if words := ", ".join(left_out):
        note(f"its {words} were left out")
