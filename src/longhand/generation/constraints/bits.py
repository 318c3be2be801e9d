"""Sets of small numbers, kept as the bits of an integer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from longhand.arrays import BoolArray

Numbers = npt.NDArray[np.intp]


def members(bits: int) -> list[int]:
    """Return the numbers in a set, ascending."""
    numbers: list[int] = np.flatnonzero(as_mask(bits)).tolist()
    return numbers


def as_mask(bits: int, size: int = 0) -> BoolArray:
    """Return whether each number is in a set, for the first `size` numbers at least."""
    length = (max(bits.bit_length(), size) + 7) // 8
    return np.unpackbits(np.frombuffer(bits.to_bytes(length, "little"), np.uint8), bitorder="little").view(np.bool_)


def of_numbers(numbers: Numbers) -> int:
    """Return the set of some numbers."""
    if not len(numbers):
        return 0
    mask = np.zeros(int(numbers.max()) + 1, np.bool_)
    mask[numbers] = True
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def lowest(bits: int) -> int:
    """Return the smallest number in a set that is not empty."""
    return (bits & -bits).bit_length() - 1
