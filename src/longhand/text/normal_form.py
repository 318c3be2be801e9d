"""A text in one of Unicode's normal forms, made as it comes: what normalising the whole of it at once would give.

What a character becomes depends on those before it back to one at which nothing joins: there a text can be cut (Unicode
Standard Annex 15, "Concatenation of Normalized Strings").
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from longhand.units import NormalForm

ALL_BEGIN = "\N{COMBINING GRAVE ACCENT}"  # what comes before it in Unicode never joins what is before it in a text
PLACES, WATCHED = 16, 1 << 12  # of each piece, and characters there, so that it costs next to nothing
HANGUL_PARTS = [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]  # the vowels and last consonants of syllables


class Normalizer:
    """Brings texts into a normal form.

    - more: how many characters the texts have got by it, below 0 where they have lost some
    - changed: whether anything was changed
    """

    def __init__(self, form: NormalForm) -> None:
        self._form = form
        self.more = 0
        self.changed = False

    def pieces(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield a text in the normal form, in pieces."""
        begun: list[str] = []
        for piece in pieces:
            cut = last_beginning(piece, self._form)
            if cut < 0:
                begun.append(piece)
                continue
            if whole := self.whole("".join([*begun, piece[:cut]])):
                yield whole
            begun = [piece[cut:]]
        if whole := self.whole("".join(begun)):
            yield whole

    def whole(self, text: str) -> str:
        """Return a whole text in the normal form."""
        normal = unicodedata.normalize(self._form, text)
        self.more += len(normal) - len(text)
        self.changed = self.changed or normal != text
        return normal


class FormWatch:
    """Is shown a text, piece by piece, and tells which normal form it is in; it looks at places all over each."""

    def __init__(self) -> None:
        self._forms: list[NormalForm] = ["NFC", "NFD"]

    def look(self, piece: str) -> None:
        """Take in a piece."""
        if not piece.isascii():
            step = max(len(piece) // PLACES, 1)
            parts = [piece[place : place + WATCHED] for place in range(0, len(piece), max(step, WATCHED))]
            self._forms = [form for form in self._forms if all(unicodedata.is_normalized(form, part) for part in parts)]

    @property
    def form(self) -> NormalForm | None:
        """The form of what was shown; NFC where it is in both, as ASCII is; None where it is in neither."""
        return self._forms[0] if self._forms else None


def form_of_vocabulary(characters: str) -> NormalForm | None:
    """Return the normal form that any text of these characters is in, if there is one: NFC, or NFD."""
    if all(unicodedata.is_normalized("NFC", one) and _begins(one, "NFC") for one in characters):
        return "NFC"
    accents = any("\u0300" <= one <= "\u036f" for one in characters)
    return "NFD" if accents and all(unicodedata.is_normalized("NFD", one) for one in characters) else None


def last_beginning(text: str, form: NormalForm) -> int:
    """Return the place of the last character of `text` that never joins what is before it; -1 where all may."""
    return next((place for place in range(len(text) - 1, -1, -1) if _begins(text[place], form)), -1)


@cache
def _begins(character: str, form: NormalForm) -> bool:
    if character < ALL_BEGIN:
        return True
    first = unicodedata.normalize("NFKD" if "K" in form else "NFD", character)[0]
    return unicodedata.combining(first) == 0 and first not in _joining()


@cache
def _joining() -> frozenset[str]:
    """Return the characters that become one with the one before them."""
    parts = (unicodedata.decomposition(chr(point)).split() for point in range(sys.maxunicode + 1))
    seconds = {int(part[1], 16) for part in parts if len(part) == 2 and not part[0].startswith("<")}
    return frozenset(map(chr, [*seconds, *HANGUL_PARTS]))
