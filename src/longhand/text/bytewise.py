"""Bytes as tokens: the 256 numbers that UTF-8 is made of, and the start of a text. Nothing is ever unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from longhand.arrays import TokenIds
from longhand.text.decoder import ByteDecoder, Decoder, whole
from longhand.text.utf8 import REPLACEMENT, utf8_bytes
from longhand.units import TokenKind

BYTES = 256


class ByteTokenizer:
    """`ByteTokenizer().encode("é")` is `[195, 169]`; 256 is the start of a text."""

    kind: TokenKind = "byte"
    size = BYTES + 1
    unknown = None
    start = BYTES
    beginnings = None
    never_written = (BYTES,)
    line_end = ord("\n")
    pieces = (*(bytes([byte]) for byte in range(BYTES)), utf8_bytes(REPLACEMENT))

    def encode(self, text: str) -> TokenIds:
        """Return the token numbers of `text`, (bytes,)."""
        return np.frombuffer(utf8_bytes(text), np.uint8).astype(np.uint16)

    def measured(self, text: str) -> tuple[TokenIds, TokenIds]:
        """Return token numbers and the bytes that each stands for, (bytes,) both."""
        ids = self.encode(text)
        return ids, np.ones(len(ids), np.int32)

    def decode(self, ids: TokenIds) -> str:
        """Return the text of token numbers; what is no UTF-8, and the start, show as the replacement character."""
        return whole(self.decoder(), ids)

    def decoder(self) -> Decoder:
        """Return what turns token numbers into text as they come."""
        return ByteDecoder(self.pieces)

    def unknown_in(self, text: str) -> str:  # noqa: ARG002 (the signature of a tokenizer)
        """Return no characters: all are known."""
        return ""

    def to_record(self) -> dict[str, Any]:
        """Return the JSON record of the model file."""
        return {"kind": self.kind}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ByteTokenizer:  # noqa: ARG003 (there is nothing in it)
        """Make a tokenizer from its record."""
        return cls()
