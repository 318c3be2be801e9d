"""A text in blocks of tokens, of any length in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from longhand.arrays import TokenIds
from longhand.text.documents import BOUNDARY
from longhand.text.points import code_points
from longhand.text.segments import whole_segments
from longhand.text.tokenizer import Tokenizer

PIECE = 1 << 16  # characters that are numbered at once


@dataclass(frozen=True)
class Block:
    """Some of a text.

    - text: of it, BOUNDARY where a document ends
    - ids, sizes: its tokens, (tokens,), and of how many bytes of UTF-8 each stands for; the end of a document is the
      start of the next one, and counts as one byte
    """

    text: str
    ids: TokenIds
    sizes: TokenIds

    @property
    def character_sizes(self) -> TokenIds:
        """How many bytes each character is, (characters,)."""
        points = code_points(self.text)
        sizes = np.ones(len(points), np.int64)
        for first in (0x80, 0x800, 0x10000):
            sizes += points >= first
        sizes[points == ord(BOUNDARY)] = 1
        return sizes


def blocks(pieces: Iterable[str], tokenizer: Tokenizer, most: int) -> Iterator[Block]:
    """Yield a text in blocks of about `most` tokens, cut where words end.

    Raises `OptionError` for what the tokenizer does not know, if it has no token for that.
    """
    texts: list[str] = []
    found: list[tuple[TokenIds, TokenIds]] = []
    count = 0
    for piece in whole_segments(_small(pieces), BOUNDARY):
        texts.append(piece)
        found.append(_measured(piece, tokenizer))
        count += len(found[-1][0])
        if count >= most:
            yield _block(texts, found)
            texts, found, count = [], [], 0
    if texts:
        yield _block(texts, found)


def _small(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        yield from (piece[begin : begin + PIECE] for begin in range(0, len(piece), PIECE))


def _block(texts: list[str], found: list[tuple[TokenIds, TokenIds]]) -> Block:
    return Block("".join(texts), *(np.concatenate([part[which] for part in found]) for which in (0, 1)))


def _measured(text: str, tokenizer: Tokenizer) -> tuple[TokenIds, TokenIds]:
    """Return the token numbers of a text and their sizes, (tokens,) both."""
    if BOUNDARY not in text:
        return tokenizer.measured(text)
    end = (np.array([tokenizer.start], np.int32), np.ones(1, np.int32))
    parts = [tokenizer.measured(document) for document in text.split(BOUNDARY)]
    whole = [parts[0], *(pair for part in parts[1:] for pair in (end, part))]
    ids, sizes = (np.concatenate([pair[which] for pair in whole]) for which in (0, 1))
    return ids, sizes
