"""Characters that a page cannot show as they are."""

from __future__ import annotations

import unicodedata

KEPT = "\n\t\N{SOFT HYPHEN}\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
KEPT += "\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ARABIC LETTER MARK}\N{MONGOLIAN VOWEL SEPARATOR}"
KEPT += "".join(map(chr, range(0xE0020, 0xE0080)))  # tags: flags of emoji
"""Characters that scripts or emoji need, and that do nothing but what they are for."""


def visible(text: str) -> str:
    """Return a text whose control characters can be seen and do nothing, character by character.

    Halves of characters, and what turns the direction of what follows, count as control characters.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(letter: str) -> str:
    if letter.isprintable() or letter in KEPT:
        return letter
    if letter < " ":
        return chr(0x2400 + ord(letter))  # its picture, as in ␀
    if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return "\N{REPLACEMENT CHARACTER}"
    return letter
