"""What a running network offers, whichever way it computes: feed tokens, get logits, keep a state."""

from __future__ import annotations

from typing import Protocol

from longhand.arrays import FloatArray, TokenIds
from longhand.state import State


class Session(Protocol):
    """A network with read-only weights and the mutable state of `batch` independent streams."""

    @property
    def batch(self) -> int:
        """Number of streams that advance together."""
        ...

    @property
    def state(self) -> State:
        """A copy of the state; assigning one goes on from there."""
        ...

    @state.setter
    def state(self, state: State) -> None: ...

    def step(self, tokens: TokenIds) -> FloatArray:
        """Read one token a stream, (batch,), and return the logits of the next, (batch, vocabulary)."""
        ...

    def feed(self, tokens: TokenIds) -> FloatArray:
        """Read tokens, (time, batch), and return the logits after each, (time, batch, vocabulary).

        The same as `time` calls of `step`.
        """
        ...
