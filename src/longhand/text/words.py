"""Words as tokens, with nothing lost: each frequent word, with the space before it, has a number of its own.

Other words are spelt in characters, which have numbers too, or replaced by one that stands for all of them. See
`longhand.text.segments` for what a word is.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from longhand.arrays import TokenIds
from longhand.errors import ModelFormatError
from longhand.text.beginnings import LONGEST, Beginnings, Sorted, Way, way
from longhand.text.decoder import Decoder, WholeDecoder
from longhand.text.segments import last_segment, segments
from longhand.text.utf8 import REPLACEMENT, utf8_bytes
from longhand.units import TokenKind

UNKNOWN, START = 0, 1
SPECIALS = 2


class WordTokenizer:
    """Maps words, and the characters that other words are spelt in, to their places in a list.

    - words: words and characters, each once. `WordTokenizer(["he", " ", "l", "o"]).encode("he hello")` has the tokens
      of "he", " ", and the unknown ones of " hello"'s h and e beside those of "l" and "o"
    - spells: whether words that are not listed are spelt, or replaced as a whole by the unknown token
    """

    kind: TokenKind = "word"
    unknown = UNKNOWN
    start = START
    never_written = (UNKNOWN, START)

    def __init__(self, words: Sequence[str], *, spells: bool = True) -> None:
        self.words, self.spells = list(words), spells
        self._ids = {word: number for number, word in enumerate(self.words, SPECIALS)}
        if len(self._ids) != len(self.words) or "" in self._ids:
            raise ValueError("a word is listed twice, or an empty one")
        self._pieces = [REPLACEMENT] * SPECIALS + self.words

    @property
    def size(self) -> int:
        """Number of different tokens, the special ones included."""
        return len(self._pieces)

    @property
    def line_end(self) -> int | None:
        """The token of the line end, if the vocabulary has it."""
        return self._ids.get("\n")

    def encode(self, text: str) -> TokenIds:
        """Return the token numbers of `text`, (tokens,)."""
        return np.array([number for number, _ in self._numbers(text)], np.int32)

    def measured(self, text: str) -> tuple[TokenIds, TokenIds]:
        """Return token numbers and the bytes that each stands for, (tokens,) both."""
        numbers = list(self._numbers(text))
        sizes = [len(piece) if piece.isascii() else len(utf8_bytes(piece)) for _, piece in numbers]
        return np.array([number for number, _ in numbers], np.int32), np.array(sizes, np.int32)

    def decode(self, ids: TokenIds) -> str:
        """Return the text of token numbers; special tokens show as the replacement character."""
        return "".join([self._pieces[number] for number in ids.tolist()])

    def decoder(self) -> Decoder:
        """Return what turns token numbers into text as they come."""
        return WholeDecoder(self.decode)

    @property
    def beginnings(self) -> Beginnings:
        """What knows the words that begin with a text, and how they may be spelt."""
        return self

    def open_end(self, text: str) -> str:
        """See `Beginnings`: the last word of `text`."""
        word = last_segment(text)
        return word if len(word) <= LONGEST else ""

    def ways(self, begun: str) -> list[Way]:
        """See `Beginnings`: the listed words, and another one, spelt, or as the unknown token."""
        listed = self._sorted.beginning_with(begun)
        if not self.spells:
            return [way((), [*listed, UNKNOWN])]
        spelt = [self._ids.get(letter, UNKNOWN) for letter in begun]
        if len(begun) == 1:  # the first character is a listed token itself
            return [way((), listed or spelt)]
        return [*([way((), listed)] if listed else []), way(spelt[:-1], spelt[-1:])]

    @cached_property
    def _sorted(self) -> Sorted[str]:
        return Sorted(self._pieces, SPECIALS)

    def unknown_in(self, text: str) -> Sequence[str]:
        """Return what of `text` nothing but the unknown token stands for, sorted: characters, or words without them."""
        missing = {word for word in segments(text) if word not in self._ids}
        return sorted({letter for word in missing for letter in word} - self._ids.keys() if self.spells else missing)

    def to_record(self) -> dict[str, Any]:
        """Return the JSON record of the model file."""
        return {"kind": self.kind, "words": self.words, "spells": self.spells}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> WordTokenizer:
        """Make a tokenizer from its record; raises `ModelFormatError` if the record is damaged."""
        words, spells = record.get("words"), record.get("spells")
        try:
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise ValueError("the vocabulary is no list of texts")
            if not isinstance(spells, bool):
                raise ValueError("it does not say whether other words are spelt")
            return cls(words, spells=spells)
        except ValueError as error:
            raise ModelFormatError(f"the tokenizer record is damaged: {error}") from None

    def _numbers(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the number of each token, and what of the text it stands for."""
        for word in segments(text):
            number = self._ids.get(word)
            if number is not None:
                yield number, word
            elif self.spells:
                yield from ((self._ids.get(letter, UNKNOWN), letter) for letter in word)
            else:
                yield UNKNOWN, word


def chosen_words(counts: Counter[str], *, fewest: int, most: int, letters: set[str]) -> list[str]:
    """Return the words of a vocabulary, the most frequent first, and the characters that others are spelt in.

    - counts: how often each word occurs in the text
    - fewest: how often a word must occur
    - most: how many words at most, characters not counted
    - letters: the text's characters, if words are to be spelt in them
    """
    frequent = ((word, count) for word, count in counts.items() if count >= fewest)
    words = [word for word, _ in heapq.nsmallest(most, frequent, key=lambda item: (-item[1], item[0]))]
    return words + sorted(letters.difference(words))
