"""A network's weights as the kernel reads them: rows in groups of 64, padded with zeros, aligned, float or 8-bit.

For a layer, a group is 16 units with their gates i, f, g, o. The first layer's input product is folded into a table of
a row per token, where that is not too large.
"""

from __future__ import annotations

import ctypes
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from longhand.arrays import FloatArray
from longhand.config import NetworkConfig
from longhand.modelfile import Weights, checked_weights
from longhand.native.memory import aligned
from longhand.runtime.native import library
from longhand.runtime.reference import LARGEST_TABLE

UNITS, GROUP = 16, 64
MOST = 127  # an 8-bit integer's, of weights and of what a layer shows
Precision = Literal["fp32", "int8"]


class Packed:
    """A network that the kernel can run; read-only, shared by any number of sessions and threads.

    - weights: as they were, not copied
    - precision: of the weights but the table, the embedding and the biases, which stay 32-bit floats

    Raises `ModelFormatError` for weights that do not fit the config: the kernel trusts their shapes.
    """

    def __init__(self, config: NetworkConfig, weights: Weights, precision: Precision = "fp32") -> None:
        self.config, self.precision = config, precision
        weights = checked_weights(config, weights)
        self.step_bytes = multiply_adds(config) * (4 if precision == "fp32" else 1)  # of weights, read for each token
        self.weights = weights
        self.hidden = _up(config.hidden, UNITS)  # with units that stay at zero
        self._kept: list[Any] = []  # the arrays that the structure points to
        folded = config.vocabulary_size * 4 * self.hidden * 4 <= LARGEST_TABLE
        layers = (library.Layer * config.layers)()
        for number in range(config.layers):
            rows = {
                name: self._units(weights[f"layers.{number}.{name}"]) for name in ("weight_ih", "weight_hh", "bias")
            }
            layers[number].bias = self._address(rows["bias"])
            layers[number].recurrent = self._matrix(_wide(rows["weight_hh"], self.hidden), precision)
            if number > 0:
                layers[number].input = self._matrix(_wide(rows["weight_ih"], self.hidden), precision)
            elif not folded:
                layers[number].input = self._matrix(rows["weight_ih"], "fp32")
        self._kept.append(layers)
        self.network = library.Network(
            vocabulary=config.vocabulary_size, hidden=self.hidden, layers=config.layers, inputs=config.embedding
        )
        self.network.layer = ctypes.addressof(layers)
        if folded:
            self.network.table = self._address(self._table(weights))
        else:
            self.network.embedding = self._address(weights["embedding.weight"])
        head = _grouped(weights["head.weight"])
        self.network.head = self._matrix(_wide(head, self.hidden), precision)
        self.network.head_bias = self._address(_grouped(weights["head.bias"]))

    def _units(self, array: FloatArray) -> FloatArray:
        """Return a layer's rows, (4 hidden, ...), in groups: (groups, 4, 16, ...)."""
        gates = array.reshape(4, self.config.hidden, -1)
        gates = np.pad(gates, ((0, 0), (0, self.hidden - self.config.hidden), (0, 0)))
        units: FloatArray = gates.reshape(4, -1, UNITS, gates.shape[2]).swapaxes(0, 1)
        return units

    def _table(self, weights: Weights) -> FloatArray:
        rows, bias = (self._units(weights[f"layers.0.{name}"]) for name in ("weight_ih", "bias"))
        with np.errstate(over="ignore", invalid="ignore"):  # damaged weights show in the logits
            table: FloatArray = weights["embedding.weight"] @ rows.reshape(-1, rows.shape[3]).T + bias.ravel()
        return table

    def _matrix(self, rows: FloatArray, precision: Precision) -> library.Matrix:
        """Pack (groups, 4, 16, inputs)."""
        groups, _, _, inputs = rows.shape
        if precision == "fp32":
            return library.Matrix(self._address(rows.swapaxes(2, 3)), None, groups, inputs)
        flat = rows.reshape(groups, GROUP, inputs)
        largest = np.abs(flat).max(axis=2)
        steps = np.maximum(largest, np.finfo(np.float32).tiny) / MOST
        whole = np.rint(flat / steps[..., None]).astype(np.int8)
        packed = whole.reshape(groups, GROUP, inputs // 4, 4).swapaxes(1, 2)
        return library.Matrix(self._address(packed), self._address(steps / np.float32(MOST)), groups, inputs)

    def _address(self, array: npt.NDArray[Any]) -> int:
        kept = aligned(array.shape, array.dtype)
        kept[...] = array
        self._kept.append(kept)
        return int(kept.ctypes.data)


def multiply_adds(config: NetworkConfig) -> int:
    """Return how many multiply-adds a token costs, which is how many weights are read for it: all but the table's."""
    hidden = config.hidden
    return 4 * hidden**2 + (config.layers - 1) * 8 * hidden**2 + config.vocabulary_size * hidden


def _grouped(array: FloatArray) -> FloatArray:
    """Return rows, (rows, ...), in groups: (groups, 4, 16, ...)."""
    flat = array.reshape(len(array), -1)
    flat = np.pad(flat, ((0, -len(flat) % GROUP), (0, 0)))
    return flat.reshape(-1, 4, UNITS, flat.shape[1])


def _wide(rows: FloatArray, inputs: int) -> FloatArray:
    return np.pad(rows, ((0, 0), (0, 0), (0, 0), (0, inputs - rows.shape[3])))


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
