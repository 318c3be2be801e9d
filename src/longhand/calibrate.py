"""Finding the settings with which a model's texts are like those it learned from: `longhand.tune`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from longhand.errors import CorpusError, OptionError
from longhand.generation.tuning import Known, Likeness, Trial, tuned
from longhand.learned import halves, learned_text, training_of
from longhand.model import Corpus, Model, sources_of
from longhand.text.documents import BOUNDARY

PASSAGES, LENGTH = 24, 1000  # that are compared, and characters of each
DOCUMENTS = 200
MOST_LEARNED, MOST_HELD_OUT = 1 << 26, 1 << 23  # characters that are looked at
FEWEST, FEWEST_DOCUMENTS = 2000, 20  # characters, and documents, held out
LN2 = float(np.log(2))


def tune(
    model: Model,
    corpus: Corpus | None = None,
    *,
    validation: Corpus = (),
    seed: int = 0,
    tell: Callable[[Trial | Likeness], None] | None = None,
) -> Trial:
    """Find temperature and min-p with which a model's texts are like those that were held out of its training.

    They become what the model writes with where nothing else is asked for; `Model.save` keeps them.

    - corpus: what it learned from, whole; left out, it is found as the training recorded it
    - validation: what it was scored on, where that was no part of the corpus
    - tell: is called with what the text is like, and with each trial

    Raises `OptionError` for a model of the classic recipe, which writes greedily; `CorpusError`.
    """
    if model.config.window is not None:
        raise OptionError("tune: a model that reads a window takes the likeliest token: there is nothing to tune")
    told = tell or (lambda _: None)
    learned, passages = _texts(model, model.recorded_corpus() if corpus is None else corpus, validation)
    known = Known(learned)
    real = known.likeness(passages, _surprise(model, passages))
    told(real)

    def write(temperature: float, min_p: float) -> tuple[list[str], float]:
        settings: dict[str, Any] = {"temperature": temperature, "min_p": min_p, "seed": seed}
        if not model.config.documents:
            settings |= {"length": LENGTH, "length_in": "characters"}
        texts = list(model.texts(count=len(passages), log_probabilities=True, **settings))
        characters = sum(len(text.text) + (text.ended == "document") for text in texts)
        bits = -sum(sum(text.log_probabilities) for text in texts) / LN2
        return [text.text for text in texts], bits / max(characters, 1)

    best = tuned(real, known, write, told)
    model.set_defaults(temperature=best.temperature, min_p=best.min_p)
    return best


def _texts(model: Model, corpus: Corpus, validation: Corpus) -> tuple[list[str], list[str]]:
    """Return what was learned from, in pieces, and passages of what was held out."""
    learned: list[str] = []
    held_out, seen = "", 0
    apart = training_of(model.file).validation
    with learned_text(model.file, sources_of(corpus), validation=sources_of(validation)) as text:
        if apart and not text.has_validation:
            raise OptionError(f"tune: this model was scored on {', '.join(apart)}: pass it with --validation, too")
        before, after = halves(model.file, text)
        for piece in before:
            if seen < MOST_LEARNED:
                learned.append(piece)
            seen += len(piece)
        for piece in after:
            if len(held_out) < MOST_HELD_OUT:
                held_out += piece
    if len(held_out) < FEWEST:
        raise CorpusError(
            f"{', '.join(text.names)}: {len(held_out)} characters held out, expected {FEWEST} to compare with"
        )
    if model.config.documents:
        documents = [document for document in held_out.split(BOUNDARY) if document]
        if len(documents) < FEWEST_DOCUMENTS:
            raise CorpusError(
                f"{', '.join(text.names)}: {len(documents)} documents held out, expected {FEWEST_DOCUMENTS}"
            )
        return [piece.replace(BOUNDARY, "\n") for piece in learned], documents[:DOCUMENTS]
    return learned, _passages(held_out)


def _passages(text: str) -> list[str]:
    """Return passages of equal length that begin with a line, from all over a text."""
    length = min(LENGTH, len(text) // 2)
    places = np.linspace(0, len(text) - length, min(PASSAGES, max(2, len(text) // length))).astype(int).tolist()
    found = []
    for place in places:
        line = text.find("\n", place, place + length) + 1
        begin = line if 0 < line <= len(text) - length else place
        found.append(text[begin : begin + length])
    return found


def _surprise(model: Model, passages: list[str]) -> float:
    """Return bits a character of passages, each read from the beginning."""
    scores = [model.score(passage) for passage in passages]
    return sum(score.bits for score in scores) / sum(score.characters for score in scores)


def as_json(found: Trial, real: Likeness) -> str:
    """Return what was found, and what the text is like, as one JSON object."""
    return msgspec.json.encode({"text": real, "best": found}).decode()
