"""A text that can be read more than once: from its files, or, what comes only once, from a copy."""

from __future__ import annotations

import codecs
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator

from longhand.errors import CorpusError
from longhand.text.corpus import PIECE, CorpusReader
from longhand.text.documents import BOUNDARY, NONE, ROW, marked, separator
from longhand.text.origins import Origins
from longhand.text.progress import Told, telling, untold
from longhand.text.reading import PLAIN, Reading
from longhand.text.sources import File, Source, Stream, opened_apart, size_on_disk
from longhand.text.utf8 import utf8_bytes

IN_MEMORY = 1 << 26  # bytes of a copy that are not written to a file


class Text:
    """A corpus as text, in pieces. To be used in a `with` statement, at whose end a copy goes.

    - documents: what its documents are (`longhand.text.documents`), each of which ends with BOUNDARY then; or "none"
    - tell: is told how far each reading has come
    - origins: remembers where the lines of the first reading stand, if that is wanted
    - fingerprint: what tells the text from others, once it was read: a BLAKE2b hash, in hexadecimal
    - characters: its length, once it was read
    - validation: what is held out, in sources of its own that come after the others; none if it is a part of these
    - learned: how many characters come before those of `validation`, once it was read
    """

    def __init__(
        self,
        sources: Iterable[Source | File | Stream],
        documents: str = NONE,
        reading: Reading = PLAIN,
        tell: Told = untold,
        validation: Iterable[Source | File | Stream] = (),
        origins: Origins | None = None,
    ) -> None:
        self._documents, self._tell = documents, tell
        self._between: Counter[str] = Counter()
        between, row_end = "" if documents == NONE else BOUNDARY, BOUNDARY if documents == ROW else "\n"
        both = opened_apart(sources, validation)
        self._readers = [CorpusReader(part, between=between, reading=reading, row_end=row_end) for part in both if part]
        self._readers[0].origins = origins
        self._copy = None
        every = [source for part in both for source in part]
        if not all(isinstance(source, File) and source.is_named for source in every):
            self._copy = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed by __exit__)
        self.fingerprint, self.characters, self.learned = "", 0, 0
        self._hashed, self._gone = hashlib.blake2b(), 0
        self._expected = sum(map(size_on_disk, every))

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
        """The sources' names, without folders, but for those of `validation`."""
        return self._readers[0].names

    @property
    def notes(self) -> list[str]:
        """What was changed on the way, for a person; complete once the text was read."""
        return [note for reader in self._readers for note in reader.notes]

    @property
    def validation_names(self) -> list[str]:
        """The names of what is held out, where it has sources of its own."""
        return [name for reader in self._readers[1:] for name in reader.names]

    @property
    def separator(self) -> str:
        """What stands between its documents, once it was read; empty if there are none."""
        return separator(self._documents, self._between) if self.of_documents else ""

    @property
    def has_validation(self) -> bool:
        """Whether what is held out has sources of its own."""
        return len(self._readers) > 1

    @property
    def size(self) -> int:
        """Bytes of the sources, once they were read."""
        return sum(reader.bytes_read for reader in self._readers)

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
        if self._copy is None or first:
            learned = 0
            for number, reader in enumerate(self._readers):
                for piece in self._marked(reader if first else reader.again()):
                    learned += len(piece) * (number == 0)
                    if self._copy is not None:
                        self._copy.write(utf8_bytes(piece))
                    yield piece
            self.learned = learned
        else:
            self._copy.seek(0)
            decoder = codecs.getincrementaldecoder("utf-8")()
            while data := self._copy.read(PIECE):
                yield decoder.decode(data)

    def _marked(self, reader: CorpusReader) -> Iterator[str]:
        pieces, origins = reader.pieces(), reader.origins
        if origins is not None:
            pieces = origins.watched(pieces, lambda: reader.sources[reader.at].label)
        return pieces if self._documents == NONE else marked(pieces, self._documents, self._between)
