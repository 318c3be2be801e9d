"""How long a training goes on, and when the held-out text is scored: by the clock, or by counted steps.

Scoring is kept to a small share of the time. By the clock, the last score's time is set aside beforehand, so that a
training of five minutes takes five minutes.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from longhand.training.saved import Amount, Count, Saved, checked_facts

MIN_SCORES, MAX_SCORES = 8, 20  # in a training, its last one aside
FORWARD_SPEED = 3.0  # scoring reads about this many times as fast as training; the first score tells exactly
RECENT = 0.02  # weight of the latest step in the speed that predictions are made from
SCORING_SHARE = 0.05  # of the time: for all scores but the last, and at most for that one
FINAL_SHARE = 0.02  # of the time: set aside to score more than the sample at the end, if there is more
SLOW_STEPS = 3  # at the beginning, while the engine sets itself up: they say nothing about the speed
OVERDUE_SHARE, OVERDUE = 0.015, 1.5  # of the time, or seconds: the delay after which the last score is cut off
LEAST_SPEED = 1e-6  # characters a second that a checkpoint may tell of: times computed from it are finite
SAVING = 0.3  # seconds set aside to write the model


class PaceFacts(msgspec.Struct):
    """What a checkpoint holds of a pace."""

    seconds: Amount
    _seen: Count
    _characters: Count
    _learning_seconds: Amount
    _recent_speed: Amount
    _forward_speed: Annotated[float, Meta(ge=1e-100, le=1e100)]
    _score_seconds: Amount
    _writing_seconds: Amount

    def __post_init__(self) -> None:
        if 0 < self._recent_speed < LEAST_SPEED:
            raise ValueError(f"a speed of {self._recent_speed} characters a second")


class TimePaceFacts(PaceFacts):
    """What a checkpoint holds of a pace by the clock."""

    _last_score: Amount


class Pace(ABC):
    """What both paces share: the clock, the speed, and what scoring takes.

    - sample, held_out: tokens that every score reads, and that the last one may read
    """

    name: str
    _facts: type[PaceFacts] = PaceFacts
    _remembered: tuple[str, ...] = (
        *("_seen", "_characters", "_learning_seconds", "_recent_speed"),
        *("_forward_speed", "_score_seconds", "_writing_seconds"),
    )

    def __init__(self, began: float, sample: int, held_out: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._began, self._sample, self._held_out, self._clock = began, sample, held_out, clock
        self._seen, self._characters, self._learning_seconds = 0, 0, 0.0
        self._characters_a_step = 0
        self._recent_speed = 0.0
        self._forward_speed = FORWARD_SPEED
        self._score_seconds, self._writing_seconds = 0.0, 0.0  # of the latest score

    @abstractmethod
    def progress(self, step: int) -> float:
        """Return the share that is done before `step`; 1 or more ends the training."""

    @abstractmethod
    def evaluation_due(self, step: int) -> bool:
        """Whether the held-out text is to be scored after `step` steps, the end of the training apart."""

    @abstractmethod
    def seconds_left(self, step: int) -> float:
        """Return about how long the training still takes."""

    @property
    def max_score_seconds(self) -> float:
        """How long a score may read before it is cut off, the last one aside."""
        return math.inf

    def overdue(self) -> bool:
        """Whether a training by the clock has gone on so long that its last score has to be cut off."""
        return False

    def time_is_up(self) -> bool:
        """Whether a training by the clock has no time left to score more than the sample."""
        return False

    def stepped(self, characters: int, seconds: float) -> None:
        """Take note of a step."""
        self._seen += 1
        self._characters_a_step = characters
        if self._seen > SLOW_STEPS:
            self._characters += characters
            self._learning_seconds += seconds
            speed = characters / max(seconds, 1e-9)
            self._recent_speed += (RECENT if self._recent_speed else 1) * (speed - self._recent_speed)

    def evaluated(self, tokens: int, reading: float, seconds: float) -> None:
        """Take note of a score.

        - tokens, reading: how many tokens it scored, and the seconds that this took
        - seconds: all that it took, writing a sample and the model included
        """
        if self._recent_speed:
            self._forward_speed = tokens / max(reading, 1e-9) / self._recent_speed
        self._score_seconds, self._writing_seconds = seconds, seconds - reading

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`. What goes by between two processes does not count."""
        facts = {name: getattr(self, name) for name in self._remembered}
        return Saved({}, {**facts, "seconds": self.seconds()})

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        facts = checked_facts(saved, self._facts)
        for name in self._remembered:
            setattr(self, name, getattr(facts, name))
        self._began = self._clock() - facts.seconds

    def seconds(self) -> float:
        """Return the seconds since the training began."""
        return self._clock() - self._began

    def characters_per_second(self) -> float:
        """Return the mean speed of learning; 0 before it is known."""
        return self._characters / max(self._learning_seconds, 1e-9)

    def _scoring_seconds(self, tokens: int) -> float:
        """Return how long it takes to score so many tokens, at the latest speed."""
        return tokens / (self._forward_speed * self._recent_speed) if self._recent_speed else 0.0


class TimePace(Pace):
    """Ends `seconds` after `began`, the last score and the writing of the model included."""

    name = "time"
    _facts = TimePaceFacts
    _remembered = (*Pace._remembered, "_last_score")

    def __init__(
        self,
        began: float,
        sample: int,
        held_out: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(began, sample, held_out, clock)
        self._total = seconds
        self._started = self._last_score = self.seconds()  # no score yet: the wait for the first one begins

    @property
    def max_score_seconds(self) -> float:
        """See `Pace`: so long that the fewest scores there may be take no more than their share of the time."""
        return SCORING_SHARE * self._total / MIN_SCORES

    def progress(self, step: int) -> float:  # noqa: ARG002 (the clock counts, not the steps)
        """Return the share of the time that is gone."""
        return self.seconds() / max(self._total - self._set_aside(), 1e-3)

    def evaluation_due(self, step: int) -> bool:
        """Whether it is time for a score, the later the longer one takes, and the end's is not near."""
        longest = max(self._total - self._started, 0.0) / (MIN_SCORES + 2)
        wait = min(max(self._score_seconds / SCORING_SHARE, self._total / MAX_SCORES), longest)
        enough_left = self.seconds_left(step) > wait / 2
        return self._characters > 0 and self.seconds() - self._last_score >= wait and enough_left

    def evaluated(self, tokens: int, reading: float, seconds: float) -> None:
        """See `Pace`."""
        super().evaluated(tokens, reading, seconds)
        self._last_score = self.seconds()

    def seconds_left(self, step: int) -> float:  # noqa: ARG002
        """Return the rest of the time."""
        return max(self._total - self.seconds(), 0.0)

    def overdue(self) -> bool:
        """See `Pace`."""
        return self.seconds() > self._total + max(OVERDUE_SHARE * self._total, OVERDUE)

    def time_is_up(self) -> bool:
        """See `Pace`."""
        return self.seconds() > self._total - SAVING

    def _set_aside(self) -> float:
        """Return the seconds to leave for the last score and for writing, at the speed that the machine has now.

        Half a step is left too: on average the last one then ends in time, however long it takes.
        """
        more = min(self._scoring_seconds(self._held_out), FINAL_SHARE * self._total)
        scoring = min(max(self._scoring_seconds(self._sample), more), SCORING_SHARE * self._total)
        step = self._characters_a_step / self._recent_speed if self._recent_speed else 0.0
        return scoring + min(2 * self._writing_seconds, SCORING_SHARE * self._total) + step / 2 + SAVING


class StepPace(Pace):
    """Ends after `steps` steps and scores every `between` steps; the clock changes nothing."""

    name = "epochs"

    def __init__(
        self,
        began: float,
        sample: int,
        held_out: int,
        steps: int,
        between: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(began, sample, held_out, clock)
        self._steps, self._between = steps, between

    def progress(self, step: int) -> float:
        """Return the share of the steps that is done."""
        return step / self._steps

    def evaluation_due(self, step: int) -> bool:
        """Whether `between` steps have passed since the last score, and the end's is not near."""
        return step % self._between == 0 and self._steps - step >= self._between / 2

    def seconds_left(self, step: int) -> float:
        """Return about how long the remaining steps and the last score take."""
        speed = self._recent_speed or float("inf")
        return (self._steps - step) * self._characters_a_step / speed + self._scoring_seconds(self._held_out)
