"""The lines of a text: how long, how alike, in which order."""

from __future__ import annotations

from collections import Counter

import numpy as np

from longhand.checking.characters import Places
from longhand.checking.finding import Finding
from longhand.text.held_out_end import AlphabeticalOrder
from longhand.text.repeats import Repeats

LONGEST_KEPT = 1 << 20  # characters of a line that are compared with others
MOST_COUNTED, SHORT = 300_000, 300  # different lines that are counted one by one, and how long at most
MOST_EXAMPLES = 3
LONG = 20_000  # characters of a line, from which on it is worth saying
MUCH_REPEATED = 0.3  # of the characters


class Lines:
    """Is given a text, piece by piece.

    - done: line ends so far
    - blank, tabs, trailing: empty lines, tabs, lines that end with spaces or tabs
    - longest, longest_line: the length of the longest line, and which it is; the first is 0
    """

    def __init__(self) -> None:
        self.done = self.blank = self.tabs = self.trailing = self.longest = self.longest_line = 0
        self.repeats = Repeats()
        self._open, self._more, self._last = "", 0, ""
        self._frequent: Counter[str] = Counter()
        self._unended = 0
        self.order = AlphabeticalOrder()

    def add(self, piece: str) -> None:
        """Take in a piece."""
        self.tabs += piece.count("\t")
        self.trailing += piece.count(" \n") + piece.count("\t\n")
        self.trailing += self._last in (" ", "\t") and piece.startswith("\n")
        self._last = piece[-1:]
        *whole, rest = piece.split("\n")
        if whole:
            whole[0] = self._open + whole[0]
            self._take(whole, self._more)
            self._open, self._more = "", 0
        kept = max(LONGEST_KEPT - len(self._open), 0)
        self._open, self._more = self._open + rest[:kept], self._more + len(rest[kept:])

    def end(self) -> None:
        """Take in a last line that has no end."""
        if self._open:
            self._take([self._open], self._more)
            self.done -= 1
            self._unended, self._open = 1, ""

    def _take(self, lines: list[str], more: int) -> None:
        """Take in whole lines.

        - more: characters of the first one that were not kept
        """
        lengths = self.repeats.add(lines).astype(np.int64)
        lengths[0] += more
        longest = int(lengths.argmax())
        if lengths[longest] > self.longest:
            self.longest, self.longest_line = int(lengths[longest]), self.done + longest
        self.blank += int((lengths == 0).sum())
        self._frequent.update(lines if self.longest <= SHORT else [line for line in lines if len(line) <= SHORT])
        if len(self._frequent) > MOST_COUNTED:
            self._frequent = Counter(dict(self._frequent.most_common(MOST_COUNTED // 3)))
        self.order.add(lines)
        self.done += len(lines)

    @property
    def most_frequent(self) -> list[tuple[str, int]]:
        """The lines that make most of what repeats, and how often each occurs."""
        often = sorted(self._frequent.items(), key=lambda item: len(item[0]) * (item[1] - 1), reverse=True)
        lines = [line for line, count in often[:MOST_EXAMPLES] if count > 1 and line.strip()]
        return list(zip(lines, self.repeats.counts(lines), strict=True))

    @property
    def count(self) -> int:
        """How many lines there are, a last one without an end included."""
        return self.done + self._unended

    def findings(self, place: Places) -> list[Finding]:
        """Return what a person should know."""
        found, repeated = [], self.repeats.repeated()
        if repeated.share >= MUCH_REPEATED:
            again = f"{repeated.share:.0%} of the characters are in lines that occurred before"
            found.append(Finding("harms", "repeated-lines", again, "what is learned best are these: keep one of each"))
        if self.longest >= LONG:
            long = f"a line of {self.longest:,} characters, {place(self.longest_line)}"
            found.append(Finding("know", "long-line", long, "is it one? --documents line would take it whole"))
        return found
