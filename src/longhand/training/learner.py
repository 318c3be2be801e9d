"""One step of learning after another, whatever is read and whenever it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Annotated, Protocol

import msgspec
import numpy as np
from msgspec import Meta

from longhand.config import NetworkConfig
from longhand.state import State
from longhand.training.batches import Window
from longhand.training.engine import DivergenceError, Engine
from longhand.training.events import Listener, Stepped
from longhand.training.pace import Pace
from longhand.training.saved import Amount, Count, Saved, checked_array, checked_facts

RECENT = 0.02  # weight of the latest step in the training loss that is shown, once there are many


class LearnerFacts(msgspec.Struct):
    """What a checkpoint holds of a learner beside arrays."""

    steps: Count
    recent_bits: Amount
    rate_share: Annotated[float, Meta(gt=0, le=1)]


class Reader(Protocol):
    """What gives the learner its windows."""

    @property
    def streams(self) -> int | None:
        """How many streams carry their state from window to window; None if each window begins afresh."""
        ...

    def read(self) -> Window:
        """Return the next window of every stream and move on."""
        ...


class Learner:
    """Reads, learns, and tells of each step.

    `rate_share` is the share of the scheduled rate that is learned with: less than 1 after trouble.

    - schedule: the learning rate of the progress, 0 to 1, and the highest rate
    - characters_per_target: more than 1 where a token is a word, say
    """

    def __init__(
        self,
        engine: Engine,
        network: NetworkConfig,
        reader: Reader,
        pace: Pace,
        tell: Listener,
        *,
        schedule: Callable[[float, float], float],
        learning_rate: float,
        characters_per_target: float = 1.0,
    ) -> None:
        self.characters_per_target = characters_per_target
        self._engine, self._network, self._reader, self._pace, self._tell = engine, network, reader, pace, tell
        self._schedule, self.highest_rate, self.rate_share = schedule, learning_rate, 1.0
        self._states: dict[int, State] = {}  # of each group of streams, after its last window
        self.steps = 0
        self.recent_bits = 0.0
        self._rate = 0.0

    def step(self) -> tuple[float, int]:
        """Learn from the next window; return its mean loss in nats a token and how many targets it had.

        Raises `DivergenceError` if the loss or the gradient is no finite number.
        """
        began = time.monotonic()
        window = self._reader.read()
        self._rate = self.rate_share * self._schedule(self._pace.progress(self.steps), self.highest_rate)
        state = self._state_for(window)
        loss, self._states[window.group] = self._engine.step(window.inputs, window.targets, state, self._rate)
        refuse_unless_finite(loss)
        self.steps += 1
        self.recent_bits += max(RECENT, 1 / self.steps) * (loss / math.log(2) - self.recent_bits)
        self._pace.stepped(window.targets.size, time.monotonic() - began)
        self._tell(self.status())
        return loss, window.targets.size

    def status(self) -> Stepped:
        """Return where the training stands."""
        return Stepped(
            step=self.steps,
            progress=min(self._pace.progress(self.steps), 1.0),
            seconds=self._pace.seconds(),
            seconds_left=self._pace.seconds_left(self.steps),
            characters_per_second=self._pace.characters_per_second() * self.characters_per_target,
            training_bits=self.recent_bits / self.characters_per_target,
            learning_rate=self._rate,
        )

    def saved(self) -> Saved:
        """See `longhand.training.saved.Part`."""
        facts = {"steps": self.steps, "recent_bits": self.recent_bits, "rate_share": self.rate_share}
        arrays = {}
        for group, state in self._states.items():
            arrays.update({f"{group}/hidden": state.hidden.copy(), f"{group}/cell": state.cell.copy()})
        return Saved(arrays, facts)

    def restore(self, saved: Saved) -> None:
        """See `longhand.training.saved.Part`."""
        facts, states = checked_facts(saved, LearnerFacts), {}
        groups = [name.removesuffix("/hidden") for name in saved.arrays if name.endswith("/hidden")]
        if (streams := self._reader.streams) is not None:
            shape = (self._network.layers, streams, self._network.hidden)
            for group in groups:
                hidden, cell = (
                    checked_array(saved, f"{group}/{part}", np.float32, shape) for part in ("hidden", "cell")
                )
                states[int(group)] = State(hidden, cell)
        self._states = states
        self.steps, self.recent_bits, self.rate_share = facts.steps, facts.recent_bits, facts.rate_share

    def _state_for(self, window: Window) -> State:
        before = self._states.get(window.group)
        if before is None or window.restart.all():
            return State.zeros(self._network, len(window.restart))
        return before.restarted(window.restart)


def refuse_unless_finite(loss: float) -> None:
    """Raise `DivergenceError` for a loss, in learning or in scoring, that is no finite number."""
    if not math.isfinite(loss):
        raise DivergenceError(f"the loss became {loss}")
