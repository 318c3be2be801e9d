"""The kernel in C against the NumPy session, which is the truth: logits, states, streams, draws."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import needs_kernel
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.arrays import FloatArray
from longhand.config import NetworkConfig
from longhand.errors import ModelFormatError
from longhand.generation.sampler import draw
from longhand.modelfile import Weights, expected_shapes
from longhand.runtime.native import library, packing
from longhand.runtime.native.packing import Packed, Precision
from longhand.runtime.native.session import NativeSession
from longhand.runtime.reference import NumpySession
from longhand.runtime.session import Drawing
from longhand.state import State

pytestmark = needs_kernel

SHAPES = [(1, 8), (1, 16), (1, 17), (2, 33), (3, 64), (2, 100), (4, 48), (1, 129), (2, 255), (2, 256), (1, 1), (5, 3)]


def network(layers: int, hidden: int, vocabulary: int = 31, embedding: int = 9) -> tuple[NetworkConfig, Weights]:
    """Return weights as large as training makes them, so that gates saturate here and there."""
    config = NetworkConfig(vocabulary_size=vocabulary, embedding=embedding, hidden=hidden, layers=layers)
    random = np.random.default_rng(layers * 10_000 + hidden)
    weights = {
        name: (random.standard_normal(shape) * (1.5 / np.sqrt(shape[-1]))).astype(np.float32)
        for name, shape in expected_shapes(config).items()
    }
    return config, weights


def native(
    config: NetworkConfig, weights: Weights, batch: int = 1, threads: int = 1, precision: Precision = "fp32"
) -> NativeSession:
    kernel, _ = library.found()
    assert kernel is not None
    return NativeSession(kernel, Packed(config, weights, precision), batch, threads)


def tokens_for(config: NetworkConfig, steps: int, batch: int = 1) -> np.ndarray:
    return np.random.default_rng(1).integers(0, config.vocabulary_size, (steps, batch))


def assert_logits_agree(layers: int, hidden: int, steps: int) -> None:
    config, weights = network(layers, hidden)
    tokens = tokens_for(config, steps)
    one, other = native(config, weights), NumpySession(config, weights)
    np.testing.assert_allclose(one.feed(tokens), other.feed(tokens), rtol=0, atol=1e-5)
    np.testing.assert_allclose(one.state.hidden, other.state.hidden, rtol=0, atol=1e-5)
    np.testing.assert_allclose(one.state.cell, other.state.cell, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("layers", "hidden"), SHAPES)
def test_logits_agree_with_numpy_over_1000_steps(layers: int, hidden: int) -> None:
    assert_logits_agree(layers, hidden, 1000)


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "hidden"), [(1, 1024), (4, 1024), (2, 512), (3, 777)])
def test_logits_of_large_networks_agree_with_numpy_over_1000_steps(layers: int, hidden: int) -> None:
    assert_logits_agree(layers, hidden, 1000)


@pytest.mark.parametrize("instructions", [0, 1])
def test_logits_of_many_streams_agree_with_numpy(instructions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, _ = library.found()
    assert kernel is not None
    monkeypatch.setattr(kernel, "instructions", instructions & kernel.instructions)
    for layers, hidden, batch in ((2, 300, 7), (1, 530, 17), (1, 257, 3), (2, 64, 64)):
        config, weights = network(layers, hidden)
        tokens = tokens_for(config, 40, batch)
        difference = native(config, weights, batch, 2).feed(tokens) - NumpySession(config, weights, batch).feed(tokens)
        assert np.abs(difference).max() < 1e-5


def test_the_plain_instructions_agree_with_numpy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, _ = library.found()
    assert kernel is not None
    monkeypatch.setattr(kernel, "instructions", 0)
    for layers, hidden in SHAPES[:8]:
        assert_logits_agree(layers, hidden, 100)


@pytest.mark.parametrize(
    ("hidden", "batch"),
    [*((40, batch) for batch in (2, 3, 4, 5, 6, 7, 13, 64)), (300, 2), (300, 7), (257, 3), (530, 17)],
)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("instructions", [0, 1])
def test_each_stream_is_bit_for_bit_what_it_is_alone(
    hidden: int, batch: int, precision: Precision, instructions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel, _ = library.found()
    assert kernel is not None
    monkeypatch.setattr(kernel, "instructions", instructions & kernel.instructions)
    config, weights = network(2, hidden)
    tokens = tokens_for(config, 20, batch)
    together = native(config, weights, batch, 2, precision)
    logits = together.feed(tokens)
    for stream in {0, 1, batch // 2, batch - 1}:
        alone = native(config, weights, 1, 1, precision)
        assert np.array_equal(alone.feed(tokens[:, stream : stream + 1])[:, 0], logits[:, stream])
        assert np.array_equal(alone.state.cell[:, 0], together.state.cell[:, stream])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_numbers_do_not_depend_on_the_threads(
    threads: int, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longhand.runtime.native import session

    monkeypatch.setattr(session, "LEAST_STEP", 0)
    monkeypatch.setattr(session, "LEAST_CALL", 0)
    monkeypatch.setattr(session, "LEAST_CALL_OF_ONE", 0)
    config, weights = network(2, 72)
    tokens = tokens_for(config, 50, 3)
    one, several = (native(config, weights, 3, count, precision).feed(tokens) for count in (1, threads))
    assert np.array_equal(one, several)


def test_steps_pieces_and_a_whole_are_the_same() -> None:
    config, weights = network(2, 24)
    tokens = tokens_for(config, 60, 2)
    whole = native(config, weights, 2).feed(tokens)
    stepping, pieces = native(config, weights, 2), native(config, weights, 2)
    assert np.array_equal(np.stack([stepping.step(row) for row in tokens]), whole)
    assert np.array_equal(np.concatenate([pieces.feed(tokens[:7]), pieces.feed(tokens[7:])]), whole)
    outputs = native(config, weights, 2).advance(tokens)
    np.testing.assert_allclose(stepping.logits(outputs), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_streams_join_and_leave_at_any_step(precision: Precision) -> None:
    config, weights = network(2, 24)
    tokens = tokens_for(config, 12, 5)
    session = native(config, weights, 5, 1, precision)
    alone = [native(config, weights, 1, 1, precision) for _ in range(5)]
    random = np.random.default_rng(3)
    for step, row in enumerate(tokens):
        streams = [int(one) for one in random.permutation(5)[: random.integers(1, 6)]]
        if step % 4 == 3:
            session.restart(streams[:1])
            alone[streams[0]].restart([0])
        logits = session.step(row[streams], streams)
        for place, stream in enumerate(streams):
            assert np.array_equal(alone[stream].step(row[stream : stream + 1])[0], logits[place])


def test_streams_join_and_leave_in_numpy_as_in_the_kernel() -> None:
    config, weights = network(2, 24)
    tokens = tokens_for(config, 12, 5)
    one, other = native(config, weights, 5), NumpySession(config, weights, 5)
    for step, row in enumerate(tokens):
        streams = [4, step % 4] if step % 3 else [2]
        one.restart([step % 5])
        other.restart([step % 5])
        difference = one.step(row[streams], streams) - other.step(row[streams], streams)
        assert np.abs(difference).max() < 1e-5


def test_a_vocabulary_too_large_for_a_table_gives_the_same_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    config, weights = network(2, 24)
    tokens = tokens_for(config, 30, 3)
    folded = native(config, weights, 3).feed(tokens)
    monkeypatch.setattr(packing, "LARGEST_TABLE", 0)
    np.testing.assert_allclose(native(config, weights, 3).feed(tokens), folded, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_state_put_back_goes_on_from_there(precision: Precision) -> None:
    config, weights = network(2, 24)
    tokens = tokens_for(config, 31, 2)
    session, other = (native(config, weights, 2, 1, precision) for _ in range(2))
    session.feed(tokens[:11])
    saved = session.state
    first = session.feed(tokens[11:])
    session.state = other.state = saved
    assert np.array_equal(session.feed(tokens[11:]), first)
    assert np.array_equal(other.feed(tokens[11:]), first)


def test_what_a_layer_shows_is_rounded_the_same_when_a_state_is_put_back() -> None:
    """Products with 127 that 32 bits round to a half, such as that of 0.17716536, tell the ways apart."""
    config, weights = network(2, 255, 65)
    session = native(config, weights, 8, 1, "int8")
    assert session._shown is not None
    for row in tokens_for(config, 400, 8):
        session.step(row)
        shown = session._shown[:, session._place, np.arange(8), :255]
        assert np.array_equal(shown, np.rint(session.state.hidden * 127))


# ---- drawing ----


def both_write(drawing: Drawing, steps: int = 400, vocabulary: int = 31) -> tuple[list[int], list[int]]:
    """Return what the kernel and NumPy write from the same chances."""
    config, weights = network(2, 20, vocabulary)
    weights["head.weight"] *= 3
    uniforms = np.random.default_rng(5).random((steps, 1))
    drawn = native(config, weights).write(np.array([3]), [drawing], uniforms)[:, 0].tolist()
    session, written = NumpySession(config, weights), [3]
    for uniform in uniforms[:, 0]:
        written.append(draw(session.step(np.array(written[-1:]))[0], drawing, uniform))
    return drawn, written[1:]


@pytest.mark.parametrize(
    "drawing",
    [
        Drawing(),
        Drawing(temperature=0.5),
        Drawing(temperature=0),
        Drawing(temperature=0, never=(0, 1, 2, 7)),
        Drawing(temperature=1e-300),
        Drawing(temperature=1e-29),
        Drawing(temperature=100, never=tuple(range(25))),
        Drawing(top_k=1),
        Drawing(top_k=5),
        Drawing(top_k=1000),
        Drawing(top_p=0.5),
        Drawing(top_p=1e-9),
        Drawing(min_p=0.1),
        Drawing(min_p=1),
        Drawing(temperature=2, top_k=10, top_p=0.8, min_p=0.05, never=(0, 1)),
    ],
    ids=str,
)
def test_the_kernel_draws_what_numpy_draws(drawing: Drawing) -> None:
    drawn, written = both_write(drawing)
    assert drawn == written
    assert not set(drawn) & set(drawing.never)


def test_the_kernel_draws_what_numpy_draws_from_a_large_vocabulary() -> None:
    for drawing in (Drawing(top_p=0.9), Drawing(top_k=40), Drawing(top_k=4000, top_p=0.3, min_p=0.01)):
        drawn, written = both_write(drawing, 100, 9001)
        assert drawn == written


@given(
    st.lists(st.floats(-30, 30, width=32, allow_subnormal=False), min_size=1, max_size=40),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([0.0, 0.3, 1.0, 5.0]),
    st.integers(0, 12),
    st.floats(0.01, 1),
    st.floats(0, 1),
)
@settings(max_examples=300)
def test_any_logits_are_drawn_from_alike(
    logits: list[float], uniform: float, temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    """The logits are the head's bias: all weights are zero. Within rounding of a border, either is right.

    Numbers below the normal ones are zeros to the kernel.
    """
    config = NetworkConfig(vocabulary_size=len(logits), embedding=1, hidden=1, layers=1)
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(config).items()}
    weights["head.bias"][:] = logits
    drawing = Drawing(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    drawn = int(native(config, weights).write(np.array([0]), [drawing], np.array([[uniform]]))[0, 0])
    near = {
        draw(weights["head.bias"], Drawing((), temperature, top_k, p, q), u)
        for p in (max(0, top_p - 1e-6), top_p, min(1, top_p + 1e-6))
        for q in (max(0, min_p * (1 - 1e-5)), min_p, min(1, min_p * (1 + 1e-5)))
        for u in (max(0, uniform - 1e-6), uniform, min(1 - 2**-53, uniform + 1e-6))
    }
    assert drawn in near


def test_streams_are_each_written_as_their_own_settings_say() -> None:
    config, weights = network(2, 40)
    drawings = [Drawing(temperature=heat, top_k=k) for heat, k in ((0, 0), (0.5, 3), (1, 0), (2, 9))]
    uniforms = np.random.default_rng(5).random((50, 4))
    start = np.array([1, 2, 3, 4])
    together = native(config, weights, 6, 2).write(start, drawings, uniforms, [5, 0, 2, 1])
    for stream in range(4):
        one = slice(stream, stream + 1)
        alone = native(config, weights).write(start[one], drawings[one], uniforms[:, one])
        assert np.array_equal(alone[:, 0], together[:, stream])


def test_what_is_written_has_been_read() -> None:
    config, weights = network(2, 40)
    uniforms = np.random.default_rng(5).random((50, 1))
    session, reader = native(config, weights), native(config, weights)
    drawn = session.write(np.array([1]), [Drawing()], uniforms)
    reader.feed(np.concatenate([[[1]], drawn[:-1]]))
    assert np.array_equal(session.state.hidden, reader.state.hidden)
    assert np.array_equal(session.step(drawn[-1]), reader.step(drawn[-1]))


# ---- precision ----


def test_integers_stay_near_the_floats() -> None:
    config, weights = network(2, 256)
    for array in weights.values():
        array /= 2
    tokens = tokens_for(config, 200)
    exact, rounded = (native(config, weights, precision=name).feed(tokens) for name in ("fp32", "int8"))
    assert np.abs(exact - rounded).max() < 0.05
    assert not np.array_equal(exact, rounded)


def test_integers_are_nearly_the_same_whatever_the_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    config, weights = network(2, 40)
    tokens = tokens_for(config, 3)
    fast = native(config, weights, precision="int8").feed(tokens)
    kernel, _ = library.found()
    monkeypatch.setattr(kernel, "instructions", 0)
    np.testing.assert_allclose(native(config, weights, precision="int8").feed(tokens), fast, rtol=0, atol=2e-3)


# ---- what is at fault ----


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


def damage(weights: Weights) -> None:
    """Let token 5 make the state of who reads it no number."""
    weights["embedding.weight"][5] = np.nan


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
    }
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
    with pytest.raises(ValueError, match="never draw the same"):
        native(config, weights, 2).write(np.array([1, 1]), [Drawing(), Drawing((1,))], np.zeros((5, 2)))


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
    """Denormal numbers and cells of any size among them."""
    config, weights = network(
        data.draw(st.integers(1, 3)), data.draw(st.integers(1, 70)), data.draw(st.integers(1, 200)), 3
    )
    batch = data.draw(st.integers(1, 9))
    state = State.zeros(config, batch)
    sizes = st.sampled_from([0.0, 1e-45, 1e-40, 1e-38, 1e-3, 1.0, 90.0, 1e4, 1e30, 3e38])
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    state.hidden[:] = random.uniform(-1, 1, state.hidden.shape) * data.draw(sizes.filter(lambda size: size <= 1))
    state.cell[:] = random.uniform(-1, 1, state.cell.shape) * data.draw(sizes)
    one = native(config, weights, batch, data.draw(st.integers(1, 3)))
    other = NumpySession(config, weights, batch)
    one.state = other.state = state
    tokens = tokens_for(config, 6, batch)
    np.testing.assert_allclose(one.feed(tokens), other.feed(tokens), rtol=0, atol=1e-5)
    precise: FloatArray = native(config, weights, batch, 1, "int8").feed(tokens)
    assert np.isfinite(precise).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_numbers_below_the_normal_ones_are_zeros_within_the_kernel_and_nowhere_else(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longhand.runtime.native import session as module

    for name in ("LEAST_STEP", "LEAST_CALL", "LEAST_CALL_OF_ONE"):
        monkeypatch.setattr(module, name, 0)
    config, weights = network(1, 96)
    for array in weights.values():
        array[:] = 0
    session, state = native(config, weights, 1, threads), State.zeros(config, 1)
    state.cell[:] = np.float32(1e-38)  # half of it, as all gates are a half, is no normal number
    session.state = state
    session.step(np.array([0]))
    assert not session.state.cell.any()
    assert np.float32(1e-38) * np.float32(0.5) > 0


def test_the_global_lock_is_free_while_the_kernel_runs() -> None:
    config, weights = network(2, 256)
    session, began, ended = native(config, weights), threading.Event(), threading.Event()

    def write() -> None:
        began.set()
        session.write(np.array([1]), [Drawing()], np.zeros((4000, 1)))
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    began.wait()
    turns = 0
    while not ended.is_set():
        turns += 1
        time.sleep(0)
    writer.join()
    assert turns > 100


def test_sessions_in_several_threads_do_not_disturb_each_other() -> None:
    config, weights = network(2, 64)
    tokens = tokens_for(config, 300)
    expected = native(config, weights).feed(tokens)
    with ThreadPoolExecutor(4) as pool:
        kernel, _ = library.found()
        assert kernel is not None
        packed = Packed(config, weights)
        results = list(pool.map(lambda _: NativeSession(kernel, packed, 1, 2).feed(tokens), range(8)))
    assert all(np.array_equal(result, expected) for result in results)


@pytest.mark.parametrize("instructions", [0, 1])
def test_reading_for_the_time_that_it_takes_reads_all_of_it(instructions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, _ = library.found()
    assert kernel is not None
    monkeypatch.setattr(kernel, "instructions", instructions & kernel.instructions)
    numbers = packing.aligned((3 * 4096,), np.float32)
    numbers[:] = np.arange(len(numbers)) % 7
    for runs in (1, 4):
        for threads in (1, 3):
            assert kernel.read(numbers.view(np.uint8), 2, runs, threads) == numbers.sum()
