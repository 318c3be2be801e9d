"""Memory as the parts in C want it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

LINE = 64  # bytes of a cache's line
LARGE_PAGE = 2**21  # bytes; NumPy asks Linux for such pages where an array is large, and they only fit whole


def aligned(shape: tuple[int, ...], kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return an array of zeros that begins with a line of the cache, as the kernel's vectors must, or a large page."""
    kind = np.dtype(kind)
    size = math.prod(shape) * kind.itemsize
    boundary = LARGE_PAGE if size >= LARGE_PAGE else LINE
    room = np.empty(size + boundary, np.uint8)  # not np.zeros, for which older NumPys ask for no large pages
    room[:] = 0
    start = -room.ctypes.data % boundary
    return room[start : start + size].view(kind).reshape(shape)
