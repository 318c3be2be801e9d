"""Characters that a text should hardly have: those that nobody sees, that stand for nothing, or for what was lost."""

from __future__ import annotations

import unicodedata
from typing import Literal

from longhand.text.utf8 import REPLACEMENT

Kind = Literal["lost", "control", "invisible", "private", "unassigned"]
"""What is odd about a character.

- lost: U+FFFD, which programs write in place of what they cannot read
- control: a command to a terminal or printer, but for line end, tab and page break
- invisible: no width, or it turns the direction of writing
- private: its meaning is a private agreement
- unassigned: Unicode has none of that number, or keeps it from being a character
"""

WHITE = "\n\t\f"
JOINERS = "\u200c\u200d"  # invisible, but Persian, the scripts of India and emoji need them
_INVISIBLE = {
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028\u2029\u3164\ufeff\uffa0",
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2070)),
    *map(chr, range(0xFFF9, 0xFFFC)),
}
_NUMBERED = ("CJK UNIFIED", "CJK COMPATIBILITY IDEO", "HANGUL SYLLABLE")
_NAMES = {"\0": "NUL", "\a": "BELL", "\b": "BACKSPACE", "\t": "TAB", "\n": "LINE END", "\v": "LINE TABULATION"}
_NAMES |= {"\f": "PAGE BREAK", "\x1b": "ESCAPE", "\x7f": "DELETE", "\x85": "NEXT LINE"}
_PRINTABLE = {REPLACEMENT, *filter(str.isprintable, _INVISIBLE)}  # to Python, that is
_OF_CATEGORY: dict[str, Kind] = {"Cc": "control", "Co": "private", "Cn": "unassigned"}


def kind_of(character: str) -> Kind | None:
    """Return what is odd about a character; None for ordinary ones."""
    if character in WHITE:
        return None
    if character == REPLACEMENT:
        return "lost"
    if character in _INVISIBLE:
        return "invisible"
    return _OF_CATEGORY.get(unicodedata.category(character))


def odd_ones(characters: str) -> dict[Kind, str]:
    """Return the odd ones of some different characters, by their kind."""
    found: dict[Kind, str] = {}
    for character in characters:
        if (not character.isprintable() or character in _PRINTABLE) and (kind := kind_of(character)) is not None:
            found[kind] = found.get(kind, "") + character
    return found


def named(character: str) -> str:
    """Return a character's number and name: "U+00AD SOFT HYPHEN"; for a name that says no more, the character."""
    name = unicodedata.name(character, "")
    shown = character if name.startswith(_NUMBERED) else name or _NAMES.get(character, "")
    return f"U+{ord(character):04X} {shown}".rstrip()


def named_few(characters: str, most: int = 3) -> str:
    """Return the numbers and names of the first of some characters, and how many others there are."""
    more = len(characters) - most
    others = f" and {more:,} other{'s' * (more > 1)}" if more > 0 else ""
    return ", ".join(map(named, characters[:most])) + others
