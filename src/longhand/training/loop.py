"""The training loop: read, learn, now and then score the held-out text, keep the best. NumPy only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from longhand.arrays import TokenIds
from longhand.config import NetworkConfig, TrainConfig
from longhand.errors import TrainingError
from longhand.modelfile import ModelFile, Weights
from longhand.state import State
from longhand.training.batches import Streams
from longhand.training.engine import Engine
from longhand.training.evaluation import HeldOut
from longhand.training.events import Evaluated, Listener, Stepped
from longhand.training.interrupt import Interrupt
from longhand.training.pace import QUICK, Pace
from longhand.training.schedule import learning_rate

RECENT = 0.02  # weight of the latest step in the training loss that is shown, once there are many


@dataclass(frozen=True)
class Outcome:
    """What a training ended with.

    - weights: the best ones
    - validation_bits: their score in bits per character; None if none could be measured
    - scored: characters that the score was measured on
    - kept_steps: how many had been made when these weights were scored
    - steps: all that were made
    - stopped_by: "time", "epochs", "SIGINT" or "SIGTERM"
    """

    weights: Weights
    validation_bits: float | None
    scored: int
    kept_steps: int
    steps: int
    stopped_by: str


@dataclass
class Loop:
    """One training, from the first step to the best model.

    - held_out: token numbers of the text to score, (tokens,)
    - start: the start token
    - snapshot: makes a model file of the weights and the outcome so far
    """

    config: TrainConfig
    network: NetworkConfig
    engine: Engine
    streams: Streams
    held_out: TokenIds
    start: int
    pace: Pace
    snapshot: Callable[[Outcome], ModelFile]
    tell: Listener
    interrupt: Interrupt
    _best: Outcome | None = None
    _scorer: HeldOut | None = None
    _steps: int = 0
    _recent_bits: float = 0.0

    def run(self) -> Outcome:
        """Train until the pace or an interrupt says that it is the end; at least one step is made.

        Raises `TrainingError` if the loss, in learning or in scoring, is no longer a finite number.
        """
        state = State.zeros(self.network, self.config.batch)
        while self._steps == 0 or (self.pace.progress(self._steps) < 1 and not self.interrupt.asked()):
            state = self._learn(state)
            if self.pace.evaluation_due(self._steps):
                self._evaluate(self.interrupt.asked)
        if not self.interrupt.asked():
            self._evaluate(self.interrupt.asked)
        elif self.pace.evaluation_may_be_quick():
            deadline = time.monotonic() + QUICK
            self._evaluate(lambda: time.monotonic() > deadline)
        best = self._best or self._outcome(None)
        return replace(best, steps=self._steps, stopped_by=self.interrupt.signal or self.pace.name)

    def _learn(self, state: State) -> State:
        began = time.monotonic()
        window = self.streams.read()
        rate = learning_rate(self.pace.progress(self._steps), self.config.learning_rate)
        loss, state = self.engine.step(window.inputs, window.targets, state.restarted(window.restart), rate)
        self._refuse_unless_finite(loss, self._steps + 1)
        bits = loss / math.log(2)
        self._steps += 1
        self._recent_bits += max(RECENT, 1 / self._steps) * (bits - self._recent_bits)
        self.pace.stepped(window.inputs.size, time.monotonic() - began)
        self.tell(self._status())
        return state

    def _evaluate(self, stopped: Callable[[], bool]) -> None:
        began = time.monotonic()
        if self._scorer is None:
            self._scorer = HeldOut(self.held_out[: self.pace.scored_characters()], self.start)
        bits = self._scorer.bits(self.engine, self.network, stopped)
        if bits is None:
            return
        self._refuse_unless_finite(bits, self._steps)
        outcome = self._outcome(bits)
        best = self._best is None or self._best.validation_bits is None or bits < self._best.validation_bits
        if best:
            self._best = outcome
        self.tell(Evaluated(self._status(), bits, best, self.snapshot(outcome)))
        self.pace.evaluated(time.monotonic() - began)

    def _outcome(self, bits: float | None) -> Outcome:
        scored = 0 if self._scorer is None or bits is None else self._scorer.tokens
        return Outcome(self.engine.weights(), bits, scored, self._steps, self._steps, "")

    def _refuse_unless_finite(self, loss: float, step: int) -> None:
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} at step {step}: try a lower --lr than {self.config.learning_rate}"
            )

    def _status(self) -> Stepped:
        return Stepped(
            step=self._steps,
            progress=min(self.pace.progress(self._steps), 1.0),
            seconds=self.pace.seconds(),
            seconds_left=self.pace.seconds_left(self._steps),
            characters_per_second=self.pace.characters_per_second(),
            training_bits=self._recent_bits,
        )
