"""The C code at its limits: extreme logits, nothing left to draw, indexes out of range, arrays that do not fit."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import needs_kernel
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import native, network

from longhand.config import NetworkConfig
from longhand.errors import LonghandError, ModelFormatError, OptionError
from longhand.generation.sampler import draw
from longhand.modelfile import Weights, expected_shapes
from longhand.runtime.native import library
from longhand.runtime.native.packing import Packed
from longhand.runtime.reference import NumpySession
from longhand.runtime.session import HOTTEST, LARGEST_CHANGE, Drawing
from longhand.state import State
from longhand.training.engine import Update
from longhand.training.native import library as learning
from longhand.training.native_engine import NativeEngine

pytestmark = needs_kernel
LARGEST = float(np.finfo(np.float32).max)
EXTREMES = [-LARGEST, LARGEST, -1e30, 1e30, 0.0, -0.0, 1e-30, 5.0, -200.0]
NEVER = -1


class Table:
    """A guide of rows that are given."""

    def __init__(self, rows: Sequence[npt.NDArray[np.int32] | None]) -> None:
        self._rows = rows
        self.addresses = np.array([0 if row is None else row.ctypes.data for row in rows], np.uintp)

    def row(self, state: int) -> npt.NDArray[np.int32]:
        row = self._rows[state]
        assert row is not None
        return row


def table(*rows: Sequence[int] | None) -> Table:
    return Table([None if row is None else np.array(row, np.int32) for row in rows])


def saying(logits: Sequence[float]) -> tuple[NetworkConfig, Weights]:
    """Return a network that always says the same: its head's bias."""
    config = NetworkConfig(vocabulary_size=len(logits), embedding=1, hidden=1, layers=1)
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(config).items()}
    weights["head.bias"][:] = logits
    return config, weights


def written(logits: Sequence[float], drawing: Drawing, row: Sequence[int], uniform: float = 0.5) -> int | str:
    """Return the token that the kernel draws where only those of `row` from 0 may come, or the error's name."""
    session = native(*saying(logits))
    try:
        return int(session.write(np.array([0]), [drawing], np.array([[uniform]]), guides=[(table(row), 0)])[0, 0])
    except LonghandError as error:
        return type(error).__name__


def drawn(logits: Sequence[float], drawing: Drawing, row: Sequence[int], uniform: float = 0.5) -> int | str:
    """Return the same of NumPy."""
    try:
        return draw(np.array(logits, np.float32), drawing, uniform, allowed=np.array(row, np.int32))
    except LonghandError as error:
        return type(error).__name__


DRAWINGS = {
    "greedy": Drawing(temperature=0),
    "plain": Drawing(),
    "top-k": Drawing(top_k=1),
    "typical": Drawing(typical=0.1),
}


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)
def test_a_token_that_may_not_come_is_not_drawn_however_small_the_others_logits_are(drawing: Drawing) -> None:
    floor, row = [-LARGEST] * 5, [NEVER, NEVER, 0, NEVER, 0]
    assert written(floor, drawing, row) == drawn(floor, drawing, row)
    assert written(floor, drawing, row) in (2, 4)
    assert written([LARGEST] * 4 + [-LARGEST], drawing, [NEVER] * 4 + [0]) == 4
    never = replace(drawing, never=(0, 1, 2, 3))
    assert written(floor, never, [0] * 5) == 4 == drawn(floor, never, [0] * 5)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_where_no_token_may_come_both_say_so(temperature: float) -> None:
    for drawing, row in (
        (Drawing(temperature=temperature), [NEVER] * 3),
        (Drawing(temperature=temperature, never=(0, 2)), [0, NEVER, 0]),
    ):
        assert written([1, 2, 3], drawing, row) == drawn([1, 2, 3], drawing, row) == "OptionError"


def test_a_stream_for_which_nothing_is_left_ends_the_call_for_all() -> None:
    session = native(*saying([1, 2, 3]), batch=2)
    guides = [(table([1, 1, 1], None), 0), (table([NEVER] * 3), 0)]  # the first one's text pauses in the same step
    with pytest.raises(OptionError, match="no token may come next"):
        session.write(np.array([0, 0]), [Drawing()] * 2, np.full((3, 2), 0.5), guides=guides)


@given(
    st.lists(st.sampled_from(EXTREMES), min_size=2, max_size=70),
    st.data(),
    st.sampled_from([0.0, 0.0, 1e-30, 1.0, 1000.0, 1e300]),
    st.sampled_from([0.1, 0.5, 0.9]),
)
@settings(max_examples=150)
def test_extreme_logits_are_drawn_from_as_numpy_does(
    logits: list[float], data: st.DataObject, temperature: float, uniform: float
) -> None:
    """The greedy choice may differ among logits that are equal as 32-bit floats, in which the kernel adds biases."""
    row = data.draw(st.lists(st.sampled_from([0, NEVER]), min_size=len(logits), max_size=len(logits)))
    bias = data.draw(st.lists(st.tuples(st.integers(0, len(logits) - 1), st.sampled_from(EXTREMES[2:])), max_size=3))
    drawing = Drawing(temperature=temperature, bias=tuple(bias))
    one, other = written(logits, drawing, row, uniform), drawn(logits, drawing, row, uniform)
    if isinstance(one, int) and isinstance(other, int):
        assert row[one] >= 0 <= row[other]
        changed = np.array(logits, np.float32)
        for token, value in bias:
            changed[token] += np.float32(value)
        assert changed[one] == changed[other] or temperature > 0
    else:
        assert one == other


def test_changes_of_logits_and_temperatures_have_bounds_within_which_nothing_overflows() -> None:
    with pytest.raises(ValueError, match="expected finite penalties and biases"):
        Drawing(bias=((0, 2 * LARGEST_CHANGE),))
    with pytest.raises(ValueError, match="expected finite penalties and biases"):
        Drawing(repetition=1 / (2 * LARGEST_CHANGE))
    assert Drawing(temperature=1e300).heat == HOTTEST
    penalties: dict[str, Any] = {"repetition": LARGEST_CHANGE, "frequency": -LARGEST_CHANGE, "presence": LARGEST_CHANGE}
    most = Drawing(**penalties, memory=9, temperature=0)
    config, weights = saying([LARGEST, -LARGEST, 1])
    session, recent = native(config, weights), [np.array([0, 1, 1])]
    assert session.write(np.array([0]), [most], np.array([[0.5]]), recent=recent)[0, 0] == draw(
        weights["head.bias"], most, 0.5, recent[0]
    )


def test_a_state_of_a_guide_that_there_is_not_is_refused_before_the_kernel_follows_it() -> None:
    session = native(*saying([1, 2, 3]))
    arguments: tuple[Any, ...] = (np.array([0]), [Drawing()], np.full((3, 1), 0.5))

    class Elsewhere(Table):
        def row(self, state: int) -> npt.NDArray[np.int32]:  # noqa: ARG002 (it has one row, whatever is asked for)
            return super().row(0)

    for state in (-1, 1, 2**31 - 1):
        with pytest.raises(ValueError, match="the kernel refused a call"):
            session.write(*arguments, guides=[(Elsewhere([np.zeros(3, np.int32)]), state)])
    far = table([2**31 - 1] * 3)
    assert len(session.write(*arguments, guides=[(far, 0)])) == 1  # it pauses: what follows is not known
    with pytest.raises(ValueError, match="2 guides, expected one a stream"):
        session.write(*arguments, guides=[(far, 0)] * 2)


def test_arrays_that_the_kernel_would_misread_are_refused() -> None:
    config, weights = network(1, 8)
    session = native(config, weights)
    one, chances, size = np.array([1]), np.full((4, 1), 0.5), config.vocabulary_size
    sliced = np.empty((4, 1, 2 * size), np.float32)[..., ::2]
    fixed = np.empty((4, 1, size), np.float32)
    fixed.flags.writeable = False
    for room in (sliced, fixed, np.empty((4, 1, size), np.float32)[::-1]):
        with pytest.raises(ValueError, match="contiguous and may be written"):
            session.write(one, [Drawing()], chances, logits=room)
    for wrong in (np.nan, -0.1, 1.0, np.inf):
        with pytest.raises(ValueError, match="uniforms"):
            session.write(one, [Drawing()], np.full((4, 1), wrong))
    for wrong in (np.nan, -0.1):
        with pytest.raises(ValueError, match="temperatures: found some that are not numbers from 0"):
            session.write(one, [Drawing()], chances, temperatures=np.full((4, 1), wrong))
    with pytest.raises(ValueError, match="never drawn or biased"):
        session.write(one, [Drawing(never=(2**70,))], chances)
    reversed_bytes = np.array([1, 2, 3], ">i8")
    session.feed(reversed_bytes[:, None][::-1])


def test_a_network_whose_weights_do_not_fit_its_config_is_refused() -> None:
    config, weights = network(2, 8)
    wrong: list[tuple[NetworkConfig, Weights]] = [
        (config, {**weights, "head.weight": weights["head.weight"][:-1]}),
        (config, {**weights, "layers.1.bias": weights["layers.1.bias"][1:]}),
        (config, {name: array for name, array in weights.items() if name != "head.bias"}),
        (NetworkConfig(vocabulary_size=31, embedding=9, hidden=8, layers=0), weights),
        (NetworkConfig(vocabulary_size=31, embedding=9, hidden=8, layers=2**40), weights),
    ]
    for given_config, given_weights in wrong:
        for make in (Packed, NumpySession):
            with pytest.raises(ModelFormatError, match="config"):
                make(given_config, given_weights)
    doubles = {name: array.astype(">f8") for name, array in weights.items()}
    tokens = np.array([[1], [2]])
    np.testing.assert_array_equal(native(config, doubles).feed(tokens), native(config, weights).feed(tokens))


def test_the_kernel_itself_refuses_what_session_py_would_have_refused() -> None:
    config, weights = network(1, 8)
    session = native(config, weights)
    kernel, _ = library.found()
    assert kernel is not None
    slots, given_tokens, logits = np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros((1, 31), np.float32)
    task = library.Task(streams=1, steps=1, threads=1)
    task.network, task.states = ctypes.pointer(session._packed.network), ctypes.pointer(session._states)
    task.slots, task.given, task.logits = slots.ctypes.data, given_tokens.ctypes.data, logits.ctypes.data
    assert kernel.run(task) == library.DONE
    for array, wrong in ((slots, -1), (slots, 1), (given_tokens, -1), (given_tokens, 31)):
        array[0] = wrong
        assert kernel.run(task) == library.BAD_TASK
        array[0] = 0
    assert kernel.run(task) == library.DONE


def engine(config: NetworkConfig, weights: Weights, **options: Any) -> NativeEngine:
    learner, _ = learning.found()
    assert learner is not None
    return NativeEngine(learner, config, weights, update=Update(betas=(0.9, 0.99)), **{"dropout": 0.0, **options})


def test_the_engine_refuses_what_does_not_fit() -> None:
    config, weights = network(2, 8)
    tokens, state = np.ones((3, 2), np.int64), State.zeros(config, 2)
    other = State(state.hidden, state.cell[:, :1])
    cases: list[tuple[Any, Any, State, str]] = [
        (tokens, tokens * 31, state, "tokens are 31 to 31, the network's are 0 to 30"),
        (tokens, tokens * -1, state, "tokens are -1 to -1"),
        (tokens * 2**32, tokens, state, "tokens are 4294967296"),
        (tokens, tokens * 0.5, state, "expected .time, batch. of whole numbers"),
        (tokens, tokens[0], state, "expected .time, batch."),
        (tokens[:0], tokens[:0], state, "expected .time, batch."),
        (tokens, np.ones((4, 2), np.int64), state, r"targets are \(4, 2\), the inputs \(3, 2\)"),
        (tokens, np.ones((3, 1), np.int64), state, r"targets are \(3, 1\)"),
        (tokens, tokens, other, r"states of .* and \(2, 1, 8\)"),
    ]
    for inputs, targets, given_state, message in cases:
        with pytest.raises(ValueError, match=message):
            engine(config, weights).learn(inputs, targets, given_state, 1e-3)
    for options in ({"dropout": 1.0}, {"dropout": -0.1}, {"dropout": float("nan")}):
        with pytest.raises(ValueError, match="sizes of a step"):
            engine(config, weights, **options).learn(tokens, tokens, state, 1e-3)
    losses, _ = engine(config, weights, threads=-3, start=1).learn(tokens, tokens, state, 1e-3)
    assert np.isfinite(losses).all()
