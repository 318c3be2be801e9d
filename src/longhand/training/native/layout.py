"""A network's weights in one array of floats, as learn.c reads them: in blocks of 16 rows, hidden units padded to 16.

The embedding comes last: where it does not learn, what learns is all that lies before it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from longhand.arrays import FloatArray
from longhand.config import NetworkConfig
from longhand.modelfile import Weights, expected_shapes
from longhand.native.memory import aligned
from longhand.training.native.library import Place

ROWS = 16  # of a block, and units of a group
EMBEDDING = "embedding.weight"


class _Span(NamedTuple):
    first: int
    shape: tuple[int, int]  # as a matrix, padded

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Layout:
    """Where each tensor of a network lies, and how."""

    def __init__(self, config: NetworkConfig) -> None:
        self._config = config
        self._shapes = expected_shapes(config)
        self.hidden = _up(config.hidden)
        self.rows = _up(config.vocabulary_size)  # of the head
        self._spans: dict[str, _Span] = {}
        end = 0
        for name in sorted(self._shapes, key=lambda name: name == EMBEDDING):
            self._spans[name] = _Span(end, self._padded(name))
            end += _up(self._spans[name].size)
        self.size = end

    @property
    def places(self) -> list[Place]:
        """Where the layers' weights begin."""
        kinds = ("weight_ih", "weight_hh", "bias")
        return [
            Place(*(self.first(f"layers.{number}.{kind}") for kind in kinds)) for number in range(self._config.layers)
        ]

    def first(self, name: str) -> int:
        """Return where a tensor begins."""
        return self._spans[name].first

    def packed(self, weights: Weights) -> FloatArray:
        """Return the weights, named and shaped as in a model file, as one array, (size,)."""
        flat: FloatArray = aligned((self.size,), np.float32)
        for name, span in self._spans.items():
            matrix = self._wide(name, weights[name])
            if name != EMBEDDING and matrix.shape[1] > 1:
                matrix = matrix.reshape(-1, ROWS, matrix.shape[1]).swapaxes(1, 2)
            flat[span.first : span.first + span.size] = matrix.ravel()
        return flat

    def unpacked(self, flat: FloatArray) -> Weights:
        """Return what `packed` made one array of, as copies: `flat` goes on learning."""
        return {
            name: self._narrow(name, flat[span.first : span.first + span.size]).copy()
            for name, span in self._spans.items()
        }

    def _padded(self, name: str) -> tuple[int, int]:
        rows, inputs = (*self._shapes[name], 1)[:2]
        if name == EMBEDDING:
            return rows, inputs
        if name.startswith("layers."):
            rows = 4 * self.hidden
        return _up(rows), self.hidden if self._reads_hidden(name) else inputs

    def _reads_hidden(self, name: str) -> bool:
        return (
            name == "head.weight" or name.endswith("_hh") or (name.endswith("_ih") and not name.startswith("layers.0"))
        )

    def _wide(self, name: str, array: FloatArray) -> FloatArray:
        """Return a tensor as a padded matrix, a layer's rows in groups of units with their gates."""
        if array.shape != self._shapes[name]:
            raise ValueError(f"{name} is {array.shape}, expected {self._shapes[name]}")
        matrix = array.reshape(len(array), -1)
        rows, inputs = self._spans[name].shape
        if name.startswith("layers."):
            gates = matrix.reshape(4, self._config.hidden, -1)
            gates = np.pad(gates, ((0, 0), (0, self.hidden - self._config.hidden), (0, 0)))
            matrix = gates.reshape(4, -1, ROWS, gates.shape[2]).swapaxes(0, 1).reshape(rows, -1)
        return np.pad(matrix, ((0, rows - len(matrix)), (0, inputs - matrix.shape[1])))

    def _narrow(self, name: str, values: FloatArray) -> FloatArray:
        rows, inputs = self._spans[name].shape
        shape = self._shapes[name]
        matrix: FloatArray = values.reshape(rows, inputs)
        if name != EMBEDDING and inputs > 1:
            matrix = values.reshape(-1, inputs, ROWS).swapaxes(1, 2).reshape(rows, inputs)
        if name.startswith("layers."):
            matrix = matrix.reshape(-1, 4, ROWS, inputs).swapaxes(0, 1).reshape(4, self.hidden, inputs)
            matrix = matrix[:, : self._config.hidden].reshape(4 * self._config.hidden, inputs)
        return np.ascontiguousarray(matrix[: shape[0], : math.prod(shape[1:])]).reshape(shape)


def _up(number: int) -> int:
    return -(-number // ROWS) * ROWS
