"""What occurs more than once in a text, of lines or documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from longhand.arrays import BoolArray

MOST = 1 << 23  # lines or documents that are remembered, 12 bytes each


@dataclass(frozen=True)
class Repeated:
    """How much of a text has occurred in it before.

    - parts, characters: lines or documents that are not empty, and their length
    - repeated, repeated_characters: those of them that have occurred before
    """

    parts: int
    repeated: int
    characters: int
    repeated_characters: int

    @property
    def share(self) -> float:
        """Which share of the characters has occurred before."""
        return self.repeated_characters / max(self.characters, 1)


class Repeats:
    """Remembers lines or documents by their hashes, the first `MOST` of them."""

    def __init__(self) -> None:
        self._hashes: list[npt.NDArray[np.int64]] = []
        self._lengths: list[npt.NDArray[np.uint32]] = []
        self.seen = 0

    @property
    def full(self) -> bool:
        """Whether there were more than can be remembered."""
        return self.seen >= MOST

    def add(self, parts: Sequence[str]) -> npt.NDArray[np.uint32]:
        """Take in lines or documents, in the order of the text; return their lengths, (parts,)."""
        lengths = np.fromiter(map(len, parts), np.uint32, len(parts))
        parts = parts[: max(MOST - self.seen, 0)]
        self._hashes.append(np.fromiter(map(hash, parts), np.int64, len(parts)))
        self._lengths.append(lengths[: len(parts)])
        self.seen += len(parts)
        return lengths

    def repeated(self) -> Repeated:
        """Return how much has occurred before."""
        hashes, lengths = self._filled()
        again = _again(hashes)
        return Repeated(len(hashes), int(again.sum()), int(lengths.sum()), int(lengths[again].sum()))

    def counts(self, parts: Sequence[str]) -> list[int]:
        """Return how often each of some lines or documents occurs."""
        hashes = np.sort(self._filled()[0])
        wanted = np.array([hash(part) for part in parts], np.int64)
        ends = np.searchsorted(hashes, wanted, "right") - np.searchsorted(hashes, wanted, "left")
        return [int(count) for count in ends]

    def held_out(self, which: BoolArray) -> tuple[int, int]:
        """Return how many are held out, and how many of these occur among the others.

        - which: those that are, of all that are not empty
        """
        hashes = self._filled()[0]
        held_out = np.zeros(len(hashes), np.bool_)
        held_out[: len(which)] = which[: len(hashes)]
        return int(held_out.sum()), int(np.isin(hashes[held_out], hashes[~held_out]).sum())

    def _filled(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
        hashes = np.concatenate([np.zeros(0, np.int64), *self._hashes])
        lengths = np.concatenate([np.zeros(0, np.uint32), *self._lengths])
        return hashes[lengths > 0], lengths[lengths > 0]


def _again(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which hashes have occurred before, (hashes,)."""
    order = np.argsort(hashes, kind="stable")
    again = np.zeros(len(hashes), np.bool_)
    again[order[1:]] = hashes[order[1:]] == hashes[order[:-1]]
    return again
