"""Where a text ends by what it says: before a string, or after its first line or sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from longhand.text.sentences import CONTEXT, LONGEST_LOOK, sentence_end, undecided_end

LONGEST_STOP = 2 * LONGEST_LOOK  # characters of full stops, quotes and what follows them that are waited for
_LINE = re.compile(r"\n*[^\n]+(?=\n)")  # line ends before it do not count

Until = Literal["sentence", "line", "document"]


class _Begun:
    """How much of a stop string the end of a text is, at most, as it comes (Knuth, Morris and Pratt, 1977)."""

    def __init__(self, stop: str) -> None:
        self._stop, self.length = stop, 0
        self._shorter = [0] * len(stop)  # of each beginning, how long the longest other one is that it ends with
        length = 0
        for place in range(1, len(stop)):
            while length and stop[place] != stop[length]:
                length = self._shorter[length - 1]
            length += stop[place] == stop[length]
            self._shorter[place] = length

    def feed(self, text: str) -> None:
        """Go on with a text."""
        stop, length = self._stop, self.length
        for letter in text:
            while length and (length == len(stop) or stop[length] != letter):
                length = self._shorter[length - 1]
            length += stop[length] == letter
        self.length = length


class Endings:
    """Takes a text as it comes and gives it on, but for what may be the beginning of a stop string.

    - stop: strings before which the text ends; that which begins first counts
    - until: "line" ends before the line end, "sentence" after the signs that end it (`longhand.text.sentences`), which
      is known once the next letter has come
    """

    def __init__(self, stop: Sequence[str] = (), until: Until | None = None) -> None:
        self._stop, self._until = stop, until
        self._begun = [_Begun(each) for each in stop]
        self.held, self.why = "", ""
        self.inside = False  # whether the line has begun
        self.tail = ""  # what `rest` gave
        self._before = ""  # the last characters that were given, as far as they may have a say in what ends
        self._printed = 0  # of what is held, how many characters were given before

    def feed(self, text: str) -> tuple[str, bool]:
        """Return what the text has become longer by, and whether it has ended, for which `why` says the reason.

        Then `held` is what came behind its end, and behind the stop string.
        """
        self.held += text
        for one in self._begun:
            one.feed(text)
        ends = [(found, len(stop), "stop") for stop in self._stop if (found := self.held.find(stop)) >= 0]
        if self._until is not None and (end := self._end_of_unit()) is not None:
            ends.append((end, 0, self._until))
        if not ends:
            return self._given(len(self.held) - self._may_begin()), False
        place, stop, self.why = min(ends)
        text = self._given(place)
        self.held = self.held[stop:]
        return text, True

    def rest(self) -> str:
        """Return what was held back: nothing more comes."""
        self.tail = self.held
        return self._given(len(self.held))

    def go_on(self, tail: str, inside: bool) -> None:
        """Go on where others ended: after their `tail`, which they gave already, and `inside` a line or not."""
        self.held, self._printed, self.inside = tail, len(tail), inside
        self._before = "x" if inside else ""  # some letter: which one it was is not known
        for one in self._begun:
            one.feed(tail)

    def _given(self, count: int) -> str:
        given, self.held = self.held[:count], self.held[count:]
        self.inside = self.inside or given.strip("\n") != ""
        self._before = (self._before + given)[-CONTEXT:]
        printed, self._printed = self._printed, max(self._printed - count, 0)
        return given[printed:]

    def _end_of_unit(self) -> int | None:
        if self._until == "line":
            if self.inside:
                return place if (place := self.held.find("\n")) >= 0 else None
            found = _LINE.match(self.held)
        elif self._until == "sentence":
            end = sentence_end(self._before + self.held, len(self._before))
            return None if end is None else end - len(self._before)
        else:
            return None
        return found.end() if found else None

    def _may_begin(self) -> int:
        """Return how many characters at the end may belong to what ends the text."""
        most = max((one.length for one in self._begun), default=0)
        if self._until == "sentence":
            most = max(most, min(undecided_end(self.held), LONGEST_STOP))
        return most
