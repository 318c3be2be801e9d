"""Compressed files, decompressed as they are read: gzip, bzip2, xz, LZMA and Zstandard, known by their first bytes.

What a library refuses is told from what is damaged: a window that is too large, a dictionary or an option that it does
not know are limits, and the file is whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from longhand.errors import CorpusError, MissingExtraError

SUFFIXES = (".gz", ".bz2", ".xz", ".lzma", ".zst")
MARK_LENGTH = 10  # bytes: the longest beginning that is looked for
UNABLE = "this Python was built without"
FEED = 1 << 11  # bytes decompressed at a time: where they stand for as much as they can, that is 64 MB
MAX_ZSTD_WINDOW = 1 << 31  # bytes: what `zstd --long=31` makes; the library's own limit is 128 MB
LARGE_WINDOW = 1 << 27  # bytes; of a larger one a person is told, for it is held in memory


class Unpacker(Protocol):
    """Decompresses one stream of those that a file may hold one after another."""

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
    - command: what decompresses one in a shell, to standard output
    - new: makes what decompresses a stream; raises `MissingExtraError` without the library for it
    - error: returns what that raises for a file that it cannot decompress
    - limits: parts of its messages that do not mean damage, in small letters, and what they mean
    - window: returns how many bytes of memory a stream needs, by its first bytes; 0 where that is little
    """

    name: str
    marks: tuple[bytes, ...]
    command: str
    new: Callable[[], Unpacker]
    error: Callable[[], type[Exception]]
    limits: Mapping[str, str] = field(default_factory=dict)
    window: Callable[[bytes], int] = lambda _: 0


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


def _zstd_window(data: bytes) -> int:
    """Return the window of a Zstandard frame in bytes; 0 where its header does not say."""
    try:
        window: int = _zstandard().get_frame_parameters(data).window_size
    except _zstandard().ZstdError:
        return 0
    return window


_LZMA_LIMITS = {
    "options": "a filter or an option that this Python's lzma does not know",
    "memory usage limit": "more memory than it may take",
    "integrity check": "a checksum of a kind that this Python's lzma does not know",
}
PACKINGS = (
    Packing(
        "gzip",
        (b"\x1f\x8b\x08",),
        "gzip -dc",
        lambda: zlib.decompressobj(wbits=31),
        lambda: zlib.error,
        {"error -4": "more memory than there is", "error 2": "a dictionary that is not in it"},
    ),
    Packing(
        "bzip2",
        tuple(b"BZh%d%b" % (size, block) for size in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")),
        "bzip2 -dc",
        lambda: _bz2().BZ2Decompressor(),
        lambda: OSError,
    ),
    Packing(
        "xz",
        (b"\xfd7zXZ\0",),
        "xz -dc",
        lambda: _lzma().LZMADecompressor(_lzma().FORMAT_XZ),
        lambda: _lzma().LZMAError,
        _LZMA_LIMITS,
    ),
    Packing(
        "lzma",
        (b"]\0\0",),
        "xz -dc --format=lzma",
        lambda: _lzma().LZMADecompressor(_lzma().FORMAT_ALONE),
        lambda: _lzma().LZMAError,
        _LZMA_LIMITS,
    ),
    Packing(
        "zstd",
        (b"\x28\xb5\x2f\xfd", *(b"%c\x2a\x4d\x18" % (0x50 + kind) for kind in range(16))),  # frames to skip
        "zstd -dc --long=31",
        lambda: _zstandard().ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW).decompressobj(),
        lambda: _zstandard().ZstdError,
        {
            "too much memory": f"a window of over {MAX_ZSTD_WINDOW >> 20:,} MB",
            "not enough memory": "a window for which there is not enough memory",
            "dictionary": "a dictionary that is not in the file (zstd -D DICTIONARY)",
            "unsupported": "a feature that the package zstandard does not know",
            "version": "a version of the format that the package zstandard does not know",
        },
        _zstd_window,
    ),
)


def packing_of(data: bytes) -> Packing | None:
    """Return how a file is compressed that begins with these bytes, if it is."""
    return next((packing for packing in PACKINGS if data.startswith(packing.marks)), None)


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
            if unpacker is None and not _may_begin(left, packing):
                raise CorpusError(_followed(label, packing, offset))
            unpacker = unpacker or packing.new()
            try:
                part = unpacker.decompress(left)
            except (broken, MemoryError) as error:
                raise CorpusError(_problem(error, packing, label, offset)) from None
            left, unpacker = (unpacker.unused_data, None) if unpacker.eof else (b"", unpacker)
            offset += len(part)
            if part:
                yield part
    if unpacker is not None:
        raise CorpusError(_damaged(label, packing, offset, "cut off"))


def _slices(data: bytes) -> Iterator[bytes]:
    return (data[begin : begin + FEED] for begin in range(0, len(data), FEED))


def _may_begin(data: bytes, packing: Packing) -> bool:
    """Return whether these bytes, which may be few, may begin another stream."""
    return any(mark.startswith(data[: len(mark)]) for mark in packing.marks)


def _problem(error: Exception, packing: Packing, label: str, offset: int) -> str:
    """Return why a file cannot be decompressed: what the library cannot do is no damage."""
    message = str(error)
    limit = next((meaning for part, meaning in packing.limits.items() if part in message.lower()), "")
    if isinstance(error, MemoryError):
        limit = "more memory than there is"
    if not limit:
        return _damaged(label, packing, offset, f"damaged ({message})")
    return (
        f"{label}: compressed by {packing.name}, and not damaged, but it needs {limit}: decompress it first, with "
        f"{packing.command}"
    )


def _followed(label: str, packing: Packing, offset: int) -> str:
    return (
        f"{label}: compressed by {packing.name}; after its text, which ends at byte {offset}, the file has other data, "
        f"which is not compressed: train on what {packing.command} makes of it"
    )


def _damaged(label: str, packing: Packing, offset: int, what: str) -> str:
    return (
        f"{label}: compressed by {packing.name} and {what}; its text can be read up to byte {offset}: get it anew, or "
        f"train on what {packing.command} makes of it"
    )
