"""A whole corpus as token numbers, split into what is learned from and what is held out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from longhand.arrays import BoolArray, TokenIds
from longhand.errors import CorpusError
from longhand.text.characters import CharacterCounter, CharacterTokenizer, smallest_type
from longhand.text.corpus import CorpusReader
from longhand.text.sources import Source

HELD_OUT_SHARE = 0.1
FEWEST_CHARACTERS = 1000


@dataclass(frozen=True)
class EncodedCorpus:
    """A corpus ready for training.

    - ids: token numbers of the whole text, (tokens,), in the smallest type that holds them
    - held_out: how many of the last ones are never learned from
    - characters, size: length of the text in characters and in bytes
    """

    ids: TokenIds
    held_out: int
    tokenizer: CharacterTokenizer
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


def encode_corpus(sources: Iterable[Source]) -> EncodedCorpus:
    """Read `sources` once and return them as token numbers, the last tenth held out.

    The vocabulary is that of the part that is learned from: characters that only the held-out part has are unknown,
    as they will be in any other text.

    Raises `CorpusError` for a source that cannot be read, or too little text.
    """
    reader, counter = CorpusReader(sources), CharacterCounter()
    pieces = [counter.number(piece) for piece in reader.pieces()]
    length = sum(len(piece) for piece in pieces)
    if length < FEWEST_CHARACTERS:
        raise CorpusError(
            f"{', '.join(reader.names)}: {length} characters, expected at least {FEWEST_CHARACTERS}: "
            "a good model wants a hundred thousand and more"
        )
    held_out = round(length * HELD_OUT_SHARE)
    tokenizer = counter.tokenizer(_met_in_first(length - held_out, pieces, counter.met))
    ids = _joined(pieces, counter.final_ids(tokenizer).astype(smallest_type(tokenizer.size)))
    notes = reader.notes
    if unknown := int(np.count_nonzero(ids[-held_out:] == 0)):
        notes.append(f"{unknown} characters of the held-out tenth occur nowhere before it and count as unknown")
    return EncodedCorpus(ids, held_out, tokenizer, length, reader.bytes_read, reader.names, notes)


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
