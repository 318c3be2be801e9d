"""The one generation loop: the command line, the Python API and the samples shown in training all run it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from longhand.arrays import TokenIds
from longhand.config import SamplingConfig
from longhand.errors import OptionError
from longhand.generation.sampler import Sampler, logsumexp
from longhand.runtime.session import Session, WritingSession
from longhand.settings import length_of
from longhand.text.tokenizer import Tokenizer
from longhand.text.utf8 import without_surrogates

if TYPE_CHECKING:
    from longhand.runtime.session import RecurrentSession

PROMPT_PIECE = 256  # tokens fed at once: bounds the memory that their logits take
PIECE_SECONDS = 0.05  # often enough for the eye and for Ctrl-C, and seldom beside what a call costs
LARGEST_PIECE = 8192  # tokens


class Piece(NamedTuple):
    """Text as it comes, and how many tokens it is."""

    text: str
    tokens: int


def stream_text(
    session: Session, tokenizer: Tokenizer, prompt: str, sampling: SamplingConfig, separator: str | None = None
) -> Iterator[Piece]:
    """Yield what follows `prompt`, in pieces as soon as they are drawn.

    - session: one stream, in the state to start from
    - separator: of a model of documents, what is written where one ends; each begins with `prompt`, and all but the
      first are written with it

    So many tokens are written as `length_of(sampling)` says, or `sampling.documents` documents of so many at most.

    The prompt, which may be empty, comes after the start token, as every text did in training. Where the tokenizer has
    none, the prompt may not be empty: raises `OptionError`.
    """
    begun = "" if tokenizer.beginnings is None else tokenizer.beginnings.open_end(prompt)
    tokens = tokenizer.encode(prompt[: len(prompt) - len(begun)])
    if tokenizer.start is not None:
        tokens = np.concatenate([np.array([tokenizer.start]), tokens])
    if not len(tokens):
        raise OptionError(
            "the model has no beginning of its own, it goes on from a text: give it one (--prompt, or --seed-from TEXT "
            "for a window of TEXT)"
        )
    if session.window is not None:
        tokens = tokens[-session.window :]
    if separator is None:
        if sampling.documents is not None:
            raise OptionError("documents: the model was not trained on documents (longhand train --documents)")
        sampler = Sampler(sampling, tokenizer.never_written)
        return _written(session, tokenizer, tokens, begun, sampler, length_of(sampling))
    return _documents(session, tokenizer, tokens, prompt, begun, sampling, separator)


def _documents(
    session: Session,
    tokenizer: Tokenizer,
    tokens: TokenIds,
    prompt: str,
    begun: str,
    sampling: SamplingConfig,
    separator: str,
) -> Iterator[Piece]:
    """Yield documents, one after another, from the second on with the prompt that they begin with."""
    end, length, wanted = tokenizer.start, length_of(sampling), sampling.documents
    sampler = Sampler(sampling, tuple(token for token in tokenizer.never_written if token != end))
    written = documents = 0
    while written < length if wanted is None else documents < wanted:
        if documents:
            cast("RecurrentSession", session).restart([0])
            yield Piece(prompt, 0)
        left = length - written if wanted is None else length
        for piece in _written(session, tokenizer, tokens, begun, sampler, left, end):
            written += piece.tokens
            yield piece
        documents += 1
        if wanted is not None or written < length:
            yield Piece(separator, 0)


def _written(
    session: Session,
    tokenizer: Tokenizer,
    tokens: TokenIds,
    begun: str,
    sampler: Sampler,
    left: int,
    end: int | None = None,
) -> Iterator[Piece]:
    """Read tokens and yield the `left` tokens that follow, fewer where the token `end` comes before."""
    for first in range(0, len(tokens) - 1, PROMPT_PIECE):
        session.feed(tokens[first : min(first + PROMPT_PIECE, len(tokens) - 1), None])
    decoder, last = tokenizer.decoder(), tokens[-1:]
    if begun and left:
        word = _whole_word(cast("RecurrentSession", session), tokenizer, last, begun, sampler)
        last, text = word[-1:], without_surrogates(decoder.decode(word)[len(begun) :])
        if text:
            left -= 1
            yield Piece(text, 1)
    for drawn in drawn_pieces(session, last, [sampler], left):
        ids = drawn[:, 0]
        found = np.flatnonzero(ids == end)
        if len(found):
            sampler.give_back(len(ids) - int(found[0]) - 1)
            yield Piece(without_surrogates(decoder.decode(ids[: found[0]])), int(found[0]) + 1)
            return
        yield Piece(without_surrogates(decoder.decode(ids)), len(ids))


def _whole_word(
    session: RecurrentSession, tokenizer: Tokenizer, last: TokenIds, begun: str, sampler: Sampler
) -> TokenIds:
    """Return tokens of a text that begins with `begun`, drawn by how probable each way is; all but the last are read.

    - last: the token before them
    """
    assert tokenizer.beginnings is not None
    ways = tokenizer.beginnings.ways(begun)
    before, scores = session.state, []
    for each in ways:
        session.state = before
        read = session.feed(np.array([*last, *each.first])[:, None])[:, 0].astype(np.float64)
        logarithms = read - logsumexp(read)
        first = sum(logarithms[place, token] for place, token in enumerate(each.first))
        scores.append(first + logarithms[-1, each.next])
    drawn = sampler.draw_among(np.concatenate(scores))
    for each in ways:
        if drawn < len(each.next):
            break
        drawn -= len(each.next)
    session.state = before
    session.feed(np.array([*last, *each.first])[:, None])
    return np.array([*each.first, each.next[drawn]])


def drawn_pieces(session: Session, last: TokenIds, samplers: Sequence[Sampler], left: int) -> Iterator[TokenIds]:
    """Read each stream's last token, (batch,), and yield the `left` that follow in pieces, (time, batch).

    Pieces are as long as what is drawn in a moment; the tokens do not depend on it.

    - samplers: one a stream
    """
    if not isinstance(session, WritingSession):
        for _ in range(left):
            logits = session.step(last)
            last = np.array([sampler.draw(row) for sampler, row in zip(samplers, logits, strict=True)])
            yield last[None]
        return
    drawings = [sampler.drawing for sampler in samplers]
    size = 1
    while left:
        began = time.monotonic()
        uniforms = np.stack([sampler.uniforms(min(size, left)) for sampler in samplers], axis=1)
        drawn = session.write(last, drawings, uniforms)
        left -= len(drawn)
        last = drawn[-1]
        size = _next_size(size, time.monotonic() - began)
        yield drawn


def _next_size(size: int, seconds: float) -> int:
    """Return how many tokens to ask for after `size` took some seconds."""
    return min(2 * size, LARGEST_PIECE) if seconds < PIECE_SECONDS else max(1, size // 2)
