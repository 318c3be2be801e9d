"""Characters as numbers: the code points of a text, as an array, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from longhand.arrays import TokenIds

CODE_POINTS = 0x110000

CodePoints = npt.NDArray[np.uint32]


def code_points(text: str) -> CodePoints:
    """Return the code points of `text`, (characters,); lone surrogates pass through."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def utf8_sizes(text: str) -> TokenIds:
    """Return how many bytes of UTF-8 each character of `text` is, (characters,)."""
    points = code_points(text)
    sizes = np.ones(len(points), np.int32)
    for first in (0x80, 0x800, 0x10000):
        sizes += points >= first
    return sizes


def text_of(points: npt.NDArray[np.unsignedinteger[Any]]) -> str:
    """Return the text of code points, (characters,)."""
    return points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
