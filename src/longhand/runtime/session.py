"""What a running network offers, whichever way it computes: feed tokens, get logits, keep a state, draw tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
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
    others stay as they are. Raises `ValueError` for tokens, streams or states that do not fit. Weights so large that
    nothing is finite give logits that are not; but a session that counts with integers, which would hide it, raises
    `ModelFormatError`, after the step at which that happened.
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
        """Return the logits, (..., vocabulary), of what the last layer showed, (..., hidden), by weights of 32 bits."""
        ...


@dataclass(frozen=True)
class Drawing:
    """How a token is drawn from logits, in this order; `longhand.generation.sampler` says it in NumPy.

    - never: tokens that are never drawn; some others must be left
    - temperature: what logits are divided by before the softmax; 0 takes the likeliest token, of equals the first
    - top_k: how many of the likeliest are kept; 0: all
    - top_p: the fewest of these, likeliest first, are kept whose probabilities add up to this share
    - min_p: tokens less probable than this share of the likeliest one's probability go

    Raises `ValueError` for values that mean nothing.
    """

    never: tuple[int, ...] = ()
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "never", tuple(map(index, self.never)))
        within = 0 <= self.temperature < np.inf and 0 <= self.top_p <= 1 and 0 <= self.min_p <= 1
        if not within or not 0 <= index(self.top_k) < 2**63:
            raise ValueError(f"{self}: expected a temperature from 0, top_k from 0, top_p and min_p from 0 to 1")

    @property
    def heat(self) -> float:
        """The temperature, or 0 where it is so low that it counts as 0."""
        return 0.0 if self.temperature < COLDEST else float(self.temperature)


@runtime_checkable
class WritingSession(RecurrentSession, Protocol):
    """A session that draws tokens itself and reads on from them."""

    def write(
        self, tokens: TokenIds, drawings: Sequence[Drawing], uniforms: DoubleArray, streams: Streams | None = None
    ) -> TokenIds:
        """Read one token a stream, (batch,), draw the next and read on from it; return those drawn, (time, batch).

        - drawings: one a stream, all of them with the same `never`
        - uniforms: (time, batch), in [0, 1): the chance that each draw takes

        Raises `ModelFormatError` after the step at which a prediction was not finite.
        """
        ...


def checked_streams(streams: Streams | None, batch: int) -> TokenIds:
    """Return which of `batch` streams are meant; raises `ValueError` for one there is not, or one named twice."""
    if streams is None:
        return np.arange(batch)
    try:
        rows = [index(stream) for stream in streams]
    except TypeError as error:
        raise ValueError(f"streams are numbered: {error}") from None
    if len(set(rows)) < len(rows) or not all(0 <= row < batch for row in rows):
        raise ValueError(f"streams are {rows}, expected different ones of 0 to {batch - 1}")
    return np.array(rows, np.int64)


def checked_tokens(tokens: TokenIds, streams: TokenIds, vocabulary: int) -> TokenIds:
    """Return tokens, (time, streams); raises `ValueError` for another shape or type, or for one that there is not."""
    if not np.issubdtype(tokens.dtype, np.integer):
        raise ValueError(f"tokens are {tokens.dtype}, expected whole numbers")
    if tokens.ndim != 2 or tokens.shape[1] != len(streams):
        raise ValueError(f"tokens are {tokens.shape}, expected (time, {len(streams)})")
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < vocabulary:
        raise ValueError(f"tokens are {tokens.min()} to {tokens.max()}, the network's are 0 to {vocabulary - 1}")
    return tokens


def checked_state(state: State, config: NetworkConfig, batch: int) -> State:
    """Return a state, as 32-bit floats, that `batch` streams can go on from.

    Raises `ValueError` if its shape is another, or if it has numbers that no LSTM shows or remembers.
    """
    expected = (config.layers, batch, config.hidden)
    with np.errstate(over="ignore"):  # then it is infinite, and refused
        state = State(*(np.asarray(array).astype(np.float32) for array in (state.hidden, state.cell)))
    for name, array in (("hidden", state.hidden), ("cell", state.cell)):
        if array.shape != expected:
            raise ValueError(f"{name} state is {array.shape}, this session's is {expected}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} state has numbers that are not finite")
    if state.hidden.size and np.abs(state.hidden).max() > 1:
        raise ValueError(f"hidden state reaches {np.abs(state.hidden).max():g}, expected -1 to 1")
    return state
