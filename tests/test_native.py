"""The kernel in C against the NumPy session, which is the truth: logits, states, streams, precision."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from conftest import needs_kernel
from networks import native, network, tokens_for

from longhand.native.memory import aligned
from longhand.runtime.native import library, packing
from longhand.runtime.native.packing import Packed, Precision
from longhand.runtime.native.session import NativeSession
from longhand.runtime.reference import NumpySession
from longhand.runtime.session import Drawing
from longhand.state import State

pytestmark = needs_kernel

SHAPES = [(1, 8), (1, 16), (1, 17), (2, 33), (3, 64), (2, 100), (4, 48), (1, 129), (2, 255), (2, 256), (1, 1), (5, 3)]


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
    monkeypatch.setattr(session, "LEAST_TEXT", 0)
    config, weights = network(2, 72)
    tokens = tokens_for(config, 50, 3)
    one, several = (native(config, weights, 3, count, precision).feed(tokens) for count in (1, threads))
    assert np.array_equal(one, several)


def test_a_text_that_goes_on_keeps_its_threads_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from longhand.runtime.native import session as module

    config, weights = network(2, 72)
    session = native(config, weights, 1, 2)
    step = session._packed.step_bytes
    for name, value in (("LEAST_STEP", step), ("LEAST_CALL", 2 * step), ("LEAST_TEXT", 20 * step), ("PAUSE", 60)):
        monkeypatch.setattr(module, name, value)
    tokens = tokens_for(config, 19)
    assert (session.threads_for(1, 19), session.threads_for(1, 20)) == (1, 2)
    session.feed(tokens)  # is known to the session
    assert (session.threads_for(1, 1), session.threads_for(1, 2)) == (1, 2)
    monkeypatch.setattr(module, "PAUSE", -1)  # as if some time had gone by
    assert session.threads_for(1, 2) == 1
    several = native(config, weights, 3, 2)
    assert several.threads_for(3, 1) == 2


@pytest.mark.parametrize(("slower", "expected"), [(0.5, [2] * 30), (2.0, [*[2] * 6, *[1] * 12] * 2), (1.0, [2] * 24)])
def test_one_thread_goes_on_alone_where_several_are_slower(
    monkeypatch: pytest.MonkeyPatch, slower: float, expected: list[int]
) -> None:
    from longhand.runtime.native import session as module

    class Kernel:
        def __init__(self) -> None:
            self.now, self.used = 0.0, [0]

        def run(self, task: Any) -> int:
            self.now += 0.125 * (slower if task.threads > 1 else 1)
            self.used.append(task.threads)
            return library.DONE

    config, weights = network(2, 72)
    session = native(config, weights, 1, 2)
    kernel, step = Kernel(), session._packed.step_bytes
    monkeypatch.setattr(session, "_kernel", kernel)
    monkeypatch.setattr(time, "monotonic", lambda: kernel.now)
    for name, value in (("LEAST_STEP", step), ("LEAST_CALL", 2 * step), ("LEAST_TEXT", 5 * step)):
        monkeypatch.setattr(module, name, value)
    for _ in range(2 + len(expected)):
        session.feed(tokens_for(config, 2))
    assert kernel.used[3:] == expected


def test_large_matrices_begin_on_a_large_page() -> None:
    for size in (2**21, 2**21 + 4, 2**23):
        array = aligned((size // 4,), np.float32)
        assert array.ctypes.data % 2**21 == 0
        assert not array.any()


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


@pytest.mark.parametrize("threads", [1, 3])
def test_numbers_below_the_normal_ones_are_zeros_within_the_kernel_and_nowhere_else(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longhand.runtime.native import session as module

    for name in ("LEAST_STEP", "LEAST_CALL", "LEAST_TEXT"):
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
    numbers = aligned((3 * 4096,), np.float32)
    numbers[:] = np.arange(len(numbers)) % 7
    for runs in (1, 4):
        for threads in (1, 3):
            assert kernel.read(numbers.view(np.uint8), 2, runs, threads) == numbers.sum()
