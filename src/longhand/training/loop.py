"""The training loop: learn, now and then score the held-out text, keep what scores best. NumPy only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from longhand.arrays import TokenIds
from longhand.config import NetworkConfig
from longhand.modelfile import ModelFile, Weights
from longhand.training.engine import Engine
from longhand.training.evaluation import HeldOut
from longhand.training.events import Evaluated, Listener
from longhand.training.interrupt import Interrupt
from longhand.training.learner import Learner
from longhand.training.pace import QUICK, Pace


@dataclass(frozen=True)
class Outcome:
    """What a training ended with.

    - weights: the best ones
    - validation_bits: their score in bits per character; None if none could be measured
    - training_bits: mean loss in learning when they were kept, bits per token; None before there was any
    - scored: characters that the score was measured on
    - kept_steps: how many had been made when these weights were scored
    - steps: all that were made
    - stopped_by: "time", "epochs", "SIGINT" or "SIGTERM"
    """

    weights: Weights
    validation_bits: float | None = None
    training_bits: float | None = None
    scored: int = 0
    kept_steps: int = 0
    steps: int = 0
    stopped_by: str = ""


Snapshot = Callable[[Outcome], ModelFile]
"""Makes a model file of what there is so far."""


@dataclass
class Loop:
    """One training, from the first step to the model that scored best.

    - held_out: token numbers of the text to score, (tokens,)
    - start: the start token
    """

    network: NetworkConfig
    engine: Engine
    learner: Learner
    held_out: TokenIds
    start: int
    pace: Pace
    snapshot: Snapshot
    tell: Listener
    interrupt: Interrupt
    _best: Outcome | None = None
    _scorer: HeldOut | None = None

    def run(self) -> Outcome:
        """Train until the pace or an interrupt says that it is the end; at least one step is made.

        Raises `TrainingError` if the loss, in learning or in scoring, is no longer a finite number.
        """
        while going_on(self.learner, self.pace, self.interrupt):
            self.learner.step()
            if self.pace.evaluation_due(self.learner.steps):
                self._evaluate(self.interrupt.asked)
        if (stopped := last_score(self.pace, self.interrupt)) is not None:
            self._evaluate(stopped)
        best = self._best or self._outcome(None)
        return replace(best, steps=self.learner.steps, stopped_by=self.interrupt.signal or self.pace.name)

    def _evaluate(self, stopped: Callable[[], bool]) -> None:
        began = time.monotonic()
        if self._scorer is None:
            self._scorer = HeldOut(self.held_out[: self.pace.scored_characters()], self.start)
        bits = self._scorer.bits(self.engine, self.network, stopped)
        if bits is None:
            return
        self.learner.refuse_unless_finite(bits, self.learner.steps)
        outcome = self._outcome(bits)
        best = self._best is None or self._best.validation_bits is None or bits < self._best.validation_bits
        if best:
            self._best = outcome
        self.tell(Evaluated(self.learner.status(), bits, best, self.snapshot(outcome)))
        self.pace.evaluated(time.monotonic() - began)

    def _outcome(self, bits: float | None) -> Outcome:
        return Outcome(
            self.engine.weights(),
            validation_bits=bits,
            training_bits=self.learner.recent_bits,
            scored=0 if self._scorer is None or bits is None else self._scorer.tokens,
            kept_steps=self.learner.steps,
            steps=self.learner.steps,
        )


def going_on(learner: Learner, pace: Pace, interrupt: Interrupt) -> bool:
    """Whether another step is to be made: the first always, later ones until the pace or an interrupt says no."""
    return learner.steps == 0 or (pace.progress(learner.steps) < 1 and not interrupt.asked())


def last_score(pace: Pace, interrupt: Interrupt) -> Callable[[], bool] | None:
    """Return what stops the last score: an interrupt, or after one the clock; None where it is not worth beginning."""
    if not interrupt.asked():
        return interrupt.asked
    if not pace.evaluation_may_be_quick():
        return None
    deadline = time.monotonic() + QUICK
    return lambda: time.monotonic() > deadline
