"""The NumPy session against torch, against itself, and its state."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import small_file

from longhand.arrays import FloatArray
from longhand.runtime import reference
from longhand.runtime.reference import NumpySession, sigmoid
from longhand.state import State
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.torch_engine import TorchEngine

STEPS = 200


def tokens_for(vocabulary: int, batch: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, vocabulary, (STEPS, batch))


def torch_logits(engine: TorchEngine, tokens: np.ndarray, state: State) -> FloatArray:
    import torch

    network = engine._network.eval()
    with torch.no_grad():
        logits, _, _ = network(*map(torch.from_numpy, (tokens, state.hidden, state.cell)))
    result: FloatArray = logits.numpy()
    return result


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("hidden", [17, 128])
def test_logits_agree_with_torch_over_200_steps(layers: int, batch: int, hidden: int) -> None:
    file = small_file(layers=layers, hidden=hidden, embedding=11)
    engine = TorchEngine(
        file.config, file.weights, update=DefaultRecipe.update, dropout=0.5, device="cpu", threads=None, seed=0
    )
    tokens = tokens_for(file.config.vocabulary_size, batch)
    session = NumpySession(file.config, file.weights, batch)
    expected = torch_logits(engine, tokens, State.zeros(file.config, batch))
    stepped = np.stack([session.step(row) for row in tokens])
    np.testing.assert_allclose(stepped, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 4])
def test_a_whole_sequence_equals_repeated_steps(layers: int, batch: int) -> None:
    file = small_file(layers=layers)
    tokens = tokens_for(file.config.vocabulary_size, batch)
    whole, stepping = (NumpySession(file.config, file.weights, batch) for _ in range(2))
    stepped = np.stack([stepping.step(row) for row in tokens])
    np.testing.assert_allclose(whole.feed(tokens), stepped, rtol=0, atol=1e-6)
    np.testing.assert_allclose(whole.state.hidden, stepping.state.hidden, rtol=0, atol=1e-6)
    np.testing.assert_allclose(whole.state.cell, stepping.state.cell, rtol=0, atol=1e-6)


def test_each_stream_is_what_it_would_be_alone() -> None:
    file = small_file()
    tokens = tokens_for(file.config.vocabulary_size, 4)
    together = NumpySession(file.config, file.weights, 4).feed(tokens)
    for stream in range(4):
        alone = NumpySession(file.config, file.weights, 1).feed(tokens[:, stream : stream + 1])
        np.testing.assert_allclose(together[:, stream], alone[:, 0], rtol=0, atol=1e-6)


def test_a_state_put_back_goes_on_from_there() -> None:
    file = small_file()
    tokens = tokens_for(file.config.vocabulary_size, 1)
    session = NumpySession(file.config, file.weights)
    session.feed(tokens[:50])
    saved = session.state
    first = session.feed(tokens[50:])
    session.state = saved
    assert np.array_equal(session.feed(tokens[50:]), first)


def test_the_state_that_is_handed_out_is_a_copy() -> None:
    file = small_file()
    session = NumpySession(file.config, file.weights)
    session.state.cell[:] = 100
    assert np.array_equal(session.state.cell, State.zeros(file.config, 1).cell)


def test_a_state_of_another_shape_is_refused_with_both_shapes() -> None:
    file, other = small_file(), small_file(hidden=8)
    session = NumpySession(file.config, file.weights)
    with pytest.raises(ValueError, match=r"\(2, 1, 8\), this session's is \(2, 1, 16\)"):
        session.state = State.zeros(other.config, 1)


def test_a_vocabulary_too_large_for_a_table_gives_the_same_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    file = small_file()
    tokens = tokens_for(file.config.vocabulary_size, 2)
    with_table = NumpySession(file.config, file.weights, 2).feed(tokens)
    monkeypatch.setattr(reference, "LARGEST_TABLE", 0)
    without = NumpySession(file.config, file.weights, 2).feed(tokens)
    np.testing.assert_allclose(without, with_table, rtol=0, atol=1e-6)


def test_the_sigmoid_neither_overflows_nor_drifts() -> None:
    x = np.array([-1000, -20, -1, 0, 1, 20, 1000], np.float32)
    expected = 1 / (1 + np.exp(-x.astype(np.float64).clip(-700, 700)))
    np.testing.assert_allclose(sigmoid(x), expected, atol=1e-7)


def test_only_marked_streams_restart() -> None:
    state = State(np.ones((2, 3, 4), np.float32), np.ones((2, 3, 4), np.float32))
    after = state.restarted(np.array([False, True, False]))
    for array in (after.hidden, after.cell):
        assert np.array_equal(array.max(axis=(0, 2)), [1, 0, 1])
