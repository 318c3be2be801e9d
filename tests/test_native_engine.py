"""The engine in C against torch's, which is the truth, and against itself."""

from __future__ import annotations

import io
import math
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ALPHABET, VERSE
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network

from longhand.config import NetworkConfig, TrainConfig
from longhand.modelfile import Weights
from longhand.native.loading import portable
from longhand.state import State
from longhand.text.preparing import encode_corpus
from longhand.training import choice, torch_engine
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.engine import MOMENTS, DivergenceError, Update
from longhand.training.native import library
from longhand.training.native.layout import Layout
from longhand.training.native_engine import NativeEngine
from longhand.training.torch_engine import TorchEngine

KERNEL, _ = library.found()
pytestmark = pytest.mark.skipif(KERNEL is None, reason="the library in C is not here: it needs a compiler")
INSTRUCTIONS = [0, 1, 3]  # portable, AVX2 or NEON, AVX-512: where the processor has no more, the next best run again
ADAM = Update(betas=(0.9, 0.99), weight_decay=0.01, gradient_norm=1.0)
SHAPES = [
    (2, 32, 16, 9, 5),
    (1, 1, 1, 1, 1),
    (3, 17, 7, 4, 3),
    (2, 48, 128, 12, 16),
    (1, 33, 1, 20, 7),
    (2, 250, 40, 8, 61),
]


def native(config: NetworkConfig, weights: Weights, **settings: Any) -> NativeEngine:
    assert KERNEL is not None
    return NativeEngine(KERNEL, config, weights, **{"update": ADAM, "dropout": 0.0, "threads": 1, **settings})


def only(instructions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine use these sets of instructions, of those that the processor has."""
    assert KERNEL is not None
    monkeypatch.setattr(KERNEL, "instructions", instructions & KERNEL.instructions)


def window(config: NetworkConfig, length: int, batch: int, seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    tokens = random.integers(0, config.vocabulary_size, (length + 1, batch))
    return tokens[:-1], tokens[1:]


def random_state(config: NetworkConfig, batch: int) -> State:
    random = np.random.default_rng(3)
    shape = (config.layers, batch, config.hidden)
    return State(random.uniform(-1, 1, shape).astype(np.float32), random.normal(0, 1, shape).astype(np.float32))


@pytest.mark.parametrize(("layers", "hidden", "embedding", "length", "batch"), SHAPES)
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("instructions", INSTRUCTIONS)
def test_it_learns_what_torch_learns(
    layers: int,
    hidden: int,
    embedding: int,
    length: int,
    batch: int,
    last: int,
    instructions: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only(instructions, monkeypatch)
    config, weights = network(layers, hidden, 37, embedding)
    for update in (ADAM, Update(betas=(0.9, 0.999), epsilon=1e-4, epsilon_hat=True)):
        one = native(config, weights, update=update)
        other = TorchEngine(config, weights, update=update, dropout=0, device="cpu", threads=1)
        state = mine = random_state(config, batch)
        for step in range(4):
            inputs, targets = window(config, length, batch, step)
            if last:
                targets = targets[-1:]
            loss, mine = one.step(inputs, targets, mine, 1e-2)
            expected, state = other.step(inputs, targets, state, 1e-2)
            assert loss == pytest.approx(expected, abs=2e-5)
            np.testing.assert_allclose(mine.hidden, state.hidden, rtol=0, atol=5e-5)
            np.testing.assert_allclose(mine.cell, state.cell, rtol=0, atol=2e-4)
        found, wanted = one.saved().arrays, other.saved().arrays
        assert set(found) == set(wanted)
        for name in found:
            if "exp_avg" in name:  # the gradients, in effect
                scale = np.abs(wanted[name]).max() + 1e-12
                np.testing.assert_allclose(found[name] / scale, wanted[name] / scale, rtol=0, atol=2e-3, err_msg=name)
        inputs, targets = window(config, length, batch, 9)
        losses, _ = one.losses(inputs, targets, state)
        np.testing.assert_allclose(losses, other.losses(inputs, targets, state)[0], rtol=0, atol=5e-4)


def test_the_first_update_is_torchs_to_the_last_digits() -> None:
    config, weights = network(2, 64, 50, 24)
    one, other = native(config, weights), TorchEngine(config, weights, update=ADAM, dropout=0, device="cpu", threads=1)
    inputs, targets = window(config, 16, 8)
    for engine in (one, other):
        engine.step(inputs, targets, State.zeros(config, 8), 1e-3)
    found, wanted = one.saved().arrays, other.saved().arrays
    for name in found:
        np.testing.assert_allclose(
            found[name], wanted[name], rtol=2e-4, atol=1e-8 if "exp" in name else 2e-5, err_msg=name
        )


@pytest.mark.parametrize(("layers", "hidden", "embedding"), [(2, 32, 16), (1, 17, 5)])
@pytest.mark.parametrize("vocabulary", [31, 32])
def test_weights_that_were_given_out_stay_as_they_were(
    layers: int, hidden: int, embedding: int, vocabulary: int
) -> None:
    config, weights = network(layers, hidden, vocabulary, embedding)
    engine = native(config, weights)
    inputs, targets = window(config, 9, 4)
    before, saved = engine.weights(), engine.saved()
    for _ in range(3):
        engine.step(inputs, targets, State.zeros(config, 4), 0.1)
    assert all(np.array_equal(before[name], weights[name]) for name in weights)
    assert all(np.array_equal(saved.arrays[name], weights[name]) for name in weights)
    assert not any(array.any() for name, array in saved.arrays.items() if name.startswith(MOMENTS))
    assert all(not np.array_equal(array, weights[name]) for name, array in engine.weights().items())


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("instructions", INSTRUCTIONS)
def test_the_numbers_do_not_depend_on_the_threads(
    dropout: float, instructions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(instructions, monkeypatch)
    config, weights = network(2, 72, 41, 20)
    engines = [native(config, weights, threads=threads, dropout=dropout) for threads in (1, 2, 3, 7)]
    inputs, targets = window(config, 10, 6)
    states = [State.zeros(config, 6)] * len(engines)
    for _ in range(3):
        results = [engine.step(inputs, targets, state, 1e-2) for engine, state in zip(engines, states, strict=True)]
        states = [state for _, state in results]
        assert len({loss for loss, _ in results}) == 1
    first = engines[0].weights()
    for engine in engines[1:]:
        assert all(np.array_equal(array, first[name]) for name, array in engine.weights().items())


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="tells what the processor has")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="AVX-512 is of these processors")
def test_avx512_is_used_where_the_processor_has_it() -> None:
    assert KERNEL is not None
    expected = " avx512f " in Path("/proc/cpuinfo").read_text(encoding="utf-8") and not portable()
    assert bool(KERNEL.instructions & 2) == expected


@pytest.mark.parametrize("compiler", ["gcc", "clang", "clang-14", "aarch64-linux-gnu-gcc"])
def test_every_compiler_takes_the_engine_without_a_warning(compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not here")
    source = Path(library.__file__).with_name("learn.c")
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-ffp-contract=fast"]
    if "clang" in compiler:
        flags.append("-Wno-pass-failed")  # loops that it did not unroll, at this level
    subprocess.run([compiler, *flags, "-pthread", "-c", source, "-o", tmp_path / "learn.o"], check=True)


def test_all_instructions_compute_the_same_to_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    config, weights = network(2, 40, 30, 12)
    inputs, targets = window(config, 8, 5)
    losses, moments = [], []
    for instructions in INSTRUCTIONS:
        with monkeypatch.context() as patch:
            only(instructions, patch)
            engine = native(config, weights, dropout=0.2)
            losses.append(engine.step(inputs, targets, State.zeros(config, 5), 1e-3)[0])
            moments.append(engine.saved().arrays["exp_avg/layers.0.weight_hh"])
    assert losses == pytest.approx([losses[0]] * len(losses), abs=1e-6)
    for found in moments[1:]:
        np.testing.assert_allclose(found, moments[0], rtol=1e-3, atol=1e-8)


def test_dropout_leaves_out_its_share_and_the_gradient_is_that_of_the_loss() -> None:
    """The gradient of a random direction, against the loss a little to either side, with the same numbers left out."""
    config, weights = network(2, 32, 21, 16)
    plain = Update(betas=(0.0, 0.0), weight_decay=0.0)
    inputs, targets = window(config, 6, 40)
    state = random_state(config, 40)
    engine = native(config, weights, update=plain, dropout=0.4)
    whole, _ = native(config, weights, update=plain).step(inputs, targets, state, 1e-9)
    assert engine.step(inputs, targets, state, 1e-9)[0] != whole
    gradient = {name.removeprefix("exp_avg/"): array for name, array in engine.saved().arrays.items() if "avg/" in name}
    for name in weights:
        direction = np.sign(gradient[name]) * np.float32(1e-2 / math.sqrt(gradient[name].size))
        losses = []
        for sign in (1, -1):
            moved = {**weights, name: weights[name] + sign * direction}
            losses.append(native(config, moved, update=plain, dropout=0.4).step(inputs, targets, state, 1e-9)[0])
        slope = float((gradient[name] * direction).sum())
        assert (losses[0] - losses[1]) / 2 == pytest.approx(slope, rel=0.03, abs=2e-6), name


def test_each_step_leaves_out_other_numbers_and_scoring_none() -> None:
    config, weights = network(1, 48, 21, 16)
    inputs, targets = window(config, 6, 10)
    engine = native(config, weights, dropout=0.5)
    state = State.zeros(config, 10)
    losses = {engine.step(inputs, targets, state, 0.0)[0] for _ in range(4)}
    assert len(losses) == 4
    scored, _ = engine.losses(inputs, targets, state)
    exact, _ = native(config, weights).losses(inputs, targets, state)
    assert np.array_equal(scored, exact)
    again = {native(config, weights, dropout=0.5).step(inputs, targets, state, 0.0)[0] for _ in range(2)}
    assert len(again) == 1
    assert again < losses
    assert native(config, weights, dropout=0.5, seed=1).step(inputs, targets, state, 0.0)[0] not in losses


def test_an_embedding_that_is_fixed_stays_and_all_else_learns() -> None:
    config, weights = network(2, 24, 21, 5)
    engine = native(config, weights, fixed_embedding=True)
    engine.step(*window(config, 6, 4), State.zeros(config, 4), 1e-2)
    after = engine.weights()
    changed = {name for name in weights if not np.array_equal(weights[name], after[name])}
    assert changed == set(weights) - {"embedding.weight"}


@pytest.mark.parametrize("name", ["head.weight", "layers.1.weight_hh", "embedding.weight"])
def test_where_the_numbers_run_away_the_weights_stay(name: str) -> None:
    config, weights = network(2, 24, 21, 5)
    weights[name] = weights[name] * np.float32(1e38)
    weights["head.weight"][3] = np.nan if name != "head.weight" else np.float32(3e38)
    engine = native(config, weights, threads=2)
    before = engine.saved().arrays
    with pytest.raises(DivergenceError, match="became"):
        engine.step(*window(config, 6, 4), State.zeros(config, 4), 1e-2)
    after = engine.saved()
    assert all(np.array_equal(after.arrays[key], before[key], equal_nan=True) for key in before)
    assert after.facts == {"steps": 0}


def test_what_is_saved_goes_on_in_either_engine() -> None:
    config, weights = network(2, 30, 21, 9)
    one = native(config, weights)
    for step in range(3):
        one.step(*window(config, 8, 4, step), State.zeros(config, 4), 1e-2)
    saved = one.saved()
    same = native(config, weights)
    other = TorchEngine(config, weights, update=ADAM, dropout=0, device="cpu", threads=1)
    for engine in (same, other):
        engine.restore(saved)
    results = [engine.step(*window(config, 8, 4, 7), State.zeros(config, 4), 1e-2)[0] for engine in (one, same, other)]
    assert results[0] == results[1] == pytest.approx(results[2], abs=1e-5)
    assert all(np.array_equal(array, same.weights()[name]) for name, array in one.weights().items())
    for name, array in other.weights().items():
        np.testing.assert_allclose(array, one.weights()[name], rtol=0, atol=2e-4)


@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.integers(1, 70))
@settings(max_examples=30)
def test_what_is_packed_is_unpacked(layers: int, hidden: int, embedding: int, vocabulary: int) -> None:
    config = NetworkConfig(vocabulary_size=vocabulary, embedding=embedding, hidden=hidden, layers=layers)
    _, weights = network(layers, hidden, vocabulary, embedding)
    layout = Layout(config)
    found = layout.unpacked(layout.packed(weights))
    assert all(np.array_equal(found[name], weights[name]) for name in weights)


def test_windows_of_any_size_follow_one_another() -> None:
    config, weights = network(2, 20, len(ALPHABET), 9)
    one = native(config, weights, threads=2)
    other = TorchEngine(config, weights, update=ADAM, dropout=0, device="cpu", threads=1)
    for length, batch in ((3, 2), (30, 8), (1, 1), (5, 40)):
        state = State.zeros(config, batch)
        loss, _ = one.step(*window(config, length, batch), state, 1e-3)
        assert loss == pytest.approx(other.step(*window(config, length, batch), state, 1e-3)[0], abs=1e-5)


def test_a_driver_without_a_gpu_that_torch_can_use_leaves_the_processor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe = DefaultRecipe(encode_corpus([io.StringIO(VERSE * 40)]), TrainConfig(hidden=8, window=8))
    (tmp_path / "version").touch()
    monkeypatch.setattr(choice, "GPU_DRIVER", tmp_path / "version")
    monkeypatch.setattr(torch_engine, "sees_gpu", lambda: False)
    assert isinstance(choice.engine_for(recipe, TrainConfig()), NativeEngine)
    assert isinstance(choice.engine_for(recipe, TrainConfig(device="cpu")), NativeEngine)
    monkeypatch.setitem(sys.modules, "longhand.training.torch_engine", None)  # as without torch
    assert isinstance(choice.engine_for(recipe, TrainConfig()), NativeEngine)


@pytest.mark.parametrize(("layers", "hidden", "embedding", "length", "batch"), SHAPES)
@pytest.mark.parametrize("instructions", INSTRUCTIONS)
@pytest.mark.parametrize("often", [0.1, 0.9])
def test_a_start_inside_a_window_is_torchs(
    layers: int,
    hidden: int,
    embedding: int,
    length: int,
    batch: int,
    instructions: int,
    often: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only(instructions, monkeypatch)
    config, weights = network(layers, hidden, 37, embedding)
    one = native(config, weights, start=1, threads=2)
    other = TorchEngine(config, weights, update=ADAM, dropout=0, device="cpu", threads=1, start=1)
    state = mine = random_state(config, batch)
    for step in range(3):
        inputs, targets = window(config, length, batch, step)
        inputs[np.random.default_rng(step).random(inputs.shape) < often] = 1
        loss, mine = one.step(inputs, targets, mine, 1e-2)
        expected, state = other.step(inputs, targets, state, 1e-2)
        assert loss == pytest.approx(expected, abs=2e-5)
        np.testing.assert_allclose(mine.hidden, state.hidden, rtol=0, atol=5e-5)
        np.testing.assert_allclose(mine.cell, state.cell, rtol=0, atol=2e-4)
    found, wanted = one.saved().arrays, other.saved().arrays
    for name in found:
        if "exp_avg" in name:
            scale = np.abs(wanted[name]).max() + 1e-12
            np.testing.assert_allclose(found[name] / scale, wanted[name] / scale, rtol=0, atol=2e-3, err_msg=name)


@pytest.mark.parametrize("make", ["native", "torch"])
def test_after_a_start_nothing_counts_that_was_before(make: str) -> None:
    config, weights = network(2, 24, 37, 16)
    engine: Any = native(config, weights, start=1, threads=2)
    if make == "torch":
        engine = TorchEngine(config, weights, update=ADAM, dropout=0, device="cpu", threads=1, start=1)
    inputs, targets = window(config, 20, 3)
    inputs[inputs == 1] = 2
    inputs[7, 1] = 1
    losses, after = engine.losses(inputs, targets, random_state(config, 3))
    inputs[:7, 1] = 5
    again, other = engine.losses(inputs, targets, State.zeros(config, 3))
    assert np.array_equal(losses[7:, 1], again[7:, 1])
    assert np.array_equal(after.hidden[:, 1], other.hidden[:, 1])
    assert not np.array_equal(losses[7:, 0], again[7:, 0])
    short, _ = engine.losses(inputs[7:, 1:2], targets[7:, 1:2], State.zeros(config, 1))
    np.testing.assert_allclose(short[:, 0], losses[7:, 1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("instructions", INSTRUCTIONS)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_starts_do_not_depend_on_the_threads(
    instructions: int, dropout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(instructions, monkeypatch)
    for vocabulary in (41, 400):  # a token's inputs once, or each position's
        config, weights = network(2, 72, vocabulary, 20)
        engines = [native(config, weights, threads=threads, dropout=dropout, start=1) for threads in (1, 2, 3, 7)]
        inputs, targets = window(config, 10, 6)
        inputs[np.random.default_rng(0).random(inputs.shape) < 0.3] = 1
        for engine in engines:
            engine.step(inputs, targets, random_state(config, 6), 1e-2)
        first = engines[0].saved().arrays
        for engine in engines[1:]:
            assert all(np.array_equal(array, first[name]) for name, array in engine.saved().arrays.items())
