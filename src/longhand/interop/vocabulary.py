"""The vocabulary that weights were trained with, in a JSON file that the script's user kept."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

from longhand.errors import OptionError
from longhand.json_data import decode_json
from longhand.text.listed import NOTHING, ListedTokenizer
from longhand.units import Unit

EXPECTED = 'a list of tokens, {"token": number} or {"number": "token"}'
SPARSEST = 4  # numbers for each token: others stand for nothing


def of_json(path: Path, unit: Unit | None = None) -> ListedTokenizer:
    """Return the vocabulary in a JSON file.

    - unit: what its tokens are; if None, characters where each is one character, words otherwise

    Numbers that are left out stand for nothing and are never written; so do longer tokens among characters, such as
    a mark for what is unknown. Raises `OptionError`.
    """
    try:
        content = decode_json(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise OptionError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise OptionError(f"{path}: no JSON ({error}), expected {EXPECTED}") from None
    numbered = _numbered(content, path)
    tokens = [NOTHING] * (max(numbered) + 1)
    for number, token in numbered.items():
        tokens[number] = NOTHING if unit == "char" and len(token) > 1 else token
    if unit is None:
        unit = "char" if all(len(token) <= 1 for token in tokens) else "word"
    try:
        return ListedTokenizer(tokens, unit)
    except ValueError as error:
        raise OptionError(f"{path}: {error}") from None


def _numbered(content: Any, path: Path) -> dict[int, str]:
    """Return the tokens by their numbers."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(content, list):
        pairs = list(enumerate(content))
    elif isinstance(content, dict) and all(isinstance(value, str) for value in content.values()):
        pairs = [
            (int(key) if key.isascii() and key.isdigit() and len(key) < 10 else key, value)
            for key, value in content.items()
        ]
    elif isinstance(content, dict):
        pairs = [(value, key) for key, value in content.items()]
    numbered: dict[int, str] = {}
    for number, token in pairs:
        if type(number) is not int or not isinstance(token, str) or number < 0:
            raise OptionError(f"{path}: found {number!r} for {str(token)[:40]!r}, expected {EXPECTED}")
        if number in numbered:
            raise OptionError(f"{path}: the number {number} stands for {numbered[number]!r} and for {token[:40]!r}")
        numbered[number] = token
    if not numbered or max(numbered) > SPARSEST * len(numbered) + 1:
        raise OptionError(
            f"{path}: {len(numbered)} tokens, numbered up to {max(numbered, default=0)}: expected {EXPECTED}"
        )
    return numbered
