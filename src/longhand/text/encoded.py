"""A whole corpus as token numbers, split into what is learned from and what is held out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from longhand.arrays import BoolArray, TokenIds, smallest_type
from longhand.errors import CorpusError
from longhand.text.characters import CharacterCounter, CharacterTokenizer
from longhand.text.corpus import CorpusReader
from longhand.text.listed import ListedTokenizer, WordCounter
from longhand.text.sources import Source
from longhand.units import PLURAL, Unit

FEWEST_CHARACTERS = 1000


AnyTokenizer = TypeVar("AnyTokenizer", CharacterTokenizer, ListedTokenizer)


@dataclass(frozen=True)
class EncodedCorpus(Generic[AnyTokenizer]):
    """A corpus ready for training.

    - ids: token numbers of the whole text, (tokens,), in the smallest type that holds them
    - held_out: how many of the last ones are never learned from
    - characters, size: length of the text in characters and in bytes
    """

    ids: TokenIds
    held_out: int
    tokenizer: AnyTokenizer
    characters: int
    size: int
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
    def fingerprint(self) -> str:
        """What tells this text, as it is numbered and split, from others: a BLAKE2b hash, in hexadecimal."""
        hashed = hashlib.blake2b(repr((self.ids.dtype.str, self.held_out, self.tokenizer.to_record())).encode())
        hashed.update(np.ascontiguousarray(self.ids).data)
        return hashed.hexdigest()

    def characters_of(self, ids: TokenIds) -> int:
        """Return how many characters token numbers stand for."""
        return len(ids) if self.tokenizer.kind == "char" else len(self.tokenizer.decode(ids))


def encode_corpus(
    sources: Iterable[Source], held_out: float = 0.1, known: CharacterTokenizer | None = None
) -> EncodedCorpus[CharacterTokenizer]:
    """Read `sources` once and return them as characters' numbers, the last `held_out` of them, a share, held out.

    The vocabulary is that of the part that is learned from, and that of `known`: characters that only the held-out part
    has are unknown, as they will be in any other text.

    Raises `CorpusError` for a source that cannot be read, or too little text.
    """
    reader, counter = CorpusReader(sources), CharacterCounter()
    pieces, characters = _numbered(reader, counter)
    last = round(characters * held_out)
    tokenizer = counter.tokenizer(_met_in_first(characters - last, pieces, counter.met))
    if known is not None:
        tokenizer = known.extended(tokenizer.characters)
    ids = _joined(pieces, counter.final_ids(tokenizer).astype(smallest_type(tokenizer.size)))
    notes = reader.notes
    if unknown := int(np.count_nonzero(ids[len(ids) - last :] == tokenizer.unknown)):
        notes.append(f"{unknown} characters of the held-out text occur nowhere before it and count as unknown")
    return EncodedCorpus(ids, last, tokenizer, characters, reader.bytes_read, reader.names, notes)


def encode_closed(sources: Iterable[Source], unit: Unit, held_out: float = 0.0) -> EncodedCorpus[ListedTokenizer]:
    """Read `sources` once and return them as characters' or words' numbers, as the classic recipe has them.

    The vocabulary is that of the whole text, what is held out included, sorted; nothing is ever unknown. A byte order
    mark is a character like others, as it is to Python's `open`.

    Raises `CorpusError` for a source that cannot be read, or too little text.
    """
    reader, counter = CorpusReader(sources, keep_mark=True), _counter(unit)
    pieces, characters = _numbered(reader, counter)
    tokenizer = _listed(reader, counter, unit)
    ids = _joined(pieces, counter.final_ids(tokenizer).astype(smallest_type(tokenizer.size)))
    last = round(len(ids) * held_out)
    return EncodedCorpus(ids, last, tokenizer, characters, reader.bytes_read, reader.names, reader.notes)


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
    if characters < FEWEST_CHARACTERS:
        raise CorpusError(
            f"{', '.join(reader.names)}: {characters} characters, expected at least {FEWEST_CHARACTERS}: "
            "a good model wants a hundred thousand and more"
        )
    return pieces, characters


def _met_in_first(count: int, pieces: list[TokenIds], met: int) -> BoolArray:
    """Mark the provisional ids that occur in the first `count` tokens."""
    marks = np.zeros(met, np.bool_)
    for piece in pieces:
        marks[piece[:count]] = True
        count -= min(count, len(piece))
    return marks


def _joined(pieces: list[TokenIds], final: TokenIds) -> TokenIds:
    """Join pieces in their final numbers, freeing each as it is copied: the text is held about once, not twice."""
    ids = np.empty(sum(len(piece) for piece in pieces), final.dtype)
    end = len(ids)
    while pieces:
        piece = pieces.pop()
        ids[end - len(piece) : end] = final[piece]
        end -= len(piece)
    return ids
