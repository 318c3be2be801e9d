"""The score of a model on the whole of what was held out from it: in a short training it scores itself on a part."""

from __future__ import annotations

from pathlib import Path

from longhand.model import load
from longhand.settings import train_config
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.evaluation import HeldOut
from longhand.training.native import library
from longhand.training.native_engine import NativeEngine
from longhand.training.planning import read_corpus

OF_THE_TEXT = ("tokens", "vocabulary", "min_count", "unknown", "documents", "held_out")


def whole_score(path: Path, model: str) -> tuple[float, float]:
    """Return the bits per character and per byte of a model on all that was held out of its text."""
    loaded = load(model)
    training = loaded.card.training
    given = {name: training[name] for name in OF_THE_TEXT if name in training}
    if not str(given["tokens"]).startswith("word"):
        given = {name: value for name, value in given.items() if name not in ("vocabulary", "min_count", "unknown")}
    corpus = read_corpus([str(path)], train_config(given))
    assert loaded.tokenizer.start is not None
    assert corpus.tokenizer.to_record() == loaded.tokenizer.to_record()
    kernel, why_not = library.found()
    if kernel is None:
        raise SystemExit(f"no engine in C: {why_not}")
    start = loaded.tokenizer.start if loaded.config.documents else None
    engine = NativeEngine(
        kernel, loaded.config, loaded.file.weights, update=DefaultRecipe.update, dropout=0.0, start=start
    )
    ids = corpus.held_out_ids
    held_out = HeldOut(ids, loaded.tokenizer.start, characters=corpus.characters_of(ids), size=corpus.bytes_of(ids))
    score = held_out.bits(engine, loaded.config)
    assert score is not None
    return score, score * held_out.characters / held_out.size
