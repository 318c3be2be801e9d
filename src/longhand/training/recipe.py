"""What the trainer asks of a recipe: how a text is read, what network learns it, and by which loop."""

from __future__ import annotations

from typing import Any, Protocol

from longhand.config import NetworkConfig
from longhand.modelfile import Weights
from longhand.text.encoded import EncodedCorpus
from longhand.training.course import Course, Outcome
from longhand.training.engine import Update
from longhand.training.evaluation import Scorer


class Recipe(Protocol):
    """One way to train. Made from a read corpus and the settings; needs no torch."""

    corpus: EncodedCorpus[Any]
    network: NetworkConfig
    weights: Weights
    update: Update
    native: bool
    """Whether the engine in C may train it."""

    @property
    def scorer(self) -> Scorer | None:
        """What scores the held-out text; None if nothing is held out."""
        ...

    @property
    def start(self) -> int | None:
        """The token before which a stream's state is cleared, if there is one."""
        ...

    @property
    def targets_per_step(self) -> float:
        """How many tokens are predicted in one step, on average."""
        ...

    @property
    def targets_per_epoch(self) -> int:
        """How many tokens are predicted in one reading of the text."""
        ...

    @property
    def prompt(self) -> str:
        """What samples are to go on from; empty where a model can begin by itself."""
        ...

    def plan(self) -> str:
        """Return what is trained and how, in a line."""
        ...

    def run(self, course: Course) -> Outcome:
        """Train."""
        ...
