"""What a running network offers, whichever way it computes: feed tokens, get logits, keep a state, draw tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.config import NetworkConfig
from longhand.state import State

Streams = Sequence[int]
COLDEST = 1e-30  # a temperature below counts as 0: logits divided by it leave the range of 32-bit floats


class Session(Protocol):
    """A network with read-only weights, reading `batch` independent streams. For one thread at a time."""

    @property
    def batch(self) -> int:
        """Number of streams."""
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
    """A session that carries its state from token to token, as a recurrent network does by nature.

    Streams join and leave as they like: where `streams` names some of them, only those advance, in that order, and all
    others stay as they are. Raises `ValueError` for tokens, streams or states that do not fit.
    """

    @property
    def state(self) -> State:
        """A copy of the state; assigning one goes on from there."""
        ...

    @state.setter
    def state(self, state: State) -> None: ...

    def restart(self, streams: Streams) -> None:
        """Put these streams back to the fresh state."""
        ...

    def step(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read one token a stream, (batch,), and return the logits of the next, (batch, vocabulary)."""
        ...

    def feed(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read tokens, (time, batch), and return the logits after each, (time, batch, vocabulary)."""
        ...

    def advance(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read tokens, (time, batch), and return what the last layer shows after each, (time, batch, hidden)."""
        ...

    def logits(self, outputs: FloatArray) -> FloatArray:
        """Return the logits, (..., vocabulary), of what the last layer showed, (..., hidden)."""
        ...


@dataclass(frozen=True)
class Drawing:
    """How a token is drawn from logits, in this order; `longhand.generation.sampler` says it in NumPy.

    - never: tokens that are never drawn
    - temperature: what logits are divided by before the softmax; 0 takes the likeliest token, of equals the first
    - top_k: how many of the likeliest are kept; 0: all
    - top_p: the fewest of these, likeliest first, are kept whose probabilities add up to this share
    - min_p: tokens less probable than this share of the likeliest one's probability go
    """

    never: tuple[int, ...] = ()
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0


@runtime_checkable
class WritingSession(RecurrentSession, Protocol):
    """A session that draws tokens itself and reads on from them."""

    def write(
        self, tokens: TokenIds, drawings: Sequence[Drawing], uniforms: DoubleArray, streams: Streams | None = None
    ) -> TokenIds:
        """Read one token a stream, (batch,), draw the next and read on from it; return those drawn, (time, batch).

        - drawings: one a stream, all of them with the same `never`
        - uniforms: (time, batch), in [0, 1): the chance that each draw takes

        Raises `ModelFormatError` if a prediction is not finite.
        """
        ...


def checked_streams(streams: Streams | None, batch: int) -> TokenIds:
    """Return which of `batch` streams are meant; raises `ValueError` for one there is not, or one named twice."""
    if streams is None:
        return np.arange(batch)
    if len(set(streams)) < len(streams) or not all(0 <= stream < batch for stream in streams):
        raise ValueError(f"streams are {list(streams)}, expected different ones of 0 to {batch - 1}")
    return np.array(streams, np.int64)


def checked_tokens(tokens: TokenIds, streams: TokenIds, vocabulary: int) -> TokenIds:
    """Return tokens, (time, streams); raises `ValueError` if their shape is another or the network lacks one."""
    if tokens.ndim != 2 or tokens.shape[1] != len(streams):
        raise ValueError(f"tokens are {tokens.shape}, expected (time, {len(streams)})")
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < vocabulary:
        raise ValueError(f"tokens are {tokens.min()} to {tokens.max()}, the network's are 0 to {vocabulary - 1}")
    return tokens


def checked_state(state: State, config: NetworkConfig, batch: int) -> State:
    """Return a state that `batch` streams can go on from.

    Raises `ValueError` if its shape is another, or if it has numbers that no LSTM shows or remembers.
    """
    expected = (config.layers, batch, config.hidden)
    for name, array in (("hidden", state.hidden), ("cell", state.cell)):
        if array.shape != expected:
            raise ValueError(f"{name} state is {array.shape}, this session's is {expected}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} state has numbers that are not finite")
    if state.hidden.size and np.abs(state.hidden).max() > 1:
        raise ValueError(f"hidden state reaches {np.abs(state.hidden).max():g}, expected -1 to 1")
    return state
