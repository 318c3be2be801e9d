"""Characters as tokens: one number for each different character, whole arrays at a time.

Text becomes numbers through a table with a place for every Unicode code point, so that the cost of a character does
not depend on how many different ones there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from longhand.arrays import TokenIds, smallest_type
from longhand.errors import ModelFormatError
from longhand.text.decoder import Decoder, WholeDecoder
from longhand.text.listed import ListedTokenizer
from longhand.text.points import CODE_POINTS, code_points, text_of, utf8_sizes
from longhand.units import TokenKind

UNKNOWN, START = 0, 1
SPECIALS = 2
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class CharacterTokenizer:
    """Maps each character of a sorted vocabulary to a number, every other one to the unknown token.

    - characters: the vocabulary, sorted, each once. `CharacterTokenizer("ab").encode("abc")` is `[2, 3, 0]`:
      0 is the unknown token, 1 the start of a text, characters follow.
    """

    kind: TokenKind = "char"
    unknown = UNKNOWN
    start = START
    beginnings = None
    never_written = (UNKNOWN, START)

    def __init__(self, characters: str) -> None:
        points = code_points(characters)
        if np.any(points[1:] <= points[:-1]):
            raise ValueError("the characters of a vocabulary must be sorted and different")
        self.characters = characters
        self._ids = np.zeros(CODE_POINTS, np.int32)
        self._ids[points] = np.arange(SPECIALS, SPECIALS + len(points), dtype=np.int32)
        self._points = np.concatenate([code_points(REPLACEMENT).repeat(SPECIALS), points])

    @property
    def size(self) -> int:
        """Number of different tokens, the special ones included."""
        return len(self._points)

    @property
    def line_end(self) -> int | None:
        """The token of the line end, if the vocabulary has it."""
        return int(self.encode("\n")[0]) or None

    def encode(self, text: str) -> TokenIds:
        """Return the token numbers of `text`, (characters,)."""
        return self._ids[code_points(text)]

    def measured(self, text: str) -> tuple[TokenIds, TokenIds]:
        """Return token numbers and the bytes that each stands for, (characters,) both."""
        return self.encode(text), utf8_sizes(text)

    def decode(self, ids: TokenIds) -> str:
        """Return the text of token numbers; special tokens show as the replacement character."""
        return text_of(self._points[ids])

    def decoder(self) -> Decoder:
        """Return what turns token numbers into text as they come."""
        return WholeDecoder(self.decode)

    def unknown_in(self, text: str) -> str:
        """Return the different characters of `text` that the vocabulary lacks, sorted."""
        return "".join(sorted(set(text) - set(self.characters)))

    def extended(self, characters: str) -> CharacterTokenizer:
        """Return a tokenizer that knows these characters too; others' numbers may change."""
        return CharacterTokenizer("".join(sorted({*self.characters, *characters})))

    def to_record(self) -> dict[str, Any]:
        """Return the JSON record of the model file."""
        return {"kind": self.kind, "characters": self.characters}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> CharacterTokenizer:
        """Make a tokenizer from its record; raises `ModelFormatError` if the record is damaged."""
        characters = record.get("characters")
        try:
            if not isinstance(characters, str):
                raise ValueError(f"the vocabulary is {type(characters).__name__}, not text")
            return cls(characters)
        except ValueError as error:
            raise ModelFormatError(f"the tokenizer record is damaged: {error}") from None


class CharacterCounter:
    """Numbers characters as they are first met, so that a text is read only once.

    `number` gives provisional ids; `listed` and `final_ids` sort them when the whole text is known.
    """

    def __init__(self) -> None:
        self._provisional = np.full(CODE_POINTS, -1, np.int32)
        self._met = np.zeros(0, np.uint32)

    @property
    def met(self) -> int:
        """Number of different characters so far."""
        return len(self._met)

    def number(self, text: str) -> TokenIds:
        """Return provisional ids of `text`, (characters,), in the smallest type that holds them."""
        points = code_points(text)
        ids = self._provisional[points]
        new = np.unique(points[ids < 0])
        if len(new):
            self._provisional[new] = np.arange(self.met, self.met + len(new), dtype=np.int32)
            self._met = np.concatenate([self._met, new])
            ids = self._provisional[points]
        return ids.astype(smallest_type(self.met))

    def listed(self) -> ListedTokenizer:
        """Return the closed vocabulary of all characters met, sorted."""
        return ListedTokenizer(text_of(np.sort(self._met)), "char")

    def rest(self) -> TokenIds:
        """Return what is still to be numbered: nothing, a character never goes on in the next piece."""
        return np.zeros(0, np.uint8)

    def final_ids(self, tokenizer: ListedTokenizer) -> TokenIds:
        """Return the final id of each provisional one, (met,)."""
        return tokenizer.encode(text_of(self._met))
