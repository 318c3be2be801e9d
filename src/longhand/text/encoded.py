"""A whole corpus as token numbers, split into what is learned from and what is held out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from longhand.arrays import TokenIds
from longhand.errors import CorpusError
from longhand.text.tokenizer import Tokenizer
from longhand.text.utf8 import REPLACEMENT, utf8_bytes

FEWEST_CHARACTERS = 1000
AT_ONCE = 1 << 20  # tokens

AnyTokenizer = TypeVar("AnyTokenizer", bound=Tokenizer, covariant=True)
Counts = npt.NDArray[np.int64]


def _nothing() -> None:
    """Release nothing."""


@dataclass(frozen=True)
class EncodedCorpus(Generic[AnyTokenizer]):
    """A corpus ready for training.

    - ids: token numbers of the whole text, (tokens,), in the smallest type that holds them; those of a large text lie
      in a file, of which no more is read than is used
    - held_out: how many of the last ones are never learned from
    - characters, size: length of the text in characters and in bytes; the end of a document counts as a character
    - counts: how often each token occurs in what is learned from, (vocabulary,)
    - fingerprint: what tells this text, as it is numbered and split, from others
    - documents: how many there are; 0 for a text of none
    - held_out_characters, held_out_bytes: what was held out, as text; 0 where that was not counted
    - lost_characters, lost_bytes: how much shorter its tokens' text is, because some of them are unknown
    - release: gives back the memory of numbers that were used and can be read again
    - validation: the names of the sources that are held out, where these are others than those that are learned from
    - separator: what stands between its documents
    - why_tokens: what its tokens are and why, where that was left to the text
    - normal_form: Unicode's normal form that the text is in, "NFC" or "NFD"; empty for neither
    """

    ids: TokenIds
    held_out: int
    tokenizer: AnyTokenizer
    characters: int
    size: int
    counts: Counts
    fingerprint: str
    documents: int = 0
    held_out_characters: int = 0
    held_out_bytes: int = 0
    lost_characters: int = 0
    lost_bytes: int = 0
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    validation: list[str] = field(default_factory=list)
    separator: str = ""
    why_tokens: str = ""
    normal_form: str = ""
    release: Callable[[], None] = _nothing

    @property
    def learned_ids(self) -> TokenIds:
        """The part that is learned from, (tokens,)."""
        return self.ids[: len(self.ids) - self.held_out]

    @property
    def held_out_ids(self) -> TokenIds:
        """The part that scores are measured on, (tokens,)."""
        return self.ids[len(self.ids) - self.held_out :]

    @property
    def characters_per_token(self) -> float:
        """How many characters a token stands for, in the mean."""
        return self.characters / len(self.ids)

    def characters_of(self, ids: TokenIds) -> int:
        """Return how many characters the first of the held-out tokens stand for, or any where none is unknown."""
        if self.tokenizer.kind == "char":
            return len(ids)
        return self._length(ids, len, self.held_out_characters, self.lost_characters)

    def bytes_of(self, ids: TokenIds) -> int:
        """Return how many bytes of UTF-8 the first of the held-out tokens stand for, or any where none is unknown."""
        if self.tokenizer.kind == "byte":
            return len(ids)
        return self._length(ids, _bytes, self.held_out_bytes, self.lost_bytes)

    def _length(self, ids: TokenIds, measure: Callable[[str], int], of_all: int, lost: int) -> int:
        if len(ids) == self.held_out and of_all:
            return of_all
        decoder = self.tokenizer.decoder()
        pieces = (decoder.decode(ids[begin : begin + AT_ONCE]) for begin in range(0, len(ids), AT_ONCE))
        found = sum(map(measure, pieces)) + measure(decoder.rest())
        if measure is _bytes and self.tokenizer.start is not None:
            found -= int(np.count_nonzero(ids == self.tokenizer.start)) * (_bytes(REPLACEMENT) - 1)
        if self.tokenizer.unknown is None or not (ids == self.tokenizer.unknown).any() or not of_all:
            return found
        return round(found * of_all / max(of_all - lost, 1))  # an unknown token stands for as much as elsewhere


def _bytes(text: str) -> int:
    return len(utf8_bytes(text))


def token_counts(ids: TokenIds, size: int) -> Counts:
    """Return how often each token occurs, (vocabulary,); in pieces, for bincount makes eight bytes of each token."""
    pieces = (ids[begin : begin + AT_ONCE] for begin in range(0, len(ids), AT_ONCE))
    counts = np.zeros(size, np.int64)
    for piece in pieces:
        counts += np.bincount(piece, minlength=size)
    return counts


def fingerprint_of(*facts: Any) -> str:
    """Return a BLAKE2b hash of arrays, and of other things as they are written, in hexadecimal."""
    hashed = hashlib.blake2b()
    for fact in facts:
        if isinstance(fact, np.ndarray):
            hashed.update(fact.dtype.str.encode())
            hashed.update(np.ascontiguousarray(fact).data)
        else:
            hashed.update(repr(fact).encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()


def joined(pieces: list[TokenIds], kind: npt.DTypeLike, final: TokenIds | None = None) -> TokenIds:
    """Join pieces, freeing each as it is copied: the text is held about once, not twice.

    - final: the number that takes the place of each one in the pieces
    """
    ids: TokenIds = np.empty(sum(len(piece) for piece in pieces), kind)
    end = len(ids)
    while pieces:
        piece = pieces.pop()
        ids[end - len(piece) : end] = piece if final is None else final[piece]
        end -= len(piece)
    return ids


def refuse_too_short(characters: int, names: list[str]) -> None:
    """Raise `CorpusError` for a text from which nothing could be learned."""
    if characters < FEWEST_CHARACTERS:
        raise CorpusError(
            f"{', '.join(names)}: {characters} characters, expected at least {FEWEST_CHARACTERS}: "
            "a good model wants a hundred thousand and more"
        )
