"""What was measured, beside what it is held against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Figures:
    """Prints each figure as it comes, and keeps those that miss their bound."""

    def __init__(self) -> None:
        self.missed: list[str] = []
        self._part = ""

    def part(self, name: str, what: str) -> None:
        """Begin a part."""
        self._part = name
        print(f"{name}: {what}", flush=True)

    def tell(self, what: str, said: str) -> None:
        """Print a figure that has no bound."""
        print(f"    {what:46} {said}", flush=True)

    def hold(
        self, what: str, value: float, *, least: float | None = None, most: float | None = None, unit: str = ""
    ) -> None:
        """Print a figure and its bound: `least` is still good, `most` is too much already."""
        holds = (least is None or value >= least) and (most is None or value < most)
        bound = f"at least {least:g}" if least is not None else f"under {most:g}"
        if not holds:
            self.missed.append(f"{self._part}: {what}: {value:,.4g} {unit}, expected {bound}")
        print(f"    {what:46} {value:,.4g} {unit}   ({bound}: {'holds' if holds else 'MISSED'})", flush=True)

    def expect(self, what: str, holds: bool, found: str = "") -> None:
        """Print whether something is so that has to be."""
        if not holds:
            self.missed.append(f"{self._part}: {what} {found}".rstrip())
        print(f"    {what:46} {'yes' if holds else 'NO'} {found}".rstrip(), flush=True)


def milliseconds(seconds: Sequence[float]) -> str:
    """Return the middle, the 99th percentile and the longest of some times."""
    if not seconds:
        return "none"
    middle, late = np.percentile(seconds, [50, 99]) * 1000
    return f"median {middle:,.1f} ms, p99 {late:,.1f} ms, longest {max(seconds) * 1000:,.1f} ms ({len(seconds):,})"


def late(seconds: Sequence[float]) -> float:
    """Return the 99th percentile, in milliseconds; no times at all are infinitely late."""
    return float(np.percentile(seconds, 99)) * 1000 if seconds else float("inf")
