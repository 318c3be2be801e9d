"""A model that is served: its name, what it is, and the thread that writes with it."""

from __future__ import annotations

import asyncio
import time

from longhand.config import ServingConfig
from longhand.model import Model
from longhand.serving.mailbox import Postman
from longhand.serving.rounds import Rounds
from longhand.serving.scheduler import Scheduler
from longhand.serving.windows import WindowScheduler
from longhand.serving.wire import ModelEntry, ModelFacts
from longhand.text.utf8 import without_surrogates


class Served:
    """A model, and what it is called."""

    def __init__(self, name: str, model: Model, limits: ServingConfig, loop: asyncio.AbstractEventLoop) -> None:
        self.name, self.model = name, model
        self.whose = (model.file.fingerprint, without_surrogates(model.name))
        self.postman = Postman(loop)
        self.names: dict[int, str] = {}  # of tokens, as the API calls them, as far as anybody has asked
        self.scheduler: Rounds
        streams, waiting, after = limits.streams, limits.waiting, self.postman.deliver
        if model.config.window is not None:
            self.scheduler = WindowScheduler(model.session, streams=streams, waiting=waiting, after=after)
        else:
            size = model.config.vocabulary_size
            self.scheduler = Scheduler(model.runtime.recurrent, size, streams=streams, waiting=waiting, after=after)
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
