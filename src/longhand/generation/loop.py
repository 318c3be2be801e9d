"""The one generation loop: the command line, the Python API and the samples shown in training all run it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from longhand.arrays import TokenIds
from longhand.config import SamplingConfig
from longhand.errors import OptionError
from longhand.generation.sampler import Sampler
from longhand.runtime.session import Session
from longhand.text.tokenizer import Tokenizer

PROMPT_PIECE = 256  # tokens fed at once: bounds the memory that their logits take


def stream_text(session: Session, tokenizer: Tokenizer, prompt: str, sampling: SamplingConfig) -> Iterator[str]:
    """Yield the `sampling.length` characters that follow `prompt`, each as soon as it is drawn.

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


def _written(session: Session, tokenizer: Tokenizer, tokens: TokenIds, sampling: SamplingConfig) -> Iterator[str]:
    sampler = Sampler(sampling, tokenizer.never_written)
    logits = None
    for piece in np.split(tokens, range(PROMPT_PIECE, len(tokens), PROMPT_PIECE)):
        logits = session.feed(piece[:, None])[-1, 0]
    assert logits is not None  # there is a token
    for written in range(sampling.length):
        token = np.array([sampler.draw(logits)])
        yield tokenizer.decode(token)
        if written + 1 < sampling.length:
            logits = session.step(token)[0]
