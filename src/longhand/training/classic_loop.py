"""The classic recipe's loop: whole epochs over shuffled windows, and the weights whose training loss was lowest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from longhand.config import NetworkConfig
from longhand.training.engine import Engine
from longhand.training.evaluation import HeldOutWindows
from longhand.training.events import EpochEnded, Listener
from longhand.training.interrupt import Interrupt
from longhand.training.learner import Learner
from longhand.training.loop import Outcome, Snapshot, going_on, last_score
from longhand.training.pace import Pace
from longhand.training.windows import Windows


@dataclass
class ClassicLoop:
    """One training by the classic recipe.

    - held_out: makes what scores some of the held-out text; None if nothing is held out
    """

    network: NetworkConfig
    engine: Engine
    learner: Learner
    windows: Windows
    held_out: Callable[[int], HeldOutWindows] | None
    pace: Pace
    snapshot: Snapshot
    tell: Listener
    interrupt: Interrupt
    _best: Outcome | None = None
    _scorer: HeldOutWindows | None = None
    _nats: float = 0.0
    _targets: int = 0
    _epoch: int = 1

    def run(self) -> Outcome:
        """Train until the pace or an interrupt says that it is the end; at least one step is made.

        What was learned of an epoch that did not end counts as one. Raises `TrainingError` if the loss, in learning or
        in scoring, is no longer a finite number.
        """
        while going_on(self.learner, self.pace, self.interrupt):
            loss, targets = self.learner.step()
            self._nats += loss * targets
            self._targets += targets
            if self.windows.at_epoch_end and going_on(self.learner, self.pace, self.interrupt):
                self._end_epoch(self.interrupt.asked)
        stopped = last_score(self.pace, self.interrupt)
        best = self._end_epoch(stopped) if self._targets else self._scored_at_last(stopped)
        return replace(best, steps=self.learner.steps, stopped_by=self.interrupt.signal or self.pace.name)

    def _scored_at_last(self, stopped: Callable[[], bool] | None) -> Outcome:
        """Return the best after an epoch that is already ended, whose score an interrupt may have ended too."""
        assert self._best is not None  # an epoch has ended
        best = self._best
        if best.validation_bits is None and best.kept_steps == self.learner.steps and stopped is not None:
            best = self._outcome(best.training_bits, self._score(stopped))
        return best

    def _end_epoch(self, stopped: Callable[[], bool] | None) -> Outcome:
        """Keep the weights if the epoch's mean loss in learning is the lowest so far, and begin the next epoch."""
        nats = self._nats / self._targets
        bits = nats / math.log(2)
        best = self._best
        improved = best is None or best.training_bits is None or bits < best.training_bits
        if best is None or improved:
            best = self._best = self._outcome(bits, None if stopped is None else self._score(stopped))
        self.tell(
            EpochEnded(
                self.learner.status(),
                epoch=self._epoch,
                whole=self.windows.at_epoch_end,
                training_nats=nats,
                validation_bits=best.validation_bits if improved else None,
                improved=improved,
                model=self.snapshot(best),
            )
        )
        self._epoch, self._nats, self._targets = self._epoch + 1, 0.0, 0
        return best

    def _score(self, stopped: Callable[[], bool]) -> float | None:
        if self.held_out is None:
            return None
        began = time.monotonic()
        if self._scorer is None:
            self._scorer = self.held_out(self.pace.scored_characters())
        bits = self._scorer.bits(self.engine, self.network, stopped)
        if bits is not None:
            self.learner.refuse_unless_finite(bits, self.learner.steps)
            self.pace.evaluated(time.monotonic() - began)
        return bits

    def _outcome(self, training_bits: float | None, validation_bits: float | None) -> Outcome:
        return Outcome(
            self.engine.weights(),
            validation_bits=validation_bits,
            training_bits=training_bits,
            scored=0 if self._scorer is None or validation_bits is None else self._scorer.characters,
            kept_steps=self.learner.steps,
            steps=self.learner.steps,
        )
