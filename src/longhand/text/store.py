"""Where the token numbers of a text go as they come: into memory, or into a file that a later training finds again."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Protocol

import msgspec
import numpy as np

from longhand.arrays import TokenIds, smallest_type
from longhand.errors import CorpusError
from longhand.files import create_private, write_atomically
from longhand.json_data import decode_json
from longhand.text.document_split import Order, shuffled
from longhand.text.encoded import AT_ONCE, Counts, joined, token_counts
from longhand.text.numbering import Count, Half
from longhand.text.tokenizer import Tokenizer, tokenizer_from_record

CHECKPOINT = 1 << 25  # bytes of token numbers between two places that an interrupted preparation can go on from
IDS, SPLIT, PROGRESS = "ids", "split.json", "progress.json"
UNFINISHED = ("ids.unfinished", "held_out.unfinished")  # the numbers so far of what is learned from, and held out
JOINED = "ids.joined"  # of both; renamed when all are there, for trainings map what is finished
FILES = (IDS, *UNFINISHED, JOINED, SPLIT, PROGRESS)


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

    def finish(self, orders: Sequence[Order] = ()) -> tuple[TokenIds, Counts]:
        """Return all numbers, (tokens,), and how often each occurs in what is learned from, (vocabulary,).

        - orders: in which order the documents that are learned from are put (`longhand.text.document_split`); empty if
          they stay as they are
        """
        ...

    def release(self) -> None:
        """Give back the memory of numbers that were used, where they can be read again."""
        ...


class InMemory:
    """Keeps them in memory."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.progress = Progress()
        self._kind, self._tokenizer = smallest_type(tokenizer.size), tokenizer
        self._pieces: tuple[list[TokenIds], list[TokenIds]] = [], []

    def write(self, half: int, ids: TokenIds) -> None:
        """See `Store`."""
        self._pieces[half].append(ids.astype(self._kind, copy=False))

    def finish(self, orders: Sequence[Order] = ()) -> tuple[TokenIds, Counts]:
        """See `Store`."""
        learned, last = self._pieces
        pieces = [*learned, *last]
        for half in self._pieces:
            half.clear()
        ids = joined(pieces, self._kind)
        first, begin = ids[: self.progress.halves[0].tokens], 0
        if orders:
            assert self._tokenizer.start is not None
            for part in shuffled([first], orders, self._tokenizer.start):
                first[begin : begin + len(part)] = part  # a block is read before it is written
                begin += len(part)
        return ids, token_counts(first, self._tokenizer.size)

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
        self._size = self._since = 0
        self._files: list[BinaryIO] = []
        self._known_sums: dict[Path, tuple[str, Counts]] = {}
        try:
            split, progress = read_state(folder)
            self.tokenizer: Tokenizer = tokenizer_from_record(split.tokenizer)
            self._begin(split, progress)
            if any(size > path.stat().st_size for path, size in self._sizes()):
                raise ValueError("fewer numbers than were written")
        except (OSError, ValueError):  # there is none, or it is damaged
            self.split, self.progress = None, Progress()

    def begin(self, split: Split, tokenizer: Tokenizer) -> None:
        """Begin anew."""
        self.tokenizer = tokenizer
        self.forget()
        write_atomically(self._folder / SPLIT, msgspec.json.encode(split), private=True)
        for name in UNFINISHED:
            create_private(self._folder / name)
        self._begin(split, Progress())
        self._note()

    def _begin(self, split: Split, progress: Progress) -> None:
        self.split, self.progress = split, progress
        self._size, self._kind = self.tokenizer.size, smallest_type(self.tokenizer.size)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.split is not None and self.progress.digest != ""

    def _sizes(self) -> list[tuple[Path, int]]:
        """Return the files that hold the numbers, and how many bytes of each are noted."""
        size = self._kind().itemsize
        if self.complete:
            return [(self._folder / IDS, self._tokens() * size)]
        halves = zip(UNFINISHED, self.progress.halves, strict=True)
        return [(self._folder / name, half.tokens * size) for name, half in halves]

    def check(self) -> None:
        """Forget what is there if it is not what was written."""
        if self.complete and self._sums(self._folder / IDS)[0] != self.progress.digest:
            self.forget()

    def forget(self) -> None:
        """Remove what is there; a training that maps the file keeps it."""
        self.close()
        self.split, self.progress = None, Progress()
        self._known_sums.clear()  # those of the file that goes
        for name in FILES:
            (self._folder / name).unlink(missing_ok=True)

    def open(self) -> None:
        """Make ready to write where the files were left."""
        for path, size in self._sizes():
            self._files.append(path.open("r+b"))
            self._files[-1].truncate(size)
            self._files[-1].seek(0, os.SEEK_END)

    def write(self, half: int, ids: TokenIds) -> None:
        """See `Store`."""
        numbers = ids.astype(self._kind, copy=False)
        self._files[half].write(numbers.data)
        self._since += numbers.nbytes
        if self._since >= CHECKPOINT:
            self._flush()
            self._note()

    def close(self) -> None:
        """Close the files, where they are open."""
        while self._files:
            self._files.pop().close()

    def finish(self, orders: Sequence[Order] = ()) -> tuple[TokenIds, Counts]:
        """See `Store`. Raises `CorpusError` for a file that cannot be what was written."""
        if not self.complete:
            self._flush()
            self.close()
        path = self._folder / IDS if self.complete else self._joined(orders)
        digest, counts = self._sums(path)
        if not digest:
            (self._folder / PROGRESS).unlink(missing_ok=True)
            raise CorpusError(f"{self._folder / IDS}: damaged: start once more, and the text is prepared anew")
        if not self.complete:
            path.replace(self._folder / IDS)
            self.progress.digest = digest
            self._note()
            for name in UNFINISHED:
                (self._folder / name).unlink(missing_ok=True)
        with (self._folder / IDS).open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(self._map, self._kind, self._tokens()), counts

    def release(self) -> None:
        """See `Store`. Pages of a file that were read count as memory of this process as long as they are mapped."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def _joined(self, orders: Sequence[Order]) -> Path:
        """Make one file of the two halves, the documents of the first in their new order; return it."""
        path, last = (self._folder / name for name in UNFINISHED)
        if orders:
            ordered, start = self._folder / JOINED, self.tokenizer.start
            assert start is not None
            create_private(ordered)
            with ordered.open("r+b") as file:
                file.truncate()
                for part in shuffled(self._pieces(path), orders, start):
                    file.write(part.data)
            path = ordered
        with path.open("ab") as file, last.open("rb") as held_out:
            shutil.copyfileobj(held_out, file, AT_ONCE)
            file.flush()
            os.fsync(file.fileno())
        return path

    def _sums(self, path: Path) -> tuple[str, Counts]:
        """Return a file's digest, empty if there are impossible numbers in it, and its counts in the first half.

        It is not read through a map: its pages would count as memory of this process.
        """
        if path in self._known_sums:
            return self._known_sums[path]
        digest, counts = 0, np.zeros(self._size, np.int64)
        left = self.progress.halves[0].tokens
        for ids in self._pieces(path):
            if ids.max() >= self._size:
                return "", counts
            digest = zlib.crc32(ids.data, digest)
            counts += token_counts(ids[:left], self._size)
            left = max(left - len(ids), 0)
        self._known_sums[path] = f"{digest:08x}", counts
        return self._known_sums[path]

    def _pieces(self, path: Path) -> Iterator[TokenIds]:
        with path.open("rb") as file:
            while len(ids := np.fromfile(file, self._kind, AT_ONCE)):
                yield ids

    def _tokens(self) -> int:
        return sum(half.tokens for half in self.progress.halves)

    def _flush(self) -> None:
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
        self._since = 0

    def _note(self) -> None:
        assert self.split is not None
        self.progress.checksum = checksum(self.split, self.progress)
        write_atomically(self._folder / PROGRESS, msgspec.json.encode(self.progress), private=True)
