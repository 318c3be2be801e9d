"""The kernel's session with input at fault: tokens, streams, states, drawings and weights."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import needs_kernel
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import damage, native, network, tokens_for

from longhand.arrays import FloatArray
from longhand.errors import ModelFormatError
from longhand.runtime.reference import NumpySession
from longhand.runtime.session import Drawing
from longhand.state import State

pytestmark = needs_kernel


def test_weights_so_large_that_nothing_is_finite_are_refused() -> None:
    config, weights = network(2, 24)
    weights["head.weight"][:] = 3e38
    with pytest.raises(ModelFormatError, match="not finite"):
        native(config, weights).write(np.array([1]), [Drawing()], np.random.default_rng(0).random((200, 1)))
    for name in ("fp32", "int8"):
        weights["layers.1.weight_ih"][:] = 3e38
        weights["layers.1.weight_ih"][0] = -3e38
        with pytest.raises(ModelFormatError, match="not finite"):
            native(config, weights, precision=name).write(np.array([1]), [Drawing()], np.zeros((50, 1)))


def test_logits_that_are_not_finite_are_those_of_their_own_stream() -> None:
    config, weights = network(2, 24)
    damage(weights)
    tokens = np.array([[1, 1], [5, 2], [3, 3]])
    one, other = native(config, weights, 2), NumpySession(config, weights, 2)
    logits = one.feed(tokens)
    np.testing.assert_allclose(logits, other.feed(tokens), rtol=0, atol=1e-5)
    assert np.isfinite(logits).all(axis=(0, 2)).tolist() == [False, True]


@pytest.mark.parametrize("steps", [3, 4])
def test_integers_do_not_hide_what_is_not_finite_and_the_state_is_that_of_the_step_at_which_it_was(steps: int) -> None:
    config, weights = network(2, 24)
    damage(weights)
    tokens = np.array([[1, 1], [5, 2], [3, 3], [3, 3]])
    session, healthy = (native(config, weights, 2, 1, "int8") for _ in range(2))
    with pytest.raises(ModelFormatError, match="not finite"):
        session.feed(tokens[:steps])
    tokens[1, 0] = 1
    healthy.feed(tokens[:2])
    for part in ("hidden", "cell"):
        assert np.array_equal(getattr(session.state, part)[:, 1], getattr(healthy.state, part)[:, 1])


def test_a_drawing_that_means_nothing_is_refused() -> None:
    nonsense: dict[str, list[float]] = {
        "temperature": [-1, np.nan, np.inf],
        "min_p": [2, np.nan],
        "top_p": [-0.1, 1.1],
        "top_k": [-1, 2**70],
        "typical": [-0.1, np.nan],
    }
    for name, value in [("repetition", 0), ("frequency", np.inf), ("memory", -1), ("bias", ((0, np.nan),))]:
        with pytest.raises(ValueError, match="expected finite penalties"):
            Drawing(**{name: value})  # type: ignore[arg-type]
    for values in ({name: value} for name, some in nonsense.items() for value in some):
        with pytest.raises(ValueError, match="expected a temperature from 0"):
            Drawing(**values)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Drawing(never=(1.5,))  # type: ignore[arg-type]
    assert Drawing(never=[1, 2]).never == (1, 2)  # type: ignore[arg-type]
    config, weights = network(1, 8)
    for never in (tuple(range(31)), (31,), (-1,)):
        with pytest.raises(ValueError, match="never drawn"):
            native(config, weights).write(np.array([1]), [Drawing(never)], np.zeros((5, 1)))


def test_input_that_does_not_fit_is_refused() -> None:
    config, weights = network(2, 24)
    for session in (native(config, weights, 3), NumpySession(config, weights, 3)):
        for tokens, streams, message in [
            (np.array([0, 1]), None, "expected \\(time, 3\\)"),
            (np.array([0, 1, 31]), None, "tokens are 0 to 31, the network's are 0 to 30"),
            (np.array([0, -1]), [0, 1], "tokens are -1 to 0"),
            (np.array([0, 1]), [1, 1], "different ones of 0 to 2"),
            (np.array([0]), [3], "different ones of 0 to 2"),
            (np.array([0]), [-1], "different ones of 0 to 2"),
            (np.array([0, 1]), [0, 0.5], "streams are numbered"),
            (np.array([0.0, 1.0, 2.0]), None, "tokens are float64, expected whole numbers"),
            (np.array([True, False, True]), None, "tokens are bool, expected whole numbers"),
        ]:
            with pytest.raises(ValueError, match=message):
                session.step(tokens, streams)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 drawings"):
        native(config, weights).write(np.array([1]), [Drawing()] * 2, np.zeros((5, 1)))
    write = native(config, weights).write
    one, chances = np.array([1]), np.zeros((5, 1))
    with pytest.raises(ValueError, match="recent: -1 to 31"):
        write(one, [Drawing(repetition=2, memory=9)], chances, recent=[np.array([31])])
    with pytest.raises(ValueError, match="biased: 31 to 31"):
        write(one, [Drawing(bias=((31, 1.0),))], chances)
    with pytest.raises(ValueError, match=r"temperatures \(4, 1\), expected \(5, 1\)"):
        write(one, [Drawing()], chances, temperatures=np.ones((4, 1)))
    with pytest.raises(ValueError, match="room for logits"):
        write(one, [Drawing()], chances, logits=np.ones((5, 1, 30), np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["hidden", "cell"])
def test_a_state_that_is_not_finite_is_refused(part: str, value: float) -> None:
    config, weights = network(2, 24)
    for session in (native(config, weights), NumpySession(config, weights)):
        state = State.zeros(config, 1)
        getattr(state, part)[1, 0, 7] = value
        with pytest.raises(ValueError, match=f"{part} state has numbers that are not finite"):
            session.state = state
        state = State(np.zeros((2, 1, 24)), np.full((2, 1, 24), 1e300))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="cell state has numbers that are not finite"):
            session.state = state
        state = State.zeros(config, 1)
        state.hidden[0, 0, 0] = 1.5
        with pytest.raises(ValueError, match=r"hidden state reaches 1\.5"):
            session.state = state
        assert np.array_equal(session.state.hidden, State.zeros(config, 1).hidden)


@given(st.data())
@settings(max_examples=60)
def test_any_shape_and_any_state_is_run_as_numpy_runs_it(data: st.DataObject) -> None:
    """Denormal numbers and cells of any size among them.

    A forget gate that brings a huge cell into tanh's range is a tiny one, of a sum whose last digit counts for more.
    """
    config, weights = network(
        data.draw(st.integers(1, 3)), data.draw(st.integers(1, 70)), data.draw(st.integers(1, 200)), 3
    )
    batch = data.draw(st.integers(1, 9))
    state = State.zeros(config, batch)
    sizes = st.sampled_from([0.0, 1e-45, 1e-40, 1e-38, 1e-3, 1.0, 90.0, 1e4, 1e30, 3e38])
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    state.hidden[:] = random.uniform(-1, 1, state.hidden.shape) * data.draw(sizes.filter(lambda size: size <= 1))
    size = data.draw(sizes)
    state.cell[:] = random.uniform(-1, 1, state.cell.shape) * size
    one = native(config, weights, batch, data.draw(st.integers(1, 3)))
    other = NumpySession(config, weights, batch)
    one.state = other.state = state
    tokens = tokens_for(config, 6, batch)
    np.testing.assert_allclose(one.feed(tokens), other.feed(tokens), rtol=0, atol=3e-4 if size == 1e4 else 1e-5)
    precise: FloatArray = native(config, weights, batch, 1, "int8").feed(tokens)
    assert np.isfinite(precise).all()
