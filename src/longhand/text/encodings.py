"""From bytes to text: strictly in the encoding that was said, UTF-8 if none was; what is otherwise is never guessed.

What the bytes look like instead is offered in the error, and used where that was asked for. charset-normalizer says it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from longhand.errors import CorpusError
from longhand.text.likely import UTF_8, encoding_of, is_utf_8, likely_encoding, marked_encoding
from longhand.text.utf8 import without_surrogates

SAMPLE_BYTES = 1 << 12  # in which NULs are counted
FEW_NULS, MANY_NULS = 0.1, 0.5  # shares of every second byte, in a text in UTF-16


class DecodingError(CorpusError):
    """Bytes that are not of the encoding in which they are read, or are no text in it."""


def remedy(encoding: str, conversion: Callable[[str], str]) -> str:
    """Return what to do about a text in another encoding than UTF-8.

    - conversion: returns the command that makes UTF-8 of it
    """
    return f"train with --encoding {encoding}, or {conversion(encoding.upper())}"


class Decoding:
    """Makes text of the bytes of one source.

    - label: what to call the source
    - encoding: by a name that Python knows; None: what it looks like
    - conversion: returns the command that makes UTF-8 of it, from another encoding
    - note: is called with what was found
    - fallback: the encoding of what is not UTF-8, where `encoding` is None; None: what it looks like
    - lenient: whether bytes that are not of the encoding are left out, as a check does, which has told of them before
    """

    def __init__(
        self,
        label: str,
        encoding: str | None,
        conversion: Callable[[str], str],
        note: Callable[[str], None],
        *,
        fallback: str | None = None,
        lenient: bool = False,
    ) -> None:
        self._label, self._encoding, self._conversion, self._note = label, encoding, conversion, note
        self._fallback, self._lenient = fallback, lenient

    def decoded(self, pieces: Iterable[bytes]) -> Iterator[str]:
        """Yield the text, in pieces. Raises `DecodingError`, naming the byte that is not of it.

        - pieces: of the bytes; the first has four at least, if there are so many
        """
        if self._encoding is None:
            return self._found(iter(pieces))
        return self._strictly(iter(pieces), self._encoding)

    def _found(self, pieces: Iterator[bytes]) -> Iterator[str]:
        """Yield the text in the encoding that it looks like; ASCII tells nothing, and is the same in all of them."""
        offset = 0
        for data in pieces:
            if not data.isascii() or (self._fallback is not None and b"\0" in data):
                break
            self._refuse_nul(data, offset)
            yield data.decode("ascii")
            offset += len(data)
        else:
            return
        data += next(pieces, b"")  # it may be only its last bytes that tell
        encoding = encoding_of(data)
        if self._fallback is not None and (encoding != UTF_8 or b"\0" in data):
            marked = marked_encoding(data)
            encoding = marked or self._fallback
            why = "by its mark" if marked else "as the text that the model learned from was"
            self._note(f"read as {encoding}, {why}")
        elif encoding is None:
            raise DecodingError(
                f"{self._label}: not UTF-8, and its encoding cannot be told (a binary file?): name it with --encoding"
            )
        elif encoding != UTF_8:
            self._note(f"read as {encoding}, as it seems")
        yield from self._strictly(chain([data], pieces), encoding, offset)

    def _strictly(self, pieces: Iterator[bytes], encoding: str, offset: int = 0) -> Iterator[str]:
        before, characters, first = b"", 0, next(pieces, b"")
        pieces = chain([first], pieces)
        new_decoder = codecs.getincrementaldecoder(self._with_order(encoding, first))
        of_utf_8 = is_name_of_utf_8(encoding)
        if self._lenient:
            good = _all_but_bad(new_decoder("strict"), pieces)
            yield from good if of_utf_8 else map(without_surrogates, good)
            return
        decoder = new_decoder("strict")
        for data in chain(pieces, [b""]):
            if of_utf_8:
                self._refuse_other_marks(data, offset)
                self._refuse_nul(data, offset)
            waiting = len(decoder.getstate()[0])
            try:
                text = decoder.decode(data, final=not data)
                if not data and (left := decoder.getstate()[0]):  # utf-8-sig passes over a mark that was cut
                    raise UnicodeDecodeError(encoding, left, 0, len(left), "unexpected end of data")
            except UnicodeDecodeError as error:
                at = offset - waiting + error.start
                byte = error.object[error.start : error.start + 1].hex().upper()
                what = f"0x{byte}" if data else "the text ends inside a character"
                around = before + data + next(pieces, b"")
                offer = self._offer(around, len(before) - waiting + error.start) if of_utf_8 else self._otherwise
                shown = "UTF-8" if of_utf_8 else encoding
                raise DecodingError(f"{self._label}: not {shown} at byte {at} ({what}){offer}") from None
            except UnicodeError as error:
                raise DecodingError(
                    f"{self._label}: not {encoding} at byte {offset} ({error}){self._otherwise}"
                ) from None
            if not of_utf_8:
                self._refuse_no_text(text, encoding, characters)
                characters += len(text)
            yield text
            offset, before = offset + len(data), data

    def _with_order(self, encoding: str, data: bytes) -> str:
        """Return the encoding, with the order of its bytes where a mark should say that and there is none."""
        name = codecs.lookup(encoding).name
        if name not in ("utf-16", "utf-32") or not data or marked_encoding(data):
            return encoding
        self._note(f"no byte order mark, so it is read as {name}-le")
        return f"{name}-le"

    @property
    def _otherwise(self) -> str:
        """What to do where another encoding than UTF-8 is wrong."""
        found = "" if self._encoding is None else ", or have it found with --encoding detect"
        return f": name its encoding with --encoding{found}"

    def _offer(self, data: bytes, at: int) -> str:
        """Return what to do about bytes that are not UTF-8 from a place on."""
        if is_utf_8(data[:at]):
            return (
                ", though what is before it is: the file seems damaged there; get it anew, or leave out what is no "
                f"UTF-8: {self._conversion('UTF-8 -c')}"
            )
        found = likely_encoding(data, at)
        if found is None:
            return "; expected UTF-8: if it is a text in another encoding, train with --encoding NAME"
        return f"; it looks like {found}: if so, {remedy(found, self._conversion)}"

    def _refuse_other_marks(self, data: bytes, offset: int) -> None:
        if offset == 0 and (found := marked_encoding(data)):
            raise DecodingError(
                f"{self._label}: {found.upper()} at byte 0, expected UTF-8: {remedy(found, self._conversion)}"
            )

    def _refuse_nul(self, data: bytes, offset: int) -> None:
        if (place := data.find(b"\0")) >= 0:
            order = order_of_utf_16(data, offset)
            unless = f": if it is UTF-16 without a mark, train with --encoding utf-16-{order}" * bool(order)
            raise DecodingError(
                f"{self._label}: a NUL at byte {offset + place}, so this is no plain text (a binary file, an "
                f"archive?); expected UTF-8{unless}"
            )

    def _refuse_no_text(self, text: str, encoding: str, characters: int) -> None:
        if (place := text.find("\0")) >= 0:
            raise DecodingError(
                f"{self._label}: a NUL as character {characters + place} in {encoding}, so this is no plain text in it"
                f"{self._otherwise}"
            )
        size_in_utf_8(text, self._label)  # raises for half a character


def order_of_utf_16(data: bytes, offset: int) -> str:
    """Return the order of the bytes, "le" or "be", where about every second one is NUL; empty where that is not so.

    - offset: of the first of them in the file
    """
    sample = data[offset % 2 :][:SAMPLE_BYTES]
    first, second = sample[::2], sample[1::2]
    shares = [half.count(0) / max(len(half), 1) for half in (first, second)]
    if min(shares) > FEW_NULS or max(shares) < MANY_NULS:
        return ""
    return "le" if shares[1] > shares[0] else "be"


def is_name_of_utf_8(encoding: str) -> bool:
    """Whether this is one of the names of UTF-8."""
    return codecs.lookup(encoding).name == UTF_8


def _all_but_bad(decoder: codecs.IncrementalDecoder, pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield what can be decoded of a text that may have bad bytes."""
    for data in chain(pieces, [b""]):
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeError:
            decoder.errors = "ignore"
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeError:  # some encodings know no way but the strict one
                return
        yield text


def size_in_utf_8(text: str, label: str) -> int:
    """Return how many bytes of UTF-8 a text has. Raises `CorpusError` for half a character, which streams may have."""
    try:
        return len(text.encode(UTF_8))
    except UnicodeEncodeError as error:
        raise DecodingError(f"{label}: a lone surrogate, which no text in UTF-8 has ({error})") from None
