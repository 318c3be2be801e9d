"""What gzip and xz make of a text: how well the model does beside what every machine has."""

from __future__ import annotations

import lzma
import zlib

from longhand.arrays import DoubleArray
from longhand.scoring.blocks import Block
from longhand.scoring.score import readable
from longhand.text.utf8 import utf8_bytes

GZIP = 31  # zlib's word for gzip's own frame, with the largest window


class Compressors:
    """Compress a text as it comes, in constant memory: with gzip -9 and xz -6, xz's own default."""

    def __init__(self) -> None:
        self._gzip, self._xz = zlib.compressobj(9, zlib.DEFLATED, GZIP), lzma.LZMACompressor(preset=6)
        self._sizes = [0, 0]

    def watch(self, block: Block, _bits: DoubleArray) -> None:
        """Take the next block of the text."""
        data = utf8_bytes(readable(block.text))
        self._sizes[0] += len(self._gzip.compress(data))
        self._sizes[1] += len(self._xz.compress(data))

    def bits(self) -> tuple[int, int]:
        """Return how many bits gzip and xz need for all of it."""
        self._sizes[0] += len(self._gzip.flush())
        self._sizes[1] += len(self._xz.flush())
        return 8 * self._sizes[0], 8 * self._sizes[1]
