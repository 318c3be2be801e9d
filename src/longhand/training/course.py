"""What a training runs with, and what it ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Protocol

import msgspec

from longhand.config import NetworkConfig
from longhand.modelfile import ModelFile, Weights, checked_weights
from longhand.training.engine import Engine
from longhand.training.events import Listener
from longhand.training.interrupt import Interrupt
from longhand.training.pace import Pace
from longhand.training.saved import Amount, Count, Saved, checked_facts


class OutcomeFacts(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of an `Outcome` beside its weights, as a checkpoint holds them."""

    validation_bits: Amount | None
    training_bits: Amount | None
    scored: Count
    scored_bytes: Count
    kept_steps: Count
    steps: Count
    nats: tuple[Amount, ...]
    whole: bool
    stopped_by: str


@dataclass(frozen=True)
class Outcome:
    """What a training ended with.

    - weights: the best ones
    - validation_bits: their score in bits per character; None if none could be measured
    - training_bits: mean loss in learning when they were kept, bits per character; None before there was any
    - scored, scored_bytes: characters that the score was measured on, and their size in UTF-8
    - kept_steps: how many had been made when these weights were scored
    - steps: all that were made
    - nats: the losses of the sample's blocks, to compare other weights with on the same ones
    - whole: whether the whole sample was scored, or the clock cut the score off
    - stopped_by: "time", "epochs", "no improvement", or the signal: "SIGINT", "SIGTERM" or "SIGHUP"
    """

    weights: Weights
    validation_bits: float | None = None
    training_bits: float | None = None
    scored: int = 0
    scored_bytes: int = 0
    kept_steps: int = 0
    steps: int = 0
    nats: tuple[float, ...] = ()
    whole: bool = False
    stopped_by: str = ""

    @property
    def last(self) -> bool:
        """Whether these are the weights after the last step."""
        return self.kept_steps == self.steps

    def saved(self) -> Saved:
        """Return this as what a part of a training remembers."""
        return Saved(self.weights, {field.name: getattr(self, field.name) for field in fields(self)[1:]})

    @classmethod
    def of(cls, saved: Saved, network: NetworkConfig) -> Outcome:
        """Return what `saved` made of it. Raises `ValueError` for what is no outcome of training this network."""
        facts = msgspec.structs.asdict(checked_facts(saved, OutcomeFacts))
        return cls(checked_weights(network, saved.arrays), **facts)

    def ended(self, steps: int, stopped_by: str) -> Outcome:
        """Return this as the end of a training of so many steps."""
        return replace(self, steps=steps, stopped_by=stopped_by)


def remarks(outcome: Outcome, held_out: bool, by_training_loss: bool) -> list[str]:
    """Return what to say about a training that does not deliver its last weights, or did not score them whole.

    - held_out: whether there was a text to score them on
    - by_training_loss: whether the best weights are those with the lowest training loss, as in the classic recipe
    """
    stays = "; the last checkpoint stays beside the model, and --resume continues from it"
    if not outcome.last:
        better = "had a lower training loss" if by_training_loss else "scored better"
        return [f"the weights of step {outcome.kept_steps:,} of {outcome.steps:,} {better} than the last ones{stays}"]
    if held_out and not outcome.whole:
        why = "time ran out during the final score"
        if outcome.stopped_by.startswith("SIG"):
            why = f"{outcome.stopped_by} cut the final score short"
        return [f"{why}: it covers {outcome.scored:,} characters{stays}"]
    return []


Snapshot = Callable[[Outcome], ModelFile]
"""Makes a model file of what there is so far."""

Sampler = Callable[[ModelFile, str], str]
"""Lets a model write a little after a prompt."""


DocumentWriter = Callable[[ModelFile, float], list[str]]
"""Lets a model of documents write some, for so many seconds at most."""

DocumentTrier = Callable[[ModelFile, Mapping[str, float]], list[str]]
"""Lets a model of documents write some with settings that are tried."""


def no_documents(model: ModelFile, how: object) -> list[str]:  # noqa: ARG001 (the signature of both)
    """Write none."""
    return []


def no_sample(model: ModelFile, prompt: str) -> str:  # noqa: ARG001 (the signature of a sampler)
    """Write nothing."""
    return ""


class Store(Protocol):
    """Where checkpoints go."""

    def write(self, step: int, saved: Saved) -> str:
        """Write what all parts of the training remember after a step; return the file's name. Raises `OutputError`."""
        ...


@dataclass(frozen=True)
class Course:
    """What a recipe's loop runs with.

    - store: where checkpoints are written, if anywhere
    - every: seconds between checkpoints
    - resumed: what the parts of the training remembered where it is to go on
    """

    engine: Engine
    pace: Pace
    snapshot: Snapshot
    sample: Callable[[ModelFile], str]
    tell: Listener
    interrupt: Interrupt
    store: Store | None = None
    every: float = 30.0
    resumed: Saved | None = None
