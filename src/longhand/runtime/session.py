"""What a running network offers, whichever way it computes: feed tokens, get logits, keep a state, draw tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Any, Protocol, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.config import NetworkConfig
from longhand.errors import ModelFormatError, OptionError
from longhand.state import State

Streams = Sequence[int]
Numbers = TypeVar("Numbers", bound=npt.NDArray[np.floating[Any]])
COLDEST = 1e-30  # a temperature below counts as 0: logits divided by it leave the range of 32-bit floats
HOTTEST = 1e30  # one above counts as this: all tokens are equally probable, and the quotient is still a number
LARGEST_CHANGE = 1e30  # of a logit, by a bias or a penalty: sums and products of such fit into 64-bit floats
MOST_RECENT = 65_536  # tokens that penalties look back at


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

    def states(self, streams: Streams) -> State:
        """Return a copy of the state of these streams, in that order."""
        ...

    def put(self, state: State, streams: Streams) -> None:
        """Put these streams into a state of so many."""
        ...

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

    - bias: tokens, and what is added to their logits
    - repetition: what the logits of tokens among the recent ones are divided by where they are above zero, and
      multiplied by where they are below; 1: nothing
    - frequency, presence: what is taken off them for each time that they occur there, and once
    - memory: how many of the last tokens are the recent ones
    - never: tokens that are never drawn; some others must be left
    - temperature: what logits are divided by before the softmax; 0 takes the likeliest token, of equals the first
    - top_k: how many of the likeliest are kept; 0: all
    - top_p: the fewest of these, likeliest first, are kept whose probabilities add up to this share
    - min_p: tokens less probable than this share of the likeliest one's probability go
    - typical: the fewest of what is left are kept, those first whose information is nearest to the mean, whose
      probabilities add up to this share

    Raises `ValueError` for values that mean nothing.
    """

    never: tuple[int, ...] = ()
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    typical: float = 1.0
    repetition: float = 1.0
    frequency: float = 0.0
    presence: float = 0.0
    memory: int = 0
    bias: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "never", tuple(map(index, self.never)))
        object.__setattr__(self, "bias", tuple((index(token), float(value)) for token, value in self.bias))
        shares = all(0 <= share <= 1 for share in (self.top_p, self.min_p, self.typical))
        if not shares or not 0 <= self.temperature < np.inf or not 0 <= index(self.top_k) < 2**63:
            raise ValueError(
                f"{self}: expected a temperature from 0, top_k from 0, top_p, min_p and typical from 0 to 1"
            )
        changes = (self.repetition, self.frequency, self.presence, *(value for _, value in self.bias))
        within = all(abs(change) <= LARGEST_CHANGE for change in changes) and self.repetition >= 1 / LARGEST_CHANGE
        if not within or not 0 <= index(self.memory) <= MOST_RECENT:
            raise ValueError(
                f"{self}: expected finite penalties and biases, to {LARGEST_CHANGE:g}, a repetition above 0, a memory "
                f"from 0 to {MOST_RECENT}"
            )

    @cached_property
    def changes(self) -> tuple[TokenIds, DoubleArray]:
        """The tokens of `bias` and `never`, and what is added to the logits of each, (some,): -infinity for the latter.

        As arrays, made once: all texts of a request share a drawing, and there may be thousands of biases.
        """
        never = sorted(set(self.never))
        try:
            tokens = np.array([*(token for token, _ in self.bias), *never], np.int64)
        except OverflowError:
            raise ValueError("never drawn or biased: found a number that is no token") from None
        return tokens, np.array([*(value for _, value in self.bias), *[-np.inf] * len(never)], np.float64)

    @property
    def heat(self) -> float:
        """The temperature that counts, from 0; see `heat_of`."""
        return heat_of(self.temperature)

    @property
    def looks_back(self) -> int:
        """How many of the last tokens make a difference."""
        return self.memory if (self.repetition, self.frequency, self.presence) != (1, 0, 0) else 0


def heat_of(temperature: float) -> float:
    """Return a temperature, at most `HOTTEST`, or 0 for one so low that it counts as 0."""
    return 0.0 if temperature < COLDEST else min(float(temperature), HOTTEST)


class Guide(Protocol):
    """What may come in a text: states, and in each where the tokens lead."""

    @property
    def addresses(self) -> npt.NDArray[np.uintp]:
        """Where the rows of the states lie in memory, 0 for one that is not made yet."""
        ...

    def row(self, state: int) -> npt.NDArray[np.int32]:
        """Return the states that tokens lead to, (vocabulary,), below zero for one that may not come."""
        ...


class WritingSession(RecurrentSession, Protocol):
    """A session that draws tokens itself and reads on from them."""

    @property
    def vocabulary_size(self) -> int:
        """Number of different tokens."""
        ...

    def write(
        self,
        tokens: TokenIds,
        drawings: Sequence[Drawing],
        uniforms: DoubleArray,
        streams: Streams | None = None,
        *,
        recent: Sequence[TokenIds] | None = None,
        temperatures: DoubleArray | None = None,
        logits: FloatArray | None = None,
        guides: Sequence[tuple[Guide, int] | None] | None = None,
    ) -> TokenIds:
        """Read one token a stream, (batch,), draw the next and read on from it; return those drawn, (time, batch).

        They are fewer than there are chances for where a text comes to a state whose row is not made.

        - drawings: one a stream
        - uniforms: (time, batch), in [0, 1): the chance that each draw takes
        - recent: of each stream the tokens before those drawn, as far as its penalties look back
        - temperatures: (time, batch), in place of the drawings'
        - logits: (time, batch, vocabulary), which are set to what the network said before each draw
        - guides: of each stream what guides it, and its state there

        Raises `ModelFormatError` after the step at which a prediction was not finite, `OptionError` after one at which
        no token may come, and `ValueError` for arrays that do not fit.
        """
        ...


def writes(session: Session) -> TypeGuard[WritingSession]:
    """Whether a session draws tokens itself."""
    return callable(getattr(session, "write", None))


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


def checked_temperatures(temperatures: DoubleArray, shape: tuple[int, ...]) -> DoubleArray:
    """Return temperatures that count, as `heat_of`; raises `ValueError` for another shape, or for one below 0."""
    if temperatures.shape != shape:
        raise ValueError(f"temperatures {temperatures.shape}, expected {shape}")
    heats: DoubleArray = np.array(temperatures, np.float64, order="C")
    if not (heats >= 0).all():
        raise ValueError("temperatures: found some that are not numbers from 0")
    return np.where(heats < COLDEST, 0.0, np.minimum(heats, HOTTEST))


def checked_output(array: FloatArray, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` for an array that results cannot be written into as they are."""
    if array.shape != shape or array.dtype != np.float32:
        raise ValueError(f"room for logits {array.shape} of {array.dtype}, expected {shape} of float32")
    if not array.flags.c_contiguous or not array.flags.writeable:
        raise ValueError("room for logits: expected an array that is contiguous and may be written")


def checked_logits(logits: Numbers) -> Numbers:
    """Return logits, of any shape. Raises `ModelFormatError` if some are not finite, as huge weights make them."""
    if not np.isfinite(logits).all():
        raise not_finite()
    return logits


def not_finite() -> ModelFormatError:
    """Return the error for predictions that are not finite."""
    return ModelFormatError("the model's predictions are not finite numbers: its weights are damaged")


def no_choice() -> OptionError:
    """Return the error for a draw at which every token is excluded."""
    return OptionError("the text cannot go on: no token may come next; exclude fewer tokens")


def checked_state(state: State, config: NetworkConfig, batch: int) -> State:
    """Return a state, as 32-bit floats, that `batch` streams can go on from.

    Raises `ValueError` if its shape is another, or if it has numbers that no LSTM shows or remembers; where those are
    not finite, `ModelFormatError`.
    """
    expected = (config.layers, batch, config.hidden)
    with np.errstate(over="ignore"):  # then it is infinite, and refused
        state = State(*(np.asarray(array).astype(np.float32) for array in (state.hidden, state.cell)))
    for name, array in (("hidden", state.hidden), ("cell", state.cell)):
        if array.shape != expected:
            raise ValueError(f"{name} state is {array.shape}, this session's is {expected}")
        if not np.isfinite(array).all():
            raise ModelFormatError(f"{name} state has numbers that are not finite, as damaged weights make them")
    if state.hidden.size and np.abs(state.hidden).max() > 1:
        raise ValueError(f"hidden state reaches {np.abs(state.hidden).max():g}, expected -1 to 1")
    return state
