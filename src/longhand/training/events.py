"""What a training tells those who watch it. A listener is any callable that takes an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from longhand.config import NetworkConfig
from longhand.modelfile import Card, ModelFile
from longhand.training.plan import Plan


@dataclass(frozen=True)
class Preparing:
    """The corpus is being read, which takes a while; `share` of `what` is done at the moment, if that is known."""

    what: str
    share: float | None


@dataclass(frozen=True)
class Started:
    """The corpus is read and the first step is next.

    - lines: what is trained on what, in a sentence each
    - notes: what a person should know about the corpus
    - model: the untrained model
    - prompt: what samples are to go on from; empty where a model can begin by itself
    - plan: what was chosen and why, and what is to be expected
    """

    network: NetworkConfig
    lines: list[str]
    notes: list[str]
    model: ModelFile
    prompt: str = ""
    plan: Plan | None = None


@dataclass(frozen=True)
class Stepped:
    """A step is done.

    - progress: share of the training that is done, 0 to 1
    - seconds_left: estimate
    - characters_per_second: mean so far, evaluations left out
    - training_bits: mean loss over the latest steps, bits per character
    - learning_rate: of this step
    """

    step: int
    progress: float
    seconds: float
    seconds_left: float
    characters_per_second: float
    training_bits: float
    learning_rate: float = 0.0


@dataclass(frozen=True)
class Evaluated:
    """The held-out text has been scored.

    - last: the step before it
    - validation_bits: bits per character
    - best: whether it is better than every earlier score
    - model: the model as scored
    - sample: what it writes
    """

    last: Stepped
    validation_bits: float
    best: bool
    model: ModelFile
    sample: str = ""


@dataclass(frozen=True)
class EpochEnded:
    """All windows of the classic recipe have been read once more, or the training ends.

    - last: the step before it
    - epoch: which it was, from 1; `whole` is false where the training ended inside it
    - training_nats: mean loss over the epoch, in learning, nats per token
    - validation_bits: bits per character on the held-out text, if there is any and the loss improved
    - improved: whether the training loss is lower than every earlier epoch's
    - model: the best model so far, this one if it improved
    - sample: what it writes, if it improved
    """

    last: Stepped
    epoch: int
    whole: bool
    training_nats: float
    validation_bits: float | None
    improved: bool
    model: ModelFile
    sample: str = ""

    @property
    def checkpoint(self) -> str:
        """The name that the Keras script gives to what it saves here."""
        return f"weights-improvement-{self.epoch:02d}-{self.training_nats:.4f}"


@dataclass(frozen=True)
class Resumed:
    """A training that had stopped goes on after a step; `problems` are what is wrong with newer checkpoints."""

    step: int
    problems: list[str]


@dataclass(frozen=True)
class Checkpointed:
    """All of the training has been written after a step, to a file of the run's folder: it can go on from there."""

    step: int
    file: str


@dataclass(frozen=True)
class NotCheckpointed:
    """A checkpoint could not be written: the disk is full, say. The training goes on, the earlier one is kept."""

    step: int
    problem: str


@dataclass(frozen=True)
class RolledBack:
    """At a step the loss, the gradient or the score was no finite number; the training went back.

    - to_step: the checkpoint's
    - learning_rate: the highest one from here on
    """

    step: int
    to_step: int
    problem: str
    learning_rate: float


@dataclass(frozen=True)
class Finished:
    """The training is over.

    - output: the file that holds the best model, if one was asked for
    - remarks: what was given up, in a sentence each
    """

    card: Card
    output: Path | None
    remarks: list[str] = field(default_factory=list)


Event: TypeAlias = (
    "Preparing | Started | Resumed | Stepped | Evaluated | EpochEnded | Checkpointed | NotCheckpointed | RolledBack | "
    "Finished"
)
Listener: TypeAlias = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Listen to nothing."""
