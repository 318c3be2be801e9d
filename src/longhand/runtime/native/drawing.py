"""How tokens are drawn, laid out for the kernel's drawing.h."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from longhand.arrays import TokenIds
from longhand.runtime.native.library import SAMPLING
from longhand.runtime.session import Drawing, Guide

NOBODY = -1  # in place of a token before a text's beginning


def drawn_how(drawings: Sequence[Drawing], recent: Sequence[TokenIds] | None, size: int) -> dict[str, Any]:
    """Return the arrays of a task that say how each stream's tokens are drawn.

    - recent: of each stream the tokens before, as far as its penalties look back
    - size: of the vocabulary

    Raises `ValueError` for tokens that there are not, or where none is left.
    """
    rows: dict[int, tuple[float, ...]] = {}  # by drawing: those that texts share are laid out once
    changes = []
    count = 0
    for drawing in drawings:
        if id(drawing) in rows:
            continue
        if len(set(drawing.never)) == size:
            raise ValueError("all tokens are never drawn, expected not all")
        changes.append(drawing.changes)
        numbers = (drawing.heat, drawing.top_p, drawing.min_p, drawing.typical)
        penalties = (drawing.repetition, drawing.frequency, drawing.presence)
        size_of_it = len(drawing.changes[0])
        rows[id(drawing)] = (*numbers, *penalties, drawing.top_k, drawing.looks_back, count, size_of_it)
        count += size_of_it
    biased, bias = (np.concatenate([part[which] for part in changes]) for which in (0, 1))
    most = max((drawing.looks_back for drawing in drawings), default=0)
    before = np.full((len(drawings), most), NOBODY, np.int32)
    for row, tokens in zip(before, recent or (), strict=recent is not None):
        row[most - min(most, len(tokens)) :] = tokens[max(0, len(tokens) - most) :]
    for name, some in (("never drawn or biased", biased), ("recent", before)):
        if some.size and not (NOBODY if some is before else 0) <= some.min() <= some.max() < size:
            raise ValueError(f"{name}: {some.min()} to {some.max()}, expected some of 0 to {size - 1}")
    return {
        "sampling": np.array([rows[id(drawing)] for drawing in drawings], SAMPLING),
        "biased": biased.astype(np.int32),
        "bias": bias.astype(np.float32),
        "recent": before,
    }


def guided_by(guides: Sequence[tuple[Guide, int] | None]) -> tuple[dict[str, Any], list[npt.NDArray[np.uintp] | None]]:
    """Return the arrays of a task that say what may come in each stream's text.

    With them come the tables that they point to: hold them until the call returns, for a guide that grows meanwhile
    drops its own.

    Raises what the guides do where a row cannot be made.
    """
    for each in guides:
        if each is not None:
            each[0].row(each[1])
    tables = [None if each is None else each[0].addresses for each in guides]
    arrays = {
        "guides": np.array([0 if table is None else table.ctypes.data for table in tables], np.uintp),
        "known": np.array([0 if table is None else len(table) for table in tables], np.int64),
        "at": np.array([0 if each is None else each[1] for each in guides], np.int32),
    }
    return arrays, tables
