"""From token numbers to text as they come: never half a character, and put together what decoding at once gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from longhand.arrays import TokenIds
from longhand.text.utf8 import Utf8Decoder


class Decoder(Protocol):
    """One text in the making."""

    def decode(self, ids: TokenIds) -> str:
        """Return the text of the next token numbers, (tokens,), but for a character that may go on."""
        ...

    def rest(self) -> str:
        """Return what is left when no more come."""
        ...


class WholeDecoder:
    """For tokens that are texts: nothing is ever left. `decode`: what decodes token numbers."""

    def __init__(self, decode: Callable[[TokenIds], str]) -> None:
        self.decode = decode

    def rest(self) -> str:
        """See `Decoder`."""
        return ""


class ByteDecoder:
    """For tokens that are bytes, or several. `pieces`: what each stands for."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces, self._decoder = pieces, Utf8Decoder()

    def decode(self, ids: TokenIds) -> str:
        """See `Decoder`."""
        return self._decoder.decode(b"".join([self._pieces[number] for number in ids.tolist()]))

    def rest(self) -> str:
        """See `Decoder`."""
        return self._decoder.rest()


def whole(decoder: Decoder, ids: TokenIds) -> str:
    """Return the text of token numbers at once."""
    return decoder.decode(ids) + decoder.rest()
