"""Documents that occur more than once in a text, and held-out ones that were learned from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from longhand.arrays import BoolArray
from longhand.checking.finding import Finding
from longhand.text.documents import BOUNDARY, LINE
from longhand.text.repeats import Repeated, Repeats

LONGEST = 1 << 24  # characters of a document that are compared
MUCH_HELD_OUT, MUCH = 0.1, 0.3  # of the held-out documents, of the characters


@dataclass(frozen=True)
class Documents:
    """The documents of a text.

    - mode: what one is
    - repeated: how much of them has occurred before
    - held_out: how many are held out, held_out_repeated: how many of these are learned from, too
    """

    mode: str
    repeated: Repeated
    held_out: int
    held_out_repeated: int

    def findings(self) -> list[Finding]:
        """Return what a person should know; of repeated lines, those speak that are found as lines."""
        found = []
        if self.repeated.share >= MUCH and self.mode != LINE:
            what = f"{self.repeated.share:.0%} of the characters are in documents that occurred before"
            found.append(Finding("harms", "repeated-documents", what, "keep one of each"))
        if self.held_out_repeated >= MUCH_HELD_OUT * max(self.held_out, 1):
            what = f"{self.held_out_repeated:,} of the {self.held_out:,} held-out documents are learned from, too"
            found.append(Finding("harms", "known-documents", what, "scores will look too good: keep one of each"))
        return found


def repeats_of(pieces: Iterable[str]) -> Repeats:
    """Return the documents of a text, each of which ends with BOUNDARY."""
    repeats, begun = Repeats(), ""
    for piece in pieces:
        *whole, rest = (
            (begun + piece).split(BOUNDARY) if BOUNDARY in piece else (begun + piece[: LONGEST - len(begun)],)
        )
        repeats.add(whole)
        begun = rest
    return repeats


def documents_in(mode: str, repeats: Repeats, held_out: BoolArray) -> Documents:
    """Return what is known of documents.

    - held_out: which of them are held out, (documents,)
    """
    last, known = repeats.held_out(held_out)
    return Documents(mode, repeats.repeated(), last, known)


def file_findings(same: list[list[str]]) -> list[Finding]:
    """Return what a person should know of files with the same bytes.

    - same: their names
    """
    found = [f"{' and '.join(names[:3])}{' and others' * (len(names) > 3)} are the same" for names in same]
    return [Finding("harms", "same-files", what, "give one of them") for what in found]
