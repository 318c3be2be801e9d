"""The vocabulary of a text: what its tokens are to be, and the tokenizer that comes of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

from longhand.errors import CorpusError
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer
from longhand.text.counting import counted
from longhand.text.documents import BOUNDARY, NONE
from longhand.text.numbering import in_halves
from longhand.text.rereading import Text
from longhand.text.segments import WHITESPACE, WORDS, Rule
from longhand.text.subwords import learned_subwords
from longhand.text.suggestion import CharacterCounts, Suggestion, suggested_tokens
from longhand.text.survey import Survey
from longhand.text.tokenizer import Tokenizer
from longhand.text.words import WordTokenizer, chosen_words
from longhand.units import TokenKind, WantedKind

SAMPLE = 100_000_000  # characters of which byte-pair encoding learns, from all over the text


@dataclass(frozen=True)
class Wanted:
    """What tokens a text is to be read in.

    - kind: "char", "byte", "word", "whitespace", "bpe", or "auto" (see `decided`)
    - size: how many different ones at most, where they are words or parts of them
    - min_count: how often a word must occur to have a token of its own
    - documents: what the text's documents are (`longhand.text.documents`)
    - spells: whether other words are spelt in characters, or one token stands for all of them
    """

    kind: WantedKind = "char"
    size: int = 0
    min_count: int = 2
    spells: bool = True
    documents: str = NONE


CHARACTERS = Wanted()


def decided(wanted: Wanted, counts: CharacterCounts, known: Tokenizer | None) -> tuple[Wanted, str]:
    """Return what is wanted with a kind of tokens, and why it is this one where that was left to the text.

    - counts: of the text's characters, where the kind is "auto"
    - known: the tokenizer of a model to start from, which leaves no choice
    """
    if wanted.kind != "auto":
        return wanted, ""
    best = suggested_tokens(counts) if known is None else Suggestion(known.kind, "as the model to start from has them")
    return replace(wanted, kind=cast("TokenKind", best.value)), f"tokens: {best.value} ({best.why})"


def tokenizer_for(
    text: Text,
    survey: Survey,
    learned: int,
    wanted: Wanted,
    known: Tokenizer | None,
    *,
    processes: int = 1,
    notes: list[str],
) -> Tokenizer:
    """Return the tokenizer of a text.

    - learned: how many characters are learned from; others have no say
    - known: the tokenizer of a model to start from, whose characters are kept
    - processes: how many count words
    - notes: gets what a person should know of it

    Raises `MissingExtraError` for byte-pair encoding without its library, `CorpusError` where there is no word.
    """
    characters = survey.characters_before(learned)
    if known is not None:
        return known.extended(characters) if isinstance(known, CharacterTokenizer) else known
    if wanted.kind == "byte":
        return ByteTokenizer()
    if wanted.kind == "char":
        return CharacterTokenizer(characters)
    halves = in_halves(text, learned, wanted.kind, "learning parts of words" if wanted.kind == "bpe" else "counting")
    pieces = (piece.replace(BOUNDARY, "\n") if text.ends else piece for half, piece in halves if half == 0)
    if wanted.kind == "bpe":
        if (every := math.ceil(learned / SAMPLE)) > 1:
            notes.append(f"of a text of this size, parts of words are learned from one megabyte in {every}")
        return learned_subwords(_sampled(pieces, every), wanted.size)
    rule = word_rule(wanted.kind)
    counts = counted(pieces, processes, rule)
    letters = {*characters, *("\n" if text.ends else "")} if wanted.spells else set()
    words = chosen_words(counts, fewest=wanted.min_count, most=wanted.size, letters=letters)
    if not words:
        raise CorpusError(f"{', '.join(text.names)}: no word occurs {wanted.min_count} times: lower --min-count")
    return WordTokenizer(words, spells=wanted.spells, rule=rule)


def word_rule(kind: WantedKind) -> Rule:
    """Return how a text is cut into tokens of a kind that has a vocabulary of words."""
    return WHITESPACE if kind == "whitespace" else WORDS


def _sampled(pieces: Iterator[str], every: int) -> Iterator[str]:
    """Yield the pieces of about one megabyte in `every`, however small they are."""
    gone = 0
    for piece in pieces:
        if (gone >> 20) % every == 0:
            yield piece
        gone += len(piece)
