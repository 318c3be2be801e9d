"""The vocabulary of a text: what its tokens are to be, and the tokenizer that comes of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from longhand.errors import CorpusError
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer
from longhand.text.counting import counted
from longhand.text.document_split import DocumentSplit
from longhand.text.documents import BOUNDARY, NONE
from longhand.text.numbering import in_halves
from longhand.text.points import CODE_POINTS, code_points, text_of
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
    split: int | DocumentSplit,
    wanted: Wanted,
    known: Tokenizer | None,
    *,
    processes: int = 1,
    notes: list[str],
) -> Tokenizer:
    """Return the tokenizer of a text.

    - split: how many characters are learned from, or which documents; others have no say
    - known: the tokenizer of a model to start from, whose characters are kept
    - processes: how many count words
    - notes: gets what a person should know of it

    Raises `MissingExtraError` for byte-pair encoding without its library, `CorpusError` where there is no word.
    """
    if isinstance(known, CharacterTokenizer):
        return known.extended(_learned_characters(text, survey, split))
    if known is not None:
        return known
    if wanted.kind == "byte":
        return ByteTokenizer()
    if wanted.kind == "char":
        return CharacterTokenizer(_learned_characters(text, survey, split))
    halves = in_halves(text, split, wanted.kind, "learning parts of words" if wanted.kind == "bpe" else "counting")
    pieces = (piece.replace(BOUNDARY, "\n") if text.ends else piece for half, piece in halves if half == 0)
    if wanted.kind == "bpe":
        learned = split.learned if isinstance(split, DocumentSplit) else split
        if (every := math.ceil(learned / SAMPLE)) > 1:
            notes.append(f"of a text of this size, parts of words are learned from one megabyte in {every}")
        return learned_subwords(_sampled(pieces, every), wanted.size)
    rule = word_rule(wanted.kind)
    counts = counted(pieces, processes, rule)
    characters = _learned_characters(text, survey, split) if wanted.spells else ""
    letters = {*characters, *("\n" if text.ends else "")} if wanted.spells else set()
    words = chosen_words(counts, fewest=wanted.min_count, most=wanted.size, letters=letters)
    if not words:
        raise CorpusError(f"{', '.join(text.names)}: no word occurs {wanted.min_count} times: lower --min-count")
    return WordTokenizer(words, spells=wanted.spells, rule=rule)


def word_rule(kind: WantedKind) -> Rule:
    """Return how a text is cut into tokens of a kind that has a vocabulary of words."""
    return WHITESPACE if kind == "whitespace" else WORDS


def _learned_characters(text: Text, survey: Survey, split: int | DocumentSplit) -> str:
    """Return the different characters of what is learned from, sorted."""
    if not isinstance(split, DocumentSplit):
        return survey.characters_before(split)
    assert survey.documents is not None
    seen, first_in = np.zeros(CODE_POINTS, np.bool_), survey.documents.number_at(survey.places)
    seen[survey.met[~split.held_out[first_in]]] = True
    halves = in_halves(text, split, "char", "looking for characters")
    while not seen[survey.met].all() and (found := next(halves, None)):  # most are seen soon
        if found[0] == 0:
            seen[code_points(found[1])] = True
    return text_of(np.sort(survey.met[seen[survey.met]]))


def _sampled(pieces: Iterator[str], every: int) -> Iterator[str]:
    """Yield the pieces of about one megabyte in `every`, however small they are."""
    gone = 0
    for piece in pieces:
        if (gone >> 20) % every == 0:
            yield piece
        gone += len(piece)
