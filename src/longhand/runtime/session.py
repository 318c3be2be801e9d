"""What a running network offers, whichever way it computes: feed tokens, get logits, keep a state."""

from __future__ import annotations

from typing import Protocol

from longhand.arrays import FloatArray, TokenIds
from longhand.state import State


class Session(Protocol):
    """A network with read-only weights, reading `batch` independent streams."""

    @property
    def batch(self) -> int:
        """Number of streams that advance together."""
        ...

    @property
    def window(self) -> int | None:
        """How many of the last tokens a prediction is made from; None if from all."""
        ...

    def step(self, tokens: TokenIds) -> FloatArray:
        """Read one token a stream, (batch,), and return the logits of the next, (batch, vocabulary)."""
        ...

    def feed(self, tokens: TokenIds) -> FloatArray:
        """Read tokens, (time, batch), and return the logits after each, (time, batch, vocabulary).

        The same as `time` calls of `step`.
        """
        ...


class RecurrentSession(Session, Protocol):
    """A session that carries its state from token to token, as a recurrent network does by nature."""

    @property
    def state(self) -> State:
        """A copy of the state; assigning one goes on from there."""
        ...

    @state.setter
    def state(self, state: State) -> None: ...

    def advance(self, tokens: TokenIds) -> FloatArray:
        """Read tokens, (time, batch), and return what the last layer shows after each, (time, batch, hidden)."""
        ...

    def logits(self, outputs: FloatArray) -> FloatArray:
        """Return the logits, (..., vocabulary), of what the last layer showed, (..., hidden)."""
        ...
