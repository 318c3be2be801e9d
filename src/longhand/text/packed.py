"""Compressed files, unpacked as they are read: gzip, bzip2, xz and Zstandard, known by their first bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

from longhand.errors import CorpusError, MissingExtraError
from longhand.text.sources import File

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
MARK_LENGTH = 10  # bytes: the longest beginning that is looked for
UNABLE = "this Python was built without"
FEED = 1 << 11  # bytes unpacked at a time: where they stand for as much as they can, that is 64 MB


class Unpacker(Protocol):
    """Unpacks one stream of those that a file may hold one after another."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""
        ...

    def decompress(self, data: bytes, /) -> bytes:
        """Return what the next bytes stand for."""
        ...


@dataclass(frozen=True)
class Packing:
    """A way to compress files.

    - marks: what its files begin with
    - command: what unpacks one in a shell, to standard output
    - new: makes what unpacks a stream; raises `MissingExtraError` without the library for it
    - error: returns what that raises where the file is damaged
    """

    name: str
    marks: tuple[bytes, ...]
    command: str
    new: Callable[[], Unpacker]
    error: Callable[[], type[Exception]]


def _bz2() -> Any:
    try:
        import bz2  # some Pythons are built without it, and without lzma
    except ImportError:
        raise MissingExtraError(f"a file compressed by bzip2, which {UNABLE}: unpack it with bzip2 -dc") from None
    return bz2


def _lzma() -> Any:
    try:
        import lzma
    except ImportError:
        raise MissingExtraError(f"a file compressed by xz, which {UNABLE}: unpack it with xz -dc") from None
    return lzma


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise MissingExtraError(
            "a file compressed by zstd needs the package zstandard: pip install 'longhand[zst]'"
        ) from None
    return zstandard


PACKINGS = (
    Packing("gzip", (b"\x1f\x8b\x08",), "gzip -dc", lambda: zlib.decompressobj(wbits=31), lambda: zlib.error),
    Packing(
        "bzip2",
        tuple(b"BZh%d%b" % (size, block) for size in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")),
        "bzip2 -dc",
        lambda: _bz2().BZ2Decompressor(),
        lambda: OSError,
    ),
    Packing(
        "xz", (b"\xfd7zXZ\0",), "xz -dc", lambda: _lzma().LZMADecompressor(_lzma().FORMAT_XZ), lambda: _lzma().LZMAError
    ),
    Packing(
        "zstd",
        (b"\x28\xb5\x2f\xfd", *(b"%c\x2a\x4d\x18" % (0x50 + kind) for kind in range(16))),  # frames to skip
        "zstd -dc",
        lambda: _zstandard().ZstdDecompressor().decompressobj(),
        lambda: _zstandard().ZstdError,
    ),
)


def packing_of(data: bytes) -> Packing | None:
    """Return how a file is compressed that begins with these bytes, if it is."""
    return next((packing for packing in PACKINGS if data.startswith(packing.marks)), None)


@contextmanager
def opened(source: File, size: int) -> Iterator[tuple[Iterator[bytes], str]]:
    """Open a file; give its bytes, in pieces of `size`, unpacked if it is compressed, and the command that does so.

    Raises `CorpusError` where it cannot be read, also later, and as `unpacked` does.
    """
    try:
        with source.open() as file:
            size = max(size, MARK_LENGTH)
            pieces = iter(lambda: file.read(size), b"")
            first = next(pieces, b"")
            pieces = chain([first] * bool(first), pieces)
            if (packing := packing_of(first)) is None:
                yield pieces, ""
            else:
                yield unpacked(pieces, packing, source.label, size), packing.command
    except OSError as error:
        raise CorpusError(f"{source.label}: cannot be read ({error.strerror or error})") from error


def unpacked(pieces: Iterable[bytes], packing: Packing, label: str, size: int) -> Iterator[bytes]:
    """Yield what a compressed file stands for, of all the streams in it, in pieces of `size` bytes.

    - label: what to call the file

    Raises `CorpusError` where it is damaged or cut off, or compressed twice, `MissingExtraError` without the library.
    """
    ready, first = bytearray(), True
    for part in chain(_parts(pieces, packing, label), [b""]):
        ready += part
        while len(ready) >= size or (ready and not part):
            piece = bytes(ready[:size])
            if first and (within := packing_of(piece)) is not None:
                raise CorpusError(
                    f"{label}: compressed by {packing.name}, and by {within.name} within: only one of them is undone: "
                    f"unpack it once with {packing.command}"
                )
            first = False
            del ready[:size]
            yield piece


def _parts(pieces: Iterable[bytes], packing: Packing, label: str) -> Iterator[bytes]:
    """Yield what a compressed file stands for, as it comes."""
    offset, broken = 0, packing.error()
    unpacker: Unpacker | None = packing.new()
    for data in chain.from_iterable(map(_slices, pieces)):
        left = data
        while left := left if unpacker is not None else left.lstrip(b"\0"):  # zeros may fill up the end of a file
            unpacker = unpacker or packing.new()
            try:
                part = unpacker.decompress(left)
            except broken as error:
                raise CorpusError(_damaged(label, packing, offset, f"damaged ({error})")) from None
            left, unpacker = (unpacker.unused_data, None) if unpacker.eof else (b"", unpacker)
            offset += len(part)
            if part:
                yield part
    if unpacker is not None:
        raise CorpusError(_damaged(label, packing, offset, "cut off"))


def _slices(data: bytes) -> Iterator[bytes]:
    return (data[begin : begin + FEED] for begin in range(0, len(data), FEED))


def _damaged(label: str, packing: Packing, offset: int, what: str) -> str:
    return (
        f"{label}: compressed by {packing.name} and {what}; its text can be read up to byte {offset}: get it anew, or "
        f"train on what {packing.command} makes of it"
    )
