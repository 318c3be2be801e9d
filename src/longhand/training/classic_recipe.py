"""The classic recipe: what the Keras script of many tutorials does. docs/from-keras.md has the two side by side.

Every window of the text, at stride 1 and shuffled, predicts the one token after it, from a fresh state. Tokens go in
as one number each, Keras's Adam moves the weights, and those of the epoch with the lowest training loss are kept.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from longhand.config import NetworkConfig, TrainConfig
from longhand.errors import CorpusError
from longhand.modelfile import scalar_embedding
from longhand.text.encoded import EncodedCorpus
from longhand.text.listed import ListedTokenizer
from longhand.training.classic_loop import ClassicLoop
from longhand.training.course import Course, Outcome
from longhand.training.engine import Update
from longhand.training.evaluation import HeldOutWindows
from longhand.training.initial import keras_weights
from longhand.training.learner import Learner
from longhand.training.schedule import constant
from longhand.training.windows import Windows
from longhand.units import PLURAL


class ClassicRecipe:
    """See `longhand.training.recipe.Recipe`."""

    start = None
    update = Update(betas=(0.9, 0.999), epsilon=1e-7, epsilon_hat=True)
    native = False  # it holds all windows of a step at once: several times the memory

    def __init__(self, corpus: EncodedCorpus[ListedTokenizer], config: TrainConfig) -> None:
        if len(corpus.learned_ids) <= config.window:
            raise CorpusError(
                f"{len(corpus.learned_ids)} {PLURAL[config.tokens]} to learn from, expected more than a window of "
                f"{config.window}: take a smaller --window, or more text"
            )
        self.corpus, self._config = corpus, config
        size = corpus.tokenizer.size
        self.network = NetworkConfig(
            vocabulary_size=size,
            embedding=config.embedding or 1,
            hidden=config.hidden,
            layers=config.layers,
            window=config.window,
        )
        self._random = np.random.Generator(np.random.PCG64(config.seed))
        self.weights = keras_weights(self.network, self._random)
        if config.embedding == 0:
            self.weights["embedding.weight"] = scalar_embedding(size)
        self._windows = Windows(corpus.learned_ids, batch=config.batch, window=config.window, random=self._random)

    @property
    def targets_per_step(self) -> float:
        """See `Recipe`; the last step of an epoch may have fewer than the others."""
        return self._windows.count / self._windows.steps_per_epoch

    @property
    def targets_per_epoch(self) -> int:
        """See `Recipe`."""
        return self._windows.count

    @property
    def prompt(self) -> str:
        """A window of the text, as the script's seed."""
        ids, window = self.corpus.learned_ids, self._config.window
        first = int(np.random.default_rng(self._config.seed).integers(0, len(ids) - window))
        return self.corpus.tokenizer.decode(ids[first : first + window])

    def plan(self) -> str:
        """See `Recipe`."""
        config = self._config
        return (
            f"classic recipe: {config.layers} x {config.hidden} LSTM, {self._windows.count:,} windows of "
            f"{config.window} {PLURAL[config.tokens]}, {config.batch} at a time, one target each"
        )

    def run(self, course: Course) -> Outcome:
        """See `Recipe`."""
        learner = Learner(
            course.engine,
            self.network,
            self._windows,
            course.pace,
            course.tell,
            schedule=constant,
            learning_rate=self._config.learning_rate,
            characters_per_target=self.corpus.characters_per_token,
        )
        return ClassicLoop(
            network=self.network,
            course=course,
            learner=learner,
            windows=self._windows,
            parts={"reader": self._windows},
            scorer=self.scorer,
        ).run()

    @cached_property
    def scorer(self) -> HeldOutWindows | None:
        """See `Recipe`."""
        corpus, ids = self.corpus, self.corpus.held_out_ids
        if not corpus.held_out:
            return None
        return HeldOutWindows(
            corpus.ids,
            first=len(corpus.learned_ids),
            count=len(ids),
            characters=corpus.characters_of(ids),
            size=corpus.bytes_of(ids),
            window=self._config.window,
        )
