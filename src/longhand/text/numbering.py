"""From text to token numbers, piece by piece, in this process or, where it pays, in several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Annotated

import msgspec
import numpy as np

from longhand.arrays import TokenIds
from longhand.text.characters import CharacterTokenizer
from longhand.text.document_split import DocumentSplit
from longhand.text.documents import BOUNDARY
from longhand.text.points import code_points
from longhand.text.rereading import Text
from longhand.text.segments import whole_segments
from longhand.text.survey import in_two
from longhand.text.tokenizer import Tokenizer
from longhand.text.utf8 import utf8_bytes
from longhand.text.workers import Workers
from longhand.units import WORD_KINDS

Count = Annotated[int, msgspec.Meta(ge=0)]
CUT_AT_WORDS = (*WORD_KINDS, "bpe")  # tokens that a piece may not end inside of


class Half(msgspec.Struct):
    """What is learned from, or what is held out: how much there is of it, as tokens and as text.

    - lost_characters, lost_size: how much shorter the text is that its tokens stand for, because some are unknown
    """

    tokens: Count = 0
    characters: Count = 0
    size: Count = 0
    documents: Count = 0
    unknown: Count = 0
    lost_characters: int = 0
    lost_size: int = 0

    def add(self, piece: str, size: int, ids: TokenIds, ends: str, tokenizer: Tokenizer) -> None:
        """Take note of a piece, of its bytes in UTF-8 and its tokens; `ends`: what ends a document in it."""
        documents = piece.count(ends) if ends else 0
        self.tokens += len(ids)
        self.characters += len(piece)
        self.size += size - documents * (len(utf8_bytes(BOUNDARY)) - 1)
        self.documents += documents
        if tokenizer.unknown is not None and (unknown := int(np.count_nonzero(ids == tokenizer.unknown))):
            self.unknown += unknown
            left = tokenizer.decode(ids)
            self.lost_characters += len(piece) - len(left)
            self.lost_size += size - len(utf8_bytes(left))


def in_halves(text: Text, split: int | DocumentSplit, tokens: str, what: str) -> Iterator[tuple[int, str]]:
    """Yield a text in pieces that can be turned into tokens by themselves, with the number of the half, 0 or 1.

    - split: how many characters are in the first half, or which documents
    - tokens: what they are to be, "char", "byte", "word", "whitespace" or "bpe"
    - what: what is done with them, for those who are told how far it has come
    """
    if isinstance(split, DocumentSplit):
        whole = text.pieces(what)
        yield from split.parts(whole_segments(whole, text.ends) if tokens in CUT_AT_WORDS else whole)
        return
    for half, pieces in enumerate(in_two(text, split, what)):
        cut = whole_segments(pieces, text.ends) if tokens in CUT_AT_WORDS else pieces
        yield from ((half, piece) for piece in cut)


def numbered(
    pieces: Iterable[tuple[int, str]], tokenizer: Tokenizer, ends: str, processes: int = 1
) -> Iterator[tuple[int, str, TokenIds]]:
    """Yield each piece with its token numbers; the start of the next document stands where one ends.

    - ends: what ends a document in the text; empty if there are none
    """
    if processes < 2:
        yield from ((half, piece, token_numbers(piece, tokenizer, ends)) for half, piece in pieces)
        return
    with closing(Workers(processes, {"tokenizer": tokenizer.to_record(), "ends": ends})) as workers:
        for (half, piece), answer in workers.answers(pieces):
            yield half, piece, np.frombuffer(answer, np.int32)


def token_numbers(text: str, tokenizer: Tokenizer, ends: str) -> TokenIds:
    """Return the token numbers of a text, the start of the next document wherever one ends."""
    if not ends or ends not in text:
        return tokenizer.encode(text)
    assert tokenizer.start is not None
    if isinstance(tokenizer, CharacterTokenizer):
        ids = tokenizer.encode(text)
        ids[code_points(text) == ord(ends)] = tokenizer.start
        return ids
    first, *others = (tokenizer.encode(document) for document in text.split(ends))
    return np.concatenate([first, *(part for ids in others for part in ([tokenizer.start], ids))])
