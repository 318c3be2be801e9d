"""Rows that cannot be read: refused with their line, or left out, counted and listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from longhand.errors import CorpusError

MAX_LISTED = 20  # bad rows, and columns


class BadRows:
    """What happens to the rows of a file that cannot be read.

    - label: what to call the file
    - skip: whether they are left out; else the first one raises `CorpusError`
    - note: is called with what a person should know
    """

    def __init__(self, label: str, note: Callable[[str], None], *, skip: bool = False) -> None:
        self.label, self._note, self._skip = label, note, skip
        self._found: list[tuple[int, str]] = []
        self._count = self.empty = self._short = self._first_short = 0
        self._strays = self._first_stray = 0
        self._spans = self._lenient = self._first_lenient = 0
        self._first_span = (0, 0)

    def refuse(self, line: int, fault: str, advice: str) -> None:
        """Raise `CorpusError` for a row, or count it as left out.

        - line: where it begins, from 1
        - fault: what is wrong with it, advice: what to do about it
        """
        if not self._skip:
            raise CorpusError(f"{self.label}, line {line}: {fault}; {advice}, or leave such rows out: --skip-bad-rows")
        self._count += 1
        if len(self._found) < MAX_LISTED:
            self._found.append((line, fault))

    def add_short(self, line: int) -> None:
        """Count a row that has fewer columns than the first."""
        self._first_short = self._first_short or line
        self._short += 1

    def add_lenient(self, line: int) -> None:
        """Count a row that is read although another part of it is no strict JSON."""
        self._first_lenient = self._first_lenient or line
        self._lenient += 1

    def add_stray(self, line: int) -> None:
        """Count a row with a quotation mark that is read as text."""
        self._first_stray = self._first_stray or line
        self._strays += 1

    def add_span(self, first: int, last: int) -> None:
        """Count a row that goes over several lines."""
        if not self._spans:
            self._first_span = first, last
        self._spans += 1

    def tell(self) -> None:
        """Say what was left out; to be called at the end of the file."""
        if self._count:
            listed = ", ".join(f"line {line} ({fault})" for line, fault in self._found)
            more = f" and {self._count - len(self._found):,} more" if self._count > len(self._found) else ""
            self._note(f"bad rows left out: {self._count:,}: {listed}{more}")
        if self._short:
            self._note(
                f"rows with fewer columns than the first, read as far as they go: {self._short:,}, the first in line "
                f"{self._first_short}"
            )
        if self._lenient:
            self._note(
                "rows with something in another key that is no JSON (NaN, half a character), read all the same: "
                f"{self._lenient:,}, the first in line {self._first_lenient}"
            )
        if self._strays:
            self._note(
                f"rows with a quotation mark that is not closed, read as text: {self._strays:,}, the first in "
                f"line {self._first_stray}"
            )
        if self._spans:
            first, last = self._first_span
            self._note(
                f"rows that go over several lines, between quotation marks: {self._spans:,}, the first in lines "
                f"{first} to {last}"
            )


def listed(names: Sequence[str]) -> str:
    """Return the names of columns, for a person."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(repr(short(name)) for name in names[:MAX_LISTED]) + more


def short(text: str) -> str:
    """Return the beginning of a text, in one line."""
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."
