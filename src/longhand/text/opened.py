"""A file opened for reading: decompressed, and where it is a document, the text taken out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from longhand.errors import CorpusError
from longhand.text.extracting.extract import MAX_DOCUMENT_BYTES, extracted
from longhand.text.extracting.formats import HTML, PAGE_HEAD, FileFormat, recognised
from longhand.text.extracting.pages import ascii_head, mentions_a_page, named_as_page
from longhand.text.packed import LARGE_WINDOW, MARK_LENGTH, packing_of, unpacked
from longhand.text.sources import File


@dataclass(frozen=True)
class Opened:
    """The content of a file.

    - pieces: its bytes; of a document, those of its text
    - unpack: the command that decompresses it in a shell; empty if it is not compressed
    - encoding: of the bytes, where that is known for sure; None for others
    """

    pieces: Iterator[bytes]
    unpack: str = ""
    encoding: str | None = None


def untold(_fact: str) -> None:
    """Tell nobody."""


@contextmanager
def opened(
    source: File,
    size: int,
    note: Callable[[str], None] = untold,
    *,
    keep_markup: bool = False,
    encoding: str | None = "utf-8",
) -> Iterator[Opened]:
    """Open a file; give its bytes in pieces of `size`, decompressed if it is compressed.

    Of a Word, OpenDocument, EPUB or HTML file these are the bytes of its text, in UTF-8.

    - note: is called with what a person should know
    - keep_markup: whether HTML and RTF are read as they are, tags and all
    - encoding: the one that a person named, which may be that of a web page; None: what it looks like

    Raises `CorpusError` where it cannot be read, also later, for a file that is no text, and as `unpacked` does;
    `MissingExtraError` without the library that reads it.
    """
    try:
        with source.open() as file:
            size, unpack = max(size, MARK_LENGTH), ""
            head, pieces = _peeked(iter(lambda: file.read(size), b""))
            if (packing := packing_of(head)) is not None:
                unpack = packing.command
                if (window := packing.window(head)) > LARGE_WINDOW:
                    note(
                        f"compressed by {packing.name} with a window of {window >> 20:,} MB: decompressing it takes up "
                        "to that much memory"
                    )
                head, pieces = _peeked(unpacked(pieces, packing, source.label, size))
            found = _recognised(head, source.label, encoding, untold if keep_markup else note)
            if found is None or (keep_markup and found.is_markup):
                yield Opened(pieces, unpack)
            else:
                if found == HTML:
                    note("read as a web page: --keep-markup reads it with its tags")
                yield Opened(_text_of(pieces, found, source.label, size, note, encoding), unpack, "utf-8")
    except OSError as error:
        raise CorpusError(f"{source.label}: cannot be read ({error.strerror or error})") from error


def _peeked(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes of a file, by which it is known, and all of its pieces."""
    first: list[bytes] = []
    while sum(map(len, first)) < PAGE_HEAD and (piece := next(pieces, b"")):
        first.append(piece)
    return b"".join(first), chain(first, pieces)


def _recognised(head: bytes, label: str, encoding: str | None, note: Callable[[str], None]) -> FileFormat | None:
    """Return the format of a file by its first bytes, or where these do not say and it has the name of a page, HTML."""
    as_ascii = ascii_head(head, encoding)
    found = recognised(as_ascii) or recognised(head)
    if found is None and head and named_as_page(label):
        return HTML
    if found is None and mentions_a_page(as_ascii[:PAGE_HEAD]):
        note("begins with a tag of web pages, but is read as plain text: name it .html to have it read as a page")
    return found


def _text_of(
    pieces: Iterator[bytes],
    found: FileFormat,
    label: str,
    size: int,
    note: Callable[[str], None],
    encoding: str | None,
) -> Iterator[bytes]:
    """Yield the text of a document as UTF-8."""
    if not found.reader:
        raise CorpusError(found.refusal(label))
    data = bytearray()
    for piece in pieces:
        data += piece
        if len(data) > MAX_DOCUMENT_BYTES:
            raise CorpusError(
                f"{label}: {found.name} of more than {MAX_DOCUMENT_BYTES >> 20} MB, the most that is read of one: "
                f"{found.advice}"
            )
    text = extracted(bytes(data), found, label, note, encoding).encode("utf-8", "replace")
    yield from (text[begin : begin + size] for begin in range(0, len(text), size))
