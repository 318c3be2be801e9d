"""The one generation loop: the command line, the Python API and the samples shown in training all run it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from longhand.arrays import TokenIds
from longhand.config import SamplingConfig
from longhand.errors import OptionError
from longhand.generation.sampler import Sampler
from longhand.runtime.session import Session, WritingSession
from longhand.text.tokenizer import Tokenizer

PROMPT_PIECE = 256  # tokens fed at once: bounds the memory that their logits take
PIECE_SECONDS = 0.05  # often enough for the eye and for Ctrl-C, and seldom beside what a call costs
LARGEST_PIECE = 8192  # tokens


class Piece(NamedTuple):
    """Text as it comes, and how many tokens it is."""

    text: str
    tokens: int


def stream_text(session: Session, tokenizer: Tokenizer, prompt: str, sampling: SamplingConfig) -> Iterator[Piece]:
    """Yield the `sampling.length` tokens that follow `prompt`, in pieces as soon as they are drawn.

    - session: one stream, in the state to start from

    The prompt, which may be empty, comes after the start token, as every text did in training. Where the tokenizer has
    none, the prompt may not be empty: raises `OptionError`.
    """
    tokens = tokenizer.encode(prompt)
    if tokenizer.start is not None:
        tokens = np.concatenate([np.array([tokenizer.start]), tokens])
    if not len(tokens):
        raise OptionError(
            "the model has no beginning of its own, it goes on from a text: give it one (--prompt, or --seed-from TEXT "
            "for a window of TEXT)"
        )
    if session.window is not None:
        tokens = tokens[-session.window :]
    return _written(session, tokenizer, tokens, sampling)


def _written(session: Session, tokenizer: Tokenizer, tokens: TokenIds, sampling: SamplingConfig) -> Iterator[Piece]:
    sampler = Sampler(sampling, tokenizer.never_written)
    for first in range(0, len(tokens) - 1, PROMPT_PIECE):
        session.feed(tokens[first : min(first + PROMPT_PIECE, len(tokens) - 1), None])
    for drawn in drawn_pieces(session, tokens[-1:], [sampler], sampling.length):
        yield Piece(tokenizer.decode(drawn[:, 0]), len(drawn))


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
