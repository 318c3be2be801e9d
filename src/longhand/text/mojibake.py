"""UTF-8 that was decoded as Latin-1 or Windows-1252: found, and repaired where it cannot be anything else.

Both encodings give each byte a character, so a wrongly decoded character is two to four characters whose bytes are
valid UTF-8. Real text has such pairs now and then (a capital A with a tilde before a closing quotation mark, say):
those that may be meant stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

_PAGES = [bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)]  # as browsers read cp1252
_BYTES = {chr(byte): byte for byte in range(0x80, 0x100)} | {
    page: byte for byte, page in enumerate(_PAGES) if byte > 0x7F
}


def _either(first: int, last: int) -> str:
    """Return a class of the characters that these bytes became, in one encoding or the other."""
    both = {*_PAGES[first : last + 1], *map(chr, range(first, last + 1))}
    return f"[{''.join(map(re.escape, sorted(both)))}]"


_NEXT = _either(0x80, 0xBF)
_CHARACTER = f"{_either(0xC2, 0xDF)}{_NEXT}|{_either(0xE0, 0xEF)}{_NEXT}{{2}}|{_either(0xF0, 0xF4)}{_NEXT}{{3}}"
_ONE = re.compile(_CHARACTER)
LEADS = "".join(sorted({*_PAGES[0xC2:0xF5]}))
"""Characters that wrongly decoded ones may begin with."""
LONGEST = 4  # characters that one became
MAX_TIMES = 3  # that a text may have been decoded wrongly, one time after another
_CONTROLS = re.compile("[\x80-\x9f]")
# What follows letters in right text: quotation marks, dashes, signs. A capital before one of them may be meant.
_MARKS = frozenset("\u2018\u2019\u201c\u201d\u201a\u201e\u2013\u2014\u2026\u2039\u203a\u2122\u2022")
_ESCAPED = re.compile(r"(?:\\u00[c-fC-F][0-9a-fA-F](?:\\u00[89abAB][0-9a-fA-F]){1,3})+")
MAX_LINE = 1 << 16  # characters that are looked at together


def meant(found: str) -> str:
    """Return the text that was decoded wrongly; empty if there was none such.

    `meant("Ã©")` is `"é"`.
    """
    try:
        text = bytes(_BYTES[letter] for letter in found).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return ""
    return "" if any(unicodedata.category(letter) == "Cn" for letter in text) else text


def mojibake(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield place, characters and what was meant, for each character of a text that was decoded wrongly.

    A line is looked at as a whole: where all that is not ASCII in it can be decoded, and some of it is sure to be
    wrong, all of it is.
    """
    place = 0
    for line in text.split("\n"):
        if not line.isascii() and (found := list(_candidates(line))):
            wrong_line = _is_all(line, found) and (len(found) > 1 or any(_is_sure(one, line) for one in found))
            for one in found:
                if wrong_line or _is_sure(one, line):
                    yield place + one[0], one[1], one[2]
        place += len(line) + 1


def _candidates(line: str) -> Iterator[tuple[int, str, str]]:
    for one in _ONE.finditer(line):
        if text_meant := meant(one[0]):
            yield one.start(), one[0], text_meant


def _is_all(line: str, found: list[tuple[int, str, str]]) -> bool:
    """Return whether all characters of a line that are not ASCII are part of wrongly decoded ones."""
    return sum(len(characters) for _, characters, _ in found) == sum(letter > "\x7f" for letter in line)


def _is_sure(one: tuple[int, str, str], line: str) -> bool:
    """Return whether a wrongly decoded character is sure to be one, whatever else its line has.

    Latin letters, A with a tilde or a circumflex first, are told by the case of the letter before; of three and four
    characters not all but the first may be marks; control characters are in no right text.
    """
    place, found, text_meant = one
    if _CONTROLS.search(found) or _CONTROLS.search(text_meant):
        return not _CONTROLS.search(text_meant)
    if len(found) == 2:
        if found[0] not in "\xc2\xc3" or found[1] in _MARKS:
            return False
        in_capitals = place > 1 and line[place - 2 : place].isupper()
        return text_meant.isupper() or not in_capitals
    return not all(letter in _MARKS or letter in "\xa0\xab\xbb" for letter in found[1:])


def repaired(text: str) -> tuple[str, int]:
    """Return a text with what was decoded wrongly put right, and how many characters that were."""
    count = 0
    for _ in range(MAX_TIMES):
        parts, end, before = [], 0, count
        for place, found, text_meant in mojibake(text):
            parts += [text[end:place], text_meant]
            end = place + len(found)
            count += 1
        if count == before:
            break
        text = "".join([*parts, text[end:]])
    return text, count


def escaped(text: str) -> int:
    r"""Return how often JSON's escapes in a text stand for wrongly decoded characters: `\u00c3\u00a9` for "é"."""
    if "\\u00" not in text:
        return 0
    found = (re.sub(r"\\u(....)", lambda one: chr(int(one[1], 16)), run[0]) for run in _ESCAPED.finditer(text))
    return sum(sum(1 for _ in mojibake(run)) for run in found)


class MojibakeRepair:
    """Repairs a text that comes in pieces.

    - count: how many characters were repaired
    """

    def __init__(self) -> None:
        self.count = 0

    def pieces(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield a text, repaired."""
        begun = ""
        for piece in pieces:
            text = begun + piece
            cut = _cut(text)
            begun = text[cut:]
            if whole := self.whole(text[:cut]):
                yield whole
        if whole := self.whole(begun):
            yield whole

    def whole(self, text: str) -> str:
        """Return a whole text, repaired."""
        if text.isascii():
            return text
        text, count = repaired(text)
        self.count += count
        return text


def _cut(text: str) -> int:
    """Return where a text can be cut: after a line, or in a long one after its last character of ASCII."""
    if (end := text.rfind("\n") + 1) or len(text) < MAX_LINE:
        return end
    return next((place for place in range(len(text), 0, -1) if text[place - 1] < "\x80"), 0)
