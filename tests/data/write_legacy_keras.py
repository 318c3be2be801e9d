"""Writes the files beside it: models in the HDF5 layouts of Keras 2, made from seeded random numbers.

`python tests/data/write_legacy_keras.py` writes them anew, byte for byte the same with the same h5py.

====================  =================================================================================================
file                  layout
====================  =================================================================================================
keras-2.0-model.hdf5  ModelCheckpoint of Keras 2.0 to 2.2.2, of a script that asked for sigmoid gates: the configuration
                      is a list of layers, names have numbers (lstm_3), and the arrays' names another number of their
                      own (lstm_3_1/kernel:0)
keras-2.4-model.hdf5  ModelCheckpoint of tf.keras: an InputLayer, cells in the arrays' names (lstm/lstm_cell/kernel:0)
cudnn-weights.h5      save_weights of CuDNNLSTM layers after an Embedding: no configuration, eight biases a unit, and
                      cuDNN's matrices in the kernels' memory
plain-weights.h5      the same network in LSTM layers
====================  =================================================================================================
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

FOLDER = Path(__file__).parent
VOCABULARY, HIDDEN, WINDOW, WIDTH = 9, 6, 12, 4

Arrays = list[np.ndarray]


def arrays(inputs: int, seed: int) -> list[Arrays]:
    """Return kernel, recurrent kernel and bias of two LSTMs, and kernel and bias of a Dense, as Keras has them."""
    random = np.random.default_rng(seed)
    shapes = [
        [(inputs, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,)],
        [(HIDDEN, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,)],
        [(HIDDEN, VOCABULARY), (VOCABULARY,)],
    ]
    return [[random.standard_normal(shape).astype(np.float32) for shape in layer] for layer in shapes]


def embedding() -> np.ndarray:
    """Return the embedding of the two files that have one."""
    return np.random.default_rng(3).standard_normal((VOCABULARY, WIDTH)).astype(np.float32)


def to_cudnn(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> Arrays:
    """Return an LSTM's arrays as CuDNNLSTM keeps them.

    cuDNN's matrix of a gate is (units, inputs), its numbers row after row; the layer keeps that row of numbers in an
    array that it calls (inputs, units). There are two biases, which cuDNN adds up.
    """
    gates = [gate.T.reshape(gate.shape) for gate in np.split(kernel, 4, axis=1)]
    recurrents = [gate.T for gate in np.split(recurrent, 4, axis=1)]
    half = np.float32(0.25) * bias
    return [np.concatenate(gates, axis=1), np.concatenate(recurrents, axis=1), np.concatenate([half, bias - half])]


def write_layer(group: h5py.Group, name: str, inside: str, parts: list[str], values: Arrays) -> None:
    """Write a layer's arrays below `inside`, and the attribute that says where they are."""
    layer = group.create_group(name)
    paths = [f"{inside}/{part}:0" for part in parts[: len(values)]]
    layer.attrs["weight_names"] = np.array([path.encode() for path in paths], "S") if paths else np.zeros(0)
    for path, value in zip(paths, values, strict=True):
        layer.create_dataset(path, data=value)


def write_layers(group: h5py.Group, layers: list[tuple[str, str, Arrays]]) -> None:
    """Write layers: name, where inside, arrays."""
    group.attrs["layer_names"] = np.array([name.encode() for name, _, _ in layers], "S")
    group.attrs["backend"], group.attrs["keras_version"] = b"tensorflow", b"2.4.0"
    for name, inside, values in layers:
        parts = {1: ["embeddings"], 2: ["kernel", "bias"]}.get(len(values), ["kernel", "recurrent_kernel", "bias"])
        write_layer(group, name, inside, parts, values)


def lstm(name: str, sequences: bool, **more: Any) -> dict[str, Any]:
    """Return a layer's record in the configuration."""
    settings = {
        "name": name,
        "units": HIDDEN,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
    }
    flags = {"return_sequences": sequences, "return_state": False, "go_backwards": False, "stateful": False}
    return {"class_name": "LSTM", "config": {**settings, **flags, "implementation": 1, "dropout": 0.0, **more}}


def dropout(name: str) -> dict[str, Any]:
    """Return a layer's record in the configuration."""
    return {"class_name": "Dropout", "config": {"name": name, "rate": 0.2, "noise_shape": None, "seed": None}}


def dense(name: str) -> dict[str, Any]:
    """Return a layer's record in the configuration."""
    settings = {"name": name, "units": VOCABULARY, "activation": "softmax", "use_bias": True}
    return {"class_name": "Dense", "config": settings}


def main() -> None:
    """Write all four."""
    first, second, last = arrays(1, seed=1)
    shape = [None, WINDOW, 1]
    with h5py.File(FOLDER / "keras-2.0-model.hdf5", "w") as file:
        layers = [lstm("lstm_3", True, batch_input_shape=shape), dropout("dropout_3"), lstm("lstm_4", False)]
        layers += [dropout("dropout_4"), dense("dense_2")]
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers}).encode()
        file.attrs["keras_version"] = b"2.0.8"
        write_layers(
            file.create_group("model_weights"),
            [
                ("lstm_3", "lstm_3_1", first),
                ("dropout_3", "", []),
                ("lstm_4", "lstm_4_1", second),
                ("dropout_4", "", []),
                ("dense_2", "dense_2_1", last),
            ],
        )
    with h5py.File(FOLDER / "keras-2.4-model.hdf5", "w") as file:
        start = {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "name": "lstm_input"}}
        layers = [start, lstm("lstm", True), dropout("dropout"), lstm("lstm_1", False), dropout("dropout_1")]
        config = {"name": "sequential", "layers": [*layers, dense("dense")]}
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        write_layers(
            file.create_group("model_weights"),
            [
                ("lstm", "lstm/lstm_cell", first),
                ("dropout", "", []),
                ("lstm_1", "lstm_1/lstm_cell_1", second),
                ("dropout_1", "", []),
                ("dense", "dense", last),
            ],
        )
    below, above, last = arrays(WIDTH, seed=2)
    for name, layer, pair in (
        ("plain-weights.h5", "lstm", (below, above)),
        ("cudnn-weights.h5", "cu_dnnlstm", (to_cudnn(*below), to_cudnn(*above))),
    ):
        with h5py.File(FOLDER / name, "w") as file:
            write_layers(
                file,
                [
                    ("embedding_1", "embedding_1", [embedding()]),
                    (f"{layer}_1", f"{layer}_1", pair[0]),
                    ("dropout_1", "", []),
                    (f"{layer}_2", f"{layer}_2", pair[1]),
                    ("dense_1", "dense_1", last),
                ],
            )


if __name__ == "__main__":
    main()
