"""Byte-pair encoding: parts of words as tokens, as many as are wanted, learned from the text (Sennrich et al., 2016).

Hugging Face's `tokenizers` trains and encodes, over bytes as GPT-2 does (Radford et al., 2019), so that nothing is ever
unknown. What it learned lies in the model file as plain JSON: the parts, and the merges that make them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from longhand.arrays import TokenIds
from longhand.errors import MissingExtraError, ModelFormatError
from longhand.text.beginnings import LONGEST, Beginnings, Sorted, Way, way
from longhand.text.decoder import ByteDecoder, Decoder, whole
from longhand.text.segments import last_end
from longhand.text.utf8 import REPLACEMENT, utf8_bytes
from longhand.units import TokenKind

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Engine

BYTES = 256
SURROGATES = re.compile(r"([\ud800-\udfff]+)")  # which the library's texts cannot have


def _letters() -> str:
    """Return the character that stands for each byte in GPT-2's vocabularies: itself, where it is one to be seen."""
    seen = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, BYTES)}
    others = iter(range(BYTES, 2 * BYTES))
    return "".join(chr(byte if byte in seen else next(others)) for byte in range(BYTES))


LETTERS = _letters()
BYTE_OF = {letter: byte for byte, letter in enumerate(LETTERS)}


class SubwordTokenizer:
    """Maps parts of words to their places in a list.

    - parts: each once, all 256 bytes among them, in GPT-2's letters for bytes
    - merges: pairs of parts that make another one, the first to be made first
    """

    kind: TokenKind = "bpe"
    unknown = None

    def __init__(self, parts: list[str], merges: list[tuple[str, str]]) -> None:
        self._parts, self._merges = parts, merges
        self._ids = {part: number for number, part in enumerate(parts)}
        if len(self._ids) != len(parts) or "" in self._ids:
            raise ValueError("a part is listed twice, or an empty one")
        if missing := sum(letter not in self._ids for letter in LETTERS):
            raise ValueError(f"{missing} of the 256 bytes are missing")
        if not {*map("".join, merges), *(part for pair in merges for part in pair)} <= self._ids.keys():
            raise ValueError("a merge is of parts that are not listed, or makes one")
        try:
            self.pieces = [bytes(BYTE_OF[letter] for letter in part) for part in parts]
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} stands for no byte") from None
        self.pieces.append(utf8_bytes(REPLACEMENT))

    @property
    def size(self) -> int:
        """Number of different tokens, the start of a text included, which comes last."""
        return len(self.pieces)

    @property
    def start(self) -> int:
        """The token that every text starts from."""
        return len(self._parts)

    @property
    def never_written(self) -> tuple[int, ...]:
        """The start of a text."""
        return (self.start,)

    @property
    def line_end(self) -> int:
        """The token of the line end."""
        return self._ids[LETTERS[ord("\n")]]

    def encode(self, text: str) -> TokenIds:
        """Return the token numbers of `text`, (tokens,). Raises `MissingExtraError` without the library."""
        numbers: list[int] = []
        for part in SURROGATES.split(text):
            if SURROGATES.match(part):
                numbers += [self._ids[LETTERS[byte]] for byte in utf8_bytes(part)]
            elif part:
                numbers += self._engine.encode_batch_fast([part])[0].ids  # fast: without the places in the text
        return np.array(numbers, np.int32)

    def measured(self, text: str) -> tuple[TokenIds, TokenIds]:
        """Return token numbers and the bytes that each stands for, (tokens,) both."""
        ids = self.encode(text)
        return ids, self._sizes[ids]

    def decode(self, ids: TokenIds) -> str:
        """Return the text of token numbers; what is no UTF-8, and the start, show as the replacement character."""
        return whole(self.decoder(), ids)

    def decoder(self) -> Decoder:
        """Return what turns token numbers into text as they come."""
        return ByteDecoder(self.pieces)

    @property
    def beginnings(self) -> Beginnings:
        """What knows the parts of words that begin with a text."""
        return self

    def open_end(self, text: str) -> str:
        """See `Beginnings`: what is cut into parts by itself, as the library cuts it, at the end of `text`."""
        tail = text[last_end(text) :]
        if not tail or len(tail) > LONGEST or SURROGATES.search(tail):
            return ""
        begin: int = self._engine.pre_tokenizer.pre_tokenize_str(tail)[-1][1][0]
        return tail[begin:]

    def ways(self, begun: str) -> list[Way]:
        """See `Beginnings`: the first of its own parts, then one that begins with all that is left of it, and more."""
        parts = self.encode(begun).tolist()
        ways = []
        for count in range(len(parts)):
            rest = b"".join(self.pieces[part] for part in parts[count:])
            found = self._sorted.beginning_with(rest)
            if count < len(parts) - 1:  # a part that is just the rest would have been its own
                found = [part for part in found if self.pieces[part] != rest]
            if found:
                ways.append(way(parts[:count], found))
        return ways

    @cached_property
    def _sizes(self) -> TokenIds:
        return np.array([len(piece) for piece in self.pieces], np.int32)

    @cached_property
    def _sorted(self) -> Sorted[bytes]:
        return Sorted(self.pieces[:-1])

    def unknown_in(self, text: str) -> str:  # noqa: ARG002 (the signature of a tokenizer)
        """Return no characters: all are known."""
        return ""

    def to_record(self) -> dict[str, Any]:
        """Return the JSON record of the model file."""
        return {"kind": self.kind, "parts": self._parts, "merges": [list(pair) for pair in self._merges]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> SubwordTokenizer:
        """Make a tokenizer from its record; raises `ModelFormatError` if the record is damaged."""
        parts, merges = record.get("parts"), record.get("merges")
        try:
            if not isinstance(parts, list) or not _texts(parts):
                raise ValueError("the parts are no list of texts")
            if not isinstance(merges, list) or not all(_texts(pair) and len(pair) == 2 for pair in merges):
                raise ValueError("the merges are no list of pairs of texts")
            return cls(parts, [(first, second) for first, second in merges])
        except ValueError as error:
            raise ModelFormatError(f"the tokenizer record is damaged: {error}") from None

    @cached_property
    def _engine(self) -> Engine:
        library = _library()
        engine: Engine = library.Tokenizer(library.models.BPE(vocab=self._ids, merges=self._merges))
        engine.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        return engine


def learned_subwords(pieces: Iterable[str], size: int) -> SubwordTokenizer:
    """Learn a vocabulary from a text, in pieces that `longhand.text.segments.whole_segments` has made.

    - size: how many tokens it is to have, the start of a text included; fewer where the text gives no more

    Raises `MissingExtraError` without the library.
    """
    library = _library()
    engine = library.Tokenizer(library.models.BPE())
    engine.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = library.trainers.BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=list(LETTERS),
        show_progress=False,
    )
    engine.train_from_iterator((SURROGATES.sub("", piece) for piece in pieces), trainer)
    learned = json.loads(engine.to_str())["model"]
    parts = sorted(learned["vocab"], key=learned["vocab"].get)
    return SubwordTokenizer(parts, [(first, second) for first, second in learned["merges"]])


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _library() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError(
            "byte-pair encoding needs the package tokenizers: pip install 'longhand[bpe]'"
        ) from None
    return tokenizers
