"""Where the lines and rows of a text stand in its files, remembered as the text is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from longhand.text.documents import BOUNDARY


@dataclass(frozen=True)
class Origin:
    r"""A line of a file, or a row of a table.

    - file: what the file is called
    - line: where it begins in the file, from 1
    - row: which row of its table it is, from 1; None for a line of a text
    - text: what was read of it, without its end; a row may have `\n` in it
    """

    file: str
    line: int
    row: int | None
    text: str


class Origins:
    """The lines or rows that were read and not yet taken, in their order.

    A text of documents has no empty lines and none of what parts its documents: they are passed over.
    """

    def __init__(self) -> None:
        self._waiting: deque[Origin] = deque()
        self._of_rows = False
        self._now: Origin | None = None
        self._place = 0  # in the text of `_now`: what comes before it was taken

    def add_row(self, file: str, line: int, row: int, text: str) -> None:
        """Remember a row that is about to be read."""
        self._of_rows = True
        self._waiting.append(Origin(file, line, row, text.removesuffix(BOUNDARY).removesuffix("\n")))

    def watched(self, pieces: Iterable[str], file: Callable[[], str]) -> Iterator[str]:
        """Yield the pieces of a text as they are, and remember its lines where it has no rows.

        - file: returns what the file is called that the last piece is from
        """
        name, line, begun = "", 1, ""
        for piece in pieces:
            if not self._of_rows:
                if piece != BOUNDARY and (found := file()) != name:
                    if begun:
                        self._waiting.append(Origin(name, line, None, begun))
                    name, line, begun = found, 1, ""
                *whole, begun = (begun + piece.replace(BOUNDARY, "\n")).split("\n")
                self._waiting.extend(Origin(name, number, None, text) for number, text in enumerate(whole, line))
                line += len(whole)
            yield piece
        if begun:
            self._waiting.append(Origin(name, line, None, begun))

    def of(self, line: str) -> Origin | None:
        """Return where the next line of the text that is read stands; None where no such line was read."""
        if self._now is not None and self._goes_on_with(line):
            return self._now
        for number, each in enumerate(self._waiting):
            found = each.text.find(line) if line else 0 if each.text.startswith("\n") or not each.text else -1
            if found >= 0:
                for _ in range(number):
                    self._waiting.popleft()
                self._now, self._place = self._waiting.popleft(), found + len(line)
                return self._now
        return None

    def _goes_on_with(self, line: str) -> bool:
        """Return whether a line stands in what is left of the present one, and if so, go on behind it."""
        assert self._now is not None
        rest = self._now.text[self._place :]
        if not line:
            return rest.startswith("\n\n") or rest == "\n"
        found = rest.find(line)
        self._place += found + len(line) if found >= 0 else 0
        return found >= 0
