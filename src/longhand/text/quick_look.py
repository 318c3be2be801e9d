"""What may trip a training, found at next to no cost while its text is read; `longhand check` looks closer."""

from __future__ import annotations

from longhand.text.held_out_end import ADVICE, AlphabeticalOrder, Stretches, end_warning
from longhand.text.kinds import named_few, odd_ones
from longhand.text.points import text_of
from longhand.text.repeats import Repeats
from longhand.text.survey import Survey

LOOKED_AT, SOME = 16, 1 << 18  # one piece in so many, so many characters of it, are searched for lines that repeat
MOST_LINES = 2000  # of them, of which the order is looked at
MOST_WARNINGS = 3
MUCH_REPEATED, ENOUGH = 0.3, 50_000  # of the characters in the lines that were looked at, and how many there must be
MANY_DIFFERENT, TOO_RARE = 1000, 50  # characters, and how often one must occur in the mean
SHUFFLED = "documents in alphabetical order: they are learned in a shuffled one, and held out from all over it"
POINTER = "longhand check, with the same text, says where and what else"


class QuickLook:
    """Is shown a text, piece by piece, as it is surveyed."""

    def __init__(self) -> None:
        self._pieces = 0
        self._lines = Repeats()
        self.order, self.stretches = AlphabeticalOrder(), Stretches()

    def look(self, piece: str) -> None:
        """Take in a piece."""
        if self._pieces % LOOKED_AT == 0:
            lines = piece[:SOME].split("\n")
            self._lines.add(lines)
            self.order.add(lines[:MOST_LINES])
        self._pieces += 1

    def warnings(self, survey: Survey) -> list[str]:
        """Return what a person should know, a line each, the worst first; nothing for a plain text."""
        found = [*_of_characters(text_of(survey.met)), *_of_number(survey), *self._of_lines()][:MOST_WARNINGS]
        return [*found, *[POINTER] * bool(found)]

    def of_split(self, share: float, *, is_shuffled: bool) -> list[str]:
        """Return what to say of the part of the text that is held out.

        - share: of a running text, how much of its end
        - is_shuffled: whether documents are held out from all over the text, and the others shuffled
        """
        if is_shuffled:
            return [SHUFFLED] * self.order.is_sorted
        warning = end_warning(self.order, self.stretches, share)
        return [f"{warning}: {ADVICE}"] if warning else []

    def _of_lines(self) -> list[str]:
        lines = self._lines.repeated()
        if lines.characters < ENOUGH or lines.share < MUCH_REPEATED:
            return []
        return [f"{lines.share:.0%} of the text are lines that occurred before: what it learns best are these"]


def _of_characters(different: str) -> list[str]:
    odd = odd_ones(different)
    odd.pop("private", "")  # rare Chinese characters are often written so
    found = []
    if odd.pop("lost", ""):
        found.append(
            "U+FFFD in the text: it was read in the wrong encoding once, and what stood there is lost: "
            "make the text anew from its source"
        )
    if others := "".join(odd.values()):
        found.append(f"characters that nobody sees, and that the model will write too: {named_few(others)}")
    return found


def _of_number(survey: Survey) -> list[str]:
    different = len(survey.met)
    if different < MANY_DIFFERENT or survey.characters >= different * TOO_RARE:
        return []
    return [
        f"{different:,} different characters in {survey.characters:,}: most are too rare to be learned: take more text"
    ]
