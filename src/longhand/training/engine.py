"""What the training loop asks of an engine: forward, backward, update; arrays in, arrays out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np

from longhand.arrays import FloatArray, TokenIds
from longhand.config import NetworkConfig
from longhand.modelfile import Weights, expected_shapes
from longhand.state import State
from longhand.training.saved import Count, Saved, checked_array, checked_facts

MOMENTS = ("exp_avg", "exp_avg_sq")
"""What checkpoints call the running means of the gradient and its square, as torch does."""


class DivergenceError(Exception):
    """The loss, the gradient or the score is no finite number."""


@dataclass(frozen=True)
class Update:
    """How weights move: Adam (Kingma and Ba, 2015), with decoupled weight decay (Loshchilov and Hutter, 2019).

    - betas: decay of the two running means
    - epsilon: added to the root of the second one
    - epsilon_hat: whether it is added before that mean's bias is corrected, as at the end of Kingma and Ba's
      section 2 and in Keras; torch adds it after
    - gradient_norm: a longer gradient is scaled down to this length; None leaves it
    """

    betas: tuple[float, float]
    epsilon: float = 1e-8
    epsilon_hat: bool = False
    weight_decay: float = 0.0
    gradient_norm: float | None = None

    def epsilon_after(self, steps: int) -> float:
        """Return the epsilon to add after the correction, in step `steps`, counted from 1."""
        return self.epsilon / math.sqrt(1 - self.betas[1] ** steps) if self.epsilon_hat else self.epsilon


class EngineFacts(msgspec.Struct):
    """What a checkpoint holds of an engine beside arrays."""

    steps: Count


def restored(saved: Saved, config: NetworkConfig) -> tuple[Weights, list[Weights], int]:
    """Return the weights, their moments as far as there are any, and the steps that an engine has saved.

    Raises `ValueError` for what does not fit the network.
    """
    shapes = expected_shapes(config)
    if other := sorted(name for name in saved.arrays if name not in shapes and not name.startswith(MOMENTS)):
        raise ValueError(f"{other[0][:60]} is no weight of this network")
    weights = {name: checked_array(saved, name, np.float32, shape) for name, shape in shapes.items()}
    moments: list[Weights] = [{}, {}]
    for moment, found in zip(MOMENTS, moments, strict=True):
        for name, shape in shapes.items():
            if f"{moment}/{name}" in saved.arrays:
                found[name] = checked_array(saved, f"{moment}/{name}", np.float32, shape)
    if moments[0].keys() != moments[1].keys() or any((array < 0).any() for array in moments[1].values()):
        raise ValueError("the moments do not fit each other, or a mean of squares is below 0")
    return weights, moments, checked_facts(saved, EngineFacts).steps


class Engine(Protocol):
    """A network with weights that learn. The state is passed in and out: an engine keeps none."""

    def step(self, inputs: TokenIds, targets: TokenIds, state: State, learning_rate: float) -> tuple[float, State]:
        """Learn from one window of all streams.

        - inputs: (window, batch)
        - targets: (targets, batch), the tokens that follow the last positions of `inputs`, or all of them
        - state: where the streams stand; the gradient ends there (truncated back-propagation through time)

        Returns the mean loss in nats a token, before the update, and the state after the window. Raises
        `DivergenceError`, with the weights as they were, where the loss or the gradient is no finite number.
        """
        ...

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        """Read a window without learning; arguments as for `step`.

        Returns the loss of every target in nats, (targets, batch), and the state after the window.
        """
        ...

    def weights(self) -> Weights:
        """Return a copy of the weights, named and shaped as in a model file."""
        ...

    def saved(self) -> Saved:
        """Return the weights and all that their updates depend on; see `longhand.training.saved.Part`."""
        ...

    def restore(self, saved: Saved) -> None:
        """Go on from there."""
        ...
