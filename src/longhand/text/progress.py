"""Telling how far the reading of a text has come: a large one takes minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

Told: TypeAlias = Callable[[str, float | None], None]
"""Is called now and then with what is done at the moment, and the share of it that is done, where that is known."""

PAUSE = 0.5  # seconds between two calls


def untold(what: str, share: float | None) -> None:
    """Tell nobody."""


def telling(pieces: Iterator[str], what: str, share: Callable[[int], float | None], tell: Told) -> Iterator[str]:
    """Yield `pieces` and tell how far they have come.

    - share: returns the share that is done once so many characters have gone by
    """
    done, due = 0, time.monotonic() + PAUSE
    for piece in pieces:
        yield piece
        done += len(piece)
        if time.monotonic() >= due:
            tell(what, share(done))
            due = time.monotonic() + PAUSE
