"""A closed vocabulary: a list of characters or of words, numbered in its order, with no token for anything else.

What the Keras tutorial's script has, and what weights that it trained were trained with. Words are what lies between
white space; where one is written, a space goes before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from longhand.arrays import TokenIds, smallest_type
from longhand.errors import ModelFormatError, OptionError
from longhand.text.decoder import Decoder, WholeDecoder
from longhand.text.points import utf8_sizes
from longhand.text.utf8 import utf8_bytes
from longhand.units import Unit

NOTHING = ""  # a number that stands for nothing, as Keras's Tokenizer has at 0
SHOWN = 5  # tokens that an error names


def split(text: str, unit: str) -> Sequence[str]:
    """Return the characters or the words of `text`."""
    return text.split() if unit == "word" else text


class ListedTokenizer:
    """Maps the tokens of a list to their places in it.

    - tokens: each once, but for empty ones, which are never written. `ListedTokenizer(["a", "b"], "char")` encodes
      "ba" as `[1, 0]`
    - unit: what a token is, "char" or "word"
    """

    record_kind = "listed"
    unknown = None
    start = None
    beginnings = None
    line_end = None

    def __init__(self, tokens: Sequence[str], unit: Unit = "char") -> None:
        self.tokens, self.kind = list(tokens), unit
        self._ids = {token: number for number, token in enumerate(self.tokens) if token != NOTHING}
        self.never_written = tuple(number for number, token in enumerate(self.tokens) if token == NOTHING)
        if unit not in get_args(Unit):
            raise ValueError(f"tokens are {repr(unit)[:40]}, expected one of {', '.join(get_args(Unit))}")
        if len(self._ids) + len(self.never_written) != len(self.tokens):
            raise ValueError("a token is listed twice")
        if not self._ids:
            raise ValueError("it lists no token")
        for token in self._ids:
            if list(split(token, unit)) != [token]:
                raise ValueError(f"it lists {token[:40]!r}, which is no single {unit}")

    @property
    def size(self) -> int:
        """Number of different tokens."""
        return len(self.tokens)

    def encode(self, text: str) -> TokenIds:
        """Return the token numbers of `text`, (tokens,).

        Raises `OptionError` for a token that is not in the list: nothing could stand for it.
        """
        try:
            numbers = [self._ids[token] for token in split(text, self.kind)]
        except KeyError:
            missing = [repr(token[:40]) for token in self.unknown_in(text)]
            more = ", ..." if len(missing) > SHOWN else ""
            raise OptionError(
                f"the model does not know {', '.join(missing[:SHOWN])}{more}, and has no token for what it does not "
                "know: leave that out"
            ) from None
        return np.array(numbers, smallest_type(self.size))

    def measured(self, text: str) -> tuple[TokenIds, TokenIds]:
        """Return token numbers and the bytes that each stands for, (tokens,) both: white space goes before its word."""
        ids = self.encode(text)
        if self.kind == "char":
            return ids, utf8_sizes(text)
        ends = [found.end() for found in re.finditer(r"\S+", text)]
        if ends:
            ends[-1] = len(text)
        sizes = [len(utf8_bytes(text[begin:end])) for begin, end in zip([0, *ends], ends, strict=False)]
        return ids, np.array(sizes, np.int32)

    def decode(self, ids: TokenIds) -> str:
        """Return the text of token numbers, a space before each word."""
        space = " " if self.kind == "word" else ""
        return "".join(space + self.tokens[number] for number in ids)

    def decoder(self) -> Decoder:
        """Return what turns token numbers into text as they come."""
        return WholeDecoder(self.decode)

    def unknown_in(self, text: str) -> Sequence[str]:
        """Return the different tokens of `text` that the list lacks, sorted."""
        return sorted(set(split(text, self.kind)) - set(self._ids))

    def to_record(self) -> dict[str, Any]:
        """Return the JSON record of the model file."""
        return {"kind": self.record_kind, "unit": self.kind, "tokens": self.tokens}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ListedTokenizer:
        """Make a tokenizer from its record; raises `ModelFormatError` if the record is damaged."""
        tokens = record.get("tokens")
        try:
            if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
                raise ValueError("the vocabulary is no list of texts")
            return cls(tokens, record.get("unit"))  # type: ignore[arg-type]
        except ValueError as error:
            raise ModelFormatError(f"the tokenizer record is damaged: {error}") from None


class WordCounter:
    """Numbers words as they are first met; see `longhand.text.characters.CharacterCounter`.

    A word may go on in the next piece of the text: its number comes with what follows, or from `rest`.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._begun = ""

    @property
    def met(self) -> int:
        """Number of different words so far."""
        return len(self._numbers)

    def number(self, text: str) -> TokenIds:
        """Return provisional ids of the words that end in `text`, (words,)."""
        text = self._begun + text
        words = text.split()
        self._begun = words.pop() if words and not text[-1].isspace() else ""
        return self._numbered(words)

    def rest(self) -> TokenIds:
        """Return the provisional id of the last word, if it is still open."""
        words, self._begun = self._begun.split(), ""
        return self._numbered(words)

    def listed(self) -> ListedTokenizer:
        """Return the tokenizer of all words met, sorted."""
        return ListedTokenizer(sorted(self._numbers), "word")

    def final_ids(self, tokenizer: ListedTokenizer) -> TokenIds:
        """Return the final id of each provisional one, (met,)."""
        return tokenizer.encode(" ".join(self._numbers))

    def _numbered(self, words: list[str]) -> TokenIds:
        numbers = [self._numbers.setdefault(word, len(self._numbers)) for word in words]
        return np.array(numbers, smallest_type(self.met))
