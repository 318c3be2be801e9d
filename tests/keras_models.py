"""Keras models and files for the tests, and weights with which they write more than one letter over and over."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from longhand.api import import_keras
from longhand.arrays import FloatArray
from longhand.config import NetworkConfig
from longhand.model import Model
from longhand.modelfile import Weights, scalar_embedding
from longhand.training.initial import keras_weights

TEXT = "".join(map(chr, range(32, 97))) + "\n"
"""A corpus that has each of 66 characters once."""


def script_model(keras: Any, weights: Weights, window: int, dropout: float = 0.2) -> Any:
    """Return the tutorial's model, or its Embedding variant if the embedding is wider than the script's scalar."""
    vocabulary, width = weights["embedding.weight"].shape
    hidden = weights["layers.0.weight_hh"].shape[1]
    layers = [keras.Input((window, 1))]
    if width > 1:
        layers = [keras.Input((window,)), keras.layers.Embedding(vocabulary, width)]
    model = keras.Sequential(
        [
            *layers,
            keras.layers.LSTM(hidden, return_sequences=True),
            keras.layers.Dropout(dropout),
            keras.layers.LSTM(hidden),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(vocabulary, activation="softmax"),
        ]
    )
    model.set_weights(to_keras(weights))
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    return model


def to_keras(weights: Weights) -> list[FloatArray]:
    """Return a two-layer network's weights in Keras's order and shapes."""
    names = [f"layers.{layer}.{part}" for layer in range(2) for part in ("weight_ih", "weight_hh", "bias")]
    arrays = [weights[name].T for name in (*names, "head.weight", "head.bias")]
    return [weights["embedding.weight"], *arrays] if weights["embedding.weight"].shape[1] > 1 else arrays


def lively_weights(vocabulary: int, hidden: int, embedding: int | None = None) -> Weights:
    """Return random weights that are large enough for a text with some variety."""
    config = NetworkConfig(vocabulary_size=vocabulary, embedding=embedding or 1, hidden=hidden)
    weights = keras_weights(config, np.random.default_rng(4))
    if embedding is None:
        weights["embedding.weight"] = scalar_embedding(vocabulary)
    else:
        weights["embedding.weight"] *= 20
    for name, factor in (("ih", 4), ("hh", 3 if embedding is None else 2.5)):
        for layer in range(2):
            weights[f"layers.{layer}.weight_{name}"] *= factor
    weights["head.weight"] *= 20
    return weights


def as_keras_reads(ids: Any, weights: Weights) -> Any:
    """Return windows of token numbers, (batch, window), as the model takes them."""
    vocabulary, width = weights["embedding.weight"].shape
    return ids if width > 1 else (ids / float(vocabulary)).astype(np.float32)[..., None]


def legacy_file(name: str) -> Path:
    """Return a committed file of Keras 2's layouts."""
    return Path(__file__).parent / "data" / name


LETTERS = "abcdefghi"
WINDOW = 12
LEGACY = ["keras-2.0-model.hdf5", "keras-2.4-model.hdf5", "plain-weights.h5", "cudnn-weights.h5"]
FIRST = "keras-2.4-model.hdf5"


Change = Callable[[h5py.File], None]


def imported(path: Path, **options: Any) -> Model:
    return import_keras(path, io.StringIO(LETTERS), **options)


def changed(folder: Path, change: Change, name: str = FIRST) -> Path:
    path = folder / name
    shutil.copy(legacy_file(name), path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def legacy_weights(path: Path, *layers: tuple[str, list[tuple[int, ...]]]) -> Path:
    """Write layers of zeros of these shapes, without a configuration."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([name.encode() for name, _ in layers])
        for name, shapes in layers:
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array([str(number).encode() for number in range(len(shapes))])
            for number, shape in enumerate(shapes):
                group[str(number)] = np.zeros(shape, np.float32)
    return path


def lstm_shapes(inputs: int, units: int) -> list[tuple[int, ...]]:
    return [(inputs, 4 * units), (units, 4 * units), (4 * units,)]


def keras_3_weights(path: Path) -> Path:
    """Write the weights of a fixture as Keras 3 does."""
    weights = imported(legacy_file(FIRST)).file.weights
    names = ["lstm/cell", "lstm/cell", "lstm/cell", "lstm_1/cell", "lstm_1/cell", "lstm_1/cell", "dense", "dense"]
    with h5py.File(path, "w") as file:
        for place, (name, array) in enumerate(zip(names, to_keras(weights), strict=True)):
            file[f"layers/{name}/vars/{place % 3}"] = array
    return path
