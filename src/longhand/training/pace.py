"""How long a training goes on, and when the held-out text is scored: by the clock, or by counted steps.

Scoring is kept to a small share of the time. By the clock, the last score's time is set aside beforehand, so that a
training of five minutes takes five minutes.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from longhand.training.saved import Amount, Count, Positive, Saved, checked_facts

FORWARD_SPEED = 3.0  # scoring reads about this many times as fast as training; the first score tells exactly
RECENT = 0.02  # weight of the latest step in the speed that predictions are made from
SCORING_SHARE = 0.05  # of the time: for the last score, and for all earlier ones together
FIRST_SCORE = 0.1  # of the time: when the first score is due
QUICK = 5.0  # seconds that an interrupted training may still take to score itself
SLOW_STEPS = 3  # at the beginning, while the engine sets itself up: they say nothing about the speed
OVERDUE_SHARE, OVERDUE = 0.02, 3.0  # of the time, or seconds: the delay after which the last score is given up
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

    def __post_init__(self) -> None:
        if 0 < self._recent_speed < LEAST_SPEED:
            raise ValueError(f"a speed of {self._recent_speed} characters a second")


class TimePaceFacts(PaceFacts):
    """What a checkpoint holds of a pace by the clock."""

    _last_score: Amount
    _scored: Positive | None


class Pace(ABC):
    """What both paces share: the clock, the speed, and what scoring takes."""

    name: str
    _facts: type[PaceFacts] = PaceFacts
    _remembered: tuple[str, ...] = ("_seen", "_characters", "_learning_seconds", "_recent_speed", "_forward_speed")

    def __init__(self, began: float, held_out: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._began, self._held_out, self._clock = began, held_out, clock
        self._seen, self._characters, self._learning_seconds = 0, 0, 0.0
        self._characters_a_step = 0
        self._recent_speed = 0.0
        self._forward_speed = FORWARD_SPEED

    @abstractmethod
    def progress(self, step: int) -> float:
        """Return the share that is done before `step`; 1 or more ends the training."""

    @abstractmethod
    def evaluation_due(self, step: int) -> bool:
        """Whether the held-out text is to be scored after `step` steps, the end of the training apart."""

    @abstractmethod
    def seconds_left(self, step: int) -> float:
        """Return about how long the training still takes."""

    def overdue(self) -> bool:
        """Whether a training by the clock has gone on too long already."""
        return False

    def scored_characters(self) -> int:
        """Return how many characters of the held-out text to score: all of them."""
        return self._held_out

    def stepped(self, characters: int, seconds: float) -> None:
        """Take note of a step."""
        self._seen += 1
        self._characters_a_step = characters
        if self._seen > SLOW_STEPS:
            self._characters += characters
            self._learning_seconds += seconds
            speed = characters / max(seconds, 1e-9)
            self._recent_speed += (RECENT if self._recent_speed else 1) * (speed - self._recent_speed)

    def evaluated(self, seconds: float) -> None:
        """Take note of a score and how long it took."""
        if self._recent_speed:
            self._forward_speed = self.scored_characters() / max(seconds, 1e-9) / self._recent_speed

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

    def evaluation_may_be_quick(self) -> bool:
        """Whether it is worth trying to score a training that was interrupted, before its speed is known too."""
        return self._expected_scoring_seconds() < QUICK

    def _expected_scoring_seconds(self) -> float:
        if self._recent_speed == 0:
            return 0.0
        return self.scored_characters() / (self._forward_speed * self._recent_speed)


class TimePace(Pace):
    """Ends `seconds` after `began`, the last score and the writing of the model included.

    - at_least: characters that are scored however short the time
    """

    name = "time"
    _facts = TimePaceFacts
    _remembered = (*Pace._remembered, "_last_score", "_scored")

    def __init__(
        self,
        began: float,
        held_out: int,
        seconds: float,
        at_least: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(began, held_out, clock)
        self._at_least = at_least
        self._total = seconds
        self._last_score = self.seconds()  # none yet: the wait for the first one begins
        self._scored: int | None = None

    def progress(self, step: int) -> float:  # noqa: ARG002 (the clock counts, not the steps)
        """Return the share of the time that is gone."""
        return self.seconds() / max(self._total - self._set_aside(), 1e-3)

    def evaluation_due(self, step: int) -> bool:
        """Whether enough time has passed since the last score, and enough is left before the end's."""
        wait = FIRST_SCORE * self._total
        if self._scored is not None:
            wait = max(wait, self._expected_scoring_seconds() / SCORING_SHARE)
        enough_left = self.seconds_left(step) > wait / 2
        return self._characters > 0 and self.seconds() - self._last_score >= wait and enough_left

    def evaluated(self, seconds: float) -> None:
        """Take note of a score and how long it took."""
        self._scored = self.scored_characters()
        super().evaluated(seconds)
        self._last_score = self.seconds()

    def seconds_left(self, step: int) -> float:  # noqa: ARG002
        """Return the rest of the time."""
        return max(self._total - self.seconds(), 0.0)

    def overdue(self) -> bool:
        """Whether a training by the clock has gone on too long already."""
        return self.seconds() > self._total + max(OVERDUE_SHARE * self._total, OVERDUE)

    def scored_characters(self) -> int:
        """Return how many characters of the held-out text can be scored in this time, the same for every score."""
        if self._scored is not None:
            return self._scored
        affordable = SCORING_SHARE * self._total * FORWARD_SPEED * self.characters_per_second()
        return min(self._held_out, max(int(affordable), self._at_least))

    def _set_aside(self) -> float:
        return self._expected_scoring_seconds() + SAVING


class StepPace(Pace):
    """Ends after `steps` steps and scores every `between` steps; the clock changes nothing."""

    name = "epochs"

    def __init__(
        self, began: float, held_out: int, steps: int, between: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(began, held_out, clock)
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
        return (self._steps - step) * self._characters_a_step / speed + self._expected_scoring_seconds()
