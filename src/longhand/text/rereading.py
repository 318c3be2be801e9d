"""A text that can be read more than once: from its files, or, what comes only once, from a copy."""

from __future__ import annotations

import codecs
import hashlib
import tempfile
from collections.abc import Iterable, Iterator

from longhand.errors import CorpusError
from longhand.text.corpus import PIECE, CorpusReader
from longhand.text.documents import BOUNDARY, NONE, ROW, marked
from longhand.text.origins import Origins
from longhand.text.progress import Told, telling, untold
from longhand.text.reading import PLAIN, Reading
from longhand.text.sources import File, Source, size_on_disk
from longhand.text.utf8 import utf8_bytes

IN_MEMORY = 1 << 26  # bytes of a copy that are not written to a file


class Text:
    """A corpus as text, in pieces. To be used in a `with` statement, at whose end a copy goes.

    - documents: what its documents are (`longhand.text.documents`), each of which ends with BOUNDARY then; or "none"
    - tell: is told how far each reading has come
    - origins: remembers where the lines of the first reading stand, if that is wanted
    - fingerprint: what tells the text from others, once it was read: a BLAKE2b hash, in hexadecimal
    - characters: its length, once it was read
    """

    def __init__(
        self,
        sources: Iterable[Source],
        documents: str = NONE,
        reading: Reading = PLAIN,
        tell: Told = untold,
        origins: Origins | None = None,
    ) -> None:
        self._documents, self._tell = documents, tell
        between, row_end = "" if documents == NONE else BOUNDARY, BOUNDARY if documents == ROW else "\n"
        self._reader = CorpusReader(sources, between=between, reading=reading, row_end=row_end)
        self._reader.origins = origins
        self._copy = None
        if not all(isinstance(source, File) and source.is_named for source in self._reader.sources):
            self._copy = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed by __exit__)
        self.fingerprint, self.characters = "", 0
        self._hashed, self._gone = hashlib.blake2b(), 0
        self._expected = sum(map(size_on_disk, self._reader.sources))

    def __enter__(self) -> Text:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._copy is not None:
            self._copy.close()

    @property
    def of_documents(self) -> bool:
        """Whether it is of documents, each of which ends with BOUNDARY."""
        return self._documents != NONE

    @property
    def ends(self) -> str:
        """What ends each document; empty if there are none."""
        return BOUNDARY if self.of_documents else ""

    @property
    def names(self) -> list[str]:
        """The sources' names, without folders."""
        return self._reader.names

    @property
    def notes(self) -> list[str]:
        """What was changed on the way, for a person; complete once the text was read."""
        return self._reader.notes

    @property
    def size(self) -> int:
        """Bytes of the sources, once they were read."""
        return self._reader.bytes_read

    def pieces(self, what: str = "reading") -> Iterator[str]:
        """Yield the text. Raises `CorpusError`, also where it is another text than it was before.

        - what: what is done with it, for those who are told how far it has come
        """
        self._hashed, characters = hashlib.blake2b(), 0
        for piece in telling(self._read(), what, self._share, self._tell):
            self._hashed.update(utf8_bytes(piece))
            characters += len(piece)
            self._gone = characters
            yield piece
        if self.fingerprint not in ("", found := self._hashed.hexdigest()):
            raise CorpusError(
                f"{', '.join(self.names)}: changed while it was read: let it stay as it is, and start anew"
            )
        self.fingerprint, self.characters = found, characters

    def gone_by(self) -> tuple[int, str]:
        """Return how many characters of the reading in progress have come, and their hash."""
        return self._gone, self._hashed.hexdigest()

    def _share(self, done: int) -> float | None:
        """Return the share of the text that so many characters are, where it is known."""
        if self.characters:
            return done / self.characters
        return self.size / self._expected if 0 < self.size <= self._expected else None  # compressed: more comes of it

    def _read(self) -> Iterator[str]:
        first = not self.fingerprint
        if self._copy is None:
            yield from self._marked(self._reader if first else self._reader.again())
        elif first:
            for piece in self._marked(self._reader):
                self._copy.write(utf8_bytes(piece))
                yield piece
        else:
            self._copy.seek(0)
            decoder = codecs.getincrementaldecoder("utf-8")()
            while data := self._copy.read(PIECE):
                yield decoder.decode(data)

    def _marked(self, reader: CorpusReader) -> Iterator[str]:
        pieces, origins = reader.pieces(), reader.origins
        if origins is not None:
            pieces = origins.watched(pieces, lambda: reader.sources[reader.at].label)
        return pieces if self._documents == NONE else marked(pieces, self._documents)
