"""What is answered to a text that is to be scored."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from longhand.arrays import DoubleArray
from longhand.config import ScoringConfig
from longhand.gates.trace import read_text
from longhand.gates.values import TokenBits
from longhand.model import Model
from longhand.scoring.cache import BLOCK_TOKENS
from longhand.serving.problems import ApiError
from longhand.serving.wire import ScoreAnswer, ScoreRequest

MOST_ADAPTED = 100_000  # characters: it takes some seconds, or where all layers learn half a minute
MAX_LISTED = 400_000  # characters of which each token is told: some 50 MB until it is read
MAX_CACHE_WORK = 3 * 10**11  # products of a cache: one token with what was shown before as many as it looks back at


def scored(name: str, model: Model, wanted: ScoreRequest, pause: Callable[[], None] | None = None) -> ScoreAnswer:
    """Return how well a model predicts a text; `pause` is called between pieces of the work.

    Raises `ApiError`, and `LonghandError` as `Model.score` does.
    """
    _refuse_long(wanted, model)
    how = {field: getattr(wanted, field) for field in ScoringConfig.__struct_fields__}
    bits: list[DoubleArray] = []
    found = model.score(wanted.input, lambda _, part: bits.append(part), pause=pause, **how)
    answer = ScoreAnswer(
        model=name,
        bits=found.bits,
        characters=found.characters,
        bytes=found.bytes,
        tokens=found.tokens,
        unknown=found.unknown,
        bits_per_character=found.bits_per_character,
        bits_per_byte=found.bits_per_byte,
        perplexity=found.perplexity if math.isfinite(found.perplexity) else None,
    )
    if wanted.per_token:
        pieces = read_text(model.file, model.tokenizer, model.as_read(wanted.input)).pieces
        each = np.concatenate(bits).tolist()
        answer.token_bits = [TokenBits(text, round(value, 4)) for text, value in zip(pieces, each, strict=True)]
    return answer


def _refuse_long(wanted: ScoreRequest, model: Model) -> None:
    """Raise `ApiError` for a text that would take too long, or too much memory."""
    size = len(wanted.input)
    if wanted.adapt and size > MOST_ADAPTED:
        raise _too_long(size, MOST_ADAPTED, "to adapt", "send a shorter text")
    if wanted.per_token and size > MAX_LISTED:
        raise _too_long(size, MAX_LISTED, "with per_token", "send a shorter text, or leave per_token out")
    if wanted.cache:
        most = MAX_CACHE_WORK // (min(max(wanted.cache_size, BLOCK_TOKENS), size) * model.config.hidden)
        if size > most:
            how = f"with a cache of {wanted.cache_size:,} tokens"
            raise _too_long(size, most, how, "send a shorter text, or take a smaller cache_size")


def _too_long(size: int, most: int, how: str, instead: str) -> ApiError:
    return ApiError(400, f"input: found {size:,} characters, {how} expected up to {most:,}: {instead}", param="input")
