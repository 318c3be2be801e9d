"""The classic recipe's loop: whole epochs over shuffled windows, and the weights whose training loss was lowest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from longhand.config import NetworkConfig
from longhand.training.course import Course, Outcome
from longhand.training.evaluation import HeldOutWindows
from longhand.training.events import EpochEnded
from longhand.training.learner import Learner, refuse_unless_finite
from longhand.training.loop import going_on, last_score, learn, restored_outcome, saved_outcome
from longhand.training.saved import Amount, Count, Part, Positive, Saved, checked_facts, joined, part_of
from longhand.training.windows import Windows


class EpochFacts(msgspec.Struct):
    """What a checkpoint holds of the epoch that is read: see the fields of `ClassicLoop`."""

    nats: Amount
    targets: Count
    epoch: Positive
    scored: Positive | None


@dataclass
class ClassicLoop:
    """One training by the classic recipe.

    - parts: what else changes while it learns; see `longhand.training.safety.Safety`
    - held_out: makes what scores some of the held-out text; None if nothing is held out
    """

    network: NetworkConfig
    course: Course
    learner: Learner
    windows: Windows
    parts: Mapping[str, Part]
    held_out: Callable[[int], HeldOutWindows] | None
    _best: Outcome | None = None
    _scored: int | None = None
    _scorer: HeldOutWindows | None = None
    _nats: float = 0.0
    _targets: int = 0
    _epoch: int = 1

    def run(self) -> Outcome:
        """Train until the pace or an interrupt says that it is the end; at least one step is made.

        What was learned of an epoch that did not end counts as one. Raises `TrainingError` where the loss, in learning
        or in scoring, is again and again no finite number.
        """
        parts = {**self.parts, "loop": self}
        learn(self.course, self.learner, parts, self._end_epoch_if_read, self._stepped, self._ended)
        assert self._best is not None  # an epoch, or a part of one, has ended
        return self._best.ended(self.learner.steps, self.course.interrupt.signal or self.course.pace.name)

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`."""
        counts = {"nats": self._nats, "targets": self._targets, "epoch": self._epoch, "scored": self._scored}
        return joined({"best": saved_outcome(self._best), "counts": Saved({}, counts)})

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        self._best = restored_outcome(part_of(saved, "best"), self.network)
        counts = checked_facts(part_of(saved, "counts"), EpochFacts)
        if self._best is None and counts.targets == 0 and self.learner.steps > 0:
            raise ValueError("nothing is left of the steps that were made")
        self._nats, self._targets, self._epoch = counts.nats, counts.targets, counts.epoch
        self._scored = counts.scored
        self._scorer = None if self._scored is None or self.held_out is None else self.held_out(self._scored)

    def _stepped(self, loss: float, targets: int) -> bool:
        self._nats += loss * targets
        self._targets += targets
        if going_on(self.learner, self.course.pace, self.course.interrupt):
            self._end_epoch_if_read()
        return False

    def _end_epoch_if_read(self) -> None:
        if self.windows.at_epoch_end and self._targets:
            self._end_epoch(self.course.interrupt.asked)

    def _ended(self) -> None:
        stopped = last_score(self.course.pace, self.course.interrupt, scored=False)
        if self._targets:
            self._end_epoch(stopped)
        else:
            self._best = self._scored_at_last(stopped)

    def _scored_at_last(self, stopped: Callable[[], bool] | None) -> Outcome:
        """Return the best after an epoch that is already ended, whose score an interrupt may have ended too."""
        assert self._best is not None  # an epoch has ended
        best = self._best
        if best.validation_bits is None and best.kept_steps == self.learner.steps and stopped is not None:
            best = self._outcome(best.training_bits, self._score(stopped))
        return best

    def _end_epoch(self, stopped: Callable[[], bool] | None) -> None:
        """Keep the weights if the epoch's mean loss in learning is the lowest so far, and begin the next epoch."""
        nats = self._nats / self._targets
        bits = nats / math.log(2) / self.learner.characters_per_target
        best = self._best
        improved = best is None or best.training_bits is None or bits < best.training_bits
        if best is None or improved:
            best = self._best = self._outcome(bits, None if stopped is None else self._score(stopped))
        last, whole, model = self.learner.status(), self.windows.at_epoch_end, self.course.snapshot(best)
        to_write = improved and (whole or last.progress == 1)  # nothing for one who pressed Ctrl-C
        self.course.tell(
            EpochEnded(
                last,
                epoch=self._epoch,
                whole=whole,
                training_nats=nats,
                validation_bits=best.validation_bits if improved else None,
                improved=improved,
                model=model,
                sample=self.course.sample(model) if to_write else "",
            )
        )
        self._epoch, self._nats, self._targets = self._epoch + 1, 0.0, 0

    def _score(self, stopped: Callable[[], bool]) -> float | None:
        if self.held_out is None:
            return None
        began = time.monotonic()
        if self._scorer is None:
            self._scored = self.course.pace.scored_characters()
            self._scorer = self.held_out(self._scored)
        bits = self._scorer.bits(self.course.engine, self.network, stopped)
        if bits is not None:
            refuse_unless_finite(bits)
            self.course.pace.evaluated(time.monotonic() - began)
        return bits

    def _outcome(self, training_bits: float | None, validation_bits: float | None) -> Outcome:
        return Outcome(
            self.course.engine.weights(),
            validation_bits=validation_bits,
            training_bits=training_bits,
            scored=0 if self._scorer is None or validation_bits is None else self._scorer.characters,
            scored_bytes=0 if self._scorer is None or validation_bits is None else self._scorer.size,
            kept_steps=self.learner.steps,
            steps=self.learner.steps,
        )
