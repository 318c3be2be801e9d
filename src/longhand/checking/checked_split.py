"""What a training would learn of a checked text, and what it would hold out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from longhand.arrays import BoolArray
from longhand.checking.checked_text import CheckedText
from longhand.checking.finding import Place
from longhand.text.document_split import DocumentList, DocumentSplit
from longhand.text.documents import BOUNDARY, NONE
from longhand.text.points import code_points


class CheckedSplit:
    """The two halves of a checked text: 0 is learned from, 1 held out.

    - documents: of the text, where it has some
    - sizes: characters of each half
    - share: which share of the text is held out
    """

    def __init__(
        self, text: CheckedText, mode: str, share: float, characters: int, documents: DocumentList | None
    ) -> None:
        self._text, self._mode, self._lines_before = text, NONE if documents is None else mode, 0
        self.documents, self._of_documents = documents, None
        learned = characters - round(characters * share)
        if text.has_validation:
            learned = text.learned_characters
        elif documents is not None:
            self._of_documents = documents.split(share)
            learned, characters = self._of_documents.learned, int(documents.ends[-1])
        self.sizes = learned, characters - learned

    def pieces(self, half: int, doing: str) -> Iterator[str]:
        """Yield one half, in pieces; documents end with a line end.

        - doing: what is done with it, for those who wait
        """
        if self._text.has_validation:
            return self._text.pieces(doing, part=half)
        if isinstance(self._of_documents, DocumentSplit):
            pieces = self._of_documents.half(self._text.pieces(doing, self._mode), half)
            return (piece.replace(BOUNDARY, "\n") for piece in pieces)
        begin, end = (0, self.sizes[0]) if half == 0 else (self.sizes[0], sum(self.sizes))
        return _between(self._text.pieces(doing), begin, end)

    def counted(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield what is learned from, and note how many lines it has."""
        last = "\n"
        for piece in pieces:
            self._lines_before += piece.count("\n")
            last = piece[-1:] or last
            yield piece
        self._lines_before += self._text.has_validation and last != "\n"

    def held_out_documents(self) -> BoolArray:
        """Return which documents are held out, (documents,)."""
        if self._of_documents is not None:
            return self._of_documents.held_out
        learned = sum(piece.count(BOUNDARY) for piece in self._text.pieces("counting documents", self._mode, part=0))
        assert self.documents is not None
        return np.arange(len(self.documents.ends)) >= learned

    def place(self, half: int, line: int) -> Place:
        """Return where a line of a half is; the first one is 0."""
        if self._of_documents is None:
            return self._text.place(line + half * self._lines_before)
        wanted = next(islice(_lines(self.pieces(half, "finding the line")), line, None), "")
        places = (number for number, text in enumerate(_lines(self._text.pieces("finding the line"))) if wanted in text)
        if half == 0:
            return self._text.place(next(places, 0))
        return self._text.place(max(places, default=0))  # the later one is not the one that it is like


def document_list(pieces: Iterable[str]) -> tuple[DocumentList, Iterator[str]]:
    """Return the documents of a text, which are complete once its pieces were read, and these."""
    documents = DocumentList()

    def watched() -> Iterator[str]:
        for piece in pieces:
            documents.add(code_points(piece))
            yield piece

    return documents, watched()


def _between(pieces: Iterable[str], begin: int, end: int) -> Iterator[str]:
    at = 0
    for piece in pieces:
        if at >= end:
            return
        if part := piece[max(begin - at, 0) : end - at]:
            yield part
        at += len(piece)


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    begun = ""
    for piece in pieces:
        *whole, begun = (begun + piece).split("\n")
        yield from whole
    yield begun
