"""From what Keras saved to a model file.

Keras's kernels are (inputs, 4 units) and its gates i, f, c, o, ours (4 units, inputs) and i, f, g, o: the same order.
Layers of different widths become one width by units whose weights are all zero: they stay at zero and add nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from longhand.arrays import FloatArray
from longhand.config import NetworkConfig
from longhand.errors import ModelFormatError, OptionError
from longhand.interop.keras_file import Arrays, read_keras
from longhand.interop.keras_layers import Layer
from longhand.modelfile import Card, ModelFile, Weights, scalar_embedding
from longhand.text.listed import ListedTokenizer
from longhand.version import VERSION

WINDOW = 100  # the script's, where the file does not say

Lstm = tuple[FloatArray, FloatArray, FloatArray]
"""weight_ih (4 hidden, inputs), weight_hh (4 hidden, hidden), bias (4 hidden)"""


def import_keras(path: Path, tokenizer: ListedTokenizer, window: int | None = None) -> tuple[ModelFile, list[str]]:
    """Return the model that Keras saved, and notes on what the file did not say.

    - tokenizer: what the numbers stand for that the model was trained on
    - window: how many tokens it reads, where the file does not say; the script's 100 if None

    Raises `ModelFormatError`, naming the layer, and `OptionError` if the tokenizer or the window does not fit.
    """
    saved = read_keras(path)
    notes = []
    if not saved.configured:
        notes.append("the file has weights alone: tanh, sigmoid and softmax are taken for granted, as Keras's defaults")
    if saved.window is None and window is None:
        notes.append(f"the file does not say how many tokens the model reads: taken for {WINDOW}, --window says other")
    if None not in (saved.window, window) and saved.window != window:
        raise OptionError(f"window: found {window}, but the file says that the model reads {saved.window}")
    network, weights = _network(saved.layers, str(path), saved.window or window or WINDOW)
    _check_vocabulary(tokenizer, network.vocabulary_size, saved.layers[-1][0].name)
    card = Card(
        longhand_version=VERSION, training={"recipe": "classic", "tokens": tokenizer.kind, "imported": path.name}
    )
    return ModelFile(network, tokenizer.to_record(), weights, card), notes


def _network(layers: list[tuple[Layer, Arrays]], label: str, window: int) -> tuple[NetworkConfig, Weights]:
    dense, arrays = layers[-1]
    head, head_bias = _dense(arrays, f"{label}: layer {dense.name!r}")
    size = len(head_bias)
    lstms = [
        (layer, _lstm(arrays, f"{label}: layer {layer.name!r}")) for layer, arrays in layers if "LSTM" in layer.kind
    ]
    embedding = _embedding(layers[0], lstms[0][1][0].shape[1], size, label, lstms[0][0])
    inputs = embedding.shape[1]
    for layer, (weight_ih, weight_hh, _) in lstms:
        if weight_ih.shape[1] != inputs:
            raise ModelFormatError(
                f"{label}: layer {layer.name!r} reads {weight_ih.shape[1]} numbers a step, what is below gives {inputs}"
            )
        inputs = weight_hh.shape[1]
    if head.shape[1] != inputs:
        raise ModelFormatError(
            f"{label}: layer {dense.name!r} reads {head.shape[1]} numbers, the LSTM below gives {inputs}"
        )
    hidden = max(weights[1].shape[1] for _, weights in lstms)
    network = NetworkConfig(
        vocabulary_size=size, embedding=embedding.shape[1], hidden=hidden, layers=len(lstms), window=window
    )
    weights: Weights = {"embedding.weight": embedding}
    for number, (_, (weight_ih, weight_hh, bias)) in enumerate(lstms):
        below = weight_ih.shape[1] if number == 0 else hidden
        weights[f"layers.{number}.weight_ih"] = _widened(weight_ih, hidden, below)
        weights[f"layers.{number}.weight_hh"] = _widened(weight_hh, hidden, hidden)
        weights[f"layers.{number}.bias"] = _widened(bias[:, None], hidden, 1)[:, 0]
    weights["head.weight"] = _padded(head, size, hidden)
    weights["head.bias"] = head_bias
    return network, weights


def _lstm(arrays: Arrays, place: str) -> Lstm:
    shapes = [array.shape for array in arrays]
    if len(arrays) not in (2, 3) or [len(shape) for shape in shapes[:2]] != [2, 2]:
        hint = " (12 arrays a layer are Keras 1's)" if len(arrays) == 12 else ""
        raise ModelFormatError(
            f"{place}: arrays of shapes {shapes[:12]}{hint}, expected kernel, recurrent kernel and bias"
        )
    kernel, recurrent = arrays[:2]
    units = len(recurrent)
    bias = arrays[2] if len(arrays) == 3 else np.zeros(4 * units, np.float32)
    fits = units > 0 and len(kernel) > 0 and kernel.shape[1] == recurrent.shape[1] == 4 * units
    if not fits or bias.shape not in ((4 * units,), (8 * units,)):
        raise ModelFormatError(
            f"{place}: arrays of shapes {shapes}, expected (inputs, 4 units), (units, 4 units), (4 units) or (8 units)"
        )
    if len(bias) == 4 * units:
        return kernel.T, recurrent.T, bias
    return _from_cudnn(kernel, recurrent, bias)


def _from_cudnn(kernel: FloatArray, recurrent: FloatArray, bias: FloatArray) -> Lstm:
    """Return the weights of a CuDNNLSTM, which holds cuDNN's own (units, inputs) matrices in its kernels' memory.

    It has two biases, of which only the sum matters.
    """
    units = len(recurrent)
    inputs = [np.ascontiguousarray(gate).reshape(units, -1) for gate in np.split(kernel, 4, axis=1)]
    return np.concatenate(inputs), np.concatenate(np.split(recurrent, 4, axis=1)), bias[: 4 * units] + bias[4 * units :]


def _dense(arrays: Arrays, place: str) -> tuple[FloatArray, FloatArray]:
    shapes = [array.shape for array in arrays]
    if len(arrays) not in (1, 2) or len(shapes[0]) != 2 or 0 in shapes[0]:
        raise ModelFormatError(
            f"{place}: arrays of shapes {shapes[:12]}, expected (units, vocabulary) and (vocabulary)"
        )
    bias = arrays[1] if len(arrays) == 2 else np.zeros(shapes[0][1], np.float32)
    if bias.shape != shapes[0][1:]:
        raise ModelFormatError(f"{place}: arrays of shapes {shapes}, expected (units, vocabulary) and (vocabulary)")
    return arrays[0].T, bias


def _embedding(first: tuple[Layer, Arrays], inputs: int, size: int, label: str, lstm: Layer) -> FloatArray:
    """Return what a token goes in as, (vocabulary, inputs): its embedding, a one-hot row, or the script's scalar."""
    layer, arrays = first
    if layer.kind == "Embedding":
        shapes = [array.shape for array in arrays]
        if len(arrays) != 1 or len(shapes[0]) != 2 or shapes[0][0] != size:
            raise ModelFormatError(
                f"{label}: layer {layer.name!r} has arrays of shapes {shapes[:12]}, expected ({size}, inputs), for the "
                f"model predicts {size} tokens"
            )
        return arrays[0]
    if inputs == 1:
        return scalar_embedding(size)
    if inputs == size:
        return np.eye(size, dtype=np.float32)
    raise ModelFormatError(
        f"{label}: layer {lstm.name!r} reads {inputs} numbers a step, expected 1 (a token's number divided by the "
        f"vocabulary's size), {size} (one-hot), or an Embedding before it"
    )


def _widened(weight: FloatArray, hidden: int, inputs: int) -> FloatArray:
    """Return a weight of four gates, (4 units, inputs), with zeros for units that only other layers have."""
    gates = [_padded(gate, hidden, inputs) for gate in np.split(weight, 4)]
    return np.concatenate(gates)


def _padded(weight: FloatArray, rows: int, columns: int) -> FloatArray:
    return np.pad(weight, ((0, rows - weight.shape[0]), (0, columns - weight.shape[1])))


def _check_vocabulary(tokenizer: ListedTokenizer, size: int, layer: str) -> None:
    if tokenizer.size == size:
        return
    raise OptionError(
        f"the vocabulary has {tokenizer.size} tokens, layer {layer!r} predicts {size}: the weights were trained on "
        "another one (was the text lower-cased or cleaned? then do the same to it, or give --vocabulary FILE.json)"
    )
