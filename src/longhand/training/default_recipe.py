"""The default recipe: contiguous streams with the state carried, a target at every position, the best score kept."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from longhand.config import NetworkConfig, TrainConfig
from longhand.errors import CorpusError
from longhand.modelfile import scalar_embedding
from longhand.text.encoded import EncodedCorpus
from longhand.text.tokenizer import Tokenizer
from longhand.training.base import Base
from longhand.training.batches import Streams
from longhand.training.course import Course, Outcome
from longhand.training.engine import Update
from longhand.training.evaluation import HeldOut
from longhand.training.initial import OF_TOKENS, initial_weights
from longhand.training.learner import Learner
from longhand.training.loop import Loop
from longhand.training.schedule import learning_rate
from longhand.units import PLURAL


class DefaultRecipe:
    """See `longhand.training.recipe.Recipe`."""

    update = Update(betas=(0.9, 0.99), weight_decay=0.01, gradient_norm=1.0)
    prompt = ""
    native = True

    def __init__(self, corpus: EncodedCorpus[Tokenizer], config: TrainConfig, base: Base | None = None) -> None:
        refuse_too_little(corpus, config)
        self.corpus, self._config = corpus, config
        self.update = replace(self.update, weight_decay=config.weight_decay)
        self.network = NetworkConfig(
            vocabulary_size=corpus.tokenizer.size,
            embedding=config.embedding or 1,
            hidden=config.hidden,
            layers=config.layers,
            documents=corpus.documents > 0,
        )
        self._random = np.random.Generator(np.random.PCG64(config.seed))
        names = None if base is None else OF_TOKENS
        self.weights = initial_weights(
            self.network, corpus.counts, corpus.tokenizer.unknown, self._random, names, config.memory
        )
        if config.embedding == 0:
            self.weights["embedding.weight"] = scalar_embedding(corpus.tokenizer.size)
        if base is not None:
            self.weights = base.weights(self.weights, corpus.tokenizer)

    @property
    def start(self) -> int | None:
        """See `Recipe`."""
        return self.corpus.tokenizer.start

    @property
    def targets_per_step(self) -> float:
        """See `Recipe`."""
        return self._config.batch * self._config.window

    @property
    def targets_per_epoch(self) -> int:
        """See `Recipe`."""
        return len(self.corpus.learned_ids)

    def plan(self) -> str:
        """See `Recipe`."""
        config = self._config
        return f"{config.layers} x {config.hidden} LSTM, {config.batch} streams, windows of {config.window}"

    def run(self, course: Course) -> Outcome:
        """See `Recipe`."""
        config, tokenizer = self._config, self.corpus.tokenizer
        assert tokenizer.start is not None
        streams = Streams(
            self.corpus.learned_ids,
            batch=config.batch,
            window=config.window,
            chapter=config.chapter,
            start=tokenizer.start,
            line_end=tokenizer.start if self.network.documents else tokenizer.line_end,
            random=self._random,
            documents=self.network.documents,
            release=self.corpus.release,
        )
        learner = Learner(
            course.engine,
            self.network,
            streams,
            course.pace,
            course.tell,
            schedule=partial(learning_rate, anneal=config.anneal),
            learning_rate=config.learning_rate,
            characters_per_target=self.corpus.characters_per_token,
        )
        return Loop(
            network=self.network,
            course=course,
            learner=learner,
            parts={"reader": streams},
            scorer=self.scorer,
        ).run()

    @cached_property
    def scorer(self) -> HeldOut:
        """See `Recipe`."""
        corpus, ids, start = self.corpus, self.corpus.held_out_ids, self.corpus.tokenizer.start
        assert start is not None
        return HeldOut(ids, start, characters=corpus.characters_of(ids), size=corpus.bytes_of(ids))


def refuse_too_little(corpus: EncodedCorpus[Tokenizer], config: TrainConfig) -> None:
    """Raise `CorpusError` for a text with less than a window to learn from, or nothing to score on."""
    if len(corpus.learned_ids) <= config.window:
        raise CorpusError(
            f"{len(corpus.learned_ids)} {PLURAL[corpus.tokenizer.kind]} to learn from, expected more than a window of "
            f"{config.window}: take a smaller --window, or more text"
        )
    if corpus.held_out == 0 and corpus.validation:
        raise CorpusError(f"{', '.join(corpus.validation)}: no text in it: nothing to score on")
    if corpus.held_out == 0:
        raise CorpusError(
            f"{corpus.characters} characters, of which a share of {config.held_out} is less than one: nothing to "
            "score on; take a larger --held-out, or more text"
        )
