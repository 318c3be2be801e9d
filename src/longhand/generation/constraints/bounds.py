"""How large a shape may be: what it takes to prepare and to follow it grows faster than what it takes to ask for it."""

from __future__ import annotations

from typing import NamedTuple


class Bounds(NamedTuple):
    """The most of everything.

    - places, connections: of a pattern, repeats counted as often as they may occur, and what may follow what
    - combinations, steps: of a place and the states of the other rules, and from one to another
    - row_bytes: of the tables that say which token may follow where
    """

    places: int = 20_000
    connections: int = 2_000_000
    combinations: int = 300_000
    steps: int = 3_000_000
    row_bytes: int = 1 << 29


USUAL = Bounds()
