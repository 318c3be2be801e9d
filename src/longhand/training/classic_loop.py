"""The classic recipe's loop: whole epochs over shuffled windows, and the weights whose training loss was lowest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from longhand.config import NetworkConfig
from longhand.training.course import Course, Outcome
from longhand.training.evaluation import Scorer
from longhand.training.events import EpochEnded
from longhand.training.learner import Learner, refuse_unless_finite
from longhand.training.loop import Scoring, going_on, learn, restored_outcome, saved_outcome
from longhand.training.saved import Amount, Count, Part, Positive, Saved, checked_facts, joined, part_of
from longhand.training.windows import Windows


class EpochFacts(msgspec.Struct):
    """What a checkpoint holds of the epoch that is read: see the fields of `ClassicLoop`."""

    nats: Amount
    targets: Count
    epoch: Positive


@dataclass
class ClassicLoop:
    """One training by the classic recipe.

    - parts: what else changes while it learns; see `longhand.training.safety.Safety`
    - scorer: scores the held-out text; None if nothing is held out
    """

    network: NetworkConfig
    course: Course
    learner: Learner
    windows: Windows
    parts: Mapping[str, Part]
    scorer: Scorer | None
    _best: Outcome | None = None
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
        counts = {"nats": self._nats, "targets": self._targets, "epoch": self._epoch}
        return joined({"best": saved_outcome(self._best), "counts": Saved({}, counts)})

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        self._best = restored_outcome(part_of(saved, "best"), self.network)
        counts = checked_facts(part_of(saved, "counts"), EpochFacts)
        if self._best is None and counts.targets == 0 and self.learner.steps > 0:
            raise ValueError("nothing is left of the steps that were made")
        self._nats, self._targets, self._epoch = counts.nats, counts.targets, counts.epoch

    def _stepped(self, loss: float, targets: int) -> bool:
        self._nats += loss * targets
        self._targets += targets
        if going_on(self.learner, self.course.pace, self.course.interrupt):
            self._end_epoch_if_read()
        return False

    def _end_epoch_if_read(self) -> None:
        if self.windows.at_epoch_end and self._targets:
            self._end_epoch(last=False)

    def _ended(self) -> bool:
        """End the epoch; return whether the last weights are delivered, and were scored on the whole sample."""
        if self._targets:
            self._end_epoch(last=True)
        assert self._best is not None  # an epoch has ended
        last = self._best.kept_steps == self.learner.steps
        if last and self.scorer is not None and not self._best.nats:  # an interrupt ended its score
            self._best = self._outcome(self._best.training_bits, last=True)
        return last and (self._best.whole or self.scorer is None)

    def _end_epoch(self, *, last: bool) -> None:
        """Keep the weights if the epoch's mean loss in learning is the lowest so far, and begin the next epoch."""
        nats = self._nats / self._targets
        bits = nats / math.log(2) / self.learner.characters_per_target
        best = self._best
        improved = best is None or best.training_bits is None or bits < best.training_bits
        if best is None or improved:
            best = self._best = self._outcome(bits, last=last)
        standing, whole, model = self.learner.status(), self.windows.at_epoch_end, self.course.snapshot(best)
        to_write = improved and (whole or standing.progress == 1)  # nothing for one who pressed Ctrl-C
        self.course.tell(
            EpochEnded(
                standing,
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

    def _outcome(self, training_bits: float | None, *, last: bool) -> Outcome:
        """Score the weights as they are; without a score, where nothing is held out or an interrupt came in between."""
        facts: dict[str, Any] = {}
        if self.scorer is not None:
            scoring = Scoring(self.scorer, self.course, self.network)
            if last:
                scoring.read_sample_at_the_end()
                scoring.read_more()
            if last or scoring.read_sample_in_time():
                refuse_unless_finite(scoring.bits)
                facts = scoring.facts()
                scoring.over()
        return Outcome(
            self.course.engine.weights(),
            training_bits=training_bits,
            kept_steps=self.learner.steps,
            steps=self.learner.steps,
            **facts,
        )
