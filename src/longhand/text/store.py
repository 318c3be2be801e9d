"""Where the token numbers of a text go as they come: into memory, or into a file that a later training finds again."""

from __future__ import annotations

import hashlib
import mmap
import os
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
import numpy as np

from longhand.arrays import TokenIds, smallest_type
from longhand.errors import CorpusError
from longhand.files import create_private, write_atomically
from longhand.json_data import decode_json
from longhand.text.encoded import AT_ONCE, Counts, joined, token_counts
from longhand.text.numbering import Count, Half
from longhand.text.tokenizer import Tokenizer, tokenizer_from_record

CHECKPOINT = 1 << 25  # bytes of token numbers between two places that an interrupted preparation can go on from
IDS, SPLIT, PROGRESS = "ids", "split.json", "progress.json"
UNFINISHED = "ids.unfinished"  # the numbers so far; renamed when all are there, for trainings map what is finished
FILES = (IDS, UNFINISHED, SPLIT, PROGRESS)


class Split(msgspec.Struct):
    """How a text is to be read.

    - learned: how many of its characters are learned from
    - tokenizer: the record of its tokenizer
    - names: of the text's sources
    """

    learned: int
    tokenizer: dict[str, Any]
    names: list[str] = []


class Progress(msgspec.Struct):
    """How much of it was read.

    - halves: what is learned from, and what is held out
    - seen, read: characters of the text that had come then, at least as many, and their BLAKE2b
    - digest: CRC-32 of the finished file, against damage; empty before
    - checksum: of this record and of the split that belongs to it, against damage
    """

    halves: Annotated[list[Half], msgspec.Meta(min_length=2, max_length=2)] = msgspec.field(
        default_factory=lambda: [Half(), Half()]
    )
    seen: Count = 0
    read: str = ""
    digest: str = ""
    checksum: str = ""

    @property
    def characters(self) -> int:
        """How many characters were read."""
        return sum(half.characters for half in self.halves)


def checksum(split: Split, progress: Progress) -> str:
    """Return the BLAKE2b of a split and a progress, its own checksum apart."""
    record = msgspec.json.encode([split, msgspec.structs.replace(progress, checksum="")], order="deterministic")
    return hashlib.blake2b(record, digest_size=16).hexdigest()


def read_state(folder: Path) -> tuple[Split, Progress]:
    """Read how a text is split and how much of it was read. Raises `OSError`, and `ValueError` for damaged files."""
    split = decode_json((folder / SPLIT).read_bytes(), Split)
    progress = decode_json((folder / PROGRESS).read_bytes(), Progress)
    if progress.checksum != checksum(split, progress):
        raise ValueError("its files are not what was written")
    return split, progress


class Store(Protocol):
    """What takes token numbers."""

    progress: Progress

    def write(self, half: int, ids: TokenIds) -> None:
        """Take the numbers of the next piece, which `progress` already counts."""
        ...

    def finish(self) -> tuple[TokenIds, Counts]:
        """Return all numbers, (tokens,), and how often each occurs in what is learned from, (vocabulary,)."""
        ...

    def release(self) -> None:
        """Give back the memory of numbers that were used, where they can be read again."""
        ...


class InMemory:
    """Keeps them in memory."""

    def __init__(self, size: int) -> None:
        self.progress = Progress()
        self._kind, self._size = smallest_type(size), size
        self._pieces: list[TokenIds] = []

    def write(self, half: int, ids: TokenIds) -> None:  # noqa: ARG002 (the order tells)
        """See `Store`."""
        self._pieces.append(ids.astype(self._kind, copy=False))

    def finish(self) -> tuple[TokenIds, Counts]:
        """See `Store`."""
        ids = joined(self._pieces, self._kind)
        return ids, token_counts(ids[: self.progress.halves[0].tokens], self._size)

    def release(self) -> None:
        """See `Store`: there is no other place for them."""


class OnDisk:
    """Keeps them in a file of a folder, to which an interrupted preparation adds what is missing.

    Raises `OSError` where the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.split: Split | None = None
        self.progress = Progress()
        self._size = 0
        self._since = 0
        try:
            split, progress = read_state(folder)
            self.tokenizer: Tokenizer = tokenizer_from_record(split.tokenizer)
            self._begin(split, progress)
            if self._tokens() * self._kind().itemsize > self._ids.stat().st_size:
                raise ValueError("fewer numbers than were written")
        except (OSError, ValueError):  # there is none, or it is damaged
            self.split, self.progress = None, Progress()

    def begin(self, split: Split, tokenizer: Tokenizer) -> None:
        """Begin anew."""
        self.tokenizer = tokenizer
        self.forget()
        write_atomically(self._folder / SPLIT, msgspec.json.encode(split), private=True)
        create_private(self._folder / UNFINISHED)
        self._begin(split, Progress())
        self._note()

    def _begin(self, split: Split, progress: Progress) -> None:
        self.split, self.progress = split, progress
        self._size, self._kind = self.tokenizer.size, smallest_type(self.tokenizer.size)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.split is not None and self.progress.digest != ""

    @property
    def _ids(self) -> Path:
        return self._folder / (IDS if self.complete else UNFINISHED)

    def check(self) -> None:
        """Forget what is there if it is not what was written."""
        if self.complete and self._sums[0] != self.progress.digest:
            self.forget()

    def forget(self) -> None:
        """Remove what is there; a training that maps the file keeps it."""
        self.close()
        self.split, self.progress = None, Progress()
        self.__dict__.pop("_sums", None)  # those of the file that goes
        for name in FILES:
            (self._folder / name).unlink(missing_ok=True)

    def open(self) -> None:
        """Make ready to write where the file was left."""
        self._file = (self._folder / UNFINISHED).open("r+b")
        self._file.truncate(self._tokens() * self._kind().itemsize)
        self._file.seek(0, os.SEEK_END)

    def write(self, half: int, ids: TokenIds) -> None:  # noqa: ARG002 (the order tells)
        """See `Store`."""
        numbers = ids.astype(self._kind, copy=False)
        self._file.write(numbers.data)
        self._since += numbers.nbytes
        if self._since >= CHECKPOINT:
            self._flush()
            self._note()

    def close(self) -> None:
        """Close the file, where it is open."""
        if (file := getattr(self, "_file", None)) is not None:
            file.close()

    def finish(self) -> tuple[TokenIds, Counts]:
        """See `Store`. Raises `CorpusError` for a file that cannot be what was written."""
        if not self.complete:
            self._flush()
            self._file.close()
        digest, counts = self._sums
        if not digest:
            (self._folder / PROGRESS).unlink(missing_ok=True)
            raise CorpusError(f"{self._folder / IDS}: damaged: start once more, and the text is prepared anew")
        if not self.complete:
            (self._folder / UNFINISHED).replace(self._folder / IDS)
            self.progress.digest = digest
            self._note()
        with self._ids.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(self._map, self._kind, self._tokens()), counts

    def release(self) -> None:
        """See `Store`. Pages of a file that were read count as memory of this process as long as they are mapped."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    @cached_property
    def _sums(self) -> tuple[str, Counts]:
        """The file's digest, empty if there are impossible numbers in it, and how often each occurs in the first half.

        It is not read through a map: its pages would count as memory of this process.
        """
        digest, counts = 0, np.zeros(self._size, np.int64)
        left = self.progress.halves[0].tokens
        for ids in self._pieces():
            if ids.max() >= self._size:
                return "", counts
            digest = zlib.crc32(ids.data, digest)
            counts += token_counts(ids[:left], self._size)
            left = max(left - len(ids), 0)
        return f"{digest:08x}", counts

    def _pieces(self) -> Iterator[TokenIds]:
        with self._ids.open("rb") as file:
            while len(ids := np.fromfile(file, self._kind, AT_ONCE)):
                yield ids

    def _tokens(self) -> int:
        return sum(half.tokens for half in self.progress.halves)

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._since = 0

    def _note(self) -> None:
        assert self.split is not None
        self.progress.checksum = checksum(self.split, self.progress)
        write_atomically(self._folder / PROGRESS, msgspec.json.encode(self.progress), private=True)
