"""Characters that a text should hardly have: those that nobody sees, that stand for nothing, or for what was lost.

What nobody sees may be needed: joiners in Persian, the scripts of India and emoji, zero width spaces in Khmer and Thai,
marks of direction in Hebrew and Arabic. So whether an invisible character is odd depends on the letters of its text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Literal

import regex

from longhand.text.utf8 import REPLACEMENT

Kind = Literal["lost", "control", "invisible", "private", "unassigned"]
"""What is odd about a character.

- lost: U+FFFD, which programs write in place of what they cannot read
- control: a command to a terminal or printer, but for line end, tab and page break
- invisible: no width, or it turns the direction of writing, and nothing in its text needs it
- private: its meaning is a private agreement
- unassigned: Unicode has none of that number, or keeps it from being a character
"""

WHITE = "\n\t\f"
_NOWHERE = "\u2028\u2029\ufeff\ufff9\ufffa\ufffb\u202d\u202e\u206a\u206b\u206c\u206d\u206e\u206f"  # needed nowhere
_NEEDED = {
    "\u200b": r"[\p{LB=SA}\p{Han}\p{Hiragana}\p{Katakana}\p{Tibetan}\p{Yi}\p{Balinese}\p{Batak}\p{Buginese}\p{Cham}"
    r"\p{Javanese}\p{Rejang}\p{Sundanese}]",
    "\u200c\u200d": r"[\p{Joining_Type=Dual_Joining}\p{CCC=9}[\p{Extended_Pictographic}&&[\u2600-\U0001faff]]]",
    "\u061c\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069": r"[[\p{Bidi_Class=R}\p{Bidi_Class=AL}]&&\p{L}]",
    "\u180e": r"[\p{Mongolian}&&\p{L}]",
    "\u17b4\u17b5": r"[\p{Khmer}&&\p{L}]",
    "\u115f\u1160\u3164\uffa0": r"[\p{Hangul}--[\u115f\u1160\u3164\uffa0]]",
    "\u2061\u2062\u2063\u2064": r"[[\p{Sm}\U0001d400-\U0001d7ff]--[+<=>|~]]",
}
"""Invisible characters, and the letters and signs that need them. CCC=9: signs that join the letters around them.

Soft hyphens, word joiners, grapheme joiners, variation selectors and tags of emoji are not among them: they are at home
in any text.
"""
_INVISIBLE = {*_NOWHERE, *"".join(_NEEDED)}
_NUMBERED = ("CJK UNIFIED", "CJK COMPATIBILITY IDEO", "HANGUL SYLLABLE")
_NAMES = {"\0": "NUL", "\a": "BELL", "\b": "BACKSPACE", "\t": "TAB", "\n": "LINE END", "\v": "LINE TABULATION"}
_NAMES |= {"\f": "PAGE BREAK", "\x1b": "ESCAPE", "\x7f": "DELETE", "\x85": "NEXT LINE"}
_PRINTABLE = {REPLACEMENT, *filter(str.isprintable, _INVISIBLE)}  # to Python, that is
_OF_CATEGORY: dict[str, Kind] = {"Cc": "control", "Co": "private", "Cn": "unassigned"}


def kind_of(character: str) -> Kind | None:
    """Return what is odd about a character where nothing in its text needs it; None for ordinary ones."""
    if character in WHITE:
        return None
    if character == REPLACEMENT:
        return "lost"
    if character in _INVISIBLE:
        return "invisible"
    kind = _OF_CATEGORY.get(unicodedata.category(character))
    if kind == "unassigned" and not regex.match(r"\p{Cn}", character):  # Python's Unicode may be years older
        return None
    return kind


def maybe_odd(characters: str) -> str:
    """Return those of some different characters that are odd, or would be if nothing in their text needed them."""
    unusual = (one for one in characters if not one.isprintable() or one in _PRINTABLE)
    return "".join(one for one in unusual if kind_of(one) is not None)


def odd_ones(characters: str, count: Callable[[str], int] | None = None) -> dict[Kind, str]:
    """Return the odd ones of a text's different characters, by their kind, without those that the text needs.

    - count: returns how often some characters occur in the text. A text needs invisible characters if what needs them
      occurs as often; without a count, if it occurs at all.
    """
    found: dict[Kind, str] = {}
    odd = maybe_odd(characters)
    if needed := {*odd} & {*"".join(_NEEDED)}:
        needed = {one for group in _NEEDED if needed & {*group} for one in _needed_of(group, characters, count)}
    for character in odd:
        if character not in needed and (kind := kind_of(character)) is not None:
            found[kind] = found.get(kind, "") + character
    return found


def _needed_of(group: str, characters: str, count: Callable[[str], int] | None) -> str:
    """Return the characters of a group of invisible ones if the text needs them, else nothing."""
    needing = "".join(regex.findall(_NEEDED[group], characters, regex.V1))
    present = "".join(one for one in group if one in characters)
    return group if needing and (count is None or count(needing) >= count(present)) else ""


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
