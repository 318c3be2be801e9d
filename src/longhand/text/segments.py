"""Cutting text into words, with nothing lost: put together, the parts are the text.

A word takes the one space before it along. Scripts that write no spaces are cut into the characters that a reader
sees (Unicode's extended grapheme clusters), as are punctuation, symbols and emoji; a line end stands alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

_UNSPACED = "".join(
    rf"\p{{{script}}}"
    for script in ("Han", "Hiragana", "Katakana", "Bopomofo", "Yi", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan")
)
LONGEST = 1 << 16  # characters of a stretch without a place to cut it; longer ones are cut anywhere


@cache
def _segments() -> regex.Pattern[str]:
    import regex  # here, for most models have no words

    letters = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]"
    parts = (
        rf" ?{letters}+(?:['\u2019]{letters}+)*+",  # a word, with the apostrophes in it
        r" ?(?=\S)\X",  # a sign
        r"\r\n|[\n\r]",
        r"[^\S\r\n]+?(?= \S)|[^\S\r\n]+",  # spaces, but for the one that goes with what follows
    )
    return regex.compile("|".join(parts), regex.V1)


def segments(text: str) -> list[str]:
    """Return the words, spaces and signs of `text`.

    `segments("He said: 你好!")` is `["He", " said", ":", " 你", "好", "!"]`.
    """
    found: list[str] = _segments().findall(text)
    return found


def last_segment(text: str) -> str:
    """Return the last word, space or sign of `text`; nothing where there is none."""
    begin = max(last_end(text), len(text) - LONGEST)
    found = segments(text[begin:])
    return found[-1] if found else ""


def whole_segments(pieces: Iterable[str], ends: str = "") -> Iterator[str]:
    """Yield a text in other pieces, cut where a word ends, so that each can be cut into words by itself.

    - pieces: of the text, of any length
    - ends: a character after which nothing goes on
    """
    begun: list[str] = []  # without a place to cut
    waiting = 0
    for piece in filter(None, pieces):
        before = begun[-1][-1] if begun else ""
        place = last_end(before + piece)
        cut = place - len(before) if place else -1
        if ends and (end := piece.rfind(ends)) >= 0:
            cut = max(cut, end + 1)
        if cut < 0 and waiting + len(piece) > LONGEST:
            cut = len(piece)
        rest = piece
        if cut >= 0:
            yield "".join([*begun, piece[:cut]])
            begun, waiting, rest = [], 0, piece[cut:]
        if rest:
            begun.append(rest)
            waiting += len(rest)
    if begun:
        yield "".join(begun)


@cache
def _ends() -> regex.Pattern[str]:
    import regex

    return regex.compile(r"(?r)(?<=\S)(?=\s)")  # searched from the end


def last_end(text: str) -> int:
    """Return where the last word or sign ends that spaces follow, for there no word goes on; 0 where none does."""
    found = _ends().search(text)
    return found.start() if found else 0


@cache
def _words() -> regex.Pattern[str]:
    import regex

    letters = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]"
    return regex.compile(rf"{letters}+(?:['\u2019]{letters}+)*+|[\p{{L}}&&[{_UNSPACED}]]", regex.V1)


def count_words(text: str) -> int:
    """Return how many words and numbers there are in `text`; in scripts that write no spaces each letter is one."""
    return sum(1 for _ in _words().finditer(text))
