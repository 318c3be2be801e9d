"""The array types that the parts hand to each other."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
DoubleArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
TokenIds: TypeAlias = npt.NDArray[np.integer[Any]]
"""Token numbers of any integer type: a corpus keeps them in the smallest that holds its vocabulary."""


def smallest_type(count: int) -> type[np.unsignedinteger[Any]]:
    """Return the smallest unsigned type that can tell `count` things apart."""
    return np.uint8 if count <= 2**8 else np.uint16 if count <= 2**16 else np.uint32
