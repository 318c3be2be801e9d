"""The vocabulary of a text: what its tokens are to be, and the tokenizer that comes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice

from longhand.errors import CorpusError
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer
from longhand.text.documents import BOUNDARY, NONE
from longhand.text.rereading import Text
from longhand.text.segments import whole_segments
from longhand.text.subwords import learned_subwords
from longhand.text.survey import Survey, in_two
from longhand.text.tokenizer import Tokenizer
from longhand.text.words import WordTokenizer, chosen_words, counted
from longhand.units import TokenKind

SAMPLE = 100_000_000  # characters of which byte-pair encoding learns, from all over the text


@dataclass(frozen=True)
class Wanted:
    """What tokens a text is to be read in.

    - kind: "char", "byte", "word" or "bpe"
    - size: how many different ones at most, where they are words or parts of them
    - min_count: how often a word must occur to have a token of its own
    - documents: what the text's documents are (`longhand.text.documents`)
    - spells: whether other words are spelt in characters, or one token stands for all of them
    """

    kind: TokenKind = "char"
    size: int = 0
    min_count: int = 2
    spells: bool = True
    documents: str = NONE


CHARACTERS = Wanted()


def tokenizer_for(text: Text, survey: Survey, learned: int, wanted: Wanted, known: Tokenizer | None) -> Tokenizer:
    """Return the tokenizer of a text.

    - learned: how many characters are learned from; others have no say
    - known: the tokenizer of a model to start from, whose characters are kept

    Raises `MissingExtraError` for byte-pair encoding without its library, `CorpusError` where there is no word.
    """
    if known is not None:
        return known.extended(survey.characters_before(learned)) if isinstance(known, CharacterTokenizer) else known
    if wanted.kind == "byte":
        return ByteTokenizer()
    if wanted.kind == "char":
        return CharacterTokenizer(survey.characters_before(learned))
    ends = BOUNDARY if text.of_documents else ""
    pieces = whole_segments(in_two(text, learned)[0], ends)
    if ends:
        pieces = (piece.replace(ends, "\n") for piece in pieces)
    if wanted.kind == "bpe":
        return learned_subwords(islice(pieces, 0, None, math.ceil(learned / SAMPLE)), wanted.size)
    words = chosen_words(counted(pieces), fewest=wanted.min_count, most=wanted.size, spells=wanted.spells)
    if not words:
        raise CorpusError(f"{', '.join(text.names)}: no word occurs {wanted.min_count} times: lower --min-count")
    return WordTokenizer(words, spells=wanted.spells)
