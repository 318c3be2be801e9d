"""Against real Keras 3 on torch: the same probabilities, the same text, the same step of learning."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_models import TEXT, as_keras_reads, lively_weights, script_model, to_keras

from longhand.api import import_keras
from longhand.config import NetworkConfig
from longhand.generation.sampler import probabilities
from longhand.model import Model
from longhand.modelfile import Weights, scalar_embedding
from longhand.state import State
from longhand.training.classic_recipe import ClassicRecipe
from longhand.training.initial import keras_weights
from longhand.training.torch_engine import TorchEngine
from longhand.training.windows import cut

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

CHARACTERS = sorted(TEXT)
IDS = np.random.default_rng(0).integers(0, len(CHARACTERS), 1000)
FORMATS = ("m.keras", "m.weights.h5", "m.h5", "m.hdf5")


def saved(model: Any, path: Path) -> Path:
    model.save_weights(path) if path.name.endswith(".weights.h5") else model.save(path)
    return path


def imported(path: Path, window: int | None = None) -> Model:
    return import_keras(path, io.StringIO(TEXT), window=window)


def keras_probabilities(model: Any, windows: Any, weights: Weights) -> Any:
    import torch

    with torch.no_grad():
        return model(as_keras_reads(windows, weights), training=False).numpy()


def keras_greedy(model: Any, text: str, weights: Weights, window: int) -> str:
    """Return the likeliest character after each window of a text, all of them asked for at once.

    If each is the one that the text goes on with, then the text is what the script's loop writes, step by step.
    """
    ids = np.array([CHARACTERS.index(letter) for letter in text])
    windows = ids[np.arange(len(ids) - window)[:, None] + np.arange(window)]
    return "".join(CHARACTERS[best] for best in keras_probabilities(model, windows, weights).argmax(axis=1))


@pytest.mark.parametrize(
    ("window", "hidden", "embedding"), [pytest.param(100, 256, None, marks=pytest.mark.slow), (40, 64, 16)]
)
def test_the_same_weights_give_keras_probabilities_and_its_thousand_greedy_characters(
    keras: Any, tmp_path: Path, window: int, hidden: int, embedding: int | None
) -> None:
    weights = lively_weights(len(CHARACTERS), hidden, embedding)
    model = script_model(keras, weights, window)
    ours = imported(saved(model, tmp_path / "m.keras"))
    windows = IDS[np.arange(50)[:, None] + np.arange(window)]
    logits = ours.session(batch=50).feed(windows.T)[-1]
    found = np.stack([probabilities(row.astype(np.float64), 1.0) for row in logits])
    np.testing.assert_allclose(found, keras_probabilities(model, windows, weights), rtol=0, atol=1e-5)

    first = "".join(CHARACTERS[number] for number in windows[0])
    text = ours.generate(first)
    assert len(text) == 1000
    assert len(set(text[-200:])) > 5
    assert text == keras_greedy(model, first + text, weights, window)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("embedding", [None, 8])
def test_every_format_that_keras_saves_gives_the_weights_back(
    keras: Any, tmp_path: Path, name: str, embedding: int | None
) -> None:
    weights = lively_weights(len(CHARACTERS), 12, embedding)
    model = imported(saved(script_model(keras, weights, 30), tmp_path / name), window=30)
    assert model.config == NetworkConfig(
        vocabulary_size=len(CHARACTERS), embedding=embedding or 1, hidden=12, layers=2, window=30
    )
    assert weights.keys() == model.file.weights.keys()
    for tensor, array in weights.items():
        assert np.array_equal(model.file.weights[tensor], array), tensor


@pytest.mark.parametrize("embedding", [None, 8])
def test_steps_of_learning_are_keras_steps(keras: Any, embedding: int | None) -> None:
    window, batch, vocabulary = 20, 16, len(CHARACTERS)
    config = NetworkConfig(vocabulary_size=vocabulary, embedding=embedding or 1, hidden=32, window=window)
    weights = keras_weights(config, np.random.default_rng(3))
    if embedding is None:
        weights["embedding.weight"] = scalar_embedding(vocabulary)
    model = script_model(keras, weights, window, dropout=0.0)
    engine = TorchEngine(
        config, weights, update=ClassicRecipe.update, dropout=0.0, fixed_embedding=embedding is None, device="cpu"
    )
    for step in range(3):
        inputs, targets = cut(IDS, np.arange(batch) * 7 + step, window)
        one_hot = np.eye(vocabulary, dtype=np.float32)[targets[0]]
        loss, _ = engine.step(inputs, targets, State.zeros(config, batch), 1e-3)
        assert loss == pytest.approx(float(model.train_on_batch(as_keras_reads(inputs.T, weights), one_hot)), abs=1e-5)
        after = engine.weights()
        for ours, theirs in zip(to_keras(after), model.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)
    moved = np.abs(after["head.bias"] - weights["head.bias"])
    assert moved.max() > 2e-3  # the tolerance would not see steps that were much smaller


def test_learning_begins_where_keras_begins(keras: Any) -> None:
    vocabulary, hidden, width = 66, 128, 32
    config = NetworkConfig(vocabulary_size=vocabulary, embedding=width, hidden=hidden, window=10)
    ours = to_keras(keras_weights(config, np.random.default_rng(0)))
    layers = [keras.Input((10,)), keras.layers.Embedding(vocabulary, width)]
    layers += [keras.layers.LSTM(hidden, return_sequences=True), keras.layers.LSTM(hidden)]
    model = keras.Sequential([*layers, keras.layers.Dense(vocabulary)])
    for mine, theirs in zip(ours, model.get_weights(), strict=True):
        if mine.ndim == 1:
            assert np.array_equal(mine, theirs)
            continue
        assert mine.shape == theirs.shape
        assert mine.std() == pytest.approx(theirs.std(), rel=0.05)
        assert np.abs(mine).max() == pytest.approx(np.abs(theirs).max(), rel=0.2)
    for arrays in (ours, model.get_weights()):
        np.testing.assert_allclose(arrays[2] @ arrays[2].T, np.eye(hidden), atol=1e-5)  # one matrix for all gates
