"""A suffix array (Manber and Myers 1993) of a text, in files that are mapped: it finds at once whether a string occurs.

Three files in a folder: `text` (UTF-8), `suffixes` (where each suffix begins, in their order, 4 bytes each) and
`index.json`, which is written last. Together five bytes for each of the text, and as much memory while they are made.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from longhand.errors import CorpusError, MissingExtraError
from longhand.files import cannot_write, write_atomically
from longhand.json_data import decode_json
from longhand.text.utf8 import utf8_bytes

TEXT, SUFFIXES, ABOUT = "text", "suffixes", "index.json"
MOST_BYTES = 2**31 - 1
VERSION = 1


class About(msgspec.Struct, kw_only=True):
    """What an index is of.

    - size: of the text, in bytes
    - names: of the text's sources
    """

    version: int
    size: Annotated[int, Meta(ge=1, le=MOST_BYTES)]
    names: list[str] = []


class CopyIndex:
    """A text whose strings can be found.

    - folder: where its files are

    Raises `CorpusError` if there is none, or a damaged one.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.about = decode_json((folder / ABOUT).read_bytes(), About)
            if self.about.version != VERSION:
                raise ValueError(f"version {self.about.version}, expected {VERSION}")
            size = self.about.size
            if ((folder / TEXT).stat().st_size, (folder / SUFFIXES).stat().st_size) != (size, 4 * size):
                raise ValueError("its files have other sizes than were written")
            self._text: npt.NDArray[np.uint8] = np.memmap(folder / TEXT, np.uint8, "r")
            self._suffixes: npt.NDArray[np.int32] = np.memmap(folder / SUFFIXES, "<i4", "r")
        except (OSError, ValueError) as error:
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
    """Write the index of a text, in place of one that is there.

    Raises `CorpusError` for a text of nothing or of more than 2 GB, `OutputError` with the system's reason, and
    `MissingExtraError` if pydivsufsort is not there.
    """
    sort = _sorter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ABOUT).unlink(missing_ok=True)
        size = 0
        with (folder / TEXT).open("wb") as file:
            for piece in pieces:
                size += file.write(utf8_bytes(piece))
                if size > MOST_BYTES:
                    raise CorpusError("the text has more than 2 GB: an index of copies can be made of 2 GB at most")
        if size == 0:
            raise CorpusError("the text is empty: nothing could be copied from it")
        text = np.fromfile(folder / TEXT, np.uint8)
        suffixes = sort(text).astype("<i4", copy=False)
        suffixes.tofile(folder / SUFFIXES)
    except OSError as error:
        raise cannot_write(folder, error) from error
    about = About(version=VERSION, size=size, names=list(names))
    write_atomically(folder / ABOUT, msgspec.json.encode(about))
    return CopyIndex(folder)


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
