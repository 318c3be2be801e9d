"""The score of a model on the whole of what was held out from it: in a short training it scores itself on a part."""

from __future__ import annotations

from pathlib import Path

from longhand.learned import halves, learned_text
from longhand.model import Model, load


def held_out(model: Model, corpus: str | Path) -> str:
    """Return what was held out of a model's training."""
    with learned_text(model.file, [str(corpus)]) as text:
        before, after = halves(model.file, text)
        for _ in before:
            pass
        return "".join(after)


def whole_score(path: Path, model: str) -> tuple[float, float]:
    """Return the bits per character and per byte of a model on all that was held out of its text."""
    loaded = load(model, precision="fp32")
    score = loaded.scorer().score([held_out(loaded, path)])
    return score.bits_per_character, score.bits_per_byte
