"""How many bits a model needs for a text that it has not seen."""

from __future__ import annotations

import numpy as np

from longhand.arrays import TokenIds
from longhand.errors import OptionError
from longhand.generation.sampler import logsumexp
from longhand.model import Model

STREAMS = 64  # that read parts of the text side by side
READ_PIECE = 64  # tokens of each stream at once: bounds the memory that their logits take
LN2 = float(np.log(2))


def bits_per_character(model: Model, text: str) -> float:
    """Return the bits that a model needs for each character of a text of lines.

    The text is cut at line ends into 64 parts of about as many characters, fewer where it has fewer lines. Each is read
    from the start token and the fresh state, as a model begins to write: the beginnings are among what is scored.

    Raises `OptionError` for a model that reads a window or writes documents, and for a text without a line.
    """
    start = model.tokenizer.start
    if model.config.window is not None or model.config.documents or start is None:
        raise OptionError("weather: a model that reads a window or writes documents cannot be measured on a whole text")
    if not text.endswith("\n"):
        raise OptionError("weather: found a text without a line end at its end, expected whole lines")
    parts = [np.concatenate([[start], model.tokenizer.encode(part)]) for part in parted(text, STREAMS)]
    return _bits(model, parts) / len(text)


def parted(text: str, most: int) -> list[str]:
    """Return a text of lines in at most so many parts of whole lines, of about as many characters."""
    size = -(-len(text) // most)
    parts, begin = [], 0
    while begin < len(text):
        end = text.index("\n", min(begin + size, len(text)) - 1) + 1
        parts.append(text[begin:end])
        begin = end
    return parts


def _bits(model: Model, parts: list[TokenIds]) -> float:
    """Return the bits of all tokens but the first of each part."""
    longest = max(map(len, parts))
    ids = np.stack([np.pad(part, (0, longest - len(part)), constant_values=part[-1]) for part in parts], axis=1)
    scored = np.stack([np.arange(1, longest) < len(part) for part in parts], axis=1)
    session, total = model.session(len(parts)), 0.0
    for place in range(0, longest - 1, READ_PIECE):
        following = ids[place + 1 : place + 1 + READ_PIECE]
        logits = session.feed(ids[place : place + len(following)]).astype(np.float64)
        chosen = np.take_along_axis(logits, following[..., None], -1) - logsumexp(logits)
        total -= float(chosen[..., 0][scored[place : place + len(following)]].sum())
    return total / LN2
