"""No training is lost: checkpoints by the clock, and a way back where the numbers run away."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from longhand.errors import LonghandError, ModelFormatError, OutputError, TrainingError
from longhand.training.course import Course
from longhand.training.engine import DivergenceError
from longhand.training.events import Checkpointed, NotCheckpointed, RolledBack
from longhand.training.learner import Learner
from longhand.training.saved import Part, Saved, checked_facts, joined, part_of

MOST_RETURNS = 3
SLOWER = 0.5  # the rate after a return, as a share of the one before
SAVING_SHARE = 0.02  # of the time: what checkpoints may take


class SafetyFacts(msgspec.Struct):
    """What a checkpoint holds of `Safety`."""

    returns: Annotated[int, Meta(ge=0, le=MOST_RETURNS)]


class Safety:
    """Remembers a training as it was at its last checkpoint.

    - parts: all that changes while it learns, by name; the learner apart
    """

    def __init__(
        self, course: Course, learner: Learner, parts: Mapping[str, Part], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._course, self._learner, self._clock = course, learner, clock
        self._parts: dict[str, Part] = {"learner": learner, **parts}
        self._returns = 0
        if course.resumed is not None:
            self._resume(course.resumed)
        self._last = self._saved()
        self._next = self._clock() + course.every

    def _resume(self, saved: Saved) -> None:
        try:
            self._restore(saved)
            self._returns = checked_facts(saved, SafetyFacts).returns
        except LonghandError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelFormatError(
                f"the checkpoint does not fit this training: damaged, or of another version ({error}); start anew"
            ) from error

    def look_after(self) -> None:
        """Take a checkpoint if it is time to."""
        if self._clock() >= self._next:
            self.take()

    def take(self) -> None:
        """Remember the training as it is, and write it where there is a store; a failure to write is told."""
        began = self._clock()
        self._last = self._saved()
        if self._course.store is not None:
            try:
                name = self._course.store.write(self._learner.steps, self._last)
            except OutputError as error:
                self._course.tell(NotCheckpointed(self._learner.steps, str(error)))
            else:
                self._course.tell(Checkpointed(self._learner.steps, name))
        ended = self._clock()
        self._next = ended + max(self._course.every, (ended - began) / SAVING_SHARE)

    def turn_back(self, trouble: DivergenceError) -> None:
        """Go back to the last checkpoint and on from there at a lower rate.

        Raises `TrainingError` where that has been done too often.
        """
        failed = self._learner.steps + 1
        if self._returns == MOST_RETURNS:
            raise TrainingError(
                f"{trouble} at step {failed}, after {MOST_RETURNS} returns to a checkpoint, each with half the rate: "
                f"try a lower --lr than {self._learner.highest_rate:g}, and look at the text"
            )
        self._returns += 1
        slower = self._learner.rate_share * SLOWER
        self._restore(self._last)
        self._learner.rate_share = slower
        self._last = self._saved()  # so that the lower rate is not forgotten
        self._course.tell(RolledBack(failed, self._learner.steps, str(trouble), slower * self._learner.highest_rate))

    def _saved(self) -> Saved:
        saved = joined({name: part.saved() for name, part in self._parts.items()})
        return Saved(saved.arrays, {**saved.facts, "returns": self._returns})

    def _restore(self, saved: Saved) -> None:
        for name, part in self._parts.items():
            part.restore(part_of(saved, name))
