r"""Cutting text into words, with nothing lost: put together, the parts are the text.

A word takes the one space before it along, whatever the rule. There are three rules:

- uax29: words as Unicode has them (UAX #29), so that format characters stay inside: joiners in Persian, soft hyphens
- whitespace: what lies between white space, for events, moves and codes, which are no words
- legacy: letters and digits with apostrophes between them, of word models that were trained before there was a choice

Where "uax29" deliberately differs from UAX #29:

- White space: a run of it stays together, but for the space that goes with what follows and for line ends.
- Scripts that write no spaces between words (Thai, Lao, Khmer, Myanmar and others of Line_Break=SA): UAX #29 leaves
  them to dictionaries. Where the text parts its words by a zero width space, these are the words. Elsewhere they are
  cut into what a reader sees as a character (\X), a vowel that follows its consonant included.
- U+202F NARROW NO-BREAK SPACE joins what it stands between (10 000, a Mongolian suffix), but no punctuation to a word,
  before which French puts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import regex

Rule = Literal["legacy", "uax29", "whitespace"]
"""What a text is cut into (see above)."""

LEGACY: Rule = "legacy"
WORDS: Rule = "uax29"
WHITESPACE: Rule = "whitespace"
RULES: tuple[Rule, ...] = get_args(Rule)
ZERO_WIDTH_SPACE = "\u200b"
LONGEST = 1 << 16  # characters of a stretch without a place to cut it; longer ones are cut anywhere

_LEGACY_UNSPACED = "".join(
    rf"\p{{{script}}}"
    for script in ("Han", "Hiragana", "Katakana", "Bopomofo", "Yi", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan")
)
_SPACES = (r"\r\n|[\n\r]", r"[^\S\r\n]+?(?= \S)|[^\S\r\n]+")  # but for the space that goes with what follows

# Values of Unicode's property Word_Break, to be put into a set.
_HEBREW = r"\p{WB=Hebrew_Letter}"
_LETTER = rf"\p{{WB=ALetter}}{_HEBREW}"
_DIGIT = r"\p{WB=Numeric}"
_LINKING = r"\p{Pc}"  # ExtendNumLet but for U+202F
_INSIDE = r"\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}"  # WB4: what stays with the character before it
_KATAKANA = r"\p{WB=Katakana}"
_PICTURE = r"\p{Extended_Pictographic}"
_BETWEEN_LETTERS = r"\p{WB=MidLetter}\p{WB=MidNumLet}'"
_BETWEEN_DIGITS = r"\p{WB=MidNum}\p{WB=MidNumLet}'"
_OF_WORDS = rf"a-zA-Z{_LETTER}{_DIGIT}{_LINKING}"
_UNSPACED = rf"[\p{{LB=SA}}--[{_INSIDE}]]"  # a letter of a script without spaces
_IDEOGRAPH = r"[\u4e00-\u9fff]"

_JOINED = "|".join(
    (
        rf"[{_BETWEEN_LETTERS}][{_INSIDE}]*+(?=[{_LETTER}])"
        rf"(?<=[{_LETTER}][{_INSIDE}]*[{_BETWEEN_LETTERS}][{_INSIDE}]*)[{_OF_WORDS}{_INSIDE}]*+",  # WB6, WB7
        rf"[{_BETWEEN_DIGITS}][{_INSIDE}]*+(?=[{_DIGIT}])"
        rf"(?<=[{_DIGIT}][{_INSIDE}]*[{_BETWEEN_DIGITS}][{_INSIDE}]*)[{_OF_WORDS}{_INSIDE}]*+",  # WB11, WB12
        rf'"[{_INSIDE}]*+(?=[{_HEBREW}])(?<=[{_HEBREW}][{_INSIDE}]*"[{_INSIDE}]*)[{_OF_WORDS}{_INSIDE}]*+',  # WB7b, c
        rf"'[{_INSIDE}]*+(?<=[{_HEBREW}][{_INSIDE}]*'[{_INSIDE}]*)",  # WB7a
        rf"\u202f[{_INSIDE}]*+(?=[{_OF_WORDS}])[{_OF_WORDS}{_INSIDE}]*+",
        rf"{_KATAKANA}(?<=[{_LINKING}][{_INSIDE}]*{_KATAKANA})[{_KATAKANA}{_INSIDE}]*+",  # WB13b
        rf"[{_LINKING}](?<={_KATAKANA}[{_INSIDE}]*[{_LINKING}])[{_OF_WORDS}{_INSIDE}]*+",  # WB13a
        rf"{_PICTURE}(?<=\u200d{_PICTURE})(?:(?<=[{_OF_WORDS}])[{_OF_WORDS}{_INSIDE}]*+|[{_INSIDE}]*+)",  # WB3c
    )
)
_WORD = (
    rf"(?:[{_OF_WORDS}][{_OF_WORDS}{_INSIDE}]*+|{_KATAKANA}[{_KATAKANA}{_INSIDE}]*+)(?:(?![ \na-zA-Z])(?:{_JOINED}))*+"
)
_PARTED = (  # letters without spaces, up to the zero width space before or after them
    rf"(?<=\u200b ?){_UNSPACED}[{_UNSPACED}{_INSIDE}]*+"
    rf"|{_UNSPACED}(?<!{_UNSPACED}[{_INSIDE}]*{_UNSPACED})[{_UNSPACED}{_INSIDE}]*+(?=\u200b)"
)
_CLUSTER = rf"(?={_UNSPACED})\X[{_INSIDE}]*+"
_PICTURES = rf"(?:(?<=\u200d)(?={_PICTURE})(?:{_WORD}|\S[{_INSIDE}]*+))*+"  # WB3c
_SIGN = rf"(?:\p{{RI}}[{_INSIDE}]*+\p{{RI}}[{_INSIDE}]*+|\S[{_INSIDE}]*+){_PICTURES}"
# Most of what is met, found faster than by the rules above, where what follows shows that no word goes on.
_PLAIN_LETTERS = (  # Latin, Greek, Cyrillic, Arabic, Devanagari
    r"a-zA-Z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u03ac-\u03ce\u0400-\u0481\u048a-\u0527"
    r"\u0620-\u064a\u0671-\u06d3\u0904-\u0939\u0958-\u0961"
)
_PLAIN_WORD = (
    rf"[{_PLAIN_LETTERS}][{_PLAIN_LETTERS}\u064b-\u065f\u093a-\u094f\u200c]*+"
    r"(?=[ \n,;!?)\-\u060c\u0964]|[.:][ \n])"
)
_PLAIN_IDEOGRAPH = rf"{_IDEOGRAPH}(?=[\u4e00-\u9fff\u3002\uff0c\n])"
_PLAIN_SIGN = r"[,;!?.:\u0964\u3002\uff0c](?=[ \n\u4e00-\u9fff])|\n"


@cache
def _segments(rule: Rule) -> regex.Pattern[str]:
    import regex  # here, for most models have no words

    if rule == LEGACY:
        letters = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_LEGACY_UNSPACED}]]"
        parts = [rf" ?{letters}+(?:['\u2019]{letters}+)*+", r" ?(?=\S)\X"]
    elif rule == WHITESPACE:
        parts = [r" ?\S++"]
    else:
        plain = [_PLAIN_IDEOGRAPH, f" ?{_PLAIN_WORD}", _PLAIN_SIGN]
        parts = [*plain, f" ?{_WORD}", f" ?(?:{_PARTED})", f" ?{_CLUSTER}", f" ?{_SIGN}"]
    return regex.compile("|".join((*parts, *_SPACES)), regex.V1)


def segments(text: str, rule: Rule = WORDS) -> list[str]:
    """Return the words, spaces and signs of `text`.

    `segments("He said: 你好!")` is `["He", " said", ":", " 你", "好", "!"]`.
    """
    found: list[str] = _segments(rule).findall(text)
    return found


def last_segment(text: str, rule: Rule = WORDS) -> str:
    """Return the last word, space or sign of `text`; nothing where there is none."""
    begin = max(last_end(text), len(text) - LONGEST)
    found = segments(text[begin:], rule)
    return found[-1] if found else ""


@cache
def _unparted() -> regex.Pattern[str]:
    import regex

    return regex.compile(rf"(?r) ?{_UNSPACED}[{_UNSPACED}{_INSIDE}]*\Z", regex.V1)


def unparted_end(text: str) -> str:
    """Return the letters at the end of `text` that would be one word if a zero width space followed."""
    found = _unparted().search(text[-LONGEST:])
    return found[0] if found else ""


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

    return regex.compile(r"(?r)(?<=\S)(?=[\s--\u202f])", regex.V1)  # searched from the end


def last_end(text: str) -> int:
    """Return where the last word or sign ends that spaces follow, for there no word goes on; 0 where none does."""
    found = _ends().search(text)
    return found.start() if found else 0


@cache
def _words() -> regex.Pattern[str]:
    import regex

    spaces = r"[ \n,.;:!?]++(*SKIP)(*FAIL)"
    lines = rf"[{_LINKING}][{_LINKING}{_INSIDE}]*+(?![{_LETTER}{_DIGIT}{_KATAKANA}])(*SKIP)(*FAIL)"
    others = rf"[[\p{{L}}\p{{N}}]--[{_INSIDE}]][{_INSIDE}]*+{_PICTURES}"
    parts = (spaces, _PLAIN_IDEOGRAPH, _PLAIN_WORD, lines, _WORD, _PARTED, _CLUSTER, others)
    return regex.compile("|".join(parts), regex.V1)


def words(text: str) -> list[str]:
    """Return the words and numbers of `text`, as UAX #29 has them, without spaces and signs.

    In scripts that write no spaces each character that a reader sees is one, or what a zero width space parts.
    """
    found: list[str] = _words().findall(text)
    return found


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return where the words and signs of `text` begin and end, without spaces, of zero width too."""
    spans, begin = [], 0
    for part in segments(text):
        if part.strip().strip(ZERO_WIDTH_SPACE):
            spans.append((begin + len(part) - len(part.lstrip()), begin + len(part)))
        begin += len(part)
    return spans


def count_words(text: str) -> int:
    """Return how many words and numbers there are in `text` (`words`)."""
    return sum(1 for _ in _words().finditer(text))


@cache
def _open_word() -> regex.Pattern[str]:
    import regex

    return regex.compile(rf"(?r)[[\p{{L}}\p{{N}}]--[{_INSIDE}]][{_INSIDE}]*\Z", regex.V1)


def ends_in_word(text: str) -> bool:
    """Return whether `text` ends in a letter or digit, with the marks and format characters on it."""
    return _open_word().search(text) is not None
