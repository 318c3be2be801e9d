"""A whole corpus as token numbers, split into what is learned from and what is held out."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from longhand.arrays import TokenIds, smallest_type
from longhand.errors import CorpusError
from longhand.text.characters import CharacterCounter, CharacterTokenizer, code_points
from longhand.text.corpus import CorpusReader
from longhand.text.documents import BOUNDARY
from longhand.text.listed import ListedTokenizer, WordCounter
from longhand.text.rereading import Text
from longhand.text.segments import whole_segments
from longhand.text.sources import Source
from longhand.text.survey import in_two, place_to_split, surveyed
from longhand.text.tokenizer import Tokenizer
from longhand.text.utf8 import REPLACEMENT, utf8_bytes
from longhand.text.vocabulary import CHARACTERS, Wanted, tokenizer_for
from longhand.text.words import WordTokenizer
from longhand.units import PLURAL, Unit

FEWEST_CHARACTERS = 1000

AnyTokenizer = TypeVar("AnyTokenizer", bound=Tokenizer, covariant=True)


@dataclass(frozen=True)
class EncodedCorpus(Generic[AnyTokenizer]):
    """A corpus ready for training.

    - ids: token numbers of the whole text, (tokens,), in the smallest type that holds them
    - held_out: how many of the last ones are never learned from
    - characters, size: length of the text in characters and in bytes; the end of a document counts as a character
    - documents: how many there are; 0 for a text of none
    - held_out_characters, held_out_bytes: what was held out, as text; 0 where that was not counted
    """

    ids: TokenIds
    held_out: int
    tokenizer: AnyTokenizer
    characters: int
    size: int
    documents: int = 0
    held_out_characters: int = 0
    held_out_bytes: int = 0
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

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

    @property
    def fingerprint(self) -> str:
        """What tells this text, as it is numbered and split, from others: a BLAKE2b hash, in hexadecimal."""
        hashed = hashlib.blake2b(repr((self.ids.dtype.str, self.held_out, self.tokenizer.to_record())).encode())
        hashed.update(np.ascontiguousarray(self.ids).data)
        return hashed.hexdigest()

    def characters_of(self, ids: TokenIds) -> int:
        """Return how many characters the first of the held-out tokens stand for, or any where none is unknown."""
        return len(ids) if self.tokenizer.kind == "char" else self._share(ids, self.held_out_characters, _characters)

    def bytes_of(self, ids: TokenIds) -> int:
        """Return how many bytes of UTF-8 the first of the held-out tokens stand for, or any where none is unknown."""
        return len(ids) if self.tokenizer.kind == "byte" else self._share(ids, self.held_out_bytes, _bytes)

    def _share(self, ids: TokenIds, of_all: int, measure: Callable[[Tokenizer, TokenIds], int]) -> int:
        if len(ids) == self.held_out and of_all:
            return of_all
        found = measure(self.tokenizer, ids)
        if self.tokenizer.unknown is None or not (ids == self.tokenizer.unknown).any() or not of_all:
            return found
        return round(found * of_all / measure(self.tokenizer, self.held_out_ids))  # what is unknown has lost its length


def _characters(tokenizer: Tokenizer, ids: TokenIds) -> int:
    return len(tokenizer.decode(ids))


def _bytes(tokenizer: Tokenizer, ids: TokenIds) -> int:
    ends = 0 if tokenizer.start is None else int(np.count_nonzero(ids == tokenizer.start))
    return len(utf8_bytes(tokenizer.decode(ids))) - ends * (len(utf8_bytes(REPLACEMENT)) - 1)


def encode_corpus(
    sources: Iterable[Source],
    held_out: float = 0.1,
    known: Tokenizer | None = None,
    wanted: Wanted = CHARACTERS,
) -> EncodedCorpus[Tokenizer]:
    """Read `sources` and return them as token numbers, the last `held_out` of their characters, a share, held out.

    The vocabulary is that of the part that is learned from, and that of `known`: characters that only the held-out part
    has are unknown, as they will be in any other text.

    Raises `CorpusError` for a source that cannot be read, or too little text.
    """
    with Text(sources, wanted.documents) as text:
        survey = surveyed(text)
        _refuse_too_short(survey.characters, text.names)
        learned = place_to_split(text, survey.characters - round(survey.characters * held_out))
        tokenizer = tokenizer_for(text, survey, learned, wanted, known)
        first, second = (_Part(text.of_documents, tokenizer) for _ in range(2))
        for part, pieces in zip((first, second), in_two(text, learned), strict=True):
            part.read(pieces)
    documents = first.documents + second.documents
    if documents == 1:
        raise CorpusError(
            f"{', '.join(text.names)}: one document, so nothing is left to score on: is --documents "
            f"{shlex.quote(wanted.documents)} right?"
        )
    last = sum(map(len, second.ids))
    first.ids += second.ids
    second.ids.clear()
    ids = _joined(first.ids, smallest_type(tokenizer.size))
    notes = text.notes
    if tokenizer.unknown is not None and (
        unknown := int(np.count_nonzero(ids[len(ids) - last :] == tokenizer.unknown))
    ):
        notes.append(f"{unknown} {_unknown(tokenizer)} and count as unknown")
    return EncodedCorpus(
        ids,
        last,
        tokenizer,
        survey.characters,
        text.size,
        documents,
        held_out_characters=second.characters,
        held_out_bytes=second.size,
        names=text.names,
        notes=notes,
    )


class _Part:
    """What is learned from, or what is held out, as tokens, and what it was as text."""

    def __init__(self, of_documents: bool, tokenizer: Tokenizer) -> None:
        self._ends, self._tokenizer = BOUNDARY if of_documents else "", tokenizer
        self.ids: list[TokenIds] = []
        self.characters = self.size = self.documents = 0

    def read(self, pieces: Iterator[str]) -> None:
        """Turn the text into token numbers, in the smallest type that holds them."""
        kind = smallest_type(self._tokenizer.size)
        for piece in whole_segments(pieces, self._ends) if self._tokenizer.kind in ("word", "bpe") else pieces:
            ends = piece.count(BOUNDARY) if self._ends else 0
            ids = _with_boundaries(piece, self._tokenizer) if ends else self._tokenizer.encode(piece)
            self.ids.append(ids.astype(kind))
            self.characters += len(piece)
            self.size += len(utf8_bytes(piece)) - ends * (len(utf8_bytes(BOUNDARY)) - 1)
            self.documents += ends


def _with_boundaries(text: str, tokenizer: Tokenizer) -> TokenIds:
    """Return the token numbers of a text, the start of the next one wherever a document ends."""
    assert tokenizer.start is not None
    if isinstance(tokenizer, CharacterTokenizer):
        ids = tokenizer.encode(text)
        ids[code_points(text) == ord(BOUNDARY)] = tokenizer.start
        return ids
    first, *others = (tokenizer.encode(document) for document in text.split(BOUNDARY))
    return np.concatenate([first, *(part for ids in others for part in ([tokenizer.start], ids))])


def _unknown(tokenizer: Tokenizer) -> str:
    if isinstance(tokenizer, WordTokenizer) and not tokenizer.spells:
        return "words of the held-out text have no token"
    return "characters of the held-out text occur nowhere before it"


def encode_closed(sources: Iterable[Source], unit: Unit, held_out: float = 0.0) -> EncodedCorpus[ListedTokenizer]:
    """Read `sources` once and return them as characters' or words' numbers, as the classic recipe has them.

    The vocabulary is that of the whole text, what is held out included, sorted; nothing is ever unknown. A byte order
    mark is a character like others, as it is to Python's `open`.

    Raises `CorpusError` for a source that cannot be read, or too little text.
    """
    reader, counter = CorpusReader(sources, keep_mark=True), _counter(unit)
    pieces, characters = _numbered(reader, counter)
    tokenizer = _listed(reader, counter, unit)
    ids = _joined(pieces, smallest_type(tokenizer.size), counter.final_ids(tokenizer))
    last = round(len(ids) * held_out)
    return EncodedCorpus(
        ids,
        last,
        tokenizer,
        characters,
        reader.bytes_read,
        held_out_characters=_characters(tokenizer, ids[len(ids) - last :]),
        names=reader.names,
        notes=reader.notes,
    )


def closed_vocabulary(sources: Iterable[Source], unit: Unit) -> ListedTokenizer:
    """Read `sources` for their vocabulary alone, as `encode_closed` makes it. Raises `CorpusError`."""
    reader, counter = CorpusReader(sources, keep_mark=True), _counter(unit)
    for piece in reader.pieces():
        counter.number(piece)
    counter.rest()
    return _listed(reader, counter, unit)


def _counter(unit: Unit) -> CharacterCounter | WordCounter:
    return WordCounter() if unit == "word" else CharacterCounter()


def _listed(reader: CorpusReader, counter: CharacterCounter | WordCounter, unit: Unit) -> ListedTokenizer:
    if counter.met == 0:
        raise CorpusError(f"{', '.join(reader.names)}: no {PLURAL[unit]} in it; expected a text")
    return counter.listed()


def _numbered(reader: CorpusReader, counter: CharacterCounter | WordCounter) -> tuple[list[TokenIds], int]:
    """Return all of a text in provisional ids, and its length in characters."""
    pieces, characters = [], 0
    for piece in reader.pieces():
        pieces.append(counter.number(piece))
        characters += len(piece)
    pieces.append(counter.rest())
    _refuse_too_short(characters, reader.names)
    return pieces, characters


def _refuse_too_short(characters: int, names: list[str]) -> None:
    if characters < FEWEST_CHARACTERS:
        raise CorpusError(
            f"{', '.join(names)}: {characters} characters, expected at least {FEWEST_CHARACTERS}: "
            "a good model wants a hundred thousand and more"
        )


def _joined(pieces: list[TokenIds], kind: npt.DTypeLike, final: TokenIds | None = None) -> TokenIds:
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
