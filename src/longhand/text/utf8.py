"""UTF-8 in which lone surrogates have a place, decoded whole or as it comes, to the same text.

Models that write bytes write what is no UTF-8 too. Each stretch of it that can be part of no character becomes the
replacement character, as the Unicode Standard recommends (chapter 3, "U+FFFD Substitution of Maximal Subparts").
"""

from __future__ import annotations

import codecs
import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_REPLACING = "longhand-replace"  # as a name of Python's error handlers
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST = 4  # bytes of a character
_FIRST_SECOND = {0xE0: 0xA0, 0xF0: 0x90}  # the lowest second byte after some first ones; after others 0x80
_LAST_SECOND = {0xF4: 0x8F}  # the highest; after others 0xBF


def utf8_bytes(text: str) -> bytes:
    """Return `text` in UTF-8, a lone surrogate in the three bytes that its number would take."""
    return text.encode("utf-8", "surrogatepass")


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeDecodeError)
    try:
        return codecs.lookup_error("surrogatepass")(error)
    except UnicodeDecodeError:
        return REPLACEMENT, error.end


codecs.register_error(_REPLACING, _replaced)


def without_surrogates(text: str) -> str:
    """Return `text` as it can be written to a file, with each surrogate replaced.

    Two that would be a character together are replaced too, so that it does not matter in which pieces a text comes.
    """
    return text if text.isascii() else _SURROGATE.sub(REPLACEMENT, text)


class Utf8Decoder:
    """Turns bytes into text as they come: `decode(a) + decode(b) + rest()` is `decode(a + b) + rest()`.

    - begun: bytes of a character that may go on
    """

    def __init__(self) -> None:
        self.begun = b""

    def decode(self, data: bytes) -> str:
        """Return the text of these bytes, but for a character at their end that may go on."""
        data = self.begun + data
        whole = len(data) - _begun(data)
        self.begun = data[whole:]
        return data[:whole].decode("utf-8", _REPLACING)

    def rest(self) -> str:
        """Return what a character that was begun has become, for nothing follows."""
        begun, self.begun = self.begun, b""
        return begun.decode("utf-8", _REPLACING)


def _begun(data: bytes) -> int:
    """Return how many bytes at the end of `data` are the beginning of a character, and not a whole one."""
    for count in range(1, min(len(data), _LONGEST - 1) + 1):
        first = data[-count]
        if 0x80 <= first < 0xC0:  # goes on with a character that has begun before it
            continue
        return count if count < _length_from(first) and _goes_on(first, data[-count + 1 :] if count > 1 else b"") else 0
    return 0


def _length_from(first: int) -> int:
    """Return how many bytes a character has that begins with this one; 1 where none does."""
    if 0xC2 <= first < 0xE0:
        return 2
    if 0xE0 <= first < 0xF0:
        return 3
    return 4 if 0xF0 <= first < 0xF5 else 1


def _goes_on(first: int, others: bytes) -> bool:
    """Whether bytes that go on with a character may follow its first one."""
    return not others or _FIRST_SECOND.get(first, 0x80) <= others[0] <= _LAST_SECOND.get(first, 0xBF)
