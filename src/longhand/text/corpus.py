r"""Reading a corpus as one text in pieces.

UTF-8, strictly; what is not UTF-8 is refused with the byte's offset and a remedy, never guessed. A byte order mark is
dropped, line ends become `\n`, and a note says so. Folders are read in sorted order, hidden files passed over.
"""

from __future__ import annotations

import codecs
import copy
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from longhand.errors import CorpusError
from longhand.text.sources import File, Source, Stream, opened_sources

PIECE = 1 << 20  # bytes read at a time
MOST_NOTES = 3  # of one kind; a folder may hold thousands of files
MARK = "\ufeff"
UTF_16_AND_32_MARKS = [
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
]


class CorpusReader:
    """Reads sources one after another; a source that does not end its last line gets a line end before the next one.

    - sources: paths of files and folders, "-" for standard input, or open text streams
    - between: what goes between sources; left out, a line end where the one before has none at its end
    - keep_mark: whether a byte order mark is left in the text, as Python's `open` leaves it, and not dropped
    - sources: what is read, opened or to be opened
    - names: the sources' names, without folders
    - bytes_read: size of what was read, before any change
    """

    def __init__(self, sources: Iterable[Source], *, between: str = "", keep_mark: bool = False) -> None:
        self._between, self._keep_mark = between, keep_mark
        self.sources = opened_sources(sources)
        self.names = [Path(source.label).name for source in self.sources]
        self.bytes_read = 0
        self._notes: dict[str, list[str]] = {}

    def again(self) -> CorpusReader:
        """Return what reads the same files once more."""
        other = copy.copy(self)
        other.bytes_read, other._notes = 0, {}
        return other

    @property
    def notes(self) -> list[str]:
        """What was changed on the way, for a person; complete once the text was read."""
        notes = []
        for fact, labels in self._notes.items():
            notes += [f"{label}: {fact}" for label in labels[:MOST_NOTES]]
            if len(labels) > MOST_NOTES:
                notes.append(f"{len(labels) - MOST_NOTES} more files: {fact}")
        return notes

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces of about a megabyte. Raises `CorpusError`."""
        last = ""
        for source in self.sources:
            begun = False
            for piece in self._pieces_of(source):
                if not begun and (between := self._between or "\n" * (not last.endswith("\n"))) and last:
                    yield between
                yield piece
                begun, last = True, piece
            if not begun:
                self._note("is empty", source.label)

    def _pieces_of(self, source: File | Stream) -> Iterator[str]:
        lines = io.IncrementalNewlineDecoder(None, translate=True)
        raw = self._decoded(source) if isinstance(source, File) else self._streamed(source)
        yield from filter(None, map(lines.decode, raw))
        if piece := lines.decode("", final=True):
            yield piece
        endings = lines.newlines if isinstance(lines.newlines, tuple) else (lines.newlines,)
        if changed := [repr(ending)[1:-1] for ending in endings if ending in ("\r\n", "\r")]:
            self._note(f"line ends {' and '.join(changed)} became \\n", source.label)

    def _streamed(self, source: Stream) -> Iterator[str]:
        first = True
        while text := source.stream.read(PIECE):
            if not isinstance(text, str):
                raise CorpusError(f"{source.label}: a stream of bytes, expected one of text: open it in text mode")
            try:
                self.bytes_read += len(text.encode("utf-8"))
            except UnicodeEncodeError as error:
                raise CorpusError(f"{source.label}: a lone surrogate, which no text in UTF-8 has ({error})") from None
            if first and text.startswith(MARK) and not self._keep_mark:
                self._note("a byte order mark was dropped", source.label)
                text = text[1:]
            first = False
            yield text

    def _decoded(self, source: File) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        offset = 0
        try:
            with source.open() as file:
                while data := file.read(PIECE):
                    mark = self._mark_length(data, source) if offset == 0 else 0
                    _refuse_binary(source, data, offset)
                    yield _decode(decoder, data[mark:], source, offset + mark)
                    offset += len(data)
                    self.bytes_read += len(data)
                yield _decode(decoder, b"", source, offset)
        except OSError as error:
            raise CorpusError(f"{source.label}: cannot be read ({error.strerror or error})") from error

    def _mark_length(self, data: bytes, source: File) -> int:
        for mark, encoding in UTF_16_AND_32_MARKS:
            if data.startswith(mark):
                raise CorpusError(
                    f"{source.label}: {encoding} at byte 0, expected UTF-8: {source.conversion(encoding)}"
                )
        if self._keep_mark or not data.startswith(codecs.BOM_UTF8):
            return 0
        self._note("a byte order mark was dropped", source.label)
        return len(codecs.BOM_UTF8)

    def _note(self, fact: str, label: str) -> None:
        self._notes.setdefault(fact, []).append(label)


def _refuse_binary(source: File, data: bytes, offset: int) -> None:
    if (zero := data.find(b"\0")) >= 0:
        raise CorpusError(
            f"{source.label}: a NUL at byte {offset + zero}, so this is no plain text (a binary file, or UTF-16 or "
            "UTF-32 without a mark?): save it as UTF-8 text"
        )


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, source: File, offset: int) -> str:
    waiting = len(decoder.getstate()[0])
    try:
        return decoder.decode(data, final=not data)
    except UnicodeDecodeError as error:
        at = offset - waiting + error.start
        found = "the text ends inside a character" if not data else f"0x{error.object[error.start]:02X}"
        raise CorpusError(
            f"{source.label}: not UTF-8 at byte {at} ({found}): "
            f"{source.conversion('WINDOWS-1252')}, if that is its encoding"
        ) from None
