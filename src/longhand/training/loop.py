"""The training loop: learn, now and then score the held-out text, keep what scores best. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from longhand.config import NetworkConfig
from longhand.training.course import Course, Outcome
from longhand.training.engine import DivergenceError
from longhand.training.evaluation import SAMPLE, Scorer
from longhand.training.events import Evaluated
from longhand.training.interrupt import Interrupt
from longhand.training.learner import Learner, refuse_unless_finite
from longhand.training.pace import Pace
from longhand.training.safety import Safety
from longhand.training.saved import Count, Part, Saved, checked_facts, joined, part_of

PATIENCE = 6  # scores in a row that are not the best
NO_IMPROVEMENT = "no improvement"
ENOUGH = SAMPLE // 8  # tokens to compare two models on where time runs out: it misjudges by well under 1 %
QUICK = 5.0  # seconds that an interrupted training may still take to score itself


class ScoredFacts(msgspec.Struct):
    """What a checkpoint holds of the scores: see the fields of `Loop`."""

    worse: Count
    due: bool


@dataclass
class Loop:
    """One training, from the first step to the model that scored best.

    It ends early where the held-out text has scored worse than before for long: what is learned from then on is the
    learned part by heart.

    - parts: what else changes while it learns; see `longhand.training.safety.Safety`
    - scorer: scores the held-out text
    """

    network: NetworkConfig
    course: Course
    learner: Learner
    parts: Mapping[str, Part]
    scorer: Scorer
    _best: Outcome | None = None
    _worse: int = 0  # scores in a row that were not the best
    _due: bool = False  # a score that an interrupt ended: what goes on from here makes it first

    def run(self) -> Outcome:
        """Train until the pace or an interrupt says that it is the end; at least one step is made.

        The last weights are delivered unless earlier ones scored better on the same part of the held-out text. Raises
        `TrainingError` where the loss, in learning or in scoring, is again and again no finite number.
        """
        pace, interrupt = self.course.pace, self.course.interrupt
        parts = {**self.parts, "loop": self}
        learn(self.course, self.learner, parts, self._score_if_due, self._stepped, self._ended)
        assert self._best is not None  # the last score reads at least a block
        end = NO_IMPROVEMENT if self._hopeless() else pace.name
        return self._best.ended(self.learner.steps, interrupt.signal or end)

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`."""
        scores = Saved({}, {"worse": self._worse, "due": self._due})
        return joined({"best": saved_outcome(self._best), "scored": scores})

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        self._best = restored_outcome(part_of(saved, "best"), self.network)
        facts = checked_facts(part_of(saved, "scored"), ScoredFacts)
        self._worse, self._due = facts.worse % PATIENCE, facts.due  # after an early end, patience begins anew

    def _stepped(self, loss: float, targets: int) -> bool:  # noqa: ARG002 (what `learn` tells)
        self._due = self.course.pace.evaluation_due(self.learner.steps)
        self._score_if_due()
        return self._hopeless()

    def _score_if_due(self) -> None:
        if not self._due:
            return
        scoring = Scoring(self.scorer, self.course, self.network)
        if scoring.read_sample_in_time():
            self._judge(scoring)

    def _hopeless(self) -> bool:
        return self._worse >= PATIENCE

    def _ended(self) -> bool:
        """Score the last weights; return whether they are delivered, and were scored on the whole sample."""
        if not self._hopeless():
            scoring = Scoring(self.scorer, self.course, self.network)
            scoring.read_sample_at_the_end()
            if self._is_best(scoring):
                scoring.read_more()
            self._judge(scoring)
        return self._best is not None and self._best.kept_steps == self.learner.steps and self._best.whole

    def _is_best(self, scoring: Scoring) -> bool:
        """Whether a score is no higher than the best one, on the blocks that both have read."""
        earlier = () if self._best is None else self._best.nats
        both = min(len(earlier), len(scoring.nats))
        return math.fsum(scoring.nats[:both]) <= math.fsum(earlier[:both])

    def _judge(self, scoring: Scoring) -> None:
        """Keep the weights if they scored best, and tell of it."""
        course = self.course
        refuse_unless_finite(scoring.bits)
        self._due, best = False, self._is_best(scoring)
        outcome = Outcome(
            course.engine.weights(),
            training_bits=self.learner.status().training_bits,
            kept_steps=self.learner.steps,
            steps=self.learner.steps,
            **scoring.facts(),
        )
        self._worse = 0 if best else self._worse + 1
        if best:
            self._best = outcome
        model = course.snapshot(outcome)
        course.tell(Evaluated(self.learner.status(), scoring.bits, best, model, course.sample(model)))
        scoring.over()


class Scoring:
    """One score of the weights as they are, in as much time as there is."""

    def __init__(self, scorer: Scorer, course: Course, network: NetworkConfig) -> None:
        self._scorer, self._pace, self._interrupt = scorer, course.pace, course.interrupt
        self._blocks = scorer.blocks(course.engine, network)
        self._began, self._read = self._pace.seconds(), 0.0
        self.nats: list[float] = []

    @property
    def bits(self) -> float:
        """The mean bits per character of what was read."""
        return self._scorer.bits_of(self.nats)

    @property
    def whole(self) -> bool:
        """Whether the whole sample was read."""
        return len(self.nats) >= self._scorer.sample

    def read_sample_in_time(self) -> bool:
        """Read the sample, as far as the time for it goes; return whether no interrupt came in between."""
        until = self._began + self._pace.max_score_seconds
        self._continue(self._scorer.sample, lambda: self._interrupt.asked() or self._pace.seconds() > until)
        return not self._interrupt.asked()

    def read_sample_at_the_end(self) -> None:
        """Read the sample while there is time, but enough to compare; for `QUICK` seconds after an interrupt."""
        if self._interrupt.asked():
            until = self._began + QUICK
            return self._continue(self._scorer.sample, lambda: self._pace.seconds() > until)

        def stopped() -> bool:
            enough = self._scorer.tokens_in(len(self.nats)) >= ENOUGH
            return self._interrupt.asked() or self._pace.overdue() or (enough and self._pace.time_is_up())

        return self._continue(self._scorer.sample, stopped)

    def read_more(self) -> None:
        """Read on behind the sample while there is time."""
        if self.whole:
            self._continue(len(self._scorer), lambda: self._interrupt.asked() or self._pace.time_is_up())

    def facts(self) -> dict[str, Any]:
        """Return what an `Outcome` has of a score."""
        blocks = len(self.nats)
        return {
            "validation_bits": self.bits,
            "scored": self._scorer.characters_in(blocks),
            "scored_bytes": self._scorer.bytes_in(blocks),
            "nats": tuple(self.nats[: self._scorer.sample]),
            "whole": self.whole,
        }

    def over(self) -> None:
        """Let the pace know how long this took, telling of it included."""
        tokens = self._scorer.tokens_in(len(self.nats))
        self._pace.evaluated(tokens, self._read, self._pace.seconds() - self._began)

    def _continue(self, until: int, stopped: Callable[[], bool]) -> None:
        """Read on up to so many blocks; at least one token is scored."""
        while len(self.nats) < until and not (self._scorer.tokens_in(len(self.nats)) and stopped()):
            self.nats.append(next(self._blocks))
        self._read = self._pace.seconds() - self._began


def learn(
    course: Course,
    learner: Learner,
    parts: Mapping[str, Part],
    resumed: Callable[[], None],
    stepped: Callable[[float, int], bool],
    ended: Callable[[], bool],
) -> None:
    """Make one step after another until it is the end, with a checkpoint now and then, and a way back from trouble.

    - parts: what changes while it learns; see `Safety`
    - resumed: is called before the first step of a training that goes on, for what an interrupt left undone
    - stepped: is called after each step, with its mean loss in nats a token and how many targets it had; says whether
      it was the last
    - ended: is called after the last one; says whether its weights are delivered, and scored whole: if not, the last
      state stays in a checkpoint
    """
    safety = Safety(course, learner, {"engine": course.engine, "pace": course.pace, **parts})
    course.interrupt.begun = lambda: learner.steps > 0
    while True:
        try:
            if course.resumed is not None and going_on(learner, course.pace, course.interrupt):
                resumed()
            while going_on(learner, course.pace, course.interrupt):
                if stepped(*learner.step()):
                    break
                safety.look_after()
            if interrupted := course.interrupt.asked():
                safety.take()  # to go on from, some day
            delivered = ended()
            if not interrupted and (not delivered or course.interrupt.asked()):
                safety.take()
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
