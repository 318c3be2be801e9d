"""What is answered to a text that is to be scored."""

from __future__ import annotations

import math

import numpy as np

from longhand.arrays import DoubleArray
from longhand.config import ScoringConfig
from longhand.gates.trace import read_text
from longhand.gates.values import TokenBits
from longhand.model import Model
from longhand.serving.problems import ApiError
from longhand.serving.wire import ScoreAnswer, ScoreRequest

MOST_ADAPTED = 100_000  # characters: it takes some seconds, or where all layers learn half a minute


def scored(name: str, model: Model, wanted: ScoreRequest) -> ScoreAnswer:
    """Return how well a model predicts a text. Raises `ApiError`, and `LonghandError` as `Model.score` does."""
    if wanted.adapt and len(wanted.input) > MOST_ADAPTED:
        raise ApiError(400, f"input: found {len(wanted.input):,} characters, to adapt expected up to {MOST_ADAPTED:,}")
    how = {field: getattr(wanted, field) for field in ScoringConfig.__struct_fields__}
    bits: list[DoubleArray] = []
    found = model.score(wanted.input, lambda _, part: bits.append(part), **how)
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
        pieces = read_text(model.file, model.tokenizer, wanted.input).pieces
        each = np.concatenate(bits).tolist()
        answer.token_bits = [TokenBits(text, round(value, 4)) for text, value in zip(pieces, each, strict=True)]
    return answer
