"""A model that is served: its name, what it is, and the thread that writes with it."""

from __future__ import annotations

import time
from typing import Any

from longhand.config import ServingConfig
from longhand.model import Model
from longhand.serving.mailbox import Dispatcher, Postman
from longhand.serving.rounds import Rounds
from longhand.serving.scheduler import Scheduler
from longhand.serving.turns import Turns
from longhand.serving.windows import WindowScheduler
from longhand.serving.wire import ModelEntry, ModelFacts
from longhand.text.utf8 import without_surrogates

WINDOWED_BYTES, FEWEST_WINDOWED = 256_000_000, 8  # that the states of a model with a window may take, and its texts


class Served:
    """A model, and what it is called."""

    def __init__(
        self,
        name: str,
        model: Model,
        limits: ServingConfig,
        dispatcher: Dispatcher,
        turns: Turns | None = None,
    ) -> None:
        self.name, self.model = name, model
        self.whose = (model.file.fingerprint, without_surrogates(model.name))
        self.postman = Postman(dispatcher)
        self.names: dict[int, str] = {}  # of tokens, as the API calls them, as far as anybody has asked
        self.scheduler: Rounds
        how: dict[str, Any] = {"waiting": limits.waiting, "after": self.postman.deliver, "turns": turns}
        if (window := model.config.window) is not None:
            most = max(FEWEST_WINDOWED, WINDOWED_BYTES // (window * 12 * model.config.layers * model.config.hidden))
            self.scheduler = WindowScheduler(model.session, streams=min(limits.streams, most), **how)
        else:
            size = model.config.vocabulary_size
            self.scheduler = Scheduler(model.runtime.recurrent, size, streams=limits.streams, **how)
        self._since = int(time.time())

    def entry(self) -> ModelEntry:
        """Return what the API says of it."""
        model, config = self.model, self.model.config
        facts = ModelFacts(
            tokens=model.tokenizer.kind,
            vocabulary=config.vocabulary_size,
            layers=config.layers,
            hidden=config.hidden,
            parameters=model.file.parameters,
            bits_per_character=model.card.validation_bits_per_character,
            documents=config.documents,
            window=config.window,
            temperature=model.task(length=1).sampling.temperature or 0.0,
            max_copy=model.copies is not None,
        )
        return ModelEntry(id=self.name, created=self._since, longhand=facts)
