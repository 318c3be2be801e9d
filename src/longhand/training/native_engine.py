"""The engine in C, for the processor: no torch, and faster than torch's there."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from longhand.arrays import FloatArray, TokenIds
from longhand.config import NetworkConfig
from longhand.modelfile import Weights
from longhand.native.memory import aligned
from longhand.native.processors import processors
from longhand.state import State
from longhand.training.engine import MOMENTS, DivergenceError, Update, restored
from longhand.training.native import library
from longhand.training.native.crew import Crew
from longhand.training.native.layout import EMBEDDING, Layout
from longhand.training.native.library import Lesson, Library, Place
from longhand.training.saved import Saved

MOST_THREADS = 64


class NativeEngine:
    """Trains a network; see `longhand.training.engine.Engine`. The numbers do not depend on the threads.

    - weights: where to start from, as in a model file; copied
    - update: how they move
    - dropout: share of the numbers that the LSTM layers give left out at each step
    - fixed_embedding: the embedding is no weight but part of the blueprint
    - start: the token before which a stream's state is cleared, wherever it stands; None if there is none
    - threads: processor threads; None leaves the choice here
    - seed: where the dropout's chance starts; each step has its own, so that none has to be remembered
    """

    def __init__(
        self,
        kernel: Library,
        config: NetworkConfig,
        weights: Weights,
        *,
        update: Update,
        dropout: float,
        fixed_embedding: bool = False,
        start: int | None = None,
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        self._kernel, self._config, self._update, self._seed = kernel, config, update, seed
        self._layout = layout = Layout(config)
        self._dropout = dropout
        self._weights = layout.packed(weights)
        self._gradient, *self._moments = (aligned(self._weights.shape, np.float32) for _ in range(3))
        self._room = aligned((0,), np.uint8)
        self._steps = 0
        self._crew = Crew(min(threads or processors(), MOST_THREADS))
        self._places = (Place * config.layers)(*layout.places)
        self._lesson = Lesson(
            vocabulary=config.vocabulary_size,
            rows=layout.rows,
            hidden=layout.hidden,
            layers=config.layers,
            inputs=config.embedding,
            place=self._places,
            head=layout.first("head.weight"),
            head_bias=layout.first("head.bias"),
            embedding=layout.first(EMBEDDING),
            learned=layout.first(EMBEDDING) if fixed_embedding else layout.size,
            start=-1 if start is None else start,
            decay=update.weight_decay,
            beta1=update.betas[0],
            beta2=update.betas[1],
            longest=math.inf if update.gradient_norm is None else update.gradient_norm,
        )
        arrays = {"weights": self._weights, "gradient": self._gradient}
        for name, array in {**arrays, "moment": self._moments[0], "square": self._moments[1]}.items():
            setattr(self._lesson, name, array.ctypes.data)

    def step(self, inputs: TokenIds, targets: TokenIds, state: State, learning_rate: float) -> tuple[float, State]:
        """Learn from one window of all streams; see `Engine.step`."""
        losses, after = self.learn(inputs, targets, state, learning_rate)
        return float(losses.mean(dtype=np.float64)), after

    def learn(
        self, inputs: TokenIds, targets: TokenIds, state: State, learning_rate: float
    ) -> tuple[FloatArray, State]:
        """Learn as in `step`, and return the loss of every target before the update, in nats, (targets, batch)."""
        steps = self._steps + 1
        lesson, (beta1, beta2) = self._lesson, self._update.betas
        lesson.learn, lesson.rate, lesson.epsilon = 1, learning_rate, self._update.epsilon_after(steps)
        lesson.correction1, lesson.correction2 = 1 - beta1**steps, 1 - beta2**steps
        lesson.key = (self._seed * 0x9E3779B1 + steps) & 0xFFFFFFFF
        lesson.dropout, lesson.threads = self._dropout, self._crew.threads()
        began = time.monotonic()
        losses, after, status = self._run(inputs, targets, state)
        self._crew.took(lesson.threads, (time.monotonic() - began) / inputs.size)
        if status == library.NOT_FINITE:
            loss, length = float(losses.mean(dtype=np.float64)), self._lesson.length
            what = f"the loss became {loss}" if not math.isfinite(loss) else f"the gradient's length became {length}"
            raise DivergenceError(what)
        self._steps = steps
        return losses, after

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        """Read a window without learning; see `Engine.losses`."""
        self._lesson.learn, self._lesson.dropout, self._lesson.threads = 0, 0, self._crew.scoring_threads()
        losses, after, _ = self._run(inputs, targets, state)
        return losses, after

    def weights(self) -> Weights:
        """Return a copy of the weights, named and shaped as in a model file."""
        return self._layout.unpacked(self._weights)

    def saved(self) -> Saved:
        """Return weights and moments; see `Engine.saved`."""
        arrays = dict(self.weights())
        for moment, values in zip(MOMENTS, self._moments, strict=True):
            arrays.update({f"{moment}/{name}": array for name, array in self._layout.unpacked(values).items()})
        return Saved(arrays, {"steps": self._steps})

    def restore(self, saved: Saved) -> None:
        """See `Engine.restore`."""
        weights, moments, self._steps = restored(saved, self._config)
        none = {name: np.zeros_like(array) for name, array in weights.items()}
        self._weights[:] = self._layout.packed(weights)
        for found, values in zip(moments, self._moments, strict=True):
            values[:] = self._layout.packed(none | found)

    def _run(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State, int]:
        """Carry out the lesson on a window; return the losses, (targets, batch), and the state after it."""
        lesson, vocabulary = self._lesson, self._config.vocabulary_size
        arrays: dict[str, Any] = {
            "tokens": _checked_ids(inputs, vocabulary),
            "targets": _checked_ids(targets, vocabulary),
        }
        if targets.shape[1] != inputs.shape[1] or len(targets) > len(inputs):
            raise ValueError(f"targets are {targets.shape}, the inputs {inputs.shape}")
        lesson.window, lesson.batch = inputs.shape
        lesson.scored = len(targets)
        expected = (self._config.layers, inputs.shape[1], self._config.hidden)
        if state.hidden.shape != expected or state.cell.shape != expected:
            raise ValueError(f"states of {state.hidden.shape} and {state.cell.shape}, expected {expected}")
        hidden, cell = (self._wide(array) for array in (state.hidden, state.cell))
        losses = np.empty(targets.shape, np.float32)
        arrays |= {"hidden_state": hidden, "cell_state": cell, "losses": losses}
        for name, array in arrays.items():
            setattr(lesson, name, array.ctypes.data)
        if (size := self._kernel.room(lesson)) > self._room.size:
            self._room = aligned((0,), np.uint8)  # frees the smaller one first
            self._room = aligned((size,), np.uint8)
        status = self._kernel.step(lesson, self._room.ctypes.data)
        if status == library.BAD_TASK:
            raise ValueError("the engine refused a step: a token or a size is out of range")
        units = self._config.hidden
        return losses, State(hidden[..., :units].copy(), cell[..., :units].copy()), status

    def _wide(self, array: FloatArray) -> FloatArray:
        wide = np.zeros((*array.shape[:2], self._layout.hidden), np.float32)
        wide[..., : self._config.hidden] = array
        return wide


def _checked_ids(ids: TokenIds, vocabulary: int) -> npt.NDArray[np.int32]:
    """Return a copy of tokens, (time, batch), as the engine reads them.

    Raises `ValueError` for another shape or type, or for a token that there is not.
    """
    own = np.array(ids, order="C")
    if own.ndim != 2 or own.size == 0 or not np.issubdtype(own.dtype, np.integer):
        raise ValueError(f"tokens are {own.shape} of {own.dtype}, expected (time, batch) of whole numbers")
    if not 0 <= own.min() <= own.max() < vocabulary:
        raise ValueError(f"tokens are {own.min()} to {own.max()}, the network's are 0 to {vocabulary - 1}")
    return own.astype(np.int32)
