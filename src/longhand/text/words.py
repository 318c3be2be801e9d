"""Words as tokens, with nothing lost: each frequent word, with the space before it, has a number of its own.

Other words are spelt in characters, which have numbers too, or replaced by one that stands for all of them. What a word
is depends on the rule of segmentation (`longhand.text.segments`): a word of the language, or what lies between white
space.
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
from longhand.text.segments import LEGACY, WHITESPACE, WORDS, Rule, last_segment, segments, unparted_end
from longhand.text.utf8 import REPLACEMENT, utf8_bytes
from longhand.units import TokenKind

UNKNOWN, START = 0, 1
SPECIALS = 2


class WordTokenizer:
    """Maps words, and the characters that other words are spelt in, to their places in a list.

    - words: words and characters, each once. `WordTokenizer(["he", " ", "l", "o"]).encode("he hello")` has the tokens
      of "he", " ", and the unknown ones of " hello"'s h and e beside those of "l" and "o"
    - spells: whether words that are not listed are spelt, or replaced as a whole by the unknown token
    - rule: how a text is cut into words
    """

    unknown = UNKNOWN
    start = START
    never_written = (UNKNOWN, START)

    def __init__(self, words: Sequence[str], *, spells: bool = True, rule: Rule = WORDS) -> None:
        self.words, self.spells, self.rule = list(words), spells, rule
        self.kind: TokenKind = "whitespace" if rule == WHITESPACE else "word"
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
        """See `Beginnings`: the last word of `text`.

        Letters of a script without spaces are a word only once a zero width space follows. Before that they are taken
        for one if a listed word begins with them.
        """
        word = last_segment(text, self.rule)
        if self.rule == WORDS and len(unparted := unparted_end(text)) > len(word) and self._begins_word(unparted):
            word = unparted
        return word if len(word) <= LONGEST else ""

    def _begins_word(self, begun: str) -> bool:
        return len(begun) <= LONGEST and bool(self._sorted.beginning_with(begun))

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
        missing = {word for word in segments(text, self.rule) if word not in self._ids}
        return sorted({letter for word in missing for letter in word} - self._ids.keys() if self.spells else missing)

    def to_record(self) -> dict[str, Any]:
        """Return the JSON record of the model file."""
        record = {"kind": self.kind, "words": self.words, "spells": self.spells}
        return record | ({"segmentation": self.rule} if self.rule == WORDS else {})

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> WordTokenizer:
        """Make a tokenizer from its record; raises `ModelFormatError` if the record is damaged."""
        words, spells = record.get("words"), record.get("spells")
        try:
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise ValueError("the vocabulary is no list of texts")
            if not isinstance(spells, bool):
                raise ValueError("it does not say whether other words are spelt")
            return cls(words, spells=spells, rule=_rule_of(record))
        except ValueError as error:
            raise ModelFormatError(f"the tokenizer record is damaged: {error}") from None

    def _numbers(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the number of each token, and what of the text it stands for."""
        for word in segments(text, self.rule):
            number = self._ids.get(word)
            if number is not None:
                yield number, word
            elif self.spells:
                yield from ((self._ids.get(letter, UNKNOWN), letter) for letter in word)
            else:
                yield UNKNOWN, word


def _rule_of(record: Mapping[str, Any]) -> Rule:
    """Return how a record cuts text; records of word models had no `segmentation` at first."""
    if record.get("kind") == "whitespace":
        return WHITESPACE
    if "segmentation" not in record:
        return LEGACY
    if record["segmentation"] != WORDS:
        raise ModelFormatError(
            f"segmentation {str(record['segmentation'])[:40]!r}, this Longhand knows {WORDS!r}: update Longhand"
        )
    return WORDS


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
