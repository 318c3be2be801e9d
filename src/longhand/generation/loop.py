"""The one generation loop: the command line, the Python API and the samples shown in training all run it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from longhand.config import SamplingConfig
from longhand.generation.sampler import Sampler
from longhand.runtime.session import Session
from longhand.text.tokenizer import Tokenizer

PROMPT_PIECE = 256  # tokens fed at once: bounds the memory that their logits take


def stream_text(session: Session, tokenizer: Tokenizer, prompt: str, sampling: SamplingConfig) -> Iterator[str]:
    """Yield the `sampling.length` characters that follow `prompt`, each as soon as it is drawn.

    - session: one stream, in the state to start from

    The prompt, which may be empty, comes after the start token, as every text did in training.
    """
    sampler = Sampler(sampling, tokenizer.never_written)
    logits = None
    tokens = np.concatenate([np.array([tokenizer.start]), tokenizer.encode(prompt)])
    for piece in np.split(tokens, range(PROMPT_PIECE, len(tokens), PROMPT_PIECE)):
        logits = session.feed(piece[:, None])[-1, 0]
    assert logits is not None  # there always is a start token
    for written in range(sampling.length):
        token = np.array([sampler.draw(logits)])
        yield tokenizer.decode(token)
        if written + 1 < sampling.length:
            logits = session.step(token)[0]
