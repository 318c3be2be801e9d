"""What every tokenizer offers, and the one place that makes one from its JSON record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from longhand.arrays import TokenIds
from longhand.errors import ModelFormatError
from longhand.text.beginnings import Beginnings
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer
from longhand.text.decoder import Decoder
from longhand.text.listed import ListedTokenizer
from longhand.text.subwords import SubwordTokenizer
from longhand.text.words import WordTokenizer
from longhand.units import WORD_KINDS, TokenKind


class Tokenizer(Protocol):
    """Text to token numbers and back."""

    @property
    def kind(self) -> TokenKind:
        """What a token is: "char", "byte", "word", "whitespace" or "bpe"."""
        ...

    @property
    def size(self) -> int:
        """Number of different tokens, the special ones included."""
        ...

    @property
    def start(self) -> int | None:
        """The token that every text starts from, if there is one."""
        ...

    @property
    def line_end(self) -> int | None:
        """The token of the line end, if there is one."""
        ...

    @property
    def unknown(self) -> int | None:
        """The token that stands for what is not known, if there is one."""
        ...

    @property
    def never_written(self) -> tuple[int, ...]:
        """Special tokens, which stand for no text of their own."""
        ...

    def encode(self, text: str) -> TokenIds:
        """Return the token numbers of `text`, (tokens,).

        Raises `OptionError` where a token is not known and nothing stands for it.
        """
        ...

    def measured(self, text: str) -> tuple[TokenIds, TokenIds]:
        """Return the token numbers of `text`, and how many of its bytes each stands for, (tokens,) both.

        The bytes are those of UTF-8, and all of them are some token's, those of an unknown character or word too.
        """
        ...

    def decode(self, ids: TokenIds) -> str:
        """Return the text of token numbers."""
        ...

    def decoder(self) -> Decoder:
        """Return what turns token numbers into text as they come."""
        ...

    @property
    def beginnings(self) -> Beginnings | None:
        """What knows the tokens of words that go on; None where what follows a text never changes its tokens."""
        ...

    def unknown_in(self, text: str) -> Sequence[str]:
        """Return the different characters or words of `text` that the vocabulary lacks, sorted."""
        ...

    def to_record(self) -> dict[str, Any]:
        """Return plain JSON data from which `tokenizer_from_record` makes an equal tokenizer."""
        ...


KINDS: dict[str, type[CharacterTokenizer | ListedTokenizer | ByteTokenizer | WordTokenizer | SubwordTokenizer]] = {
    CharacterTokenizer.kind: CharacterTokenizer,
    ListedTokenizer.record_kind: ListedTokenizer,
    ByteTokenizer.kind: ByteTokenizer,
    **dict.fromkeys(WORD_KINDS, WordTokenizer),
    SubwordTokenizer.kind: SubwordTokenizer,
}
"""The tokenizers by what their records call them."""


def tokenizer_from_record(record: Mapping[str, Any], size: int | None = None) -> Tokenizer:
    """Make the tokenizer that a model file's `tokenizer` record describes.

    - size: how many tokens the network has

    Raises `ModelFormatError` for a kind or a content that this Longhand does not know, or another number of tokens.
    """
    tokenizer = _tokenizer(record)
    if tokenizer.size <= len(tokenizer.never_written):
        raise ModelFormatError("the tokenizer has no token that could be written: the model file is damaged")
    if size not in (None, tokenizer.size):
        raise ModelFormatError(
            f"the tokenizer has {tokenizer.size} tokens, the network {size}: the model file is damaged"
        )
    return tokenizer


def _tokenizer(record: Mapping[str, Any]) -> Tokenizer:
    kind = record.get("kind")
    if (known := KINDS.get(kind) if isinstance(kind, str) else None) is None:
        listed = ", ".join(map(repr, KINDS))
        raise ModelFormatError(f"tokenizer kind {str(kind)[:40]!r}, this Longhand knows {listed}: update Longhand")
    return known.from_record(record)
