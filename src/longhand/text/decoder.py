"""From token numbers to text as they come: never half a character, and put together what decoding at once gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from longhand.arrays import TokenIds
from longhand.text.utf8 import Utf8Decoder


class Decoder(Protocol):
    """One text in the making.

    - begun: bytes of a character that may go on; may be set where a text goes on that another decoder has begun
    """

    begun: bytes

    def decode(self, ids: TokenIds) -> str:
        """Return the text of the next token numbers, (tokens,), but for a character that may go on."""
        ...

    def rest(self) -> str:
        """Return what is left when no more come."""
        ...


class WholeDecoder:
    """For tokens that are texts: nothing is ever left. `decode`: what decodes token numbers."""

    def __init__(self, decode: Callable[[TokenIds], str]) -> None:
        self.decode, self.begun = decode, b""

    def rest(self) -> str:
        """See `Decoder`."""
        return ""


class ByteDecoder:
    """For tokens that are bytes, or several. `pieces`: what each stands for."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces, self._decoder = pieces, Utf8Decoder()

    def decode(self, ids: TokenIds) -> str:
        """See `Decoder`."""
        return self._decoder.decode(b"".join([self.pieces[number] for number in ids.tolist()]))

    def rest(self) -> str:
        """See `Decoder`."""
        return self._decoder.rest()

    @property
    def begun(self) -> bytes:
        """See `Decoder`."""
        return self._decoder.begun

    @begun.setter
    def begun(self, begun: bytes) -> None:
        self._decoder.begun = begun


def whole(decoder: Decoder, ids: TokenIds) -> str:
    """Return the text of token numbers at once."""
    return decoder.decode(ids) + decoder.rest()
