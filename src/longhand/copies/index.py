"""A suffix array (Manber and Myers 1993) of a text, in files that are mapped: it finds at once whether a string occurs.

Three files in a folder: `text` (UTF-8), `suffixes` (where each suffix begins, in their order, 4 bytes each) and
`index.json`, which is written last. Together five bytes for each of the text, and as much memory while they are made.

A server maps them for as long as it runs. They are therefore never written in place: a new index is made beside the
old one and takes its name, while those who have the old one open keep it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated, Any, TypeAlias

import filelock
import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from longhand.errors import CorpusError, MissingExtraError
from longhand.files import cannot_write, make_private_folder, remove_leftovers, write_atomically, written_atomically
from longhand.json_data import decode_json
from longhand.text.utf8 import utf8_bytes

TEXT, SUFFIXES, ABOUT, LOCK = "text", "suffixes", "index.json", ".lock"
MOST_BYTES = 2**31 - 1
VERSION = 1
OPEN_ATTEMPTS, OPEN_PAUSE_SECONDS = 20, 0.05  # in which a new index has taken the old one's place

Bytes: TypeAlias = npt.NDArray[np.uint8]
Places: TypeAlias = npt.NDArray[np.int32]


class About(msgspec.Struct, kw_only=True):
    """What an index is of.

    - size: of the text, in bytes
    - names: of the text's sources
    - build: random, so that no two builds have the same record
    """

    version: int
    size: Annotated[int, Meta(ge=1, le=MOST_BYTES)]
    names: list[str] = []
    build: str = ""


class CopyIndex:
    """A text whose strings can be found.

    - folder: where its files are

    Raises `CorpusError` if there is none, or a damaged one.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.about, self._text, self._suffixes = _opened(folder)
        except FileNotFoundError:
            raise CorpusError(f"{folder}: no index of a text, or not all of one: make it anew") from None
        except OSError as error:
            raise CorpusError(f"{folder}: the index of a text cannot be read ({error.strerror or error})") from None
        except ValueError as error:
            raise CorpusError(f"{folder}: no index of a text, or a damaged one ({error}): make it anew") from None
        self._bytes = memoryview(self._text)  # type: ignore[arg-type]

    def occurs(self, text: str) -> bool:
        """Whether a string occurs in the text."""
        data = utf8_bytes(text)
        place = self._place(data)
        return place < len(self._suffixes) and self._at(place, len(data)) == data

    def longest_beginning(self, data: bytes) -> int:
        """Return how many bytes of `data` occur in the text, from its first."""
        place = self._place(data)
        near = [each for each in (place - 1, place) if 0 <= each < len(self._suffixes)]
        return max((_common(self._at(each, len(data)), data) for each in near), default=0)

    def where(self, data: bytes) -> int:
        """Return where a string that occurs does so, in bytes."""
        return int(self._suffixes[self._place(data)])

    def _place(self, data: bytes) -> int:
        """Return how many suffixes come before `data`."""
        first, last = 0, len(self._suffixes)
        while first < last:
            middle = (first + last) // 2
            if self._at(middle, len(data)) < data:
                first = middle + 1
            else:
                last = middle
        return first

    def _at(self, place: int, size: int) -> bytes:
        """Return the beginning of a suffix, by its place in their order."""
        begin = int(self._suffixes[place])
        return bytes(self._bytes[begin : begin + size])


def build_index(pieces: Iterable[str], folder: Path, names: Iterable[str] = ()) -> CopyIndex:
    """Write the index of a text, in place of one that is there; those who have that one open keep it.

    Raises `CorpusError` for a text of nothing or of more than 2 GB, `OutputError` with the system's reason, and
    `MissingExtraError` if pydivsufsort is not there.
    """
    sort = _sorter()
    try:
        make_private_folder(folder)
        remove_leftovers(folder)
        with ExitStack() as files:
            text = files.enter_context(written_atomically(folder / TEXT, private=True))
            suffixes = files.enter_context(written_atomically(folder / SUFFIXES, private=True))
            size = _write_text(pieces, text)
            suffixes.write(sort(np.fromfile(text, np.uint8)).astype("<i4", copy=False).data)
            _write_through(suffixes)
            with filelock.FileLock(folder / LOCK):  # of two builds, one is there whole
                (folder / ABOUT).unlink(missing_ok=True)
                files.close()
                about = About(version=VERSION, size=size, names=list(names), build=secrets.token_hex(8))
                write_atomically(folder / ABOUT, msgspec.json.encode(about), private=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return CopyIndex(folder)


def _write_text(pieces: Iterable[str], file: IO[bytes]) -> int:
    """Write a text, leave the file at its beginning, and return its size in bytes."""
    size = 0
    for piece in pieces:
        size += file.write(utf8_bytes(piece))
        if size > MOST_BYTES:
            raise CorpusError("the text has more than 2 GB: an index of copies can be made of 2 GB at most")
    if size == 0:
        raise CorpusError("the text is empty: nothing could be copied from it")
    _write_through(file)
    file.seek(0)
    return size


def _write_through(file: IO[bytes]) -> None:
    """Bring a file onto the disk, so that it takes no time between the renames."""
    file.flush()
    os.fsync(file.fileno())


def _opened(folder: Path) -> tuple[About, Bytes, Places]:
    """Map the files of one build. Where a new one takes its place meanwhile, its record goes first: try again."""
    for _ in range(OPEN_ATTEMPTS):
        before, problem = _record(folder), None
        try:
            opened = _mapped(folder, before or b"")
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            problem = error
        if before is not None and _record(folder) == before:
            if problem is not None:
                raise problem
            return opened
        if not (folder / TEXT).exists():
            break
        time.sleep(OPEN_PAUSE_SECONDS)
    raise ValueError(f"{ABOUT} not found")


def _record(folder: Path) -> bytes | None:
    try:
        return (folder / ABOUT).read_bytes()
    except FileNotFoundError:
        return None


def _mapped(folder: Path, record: bytes) -> tuple[About, Bytes, Places]:
    about = decode_json(record, About)
    if about.version != VERSION:
        raise ValueError(f"version {about.version}, expected {VERSION}")
    size = about.size
    if ((folder / TEXT).stat().st_size, (folder / SUFFIXES).stat().st_size) != (size, 4 * size):
        raise ValueError("its files have other sizes than were written")
    return about, np.memmap(folder / TEXT, np.uint8, "r"), np.memmap(folder / SUFFIXES, "<i4", "r")


def _sorter() -> Any:
    try:
        from pydivsufsort import divsufsort
    except ImportError:
        raise MissingExtraError("pydivsufsort is missing, which finds copies: pip install longhand[copies]") from None
    return divsufsort


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes two strings have in common from their first."""
    first, last = 0, min(len(one), len(other))
    while first < last:
        middle = (first + last + 1) // 2
        if one[:middle] == other[:middle]:
            first = middle
        else:
            last = middle - 1
    return first
