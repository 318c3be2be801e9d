"""From files to a plan: what there is to learn from, and what is to be trained on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from longhand.config import NetworkConfig, TrainConfig
from longhand.modelfile import Weights, expected_shapes
from longhand.settings import token_kind
from longhand.state import State
from longhand.text.closed import encode_closed
from longhand.text.corpus_parts import parts_of, without_validation
from longhand.text.encoded import EncodedCorpus
from longhand.text.preparing import encode_corpus
from longhand.text.progress import Told, untold
from longhand.text.sources import Source
from longhand.text.vocabulary import Wanted
from longhand.training.base import Base, documents_of, with_shape_of
from longhand.training.choice import engine_for, on_processor
from longhand.training.default_recipe import DefaultRecipe, refuse_too_little
from longhand.training.engine import Engine, Update
from longhand.training.footprint import refuse_too_large
from longhand.training.plan import SIZES, Plan, make_plan
from longhand.training.reading import normal_form_of, reading_of
from longhand.training.speed import measured_speed
from longhand.units import PLURAL

FIRST_STEP = 8  # tokens


def read_corpus(
    sources: Iterable[Source], config: TrainConfig, base: Base | None = None, tell: Told = untold
) -> EncodedCorpus[Any]:
    """Read a text as the recipe of `config` does. Raises `CorpusError`."""
    reading, parts = reading_of(config), parts_of(sources)
    if base is not None:
        reading = replace(reading, normalize=reading.normalize or normal_form_of(base.file))
    if config.recipe == "classic":
        closed = encode_closed(parts.learned, "word" if config.tokens == "word" else "char", config.held_out, reading)
        return replace(closed, notes=[*without_validation(parts), *closed.notes])
    kind, size = token_kind(config)
    wanted = Wanted(kind, size, config.min_count, config.unknown == "spell", documents_of(config, base))
    corpus = encode_corpus(
        parts.learned,
        config.held_out,
        None if base is None else base.tokenizer,
        wanted,
        reading,
        tell,
        split=config.split,
        validation=config.validation or parts.validation,
    )
    notes = without_validation(parts, "--validation is scored instead") if config.validation else parts.notes
    return replace(corpus, notes=[*notes, *corpus.notes])


def described(corpus: EncodedCorpus[Any]) -> list[str]:
    """Return what a text is, in a line, and in another one why its tokens are what they are, if they were chosen."""
    names = ", ".join([*corpus.names[:3], *["..."] * (len(corpus.names) > 3)])
    kind = corpus.tokenizer.kind
    words = "" if kind == "char" else f"{len(corpus.ids):,} {PLURAL[kind]}, "
    held_out = f"{corpus.held_out_characters:,}" if corpus.held_out else "none"
    held_out += f" ({', '.join(corpus.validation[:3])})" if corpus.validation else ""
    words += f"{corpus.documents:,} documents, " if corpus.documents else ""
    different = corpus.tokenizer.size - len(corpus.tokenizer.never_written)
    about = f"{names}: {corpus.characters:,} characters, {words}{different:,} different, {held_out} held out"
    return [about, *([corpus.why_tokens] if corpus.why_tokens else [])]


def plan_for(
    corpus: EncodedCorpus[Any],
    config: TrainConfig,
    free: frozenset[str],
    base: Base | None = None,
    *,
    expect: bool = False,
) -> Plan:
    """Return the plan of a training; measures this machine where that decides anything, or `expect` is true.

    Its settings name the kind of tokens that `corpus` has, where that was left to the text.

    By epochs it does not: the same text and seed are to give the same training.

    Raises `MissingExtraError` and `OptionError` as `engine_for` does, `OptionError` for a network too large for the
    memory, `CorpusError` for too little text.
    """
    if config.tokens == "auto":
        config = msgspec.structs.replace(config, tokens=corpus.tokenizer.kind)
    if base is not None:
        config, free = with_shape_of(base, config, free)
    vocabulary, speed = corpus.tokenizer.size, None
    if (free or expect) and config.recipe == "default" and config.epochs is None:
        smallest = msgspec.structs.replace(config, hidden=SIZES[0]) if "hidden" in free else config
        refuse_too_large(smallest, vocabulary)
        speed = measured_speed(config, vocabulary, lambda network: _trial(network, config))
    plan = make_plan(
        config,
        free,
        tokens=len(corpus.learned_ids),
        vocabulary=vocabulary,
        speed=speed,
        documents=corpus.documents > 0,
    )
    if plan.config.recipe == "default":
        refuse_too_little(corpus, plan.config)
    refuse_too_large(plan.config, vocabulary)
    return plan


def _trial(network: NetworkConfig, config: TrainConfig) -> Engine:
    """Return an engine to be measured; the first step on a GPU, which takes seconds by itself, is behind it."""
    engine = engine_for(_Trial(network), config)
    if not on_processor(config):
        tokens = np.zeros((FIRST_STEP + 1, 1), np.int64)
        engine.step(tokens[:-1], tokens[1:], State.zeros(network, 1), 0.0)
    return engine


@dataclass(frozen=True)
class _Trial:
    """What an engine is made for in order to see how fast it is: a network whose weights are zeros."""

    network: NetworkConfig
    update: Update = DefaultRecipe.update
    native: bool = True
    start: int | None = None

    @property
    def weights(self) -> Weights:
        return {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(self.network).items()}
