"""A text in blocks of tokens, of any length in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from longhand.arrays import DoubleArray, TokenIds
from longhand.text.points import code_points, utf8_sizes
from longhand.text.segments import whole_segments
from longhand.text.tokenizer import Tokenizer

PIECE = 1 << 16  # characters that are numbered at once


@dataclass(frozen=True)
class Block:
    """Some of a text.

    - text: of it
    - ids, sizes: its tokens, (tokens,), and of how many bytes of UTF-8 each stands for; the end of a document is the
      start of the next one, and counts as one byte
    - ends: the character that ends a document in `text`; empty in a text of none
    """

    text: str
    ids: TokenIds
    sizes: TokenIds
    ends: str = ""

    @property
    def readable(self) -> str:
        """The text with a line end where a document ends."""
        return self.text.replace(self.ends, "\n") if self.ends else self.text

    @property
    def character_sizes(self) -> TokenIds:
        """How many bytes each character is, (characters,)."""
        sizes = utf8_sizes(self.text)
        if self.ends:
            sizes[code_points(self.text) == ord(self.ends)] = 1
        return sizes

    @property
    def token_lengths(self) -> TokenIds:
        """How many characters end within each token, (tokens,)."""
        ends = np.searchsorted(np.cumsum(self.character_sizes), np.cumsum(self.sizes), side="right")
        return np.diff(ends, prepend=0)

    def character_bits(self, bits: DoubleArray) -> DoubleArray:
        """Return how many bits each character took, (characters,): each token's, (tokens,), evenly over its bytes."""
        ends = np.concatenate([[0], np.cumsum(self.sizes)])
        until = np.concatenate([[0.0], np.cumsum(bits)])
        found: DoubleArray = np.diff(np.interp(np.cumsum(self.character_sizes), ends, until), prepend=0.0)
        return found


def blocks(pieces: Iterable[str], tokenizer: Tokenizer, most: int, ends: str = "") -> Iterator[Block]:
    """Yield a text in blocks of about `most` tokens, cut where words end.

    - ends: the character that ends a document; empty in a text of none

    Raises `OptionError` for what the tokenizer does not know, if it has no token for that.
    """
    texts: list[str] = []
    found: list[tuple[TokenIds, TokenIds]] = []
    count = 0
    for piece in whole_segments(_small(pieces), ends):
        texts.append(piece)
        found.append(_measured(piece, tokenizer, ends))
        count += len(found[-1][0])
        if count >= most:
            yield _block(texts, found, ends)
            texts, found, count = [], [], 0
    if texts:
        yield _block(texts, found, ends)


def _small(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        yield from (piece[begin : begin + PIECE] for begin in range(0, len(piece), PIECE))


def _block(texts: list[str], found: list[tuple[TokenIds, TokenIds]], ends: str) -> Block:
    ids, sizes = (np.concatenate([part[which] for part in found]) for which in (0, 1))
    return Block("".join(texts), ids, sizes, ends)


def _measured(text: str, tokenizer: Tokenizer, ends: str) -> tuple[TokenIds, TokenIds]:
    """Return the token numbers of a text and their sizes, (tokens,) both."""
    if not ends or ends not in text:
        return tokenizer.measured(text)
    end = (np.array([tokenizer.start], np.int32), np.ones(1, np.int32))
    parts = [tokenizer.measured(document) for document in text.split(ends)]
    whole = [parts[0], *(pair for part in parts[1:] for pair in (end, part))]
    ids, sizes = (np.concatenate([pair[which] for pair in whole]) for which in (0, 1))
    return ids, sizes
