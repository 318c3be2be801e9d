"""The training loop: learn, now and then score the held-out text, keep what scores best. NumPy only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from longhand.config import NetworkConfig
from longhand.training.course import Course, Outcome
from longhand.training.engine import DivergenceError
from longhand.training.evaluation import HeldOut
from longhand.training.events import Evaluated
from longhand.training.interrupt import Interrupt
from longhand.training.learner import Learner, refuse_unless_finite
from longhand.training.pace import QUICK, Pace
from longhand.training.safety import Safety
from longhand.training.saved import Count, Part, Positive, Saved, checked_facts, joined, part_of

PATIENCE = 6  # scores in a row that are not the best
NO_IMPROVEMENT = "no improvement"


class ScoredFacts(msgspec.Struct):
    """What a checkpoint holds of the scores: see the fields of `Loop`."""

    tokens: Positive | None
    worse: Count
    due: bool


@dataclass
class Loop:
    """One training, from the first step to the model that scored best.

    It ends early where the held-out text has scored worse than before for long: what is learned from then on is the
    learned part by heart.

    - parts: what else changes while it learns; see `longhand.training.safety.Safety`
    - scorer: makes what scores the first so many tokens of the held-out text
    """

    network: NetworkConfig
    course: Course
    learner: Learner
    parts: Mapping[str, Part]
    scorer: Callable[[int], HeldOut]
    _best: Outcome | None = None
    _scorer: HeldOut | None = None
    _worse: int = 0  # scores in a row that were not the best
    _due: bool = False  # a score that an interrupt ended: what goes on from here makes it first

    def run(self) -> Outcome:
        """Train until the pace or an interrupt says that it is the end; at least one step is made.

        Raises `TrainingError` where the loss, in learning or in scoring, is again and again no finite number.
        """
        pace, interrupt = self.course.pace, self.course.interrupt
        parts = {**self.parts, "loop": self}
        learn(self.course, self.learner, parts, self._score_if_due, self._stepped, self._ended)
        best = self._best or self._outcome(None)
        end = NO_IMPROVEMENT if self._hopeless() else pace.name
        return best.ended(self.learner.steps, interrupt.signal or end)

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`."""
        scored = None if self._scorer is None else self._scorer.tokens
        return joined(
            {
                "best": saved_outcome(self._best),
                "scored": Saved({}, {"tokens": scored, "worse": self._worse, "due": self._due}),
            }
        )

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        self._best = restored_outcome(part_of(saved, "best"), self.network)
        facts = checked_facts(part_of(saved, "scored"), ScoredFacts)
        self._worse, self._due = facts.worse, facts.due
        self._scorer = None if facts.tokens is None else self.scorer(facts.tokens)

    def _stepped(self, loss: float, targets: int) -> bool:  # noqa: ARG002 (what `learn` tells)
        self._due = self.course.pace.evaluation_due(self.learner.steps)
        self._score_if_due()
        return self._hopeless()

    def _score_if_due(self) -> None:
        if self._due:
            self._evaluate(self.course.interrupt.asked)

    def _hopeless(self) -> bool:
        return self._worse >= PATIENCE

    def _ended(self) -> None:
        if self._hopeless():
            return
        scored = self._best is not None and self._best.validation_bits is not None
        if (stopped := last_score(self.course.pace, self.course.interrupt, scored)) is not None:
            self._evaluate(stopped)

    def _evaluate(self, stopped: Callable[[], bool]) -> None:
        course = self.course
        began = time.monotonic()
        if self._scorer is None:
            self._scorer = self.scorer(course.pace.scored_characters())
        bits = self._scorer.bits(course.engine, self.network, stopped)
        if bits is None:
            return
        refuse_unless_finite(bits)
        self._due = False
        outcome = self._outcome(bits)
        best = self._best is None or self._best.validation_bits is None or bits < self._best.validation_bits
        self._worse = 0 if best else self._worse + 1
        if best:
            self._best = outcome
        model = course.snapshot(outcome)
        course.tell(Evaluated(self.learner.status(), bits, best, model, course.sample(model)))
        course.pace.evaluated(time.monotonic() - began)

    def _outcome(self, bits: float | None) -> Outcome:
        return Outcome(
            self.course.engine.weights(),
            validation_bits=bits,
            training_bits=self.learner.status().training_bits,
            scored=0 if self._scorer is None or bits is None else self._scorer.characters,
            scored_bytes=0 if self._scorer is None or bits is None else self._scorer.size,
            kept_steps=self.learner.steps,
            steps=self.learner.steps,
        )


def learn(
    course: Course,
    learner: Learner,
    parts: Mapping[str, Part],
    resumed: Callable[[], None],
    stepped: Callable[[float, int], bool],
    ended: Callable[[], None],
) -> None:
    """Make one step after another until it is the end, with a checkpoint now and then, and a way back from trouble.

    - parts: what changes while it learns; see `Safety`
    - resumed: is called before the first step of a training that goes on, for what an interrupt left undone
    - stepped: is called after each step, with its mean loss in nats a token and how many targets it had; says whether
      it was the last
    - ended: is called after the last one
    """
    safety = Safety(course, learner, {"engine": course.engine, "pace": course.pace, **parts})
    while True:
        try:
            if course.resumed is not None and going_on(learner, course.pace, course.interrupt):
                resumed()
            while going_on(learner, course.pace, course.interrupt):
                if stepped(*learner.step()):
                    break
                safety.look_after()
            if course.interrupt.asked():
                safety.take()  # to go on from, some day
            ended()
        except DivergenceError as trouble:
            safety.turn_back(trouble)
        else:
            return


def saved_outcome(outcome: Outcome | None) -> Saved:
    """Return what a loop remembers of its best outcome so far."""
    return Saved() if outcome is None else outcome.saved()


def restored_outcome(saved: Saved, network: NetworkConfig) -> Outcome | None:
    """Return the outcome that `saved_outcome` made this of."""
    return Outcome.of(saved, network) if saved.facts else None


def going_on(learner: Learner, pace: Pace, interrupt: Interrupt) -> bool:
    """Whether another step is to be made: the first always, later ones until the pace or an interrupt says no."""
    return learner.steps == 0 or (pace.progress(learner.steps) < 1 and not interrupt.asked())


def last_score(pace: Pace, interrupt: Interrupt, scored: bool) -> Callable[[], bool] | None:
    """Return what stops the last score: an interrupt, or the clock; None where it is not worth beginning.

    - scored: whether there is an earlier score to fall back on, where the machine has suddenly become slow
    """
    if not interrupt.asked():
        return (lambda: interrupt.asked() or pace.overdue()) if scored else interrupt.asked
    if not pace.evaluation_may_be_quick():
        return None
    deadline = time.monotonic() + QUICK
    return lambda: time.monotonic() > deadline
