"""What a model finds likely to come next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longhand.generation.opening import opened
from longhand.generation.sampler import probabilities
from longhand.runtime.session import Session, checked_logits
from longhand.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Next:
    """A token that may come next.

    - text: of it; empty where it ends the document
    - probability: by the model alone
    - token: its number
    """

    text: str
    probability: float
    token: int


def likeliest(session: Session, tokenizer: Tokenizer, text: str, count: int, *, ends: bool) -> list[Next]:
    """Return the `count` tokens that are likeliest to follow `text`, the likeliest first.

    - session: one stream that has read nothing
    - ends: whether the start token is an answer, the end of a document

    Raises `OptionError` for an empty text where the tokenizer has no start token, and `ModelFormatError` for a damaged
    model.
    """
    opening = opened(session, tokenizer, text, whole=True)
    logits = checked_logits(session.step(np.array([opening.last]))[0])
    chances = probabilities(logits.astype(np.float64), 1.0)
    silent = {*tokenizer.never_written} - ({tokenizer.start} if ends else set())
    order = [token for token in np.argsort(-chances, kind="stable").tolist() if token not in silent]
    return [
        Next("" if token == tokenizer.start else tokenizer.decode(np.array([token])), float(chances[token]), token)
        for token in order[:count]
    ]
