"""Which documents a training text has: their hashes, sorted, in a compact file.

The file: 8 bytes that name the format and its version (`MAGIC`), 8 bytes with the number of hashes, then as many
BLAKE2b hashes of 8 bytes, ascending, all little-endian. A hash is of a document in UTF-8, without white space around
it. It tells nothing of a document to those who do not guess it. Of ten million documents, one in a million million
that is new is taken for one of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from longhand.errors import CorpusError
from longhand.text.utf8 import utf8_bytes

MAGIC = b"LHDOCS\x00\x01"
HASH = np.dtype("<u8")
MAX_DOCUMENTS = 10_000_000  # of a file: 80 MB
AT_ONCE = 1 << 16

Hashes = npt.NDArray[np.uint64]


class KnownDocuments:
    """The documents of a text. `in` says whether a text is one of them.

    - hashes: of them, ascending, each once
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    @classmethod
    def of(cls, documents: Iterable[str]) -> KnownDocuments:
        """Return the documents of a text, given one by one."""
        rest, parts = iter(documents), []
        while part := b"".join(map(_hash, islice(rest, AT_ONCE))):
            parts.append(np.unique(np.frombuffer(part, HASH)))
        return cls(np.unique(np.concatenate([np.zeros(0, HASH), *parts])))

    @classmethod
    def read(cls, path: Path) -> KnownDocuments:
        """Return what a file has. Raises `CorpusError` for a damaged one, `OSError` where it cannot be read."""
        with path.open("rb") as file:
            head = file.read(len(MAGIC) + HASH.itemsize)
            count = int.from_bytes(head[len(MAGIC) :], "little")
            if head[: len(MAGIC)] != MAGIC or len(head) != len(MAGIC) + HASH.itemsize or count > MAX_DOCUMENTS:
                raise CorpusError(f"{path}: no list of documents that this Longhand knows, or a damaged one")
            data = file.read(count * HASH.itemsize + 1)
        if len(data) != count * HASH.itemsize:
            raise CorpusError(f"{path}: damaged, {count:,} documents do not take {len(data):,} bytes")
        hashes = np.frombuffer(data, HASH)
        if (hashes[1:] <= hashes[:-1]).any():
            raise CorpusError(f"{path}: damaged, its hashes do not ascend")
        return cls(hashes)

    def to_bytes(self) -> bytes:
        """Return what `read` reads."""
        return MAGIC + len(self._hashes).to_bytes(HASH.itemsize, "little") + self._hashes.astype(HASH).tobytes()

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, text: object) -> bool:
        if not isinstance(text, str):
            return False
        found = np.frombuffer(_hash(text), HASH)[0]
        place = int(np.searchsorted(self._hashes, found))
        return place < len(self._hashes) and bool(self._hashes[place] == found)


def _hash(document: str) -> bytes:
    return hashlib.blake2b(utf8_bytes(document.strip()), digest_size=HASH.itemsize).digest()
