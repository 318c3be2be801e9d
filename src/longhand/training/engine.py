"""What the training loop asks of an engine: forward, backward, update; arrays in, arrays out."""

from __future__ import annotations

from typing import Protocol

from longhand.arrays import FloatArray, TokenIds
from longhand.modelfile import Weights
from longhand.state import State


class Engine(Protocol):
    """A network with weights that learn. The state is passed in and out: an engine keeps none."""

    def step(self, inputs: TokenIds, targets: TokenIds, state: State, learning_rate: float) -> tuple[float, State]:
        """Learn from one window of all streams.

        - inputs, targets: (window, batch), the target at each position being the token that follows
        - state: where the streams stand; the gradient ends there (truncated back-propagation through time)

        Returns the mean loss in nats a token, before the update, and the state after the window.
        """
        ...

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        """Read a window, (window, batch), without learning.

        Returns the loss of every target in nats, (window, batch), and the state after the window.
        """
        ...

    def weights(self) -> Weights:
        """Return a copy of the weights, named and shaped as in a model file."""
        ...
