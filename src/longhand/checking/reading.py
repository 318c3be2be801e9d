"""The sources of a check: their bytes are looked at once, their text can be read again and again."""

from __future__ import annotations

import codecs
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from longhand.checking.encodings import ByteCheck, FileFacts
from longhand.checking.finding import Place
from longhand.errors import CorpusError
from longhand.text.corpus import PIECE, CorpusReader
from longhand.text.documents import BOUNDARY, NONE, marked
from longhand.text.rereading import IN_MEMORY
from longhand.text.sources import File, Source, Stream, opened_sources

Progress = Callable[[str, float], None]
"""Is called with what is being done, and which share of it is."""


class Reading:
    """A corpus whose bytes have been looked at. To be used in a `with` statement, at whose end copies go.

    - sources: where they come from, facts: what they are, in the same order

    Bytes that are no UTF-8 are left out of the text, and so are files that are no text. What can be read only once is
    copied. Raises `CorpusError` for a source that is not there or cannot be read.
    """

    def __init__(self, sources: Iterable[Source], progress: Progress) -> None:
        self.sources = opened_sources(sources)
        self._progress = progress
        self._copies: dict[int, IO[bytes]] = {}
        self._size = sum(_size_on_disk(source) for source in self.sources)
        self.facts: list[FileFacts] = []
        self._digests: dict[bytes, list[str]] = {}
        for number, source in enumerate(self.sources):
            self.facts.append(self._checked(number, source))
        self._texts = [number for number, facts in enumerate(self.facts) if facts.is_text and facts.size]
        self._starts = [0]  # the lines of the whole text before each file, and in all
        for number in self._texts:
            self._starts.append(self._starts[-1] + self.facts[number].lines)

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *problem: object) -> None:
        for copy in self._copies.values():
            copy.close()

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(facts.size for facts in self.facts)

    @property
    def same_files(self) -> list[list[str]]:
        """The names of files that have the same bytes."""
        return [names for names in self._digests.values() if len(names) > 1]

    def place(self, line: int) -> Place:
        """Return where a line of the whole text is; the first one is 0."""
        number = min(max(bisect_right(self._starts, line) - 1, 0), len(self._texts) - 1)
        return Place(self.facts[self._texts[number]].file, line - self._starts[number] + 1)

    def pieces(self, doing: str, documents: str = NONE) -> Iterator[str]:
        """Yield the text as a training reads it. Raises `CorpusError`.

        - doing: what is done with it, for those who wait
        - documents: what its documents are, each of which ends with `longhand.text.documents.BOUNDARY` then
        """
        with ExitStack() as opened:
            texts = [self._text_of(number, opened) for number in self._texts]
            reader = CorpusReader(texts, between="" if documents == NONE else BOUNDARY)
            for piece in reader.pieces() if documents == NONE else marked(reader.pieces(), documents):
                yield piece
                self._progress(doing, reader.bytes_read / max(self.size, 1))

    def _text_of(self, number: int, opened: ExitStack) -> Any:
        source = self.sources[number]
        if self.facts[number].is_utf8 and number not in self._copies and isinstance(source, File):
            return source.path
        stream = _Lenient(self.facts[number].file, source, self._copies.get(number))
        opened.callback(stream.close)
        return stream

    def _checked(self, number: int, source: File | Stream) -> FileFacts:
        check, copy = ByteCheck(source.label), None
        if not _size_on_disk(source):
            copy = self._copies[number] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed by __exit__)
        read = sum(facts.size for facts in self.facts)
        for data in _bytes_of(source):
            check.take(data)
            if copy is not None:
                copy.write(data)
            self._progress("looking at the bytes", (read + check.facts.size) / max(self._size, read + check.facts.size))
        if check.facts.size:
            self._digests.setdefault(check.digest, []).append(source.label)
        return check.end()


class _Lenient:
    """A text stream that leaves out what is no UTF-8. It is open only while it is read: there may be thousands.

    - copy: of the bytes, where they can be read only once
    """

    def __init__(self, name: str, source: File | Stream, copy: IO[bytes] | None) -> None:
        self.name, self._source, self._copy = name, source, copy
        self._file: IO[bytes] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def read(self, size: int) -> str:
        """Return the next piece; empty at the end."""
        if self._file is None:
            self._file = self._opened()
        while data := self._file.read(size):
            if text := self._decoder.decode(data):
                return text
        self.close()
        return ""

    def close(self) -> None:
        """Close the file, if it was opened for this."""
        if self._file is not None and self._copy is None:
            self._file.close()

    def _opened(self) -> IO[bytes]:
        if self._copy is None:
            assert isinstance(self._source, File)
            return self._source.open()
        self._copy.seek(0)
        return self._copy


def _size_on_disk(source: File | Stream) -> int:
    """Return the size of a file that can be read again; 0 for others, and for empty ones."""
    if isinstance(source, File) and source.path is not None and source.path.is_file():
        return Path(source.path).stat().st_size
    return 0


def _bytes_of(source: File | Stream) -> Iterator[bytes]:
    try:
        if isinstance(source, File):
            with source.open() as file:
                while data := file.read(PIECE):
                    yield data
            return
        while text := source.stream.read(PIECE):
            if not isinstance(text, str):
                raise CorpusError(f"{source.label}: a stream of bytes, expected one of text: open it in text mode")
            yield text.encode("utf-8", "surrogatepass")
    except OSError as error:
        raise CorpusError(f"{source.label}: cannot be read ({error.strerror or error})") from error
