"""What a text's tokens and documents had best be, with a reason: from counts of its characters, and from a sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median, quantiles

import numpy as np
import numpy.typing as npt

from longhand.text.documents import BLANK, FILE, LINE, NONE
from longhand.text.kinds import odd_ones
from longhand.text.points import CODE_POINTS, code_points, text_of

# Tokens. Bytes need no vocabulary: a network of 257 tokens takes many more steps than one of thousands. Where most
# characters are one byte that outweighs the longer text: LOG.md, "bytes or characters".
MOST_CHARACTERS = 30_000
SOME, RARE_SHARE, BYTES_A_CHARACTER = 200, 0.2, 1.5
MUCH_ODD = 0.01  # of the characters: no text but a format
LARGE, SPACED = 50_000_000, 0.08  # bytes, and spaces' share of the characters
# Documents.
FEW_LINES, SHORT_LINE, LONG_LINE, MOST_BLANK = 20, 40, 300, 0.02
MOST_GOING_ON, FULL, FULL_LINES = 0.15, 0.75, 0.3
FEW_BLOCKS, SHORT_BLOCK, LONG_BLOCK, ALIKE = 20, 20, 5000, 2.0
FEW_FILES, SHORT_FILE = 20, 50_000
_GOES_ON = re.compile(r"[,;:\-–—、，；：]$")  # noqa: RUF001 (they are meant)
_SEVERAL_WORDS = re.compile(r"\S+\s+\S+\s+\S")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")


@dataclass(frozen=True)
class Suggestion:
    """A value of a setting, and why."""

    value: str
    why: str


class CharacterCounts:
    """How often each character occurs in a text."""

    def __init__(self) -> None:
        self.counts = np.zeros(CODE_POINTS, np.int64)

    def add(self, text: str) -> npt.NDArray[np.int64]:
        """Count the characters of a piece; return their counts alone, as far as the highest code point."""
        counts = np.bincount(code_points(text))
        self.counts[: len(counts)] += counts
        return counts

    @property
    def different(self) -> str:
        """The different characters, sorted."""
        return text_of(np.flatnonzero(self.counts).astype(np.uint32))

    @property
    def characters(self) -> int:
        """How many there are in all."""
        return int(self.counts.sum())

    @property
    def size(self) -> int:
        """Bytes of the text in UTF-8."""
        more = [int(self.counts[first:].sum()) for first in (0x80, 0x800, 0x10000)]
        return self.characters + sum(more)

    def of(self, characters: str) -> int:
        """Return how often some characters occur in all."""
        return int(self.counts[code_points(characters)].sum())


def suggested_tokens(counts: CharacterCounts) -> Suggestion:
    """Return what the tokens of a text had best be: "char", "byte" or "bpe"."""
    characters, size = max(counts.characters, 1), counts.size
    present = counts.counts[counts.counts > 0]
    different, once = len(present), int((present == 1).sum())
    if different > MOST_CHARACTERS:
        return Suggestion("byte", f"{different:,} different characters, most of them too rare to be learned")
    if (odd := counts.of(_of_formats(counts.different)) / characters) > MUCH_ODD:
        return Suggestion("byte", f"{odd:.0%} of the characters are none that a text has: a format rather than a text")
    if different >= SOME and once >= RARE_SHARE * different and size <= BYTES_A_CHARACTER * characters:
        why = f"{once:,} of the {different:,} different characters occur only once, and most others are one byte"
        return Suggestion("byte", why)
    if size > LARGE and counts.of(" ") >= SPACED * characters:
        if find_spec("tokenizers") is not None:
            return Suggestion(
                "bpe", f"{size / 1e6:,.0f} MB of words with spaces between them: parts of words read more"
            )
        why = f"bpe would read more of {size / 1e6:,.0f} MB in the same time, but needs pip install 'longhand[bpe]'"
        return Suggestion("char", why)
    longer = f": as bytes, the text would be {size / characters:.1f} times as long"
    return Suggestion("char", f"{different:,} different characters{longer * (size > BYTES_A_CHARACTER * characters)}")


def _of_formats(different: str) -> str:
    """Return the characters that only formats have: controls that are no white space, and unassigned ones."""
    odd = odd_ones(different)
    return "".join(one for one in odd.get("control", "") + odd.get("unassigned", "") if not one.isspace())


def suggested_documents(sample: str, files: Sequence[int] = ()) -> Suggestion:
    """Return what the documents of a text had best be: "line", "blank", "file" or "none".

    - sample: of the text, whole lines
    - files: the sizes of its files, in bytes
    """
    if len(files) >= FEW_FILES and (size := median(files)) <= SHORT_FILE:
        return Suggestion(FILE, f"{len(files):,} files, half of them up to {size:,.0f} bytes")
    lines = [line for line in sample.split("\n") if line.strip()]
    if len(lines) < FEW_LINES:
        return Suggestion(NONE, "too few lines to see documents in them")
    if sum(line[0] in " \t" for line in lines) > MOST_GOING_ON * len(lines):
        return Suggestion(NONE, "indented lines, which belong to those before them")
    blank = len(_BLANK_LINES.findall(sample.strip("\n"))) / len(lines)
    if blank <= MOST_BLANK:
        return _of_lines(lines)
    blocks = [len(block) for block in _BLANK_LINES.split(sample) if block.strip()][1:-1]  # whole ones
    if len(blocks) < FEW_BLOCKS:
        return Suggestion(NONE, "one text, with a blank line now and then")
    lower, middle, upper = quantiles(blocks, n=4)
    between = f"half of them {lower:,.0f} to {upper:,.0f} characters"
    if SHORT_BLOCK <= middle <= LONG_BLOCK and upper <= ALIKE * lower:
        return Suggestion(BLANK, f"blank lines part blocks of similar length, {between}")
    return Suggestion(NONE, f"blank lines part blocks of very different length, {between}: they may belong together")


def _of_lines(lines: list[str]) -> Suggestion:
    """Return what lines are between which there are next to no blank ones."""
    lengths = sorted(map(len, lines))
    long = lengths[len(lengths) * 95 // 100]
    if long > LONG_LINE:
        return Suggestion(NONE, f"lines of up to {long:,} characters and more, too long to be documents")
    if sum(bool(_GOES_ON.search(line.rstrip())) for line in lines) > MOST_GOING_ON * len(lines):
        return Suggestion(NONE, "lines go on in the next ones")
    if long >= SHORT_LINE and median(lengths) >= FULL * long and _wrapped(lines):
        return Suggestion(NONE, "lines are filled and go on in the next ones, as prose does")
    return Suggestion(LINE, f"short lines, half of them up to {median(lengths):,.0f} characters, that each begin anew")


def _wrapped(lines: list[str]) -> bool:
    """Whether lines that are all about as long are those of prose: many begin inside a sentence, or have no case."""
    cased = [line for line in lines if line.lower() != line.upper()]
    if 2 * len(cased) < len(lines):
        return True
    begun = sum(line[0].islower() and bool(_SEVERAL_WORDS.match(line)) for line in cased)
    return begun > FULL_LINES * len(lines)
