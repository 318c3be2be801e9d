"""Keras's arrays in our layout.

Keras's kernels are (inputs, 4 units) and its gates i, f, c, o, ours (4 units, inputs) and i, f, g, o: the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from longhand.arrays import FloatArray
from longhand.errors import ModelFormatError
from longhand.interop.keras_file import Arrays
from longhand.interop.keras_layers import Layer
from longhand.modelfile import scalar_embedding


@dataclass(frozen=True)
class Lstm:
    """An LSTM layer's weights in our layout.

    - weight_ih: (4 units, inputs)
    - weight_hh: (4 units, units)
    - bias: (4 units,)
    """

    layer: Layer
    weight_ih: FloatArray
    weight_hh: FloatArray
    bias: FloatArray

    @property
    def inputs(self) -> int:
        """How many numbers it reads a step."""
        return int(self.weight_ih.shape[1])

    @property
    def units(self) -> int:
        """How many numbers it gives."""
        return int(self.weight_hh.shape[1])


def lstm(layer: Layer, arrays: Arrays, place: str) -> Lstm:
    """Return the weights of an LSTM or a CuDNNLSTM. Raises `ModelFormatError` for other shapes than those."""
    shapes = [array.shape for array in arrays]
    if len(arrays) not in (2, 3) or [len(shape) for shape in shapes[:2]] != [2, 2]:
        hint = " (12 arrays a layer are Keras 1's)" if len(arrays) == 12 else ""
        raise ModelFormatError(f"{place}: arrays of shapes {shapes}{hint}, expected kernel, recurrent kernel and bias")
    kernel, recurrent = arrays[:2]
    units = len(recurrent)
    bias = arrays[2] if len(arrays) == 3 else np.zeros(4 * units, np.float32)
    fits = units > 0 and len(kernel) > 0 and kernel.shape[1] == recurrent.shape[1] == 4 * units
    if not fits or bias.shape not in ((4 * units,), (8 * units,)):
        raise ModelFormatError(
            f"{place}: arrays of shapes {shapes}, expected (inputs, 4 units), (units, 4 units), (4 units) or (8 units)"
        )
    if len(bias) == 8 * units:
        return _from_cudnn(layer, kernel, recurrent, bias)
    return Lstm(layer, kernel.T, recurrent.T, bias)


def _from_cudnn(layer: Layer, kernel: FloatArray, recurrent: FloatArray, bias: FloatArray) -> Lstm:
    """Return the weights of a CuDNNLSTM, which holds cuDNN's own (units, inputs) matrices in its kernels' memory.

    It has two biases, of which only the sum matters.
    """
    units = len(recurrent)
    inputs = [np.ascontiguousarray(gate).reshape(units, -1) for gate in np.split(kernel, 4, axis=1)]
    recurrents = np.split(recurrent, 4, axis=1)
    return Lstm(layer, np.concatenate(inputs), np.concatenate(recurrents), bias[: 4 * units] + bias[4 * units :])


def dense(arrays: Arrays, place: str) -> tuple[FloatArray, FloatArray]:
    """Return the weight, (vocabulary, units), and the bias, (vocabulary,), of a Dense layer."""
    shapes = [array.shape for array in arrays]
    bias = np.zeros(shapes[0][-1:], np.float32) if len(arrays) == 1 else arrays[-1] if arrays else None
    if (
        len(arrays) not in (1, 2)
        or len(shapes[0]) != 2
        or 0 in shapes[0]
        or bias is None
        or bias.shape != shapes[0][1:]
    ):
        raise ModelFormatError(f"{place}: arrays of shapes {shapes}, expected (units, vocabulary) and (vocabulary)")
    return arrays[0].T, bias


def embedding(layer: Layer, arrays: Arrays, size: int, label: str) -> FloatArray:
    """Return an Embedding's weight, (vocabulary, inputs)."""
    shapes = [array.shape for array in arrays]
    if len(arrays) != 1 or len(shapes[0]) != 2 or shapes[0][0] != size or shapes[0][1] == 0:
        raise ModelFormatError(
            f"{label}: layer {layer.shown} has arrays of shapes {shapes}, expected ({size}, inputs), for the model "
            f"predicts {size} tokens"
        )
    return arrays[0]


def without_embedding(first: Lstm, size: int, label: str) -> tuple[FloatArray, Lstm]:
    """Return what a token goes in as, (vocabulary, inputs), and the first LSTM: the script's scalar, or one-hot.

    Of a one-hot row times the kernel only one of the kernel's rows is left. So the kernel can be the embedding, where
    that is smaller than a matrix of all one-hot rows.
    """
    if first.inputs == 1:
        return scalar_embedding(size), first
    if first.inputs != size:
        raise ModelFormatError(
            f"{label}: layer {first.layer.shown} reads {first.inputs} numbers a step, expected 1 (a token's number "
            f"divided by the vocabulary's size), {size} (one-hot), or an Embedding before it"
        )
    gates = 4 * first.units
    if size <= gates:
        return np.eye(size, dtype=np.float32), first
    return first.weight_ih.T, replace(first, weight_ih=np.eye(gates, dtype=np.float32))


def widened(weight: FloatArray, units: int, inputs: int) -> FloatArray:
    """Return a weight of four gates, (4 units, inputs), with zeros for units and inputs that it does not have.

    A unit whose weights are all zero stays at zero and adds nothing.
    """
    return np.concatenate([padded(gate, units, inputs) for gate in np.split(weight, 4)])


def padded(weight: FloatArray, rows: int, columns: int) -> FloatArray:
    """Return a matrix with zeros added to its end in both directions."""
    return np.pad(weight, ((0, rows - weight.shape[0]), (0, columns - weight.shape[1])))
