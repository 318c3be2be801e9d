"""What has to be known of a text before it can be turned into tokens, found by reading it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from longhand.text.document_split import DocumentList, DocumentSplit
from longhand.text.documents import BOUNDARY
from longhand.text.held_out_end import Stretches
from longhand.text.points import CODE_POINTS, code_points, text_of
from longhand.text.rereading import Text
from longhand.units import HeldOutFrom

BOUNDARY_POINT = ord(BOUNDARY)


@dataclass(frozen=True)
class Survey:
    """The length of a text in characters, and where each different one comes first.

    - met: the different code points, (different,), but for BOUNDARY in a text of documents
    - places: where each comes first, (different,), in characters
    - documents: of a text that has some
    """

    characters: int
    met: npt.NDArray[np.uint32]
    places: npt.NDArray[np.int64]
    documents: DocumentList | None = None

    def characters_before(self, place: int) -> str:
        """Return the different characters of the text's first `place` characters, sorted."""
        return text_of(np.sort(self.met[self.places < place]))


def surveyed(
    text: Text, *watching: Callable[[str], object], stretches: Stretches | None = None, what: str = "reading"
) -> Survey:
    """Read a text. Raises `CorpusError`.

    - watching: are called with each piece, in which documents end with a line end
    - stretches: of a running text, are given each piece as code points
    - what: what is done with it, for those who are told how far it has come
    """
    seen = np.zeros(CODE_POINTS, np.bool_)
    first_at = np.full(CODE_POINTS, -1, np.int64)
    seen[BOUNDARY_POINT] = text.of_documents  # of which it is no character
    met: list[npt.NDArray[np.uint32]] = []
    places: list[npt.NDArray[np.int64]] = []
    characters, documents = 0, DocumentList() if text.of_documents else None
    for piece in text.pieces(what):
        points = code_points(piece)
        if documents is not None:
            documents.add(points)
        elif stretches is not None:
            stretches.add(points)
        new = np.flatnonzero(~seen[points])
        if len(new):
            found = points[new]
            first_at[found[::-1]] = new[::-1]  # of places that are written several times the last stays: the first one
            seen[found] = True
            different = np.flatnonzero(first_at >= 0).astype(np.uint32)
            met.append(different)
            places.append(characters + first_at[different])
            first_at[different] = -1
        characters += len(points)
        for watch in watching:
            watch(piece.replace(BOUNDARY, "\n") if text.of_documents else piece)
    nothing = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    return Survey(characters, np.concatenate([nothing[0], *met]), np.concatenate([nothing[1], *places]), documents)


def split_of(text: Text, survey: Survey, share: float, held_out_from: HeldOutFrom) -> int | DocumentSplit:
    """Return how a text is split: how many of its characters are learned from, or which of its documents.

    - share: of its characters, that is held out
    """
    if text.has_validation:
        return text.learned
    place = survey.characters - round(survey.characters * share)
    if survey.documents is None or not survey.characters:
        return place
    if held_out_from == "documents":
        return survey.documents.split(share)
    ends = survey.documents.ends
    return int(ends[np.searchsorted(ends, place)])  # the document that begins before it is learned from


def in_two(text: Text, place: int, what: str = "reading") -> tuple[Iterator[str], Iterator[str]]:
    """Return the text's first `place` characters and the others, in pieces, to be read in this order.

    In a text of documents the one that begins before `place` goes to the first.

    - what: what is done with it, for those who are told how far it has come
    """
    pieces = text.pieces(what)
    begun: list[str] = []

    def before() -> Iterator[str]:
        left, ends = place, not text.of_documents
        while (left > 0 or not ends) and (piece := next(pieces, "")):
            end = min(left, len(piece))
            left -= end
            if left == 0 and not ends:
                found = piece.find(BOUNDARY, max(end - 1, 0))
                end, ends = (len(piece), False) if found < 0 else (found + 1, True)
            yield piece[:end]
            if len(piece) > end:
                begun.append(piece[end:])

    def after() -> Iterator[str]:
        yield from begun
        yield from pieces

    return before(), after()
