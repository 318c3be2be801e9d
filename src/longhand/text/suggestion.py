"""What a text's tokens had best be, with a reason, from counts of its characters."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from longhand.text.kinds import odd_ones
from longhand.text.points import CODE_POINTS, code_points, text_of

# Tokens. Bytes need no vocabulary: a network of 257 tokens takes many more steps than one of thousands. Where most
# characters are one byte that outweighs the longer text: LOG.md, "bytes or characters".
MOST_CHARACTERS = 30_000
SOME, RARE_SHARE, BYTES_A_CHARACTER = 200, 0.2, 1.5
MUCH_ODD = 0.01  # of the characters: no text but a format
LARGE, SPACED = 50_000_000, 0.08  # bytes, and spaces' share of the characters


@dataclass(frozen=True)
class Suggestion:
    """A value of a setting, and why.

    - setting: which one
    """

    value: str
    why: str
    setting: str = "tokens"


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

    def without_c1(self) -> CharacterCounts:
        """Return the counts without the controls U+0080 to U+009F, of which repaired text has none."""
        other = CharacterCounts()
        other.counts = self.counts.copy()
        other.counts[0x80:0xA0] = 0
        return other

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
