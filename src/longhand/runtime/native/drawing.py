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
    rows: list[tuple[float, ...]] = []
    biased: list[int] = []
    bias: list[float] = []
    for drawing in drawings:
        first = len(biased)
        never = sorted(set(drawing.never))
        listed = [*never, *(token for token, _ in drawing.bias)]
        if listed and not 0 <= min(listed) <= max(listed) < size:
            raise ValueError(f"never drawn or biased: {min(listed)} to {max(listed)}, expected some of 0 to {size - 1}")
        if len(never) == size:
            raise ValueError("all tokens are never drawn, expected not all")
        biased += [token for token, _ in drawing.bias] + never
        bias += [value for _, value in drawing.bias] + [-np.inf] * len(never)
        numbers = (drawing.heat, drawing.top_p, drawing.min_p, drawing.typical)
        penalties = (drawing.repetition, drawing.frequency, drawing.presence)
        rows.append((*numbers, *penalties, drawing.top_k, drawing.looks_back, first, len(biased) - first))
    most = max((drawing.looks_back for drawing in drawings), default=0)
    before = np.full((len(drawings), most), NOBODY, np.int32)
    for row, tokens in zip(before, recent or (), strict=recent is not None):
        row[most - min(most, len(tokens)) :] = tokens[max(0, len(tokens) - most) :]
    if before.size and not NOBODY <= before.min() <= before.max() < size:
        raise ValueError(f"recent: {before.min()} to {before.max()}, expected some of 0 to {size - 1}")
    return {
        "sampling": np.array(rows, SAMPLING),
        "biased": np.array(biased, np.int32),
        "bias": np.array(bias, np.float32),
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
