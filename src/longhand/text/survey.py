"""What has to be known of a text before it can be turned into tokens, found by reading it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from longhand.text.documents import BOUNDARY
from longhand.text.points import CODE_POINTS, code_points, text_of
from longhand.text.rereading import Text

BOUNDARY_POINT = ord(BOUNDARY)


@dataclass(frozen=True)
class Survey:
    """The length of a text in characters, and where each different one comes first.

    - met: the different code points, (different,), but for BOUNDARY in a text of documents
    - places: where each comes first, (different,), in characters
    """

    characters: int
    met: npt.NDArray[np.uint32]
    places: npt.NDArray[np.int64]

    def characters_before(self, place: int) -> str:
        """Return the different characters of the text's first `place` characters, sorted."""
        return text_of(np.sort(self.met[self.places < place]))


def surveyed(text: Text, *watching: Callable[[str], object]) -> Survey:
    """Read a text. Raises `CorpusError`.

    - watching: are called with each piece, in which documents end with a line end
    """
    seen = np.zeros(CODE_POINTS, np.bool_)
    seen[BOUNDARY_POINT] = text.of_documents  # of which it is no character
    met: list[npt.NDArray[np.uint32]] = []
    places: list[npt.NDArray[np.int64]] = []
    characters = 0
    for piece in text.pieces():
        points = code_points(piece)
        new = np.flatnonzero(~seen[points])
        if len(new):
            different, first = np.unique(points[new], return_index=True)
            seen[different] = True
            met.append(different)
            places.append(characters + new[first])
        characters += len(points)
        for watch in watching:
            watch(piece.replace(BOUNDARY, "\n") if text.of_documents else piece)
    nothing = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    return Survey(characters, np.concatenate([nothing[0], *met]), np.concatenate([nothing[1], *places]))


def place_to_split(text: Text, place: int) -> int:
    """Return where a text is split if it is to be at `place`: in one of documents, where the next one ends."""
    return sum(map(len, in_two(text, place, "looking for documents")[0])) if text.of_documents else place


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
