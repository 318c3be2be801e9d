r"""Where sentences end, in all scripts, as Unicode's property Sentence_Break says (UAX #29).

An end is known only once what follows shows that the sentence does not go on: after a full stop, the next letter. Where
this deliberately differs from UAX #29:

- An opening bracket or quote belongs to the sentence that it opens, not to the one before it. A quote that opens in
  some languages and closes in others (“ and «) closes one if no letter follows it. French puts a space before it.
- A line end alone ends no sentence, for lines are wrapped in many texts. A blank line does.
- The marks at the end of a Tibetan clause (shad) end a sentence.
- An ellipsis (…) ends a sentence as a full stop does, if white space follows.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import regex

LONGEST_LOOK = 100  # characters without a letter after which a full stop ends the sentence
CONTEXT = 32  # characters before a place that may have a say in whether a sentence ends there

# Sets of characters, most of them values of Sentence_Break.
_STOPS = r"\p{SB=STerm}\u0f0d-\u0f12\u0f14"
_DOTS = r"\p{SB=ATerm}\u2026"
_ENDS = _STOPS + _DOTS
STOPS, SENTENCE_ENDS = _STOPS, _ENDS
"""Characters that end sentences, as sets of a regular expression: but for full stops, and with them."""
_INSIDE = r"\p{SB=Extend}\p{SB=Format}"  # SB5: what stays with the character before it
_SPACE = r"\p{SB=Sp}"
_LINE_END = r"\p{SB=Sep}\p{SB=CR}\p{SB=LF}"
_BLANK = rf"[^\S{_LINE_END}]"
_CASED = r"\p{SB=Upper}\p{SB=Lower}"
_LETTER = rf"{_CASED}\p{{SB=OLetter}}"
_BEGINS = r"\p{L}\p{N}\p{Ps}\p{Pi}¿¡"  # what a quote stands before that opens
_ANGLES = r"\u00ab\u00bb\u2039\u203a"  # « » and single ones
_EITHER = r"\p{Pi}\u00bb\u203a"  # quotes that may open or close

_QUOTE = rf"(?:\p{{Pi}}|[ \u00a0\u202f][{_ANGLES}])[{_INSIDE}]*+(?=[^{_BEGINS}])"
_CLOSING = rf"(?:[\p{{SB=Close}}--[\p{{Ps}}\p{{Pi}}]][{_INSIDE}]*+|{_QUOTE})"
_END = rf"[{_ENDS}][{_INSIDE}]*+{_CLOSING}*+"
_BEFORE = rf"[{_INSIDE}{_SPACE}\p{{SB=Close}}]*"
_DECIDED = rf"[{_SPACE}{_INSIDE}]*+(?:[{_LINE_END}]|(?![{_ENDS}\p{{SB=SContinue}}])"  # SB8a
_GOES_ON = "".join(
    (
        rf"(?!(?<=[{_DOTS}][{_INSIDE}]*)\p{{SB=Numeric}})",  # SB6
        rf"(?!(?<=(?:[{_CASED}][{_INSIDE}]*|\A)[{_DOTS}][{_INSIDE}]*)\p{{SB=Upper}})",  # SB7
        rf"(?!(?<=\u2026{_BEFORE})[^{_SPACE}{_LINE_END}])",
    )
)


class _Patterns(NamedTuple):
    """The expressions: a sentence's last signs, what follows them if it ends, where a paragraph ends, and what decides.

    - deciding: the last letter or line end; only what comes after it may still end a sentence
    """

    signs: regex.Pattern[str]
    after: regex.Pattern[str]
    paragraph: regex.Pattern[str]
    ends: regex.Pattern[str]
    deciding: regex.Pattern[str]


@cache
def _patterns() -> _Patterns:
    import regex  # here, for few texts are to end with a sentence

    undecided = rf"[^{_LETTER}{_LINE_END}{_ENDS}]"
    after = "|".join(
        (
            rf"(?<=[{_STOPS}]{_BEFORE})(?={_DECIDED}(?:[{_EITHER}][{_INSIDE}]*+[^{_INSIDE}]|[^{_EITHER}{_SPACE}])))",
            rf"(?<=[{_DOTS}]{_BEFORE}){_GOES_ON}"  # SB8:
            rf"(?={_DECIDED}(?:{undecided}{{0,{LONGEST_LOOK}}}+[{_LETTER}{_LINE_END}{_ENDS}](?<!\p{{SB=Lower}})"
            rf"|{undecided}{{{LONGEST_LOOK}}})))",
        )
    )
    return _Patterns(
        regex.compile(rf"{_END}(?:[{_SPACE}{_INSIDE}]*+{_END})*+", regex.V1),
        regex.compile(after, regex.V1),
        regex.compile(rf"(?<=\S{_BLANK}*)(?=\n{_BLANK}*\n|\u2029)", regex.V1),
        regex.compile(rf"[{_ENDS}]", regex.V1),
        regex.compile(rf"(?r)[{_LETTER}{_LINE_END}]", regex.V1),
    )


def sentence_end(text: str, begin: int = 0) -> int | None:
    """Return where the first sentence of `text[begin:]` ends; None if that is not known, for more may come.

    What stands before `begin` is looked at too (`CONTEXT` characters are enough).
    """
    patterns = _patterns()
    ends = [found.start()] if (found := patterns.paragraph.search(text, begin)) else []
    for signs in patterns.signs.finditer(text, begin):
        if patterns.after.match(text, signs.end()):
            return min([signs.end(), *ends])
    return ends[0] if ends else None


def undecided_end(text: str) -> int:
    """Return how many characters at the end of `text` may end a sentence, depending on what follows."""
    patterns = _patterns()
    begin = found.end() if (found := patterns.deciding.search(text)) else 0
    if ends := patterns.ends.search(text, begin):
        return len(text) - ends.start()
    blank = text[begin - 1 : begin] == "\n" and not text[begin:].strip()  # the next line end makes a blank line
    return len(text) - begin + 1 if blank else 0
