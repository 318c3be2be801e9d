"""What a training tells those who watch it. A listener is any callable that takes an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from longhand.config import NetworkConfig
from longhand.modelfile import Card, ModelFile


@dataclass(frozen=True)
class Started:
    """The corpus is read and the first step is next.

    - plan: what is trained on what, in a sentence each
    - notes: what a person should know about the corpus
    - model: the untrained model
    """

    network: NetworkConfig
    plan: list[str]
    notes: list[str]
    model: ModelFile


@dataclass(frozen=True)
class Stepped:
    """A step is done.

    - progress: share of the training that is done, 0 to 1
    - seconds_left: estimate
    - characters_per_second: mean so far, evaluations left out
    - training_bits: mean loss over the latest steps, bits per character
    """

    step: int
    progress: float
    seconds: float
    seconds_left: float
    characters_per_second: float
    training_bits: float


@dataclass(frozen=True)
class Evaluated:
    """The held-out text has been scored.

    - last: the step before it
    - validation_bits: bits per character
    - best: whether it is better than every earlier score
    - model: the model as scored
    """

    last: Stepped
    validation_bits: float
    best: bool
    model: ModelFile


@dataclass(frozen=True)
class Finished:
    """The training is over; `output` is the file that holds the best model, if one was asked for."""

    card: Card
    output: Path | None


Event: TypeAlias = "Started | Stepped | Evaluated | Finished"
Listener: TypeAlias = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Listen to nothing."""
