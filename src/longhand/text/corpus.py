r"""Reading a corpus as one text in pieces.

Compressed files are unpacked (`packed`), bytes decoded strictly (`encodings`); of tables one column is taken where that
was asked for (`columns`). A byte order mark is dropped, line ends become `\n`, and a note says so. Folders are read in
sorted order, hidden files passed over.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from longhand.errors import CorpusError, LonghandError
from longhand.text.columns import Column, is_json_lines, kind_by_name, lines_of, peeked
from longhand.text.documents import BOUNDARY, refuse_boundary
from longhand.text.encodings import Decoding, size_in_utf_8
from longhand.text.mojibake import MojibakeRepair
from longhand.text.normal_form import Normalizer
from longhand.text.opened import opened
from longhand.text.origins import Origins
from longhand.text.reading import PLAIN, Reading
from longhand.text.sources import File, Source, Stream, opened_sources

PIECE = 1 << 20  # bytes read at a time, and characters at most
MARK_NOTE, LINE_END_NOTE, EMPTY_NOTE = "a byte order mark was dropped", "became \\n", "is empty"
TABLE_NOTE = "read whole: --column reads one column of it, longhand check lists them"
MOST_NOTES = 3  # of one kind; a folder may hold thousands of files
MARK = "\ufeff"


class CorpusReader:
    """Reads sources one after another; a source that does not end its last line gets a line end before the next one.

    - sources: paths of files and folders, patterns, "-" for standard input, or open text streams
    - between: what goes between sources; left out, a line end where the one before has none at its end
    - keep_mark: whether a byte order mark is left in the text, as Python's `open` leaves it, and not dropped
    - reading: how the files are read
    - row_end: what a row ends with, where one column is read: a line end, or BOUNDARY, which ends a document
    - refused: is called with what cannot be read, where that is not to be raised: it ends its source, while bytes that
      are not of the encoding are left out
    - sources: what is read, opened or to be opened
    - at: which of them the last piece is from
    - names: the sources' names, without folders
    - bytes_read: size of what was read and unpacked, before any other change
    - origins: what is told where each row stands, if anything is
    """

    def __init__(
        self,
        sources: Iterable[Source | File | Stream],
        *,
        between: str = "",
        keep_mark: bool = False,
        reading: Reading = PLAIN,
        row_end: str = "\n",
        refused: Callable[[LonghandError, str], None] | None = None,
    ) -> None:
        self._between, self._reading, self._row_end, self._refused = between, reading, row_end, refused
        self._keep_mark = keep_mark and reading.column is None
        self.origins: Origins | None = None
        self.sources = opened_sources(sources)
        self.names = [Path(source.label).name for source in self.sources]
        self._begin()

    def _begin(self) -> None:
        self.bytes_read = self.at = 0
        self._notes: dict[str, dict[str, None]] = {}
        self._empty_rows = 0
        self._normalizer = None if self._reading.normalize is None else Normalizer(self._reading.normalize)
        self._repair = MojibakeRepair() if self._reading.fix_mojibake else None

    def again(self) -> CorpusReader:
        """Return what reads the same files once more."""
        other = copy.copy(self)
        other._begin()
        return other

    @property
    def notes(self) -> list[str]:
        """What was changed on the way, for a person; complete once the text was read."""
        notes = []
        for fact, labels in self._notes.items():
            notes += [f"{label}: {fact}" for label in list(labels)[:MOST_NOTES]]
            if len(labels) > MOST_NOTES:
                notes.append(f"{len(labels) - MOST_NOTES} more files: {fact}")
        if self._empty_rows:
            notes.append(f"rows without text in the column {self._reading.column!r}, left out: {self._empty_rows:,}")
        if self._repair is not None:
            notes.append(f"wrongly decoded characters that were repaired: {self._repair.count:,}")
        if self._normalizer is not None and self._normalizer.changed:
            more = self._normalizer.more
            change = f"{abs(more):,} characters {'more' if more > 0 else 'fewer'}" if more else "as many characters"
            notes.append(f"the text was normalised to {self._reading.normalize}: {change}")
        return notes

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces of about a megabyte. Raises `CorpusError`."""
        last = ""
        for number, source in enumerate(self.sources):
            begun = False
            for piece in self._pieces_of(source):
                if not begun and (between := self._between or "\n" * (not last.endswith("\n"))) and last:
                    yield between
                self.at = number
                yield piece
                begun, last = True, piece
            if not begun:
                self._note(EMPTY_NOTE if self._reading.column is None else "has no rows with text", source.label)

    def _pieces_of(self, source: File | Stream) -> Iterator[str]:
        label = source.label
        raw = self._decoded(source) if isinstance(source, File) else self._streamed(source)
        text = self._with_newlines(self._without_mark(self._readable(raw, label), label), label)
        if self._reading.column is not None:
            return self._of_column(text, label)
        return self._tidied(self._told_of_tables(text, label))

    def _told_of_tables(self, pieces: Iterator[str], label: str) -> Iterator[str]:
        """Yield a text that is read whole, and say if it is a table."""
        first = next(pieces, "")
        kind = kind_by_name(label) or ("JSON" if is_json_lines(first) else None)
        if kind is not None:
            self._note(f"a table ({kind}) {TABLE_NOTE}", label)
        if first:
            yield first
        yield from pieces

    def _readable(self, pieces: Iterator[str], label: str) -> Iterator[str]:
        try:
            yield from pieces
        except LonghandError as error:
            if self._refused is None:
                raise
            self._refused(error, label)

    def _streamed(self, source: Stream) -> Iterator[str]:
        while text := source.stream.read(PIECE):
            if not isinstance(text, str):
                raise CorpusError(f"{source.label}: a stream of bytes, expected one of text: open it in text mode")
            self.bytes_read += size_in_utf_8(text, source.label)
            yield text

    def _decoded(self, source: File) -> Iterator[str]:
        note = partial(self._note, label=source.label)
        with opened(
            source, PIECE, note, keep_markup=self._reading.keep_markup, encoding=self._reading.encoding
        ) as file:
            convert, lenient = partial(source.conversion, unpack=file.unpack), self._refused is not None
            encoding = file.encoding or self._reading.encoding
            fallback = self._reading.fallback
            decoding = Decoding(source.label, encoding, convert, note, fallback=fallback, lenient=lenient)
            yield from decoding.decoded(self._counted(file.pieces))

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for data in pieces:
            self.bytes_read += len(data)
            yield data

    def _without_mark(self, pieces: Iterable[str], label: str) -> Iterator[str]:
        pieces = filter(None, pieces)
        first = next(pieces, "")
        if first.startswith(MARK) and not self._keep_mark:
            self._note(MARK_NOTE, label)
            first = first[1:]
        yield first
        yield from pieces

    def _with_newlines(self, pieces: Iterable[str], label: str) -> Iterator[str]:
        lines = io.IncrementalNewlineDecoder(None, translate=True)
        yield from filter(None, map(lines.decode, pieces))
        if piece := lines.decode("", final=True):
            yield piece
        if self._reading.column is not None:
            return  # what ends rows is no part of the text
        endings = lines.newlines if isinstance(lines.newlines, tuple) else (lines.newlines,)
        if changed := [repr(ending)[1:-1] for ending in endings if ending in ("\r\n", "\r")]:
            self._note(f"line ends {' and '.join(changed)} {LINE_END_NOTE}", label)

    def _of_column(self, text: Iterator[str], label: str) -> Iterator[str]:
        """Yield the texts of a column; of a file that has none, where that may be, the whole text."""
        column = Column(self._reading, label, partial(self._note, label=label))
        head, text = peeked(text)
        if not self._reading.column_if_there or column.is_in(head):
            rows = column.texts(text, head)
        else:
            self._note(f"no table with the column {self._reading.column!r}: read whole", label)
            if self._row_end != BOUNDARY:
                yield from self._tidied(text)
                return
            lines = enumerate(lines_of(text), 1)  # what is a row in a table is a line elsewhere
            rows = ((number, number, line) for number, line in lines if line)
        yield from in_pieces(self._readable(self._rows(rows, label), label), PIECE)
        self._empty_rows += column.empty

    def _tidied(self, text: Iterator[str]) -> Iterator[str]:
        """Yield a text, repaired and normalised."""
        text = text if self._repair is None else self._repair.pieces(text)
        return text if self._normalizer is None else self._normalizer.pieces(text)

    def _rows(self, rows: Iterator[tuple[int, int, str]], label: str) -> Iterator[str]:
        """Yield the texts of rows, tidied, an end after each."""
        for number, line, found in rows:
            row = found
            if "\r" in row:
                row = row.replace("\r\n", "\n").replace("\r", "\n")
                self._note(f"line ends in its rows {LINE_END_NOTE}", label)
            if self._repair is not None:
                row = self._repair.whole(row)
            if self._normalizer is not None:
                row = self._normalizer.whole(row)
            if self._row_end == BOUNDARY:
                refuse_boundary(row)
            if self.origins is not None:
                self.origins.add_row(label, line, number, row)
            yield row if row.endswith(self._row_end) else row + self._row_end

    def _note(self, fact: str, label: str) -> None:
        self._notes.setdefault(fact, {})[label] = None


def with_newlines(pieces: Iterable[str]) -> Iterator[str]:
    r"""Yield a text whose lines end with `\n`, whatever they ended with."""
    lines = io.IncrementalNewlineDecoder(None, translate=True)
    yield from filter(None, map(lines.decode, pieces))
    if piece := lines.decode("", final=True):
        yield piece


def in_pieces(texts: Iterable[str], size: int) -> Iterator[str]:
    """Yield a text in pieces of at most `size` characters, whatever parts it comes in."""
    begun: list[str] = []
    waiting = 0
    for text in texts:
        begun.append(text)
        waiting += len(text)
        if waiting >= size:
            whole = "".join(begun)
            cut = waiting - waiting % size
            yield from (whole[place : place + size] for place in range(0, cut, size))
            begun, waiting = [whole[cut:]], waiting - cut
    if waiting:
        yield "".join(begun)
