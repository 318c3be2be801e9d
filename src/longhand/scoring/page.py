"""A page that shows a text tinted by surprise, and its score beside those of others."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from longhand.arrays import DoubleArray
from longhand.pages.letters import visible
from longhand.pages.rendering import rendered
from longhand.scoring.blocks import Block
from longhand.scoring.passages import Passage
from longhand.scoring.score import Score

MOST_SHOWN = 60_000  # characters
TINTS = (0.5, 1, 2, 3, 4, 6, 8, 10, 13)  # bits from which each tint is
FRACTIONS = 16  # of a bit, that the page's script is told


@dataclass(frozen=True)
class Row:
    """What needs how many bits for a byte; `own`: whether it is the model."""

    name: str
    bits: float
    own: bool = False
    share: float = 0.0


@dataclass(frozen=True)
class Line:
    """A line of the text: where it begins, in characters, and its stretches of one tint each."""

    begin: int
    runs: list[tuple[int, str]]


class Beginning:
    """Keeps the beginning of a text as it comes, as much as a page shows."""

    def __init__(self) -> None:
        self._text, self._bits = "", np.zeros(0)

    def watch(self, block: Block, bits: DoubleArray) -> None:
        """Take the next block of the text."""
        left = MOST_SHOWN - len(self._text)
        if left > 0:
            self._text += visible(block.readable[:left])
            self._bits = np.concatenate([self._bits, block.character_bits(bits)[:left]])

    @property
    def characters(self) -> int:
        """How many characters are kept."""
        return len(self._text)

    def coded(self) -> str:
        """Return the bits of each character, as the page's script reads them."""
        numbers = np.minimum(np.rint(self._bits * FRACTIONS), 2**16 - 1).astype("<u2")
        return base64.b64encode(numbers.tobytes()).decode("ascii")

    def lines(self) -> list[Line]:
        """Return the lines with their tints; their ends are left out."""
        tints, found, begin = np.searchsorted(TINTS, self._bits, side="right").tolist(), [], 0
        for line in self._text.split("\n"):
            runs: list[tuple[int, str]] = []
            for letter, tint in zip(line, tints[begin : begin + len(line)], strict=True):
                if runs and runs[-1][0] == tint:
                    runs[-1] = (tint, runs[-1][1] + letter)
                else:
                    runs.append((tint, letter))
            found.append(Line(begin, runs))
            begin += len(line) + 1
        return found


def score_page(
    score: Score,
    beginning: Beginning,
    worst: Sequence[Passage],
    rows: Sequence[Row],
    *,
    model: str,
    names: str,
    token: str,
    improved: str,
) -> str:
    """Return the page.

    - rows: what needs how many bits for a byte of the text, the model among it
    - model, names: what the model and the text are called
    - token: what a token of the model is called
    - improved: what was done beyond predicting, in words; empty if nothing
    """
    most = max(row.bits for row in rows)
    return rendered(
        "scoring",
        {"bits": "{:.3f}".format, "count": "{:,}".format, "few": few},
        score=score,
        unadapted=None if score.unadapted is None else score.unadapted / score.characters,
        worst=[replace(passage, text=visible(passage.text)) for passage in worst],
        rows=[Row(visible(row.name), row.bits, row.own, row.bits / most if most else 0.0) for row in rows],
        lines=beginning.lines(),
        coded=beginning.coded(),
        shown=beginning.characters,
        model=visible(model),
        names=visible(names),
        token=token,
        improved=improved,
    )


def few(value: float) -> str:
    """Return a perplexity as people read it."""
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}" if value < 1e9 else f"{value:.3g}"
