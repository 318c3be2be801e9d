"""What every tokenizer offers, and the one place that makes one from its JSON record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from longhand.arrays import TokenIds
from longhand.errors import ModelFormatError
from longhand.text.characters import CharacterTokenizer
from longhand.text.listed import ListedTokenizer
from longhand.units import Unit


class Tokenizer(Protocol):
    """Text to token numbers and back."""

    @property
    def kind(self) -> Unit:
        """What a token is: "char" or "word"."""
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
    def never_written(self) -> tuple[int, ...]:
        """Special tokens, which stand for no text of their own."""
        ...

    def encode(self, text: str) -> TokenIds:
        """Return the token numbers of `text`, (tokens,).

        Raises `OptionError` where a token is not known and nothing stands for it.
        """
        ...

    def decode(self, ids: TokenIds) -> str:
        """Return the text of token numbers."""
        ...

    def unknown_in(self, text: str) -> Sequence[str]:
        """Return the different characters or words of `text` that the vocabulary lacks, sorted."""
        ...

    def to_record(self) -> dict[str, Any]:
        """Return plain JSON data from which `tokenizer_from_record` makes an equal tokenizer."""
        ...


def tokenizer_from_record(record: Mapping[str, Any], size: int | None = None) -> Tokenizer:
    """Make the tokenizer that a model file's `tokenizer` record describes.

    - size: how many tokens the network has

    Raises `ModelFormatError` for a kind or a content that this Longhand does not know, or another number of tokens.
    """
    tokenizer = _tokenizer(record)
    if size not in (None, tokenizer.size):
        raise ModelFormatError(
            f"the tokenizer has {tokenizer.size} tokens, the network {size}: the model file is damaged"
        )
    return tokenizer


def _tokenizer(record: Mapping[str, Any]) -> Tokenizer:
    kind = record.get("kind")
    if kind == CharacterTokenizer.kind:
        return CharacterTokenizer.from_record(record)
    if kind == ListedTokenizer.record_kind:
        return ListedTokenizer.from_record(record)
    known = f"{CharacterTokenizer.kind!r} and {ListedTokenizer.record_kind!r}"
    raise ModelFormatError(f"tokenizer kind {kind!r}, this Longhand knows {known}: update Longhand")
