"""Properties of a text, character by character, that units may follow: where in the line, inside brackets, and so on.

A property holds at a character if it holds once that character has been read: the opening bracket is inside already,
the closing one no longer is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import regex

from longhand.arrays import BoolArray
from longhand.errors import OptionError
from longhand.text.points import code_points
from longhand.text.utf8 import without_surrogates

IntArray = npt.NDArray[np.int64]
OPENING = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "「": "」", "《": "》"}  # noqa: RUF001 (they are meant)
SECONDS = 10.0  # that a pattern may take to look through a text
_QUOTED = regex.compile(
    r'"""[\s\S]*?"""|' + r"'''[\s\S]*?'''|" + r'"(?:\\.|[^"\\\n])*"|' + r"(?<!\w)'(?:\\.|[^'\\\n])*'(?!\w)|"
    r"“[^”]*”|‘[^’]*’(?!\w)|«[^»]*»|„[^“]*“"  # noqa: RUF001 (they are meant)
)
_COMMENT = regex.compile(r"(?:(?<=\s)|^)#.*|(?:(?<=\s)|^)//.*|/\*[\s\S]*?\*/|<!--[\s\S]*?-->", regex.MULTILINE)


@dataclass(frozen=True)
class Property:
    """A property of the characters of a text.

    - name: what it is called; `PROPERTIES` has those that are built in, all others are a person's
    - holds: at which characters, (characters,)
    - measure: a number that goes with it, (characters,), to be compared by ranks; None for most
    """

    name: str
    holds: BoolArray
    measure: IntArray | None = None


def far_into_the_line(text: str) -> BoolArray:
    """Whether a character is in the later half of the places in lines, (characters,), as the text's lines have them."""
    places = place_in_line(text)
    return places > np.median(places) if len(places) else np.zeros(0, bool)


def place_in_line(text: str) -> IntArray:
    """Return how many characters of its line have been read, (characters,); 0 after a line break."""
    breaks = code_points(text) == ord("\n")
    index = np.arange(1, len(text) + 1)
    return index - np.maximum.accumulate(np.where(breaks, index, 0))


def inside_quotes(text: str) -> BoolArray:
    """Whether a quotation or a string is open: straight quotes within a line, curly and triple ones across lines."""
    return _covered(text, _QUOTED, inside=True)


def inside_brackets(text: str) -> BoolArray:
    """Whether a bracket is open. What has no partner before the next empty line counts as none."""
    holds = np.zeros(len(text), bool)
    opened: list[tuple[str, int]] = []
    for place, letter in enumerate(text):
        if letter in OPENING:
            opened.append((OPENING[letter], place))
        elif opened and letter == opened[-1][0]:
            _, begin = opened.pop()
            holds[begin:place] = True
        elif letter == "\n" and text[place - 1 : place] == "\n":
            opened.clear()
    return holds


def _by(pattern: str) -> Callable[[str], BoolArray]:
    compiled = regex.compile(pattern, regex.MULTILINE)
    return lambda text: _covered(text, compiled)


PROPERTIES: Mapping[str, Callable[[str], BoolArray]] = {
    "far into the line": far_into_the_line,
    "inside quotes": inside_quotes,
    "inside brackets": inside_brackets,
    "in a comment": lambda text: _covered(text, _COMMENT),
    "in a capitalised word": _by(r"\b\p{Lu}\w*"),
    "a digit": _by(r"\p{Nd}"),
    "indentation": _by(r"^[ \t]+"),
    "a space": _by(r"[ \t\u3000]"),
    "a line break": _by(r"\n"),
    "a line break is next": lambda text: np.append(code_points(text)[1:] == ord("\n"), False),
}


def properties(text: str, patterns: Sequence[str] = ()) -> list[Property]:
    """Return the built-in properties of a text, and those of a person's patterns.

    - patterns: "NAME=REGEX" each; the property holds at the characters that a match covers

    Raises `OptionError` for one that is none, or that takes too long.
    """
    own = [parsed(pattern) for pattern in patterns]
    if again := [name for place, (name, _) in enumerate(own) if name in dict(own[:place])]:
        raise OptionError(f"probe: {again[0]!r} is there twice: choose another name")
    found = [Property(name, holds(text)) for name, holds in PROPERTIES.items()]
    found[0] = Property(found[0].name, found[0].holds, place_in_line(text))
    return found + [Property(name, _timed(text, name, pattern)) for name, pattern in own]


def parsed(pattern: str) -> tuple[str, regex.Pattern[str]]:
    """Return name and expression of "NAME=REGEX"; raises `OptionError`."""
    name, equals, expression = pattern.partition("=")
    if not equals or not name.strip() or not expression:
        raise OptionError(f"probe: found {pattern!r}, expected NAME=REGEX, such as 'vowel=[aeiou]'")
    if name != without_surrogates(name):
        raise OptionError(f"probe: found {name!r}, expected a name in UTF-8")
    if name.strip() in PROPERTIES:
        raise OptionError(f"probe: {name.strip()!r} is there already: choose another name")
    try:
        return name.strip(), regex.compile(expression, regex.MULTILINE)
    except regex.error as error:
        raise OptionError(f"probe {name.strip()}: {expression!r} is no regular expression ({error})") from None


def _timed(text: str, name: str, pattern: regex.Pattern[str]) -> BoolArray:
    try:
        return _covered(text, pattern, timeout=SECONDS)
    except TimeoutError:
        raise OptionError(
            f"probe {name}: {pattern.pattern!r} takes more than {SECONDS:.0f} s on this text: write a simpler one"
        ) from None


def _covered(
    text: str, pattern: regex.Pattern[str], *, inside: bool = False, timeout: float | None = None
) -> BoolArray:
    """Return which characters matches cover; `inside`: but for the last one of each, after which it is over."""
    holds = np.zeros(len(text), bool)
    for match in pattern.finditer(text, timeout=timeout):
        holds[match.start() : match.end() - inside] = True
    return holds
