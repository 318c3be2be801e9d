"""Where a text surprises a model: its least expected passages, and every character with its bits."""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass
from typing import IO

import msgspec
import numpy as np

from longhand.arrays import DoubleArray
from longhand.scoring.blocks import Block

LONGEST = 160  # characters of a passage; longer lines are cut
LINES = re.compile(r"[^\n]*\n|[^\n]+")
OF_SHORT = 20  # characters that a passage has to have beside its own: a few rare ones make no passage
RANKED_BY = f"bits / (characters + {OF_SHORT})"


@dataclass(frozen=True, order=True)
class Passage:
    """A line of a text, or a part of a long one.

    - weight: what passages are ranked by: its bits, shared out among its characters and some more
    - begin: where it begins, in characters from the beginning of the text, from 0
    - line: of the text, from 1
    - bits: of each character, in the mean
    """

    weight: float
    begin: int
    line: int
    bits: float
    text: str


class Worst:
    """Keeps the `count` least expected passages of a text as it comes."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._found: list[Passage] = []
        self._text, self._bits = "", np.zeros(0)  # of a line that goes on in the next block
        self._begin, self._line = 0, 1

    def watch(self, block: Block, bits: DoubleArray) -> None:
        """Take the next block of the text."""
        self._text += block.readable
        self._bits = np.concatenate([self._bits, block.character_bits(bits)])
        end = self._text.rfind("\n") + 1 or max(0, len(self._text) - LONGEST)
        self._look(end)

    def passages(self) -> list[Passage]:
        """Return the least expected passages of all of it, the worst first."""
        self._look(len(self._text))
        return sorted(self._found, reverse=True)

    def _look(self, end: int) -> None:
        until, place = np.concatenate([[0.0], np.cumsum(self._bits)]), 0
        for line in LINES.findall(self._text[:end]):
            for begin in range(place, place + len(line), LONGEST):
                stop = min(begin + LONGEST, place + len(line))
                self._rank(begin, stop, float(until[stop] - until[begin]))
            place += len(line)
            self._line += line.endswith("\n")
        self._text, self._bits, self._begin = self._text[end:], self._bits[end:], self._begin + end

    def _rank(self, begin: int, stop: int, bits: float) -> None:
        text = self._text[begin:stop]
        if not text.strip():
            return
        weight = bits / (len(text) + OF_SHORT)
        found = Passage(weight, self._begin + begin, self._line, bits / len(text), text.rstrip("\n"))
        if len(self._found) < self._count:
            heapq.heappush(self._found, found)
        elif self._found and self._found[0] < found:
            heapq.heapreplace(self._found, found)


class CharacterLines:
    """Writes a line of JSON for every character of a text as it comes: what it is, and its bits."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def watch(self, block: Block, bits: DoubleArray) -> None:
        """Take the next block of the text."""
        each = zip(block.readable, block.character_bits(bits).round(6).tolist(), strict=True)
        lines = (msgspec.json.encode({"character": _escaped(letter), "bits": value}) for letter, value in each)
        self._file.write(b"\n".join(lines) + b"\n")


def _escaped(letter: str) -> str:
    """Return a character as JSON can have it: a lone surrogate as the replacement character."""
    return "\N{REPLACEMENT CHARACTER}" if "\ud800" <= letter <= "\udfff" else letter
