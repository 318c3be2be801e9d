"""Prompts that end inside a word: all the ways in which the tokens of a longer word may begin.

A model knows each word by certain tokens. A prompt that stops in the middle of one has other tokens for its end, after
which the model has hardly ever seen the word go on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import AnyStr, Generic, Protocol

import numpy as np

from longhand.arrays import TokenIds

LONGEST = 100  # characters of a word that is still open; a longer one is taken as it is


@dataclass(frozen=True)
class Way:
    """One way to write a text that goes on: tokens that are read first, and those of which one comes next."""

    first: tuple[int, ...]
    next: TokenIds


class Beginnings(Protocol):
    """Knows the tokens that a text may begin with."""

    def open_end(self, text: str) -> str:
        """Return the end of `text` whose tokens may change by what follows; empty if there is none."""
        ...

    def ways(self, begun: str) -> list[Way]:
        """Return the ways to write a text that begins with `begun`, its open end; each one once, one at least."""
        ...


class Sorted(Generic[AnyStr]):
    """Finds pieces by what they begin with.

    - pieces: what each token stands for, as text or as bytes
    - first: the first token to be found; those before it stand for no text of their own
    """

    def __init__(self, pieces: Sequence[AnyStr], first: int = 0) -> None:
        self._order = sorted(range(first, len(pieces)), key=pieces.__getitem__)
        self._pieces: list[AnyStr] = [pieces[token] for token in self._order]

    def beginning_with(self, begun: AnyStr) -> list[int]:
        """Return the tokens whose pieces begin with `begun`, ascending."""
        first = last = bisect_left(self._pieces, begun)
        while last < len(self._pieces) and self._pieces[last].startswith(begun):
            last += 1
        return sorted(self._order[first:last])


def way(first: Sequence[int], next_: Sequence[int]) -> Way:
    """Return a way."""
    return Way(tuple(first), np.array(next_, np.int64))
