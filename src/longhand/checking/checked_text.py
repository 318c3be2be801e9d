"""The sources of a check: their bytes are looked at once, their text can be read again and again."""

from __future__ import annotations

import hashlib
import io
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from longhand.checking.encodings import LINE_ENDS, ByteCheck, FileFacts, file_findings
from longhand.checking.finding import Finding, Place, few
from longhand.checking.tables import SAMPLE, TableFacts, table_findings, table_in
from longhand.errors import CorpusError, LonghandError
from longhand.text.corpus import EMPTY_NOTE, LINE_END_NOTE, MARK_NOTE, PIECE, TABLE_NOTE, CorpusReader
from longhand.text.documents import BOUNDARY, NONE, ROW, marked
from longhand.text.encodings import Decoding, is_name_of_utf_8
from longhand.text.likely import UTF_8
from longhand.text.opened import Opened, opened
from longhand.text.reading import PLAIN, Reading
from longhand.text.rereading import IN_MEMORY
from longhand.text.sources import File, Source, Stream, opened_apart, size_on_disk
from longhand.text.utf8 import utf8_bytes

MAX_TABLES = 5  # that are described
Progress = Callable[[str, float], None]
"""Is called with what is being done, and which share of it is; 0 where that is not known."""


class CheckedText:
    """A corpus whose bytes have been looked at. To be used in a `with` statement, at whose end copies go.

    - reading: how a training would read it
    - sources: where it comes from, facts: what their bytes are, in the same order
    - tables: files that are tables and are read whole, a few, once the text was read
    - validation: sources that come after the others, and are only scored
    - learned_characters: how many come before those, once the text was read

    What a training would refuse is found and left out: bytes that are not of the encoding, files that are no text, in a
    file whatever follows another problem. What can be read only once is copied. Raises `CorpusError` for a source that
    is not there.
    """

    def __init__(
        self, sources: Iterable[Source], reading: Reading, progress: Progress, validation: Iterable[Source] = ()
    ) -> None:
        learned, scored = opened_apart(sources, validation)
        self.sources, self._learned, self.learned_characters = [*learned, *scored], len(learned), 0
        self._reading, self._progress = reading, progress
        self._of_utf_8 = reading.encoding is not None and is_name_of_utf_8(reading.encoding)
        self._size_on_disk = sum(map(size_on_disk, self.sources))
        self._copies: dict[int, IO[bytes]] = {}
        self._problems: dict[str, str] = {}
        self._notes: list[str] = []
        self._digests: dict[bytes, list[str]] = {}
        self.tables: list[TableFacts] = []
        self._starts: list[int] = []  # the lines of the whole text before each file
        self.size = 0  # bytes in all, unpacked
        self.facts = [self._checked(number, source) for number, source in enumerate(self.sources)]
        self._texts = [number for number, facts in enumerate(self.facts) if facts.is_text and facts.size]

    def __enter__(self) -> CheckedText:
        return self

    def __exit__(self, *problem: object) -> None:
        for copy in self._copies.values():
            copy.close()

    @property
    def has_validation(self) -> bool:
        """Whether some of the sources are only scored."""
        return self._learned < len(self.sources)

    @property
    def reads_column(self) -> bool:
        """Whether a column is read, whose rows may be documents."""
        return self._reading.column is not None

    @property
    def problems(self) -> list[str]:
        """Why files cannot be read, or not to their ends; complete once the text was read."""
        return list(self._problems.values())

    @property
    def empty_files(self) -> list[str]:
        """The names of files that nothing is in."""
        return [facts.file for facts in self.facts if not facts.size and facts.file not in self._problems]

    @property
    def same_files(self) -> list[list[str]]:
        """The names of files that have the same bytes, unpacked."""
        return [names for names in self._digests.values() if len(names) > 1]

    def line_ends(self, lines: int) -> dict[str, int]:
        """Return how many there are of each kind.

        - lines: line ends of the text, where they are all of one kind, or not those of the files
        """
        if self._of_utf_8 and self._reading.column is None:
            return {end: sum(facts.line_ends[end] for facts in self.facts) for end in LINE_ENDS}
        return {end: lines if end == "\n" else 0 for end in LINE_ENDS}

    def findings(self) -> list[Finding]:
        """Return what is found of the files, a few of each kind; once the text was read."""
        found = [Finding("stops", "unreadable", problem, "below is what can be read") for problem in self.problems]
        for facts, source in zip(self.facts, self.sources, strict=True):
            found += file_findings(facts, source)
        found += table_findings(self.tables)
        told = [TABLE_NOTE]
        if self._reading != PLAIN:
            found = [finding for finding in found if finding.level == "stops" or finding.code == "table"]
        else:  # these say more than the notes
            told += [MARK_NOTE, LINE_END_NOTE, EMPTY_NOTE]
        notes = [
            Finding("know", "read-so", note, "a training does so, too")
            for note in self._notes
            if not any(part in note for part in told)
        ]
        kinds: dict[str, list[Finding]] = {}
        for finding in found:
            kinds.setdefault(finding.code, []).append(finding)
        return [finding for kind in kinds.values() for finding in few(kind)] + notes

    def place(self, line: int) -> Place:
        """Return where a line of the whole text is, which was read; the first one is 0."""
        number = max(bisect_right(self._starts, line) - 1, 0)
        return Place(self.facts[self._texts[number]].file, line - self._starts[number] + 1, self._reading.column)

    def pieces(self, doing: str, documents: str = NONE, part: int | None = None) -> Iterator[str]:
        """Yield the text as a training reads it.

        - doing: what is done with it, for those who wait
        - documents: what its documents are, each of which ends with `longhand.text.documents.BOUNDARY` then
        - part: 0 for the sources that are learned from alone, 1 for the others
        """
        chosen = [number for number in self._texts if part in (None, int(number >= self._learned))]
        if not chosen:
            return
        reader = CorpusReader(
            map(self._again, chosen),
            between="" if documents == NONE else BOUNDARY,
            reading=self._reading,
            row_end=BOUNDARY if documents == ROW else "\n",
            refused=self._refuse,
        )
        pieces = reader.pieces() if self._starts else self._first_pieces(reader)
        for piece in pieces if documents == NONE else marked(pieces, documents):
            yield piece
            self._progress(doing, reader.bytes_read / max(self.size, 1))

    def _first_pieces(self, reader: CorpusReader) -> Iterator[str]:
        """Yield the text, and note in which lines its files begin, and what was changed on the way."""
        lines = 0
        for piece in reader.pieces():
            if reader.at >= len(self._starts):
                self._starts += [lines] * (reader.at + 1 - len(self._starts))
                self._look_for_table(reader.at, piece)
            lines += piece.count("\n")
            if self._texts[reader.at] < self._learned:
                self.learned_characters += len(piece)
            yield piece
        self._notes = reader.notes

    def _look_for_table(self, number: int, beginning: str) -> None:
        """Note what columns a file has, if it is a table of which no column is read."""
        if self._reading.column is None and len(self.tables) < MAX_TABLES:
            table = table_in(self.facts[self._texts[number]].file, beginning[:SAMPLE])
            self.tables += [] if table is None else [table]

    def _refuse(self, error: LonghandError, label: str) -> None:
        problem = str(error)
        self._problems.setdefault(label, problem if problem.startswith(label) else f"{label}: {problem}")

    def _again(self, number: int) -> File | Stream:
        """Return a source, to be read once more."""
        source = self.sources[number]
        if (copy := self._copies.get(number)) is None:
            return source
        if isinstance(source, File):
            return _Copied(source.path, copy)
        return Stream(io.TextIOWrapper(_beginning_of(copy, source.label), "utf-8", "ignore", newline=""))

    def _checked(self, number: int, source: File | Stream) -> FileFacts:
        if not size_on_disk(source):
            self._copies[number] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed by __exit__)
        before, digest, check = self.size, hashlib.blake2b(digest_size=16), ByteCheck(source.label)
        try:
            with _bytes_of(source, self._reading) as file:
                check.facts.unpack = file.unpack
                pieces = self._kept(file.pieces, digest, self._copies.get(number))
                if self._of_utf_8 or isinstance(source, Stream) or file.encoding == UTF_8:
                    for piece in pieces:
                        check.take(piece)
                else:
                    self._look_for_bad_bytes(pieces, source, check.facts.unpack)
        except LonghandError as error:
            self._refuse(error, source.label)
        facts = check.end()
        facts.size = self.size - before
        if facts.size:
            self._digests.setdefault(digest.digest(), []).append(source.label)
        return facts

    def _kept(self, pieces: Iterable[bytes], digest: hashlib.blake2b, copy: IO[bytes] | None) -> Iterator[bytes]:
        """Yield the bytes of a file, which are counted and, where they can be read only once, copied."""
        for data in pieces:
            self.size += len(data)
            digest.update(data)
            if copy is not None:
                copy.write(data)
            yield data
            known = self.size <= self._size_on_disk  # compressed, more comes of it
            self._progress("looking at the bytes", self.size / self._size_on_disk if known else 0.0)

    def _look_for_bad_bytes(self, pieces: Iterator[bytes], source: File, unpack: str) -> None:
        """Find the first bytes that are not of the encoding, as a training would."""

        def conversion(encoding: str) -> str:
            return source.conversion(encoding, unpack)

        try:
            for _ in Decoding(source.label, self._reading.encoding, conversion, lambda _: None).decoded(pieces):
                pass
        except CorpusError as error:
            self._refuse(error, source.label)
        for _ in pieces:  # the rest of them is counted, too
            pass


@dataclass(frozen=True)
class _Copied(File):
    """A file of bytes that can be read only once, of which there is a copy."""

    copy: IO[bytes]

    def open(self) -> io.BufferedReader:
        return _beginning_of(self.copy, self.label)


class _Bytes(io.RawIOBase):
    """Reads a copy; to close it leaves the copy open."""

    def __init__(self, copy: IO[bytes], name: str) -> None:
        self._copy, self.name = copy, name
        copy.seek(0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._copy.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _beginning_of(copy: IO[bytes], name: str) -> io.BufferedReader:
    return io.BufferedReader(_Bytes(copy, name), PIECE)


@contextmanager
def _bytes_of(source: File | Stream, reading: Reading) -> Iterator[Opened]:
    """Open a source; give its bytes."""
    if isinstance(source, Stream):
        yield Opened(_encoded(source))
    else:
        with opened(source, PIECE, keep_markup=reading.keep_markup, encoding=reading.encoding) as found:
            yield found


def _encoded(source: Stream) -> Iterator[bytes]:
    try:
        while text := source.stream.read(PIECE):
            if not isinstance(text, str):
                raise CorpusError(f"{source.label}: a stream of bytes, expected one of text: open it in text mode")
            yield utf8_bytes(text)
    except OSError as error:
        raise CorpusError(f"{source.label}: cannot be read ({error.strerror or error})") from error
