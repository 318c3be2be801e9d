r"""Escapes in texts that are given by options: `\n`, `\t`, `\r`, `\\` and `\uXXXX`, as in many languages.

They are for the command line, where a line end is hard to type. Settings files have TOML's own escapes, JSON has its
own, and the Python API takes texts as they are.
"""

from __future__ import annotations

import re

LETTERS = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
NAMES = {character: letter for letter, character in LETTERS.items()}
_ESCAPE = re.compile(r"\\(?:([ntr\\])|u([0-9a-fA-F]{4}))")


def unescaped(text: str) -> str:
    r"""Return a text with its escapes replaced: r"a\tb" is "a", a tab and "b". Any other, such as `\d`, stays."""
    return _ESCAPE.sub(_replacement, text) if "\\" in text else text


def escaped(text: str) -> str:
    """Return a text as an option takes it, in one line: `unescaped` makes the same text of it."""
    return "".join(f"\\{NAMES[letter]}" if letter in NAMES else letter for letter in text)


def _replacement(found: re.Match[str]) -> str:
    if found[1]:
        return LETTERS[found[1]]
    character = chr(int(found[2], 16))
    return found[0] if "\ud800" <= character <= "\udfff" else character  # half a pair is no character
