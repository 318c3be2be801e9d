"""The LSTM in NumPy: the readable truth that every faster runtime is tested against.

Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber and Cummins (2000). For each layer and step

    i, f, g, o = split(x W_ihᵀ + h W_hhᵀ + b)            gates, and the candidate g
    c = sigmoid(f) · c + sigmoid(i) · tanh(g)            keep, and add
    h = sigmoid(o) · tanh(c)                             show

where x is the token's embedding or the h of the layer below.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from longhand.arrays import FloatArray, TokenIds
from longhand.config import NetworkConfig
from longhand.modelfile import Weights, checked_weights
from longhand.runtime.session import Streams, checked_state, checked_streams, checked_tokens
from longhand.state import State

LARGEST_TABLE = 64 << 20  # bytes


class Cells(NamedTuple):
    """What happens in cells, in arrays of one shape: (batch, hidden) for a step, (layers, time, hidden) for a text.

    - input, forget, output: the gates, from 0, closed, to 1, open
    - candidate: what may be added to the cell, from -1 to 1
    - cell: what the cell remembers afterwards
    - hidden: what it shows of that, from -1 to 1
    """

    input: FloatArray
    forget: FloatArray
    output: FloatArray
    candidate: FloatArray
    cell: FloatArray
    hidden: FloatArray


class NumpySession:
    """Runs a network for `batch` streams; see `longhand.runtime.session.RecurrentSession`.

    - weights: as in a model file (`longhand.modelfile.expected_shapes`); not copied, never written to
    """

    window = None

    def __init__(self, config: NetworkConfig, weights: Weights, batch: int = 1) -> None:
        self.batch = batch
        self._config = config
        self._weights = checked_weights(config, weights)
        self._state = State.zeros(config, batch)
        self._table = _token_table(config, self._weights)

    @property
    def state(self) -> State:
        """A copy of the state; assigning one goes on from there."""
        return self._state.copy()

    @state.setter
    def state(self, state: State) -> None:
        self.put(state, range(self.batch))

    def states(self, streams: Streams) -> State:
        """Return a copy of the state of these streams, in that order."""
        rows = checked_streams(streams, self.batch)
        return State(self._state.hidden[:, rows], self._state.cell[:, rows])

    def put(self, state: State, streams: Streams) -> None:
        """Put these streams into a state of so many."""
        rows = checked_streams(streams, self.batch)
        state = checked_state(state, self._config, len(rows))
        self._state.hidden[:, rows], self._state.cell[:, rows] = state.hidden, state.cell

    def restart(self, streams: Streams) -> None:
        """Put these streams back to the fresh state."""
        rows = checked_streams(streams, self.batch)
        self._state.hidden[:, rows] = self._state.cell[:, rows] = 0

    def step(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read one token a stream, (batch,), and return the logits of the next, (batch, vocabulary)."""
        logits: FloatArray = self.feed(tokens[None], streams)[0]
        return logits

    def feed(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read tokens, (time, batch), and return the logits after each, (time, batch, vocabulary)."""
        return self.logits(self.advance(tokens, streams))

    def advance(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read tokens, (time, batch), and return what the last layer shows after each, (time, batch, hidden)."""
        rows = checked_streams(streams, self.batch)
        checked_tokens(tokens, rows, self._config.vocabulary_size)
        with np.errstate(over="ignore", invalid="ignore"):  # damaged weights show in the logits, where it matters
            outputs = self._run_layer(0, self._first_products(tokens), rows)
            for layer in range(1, self._config.layers):
                outputs = self._run_layer(layer, _input_products(self._weights, layer, outputs), rows)
        return outputs

    def logits(self, outputs: FloatArray) -> FloatArray:
        """Return the logits, (..., vocabulary), of what the last layer showed, (..., hidden)."""
        return head_logits(self._weights, outputs)

    def trace(self, tokens: TokenIds) -> Cells:
        """Read tokens, (time,), with the only stream, and return what happened in all cells, (layers, time, hidden)."""
        rows = checked_streams(None, self.batch)
        checked_tokens(tokens[:, None], rows, self._config.vocabulary_size)
        shape = (self._config.layers, len(tokens), self._config.hidden)
        traced = Cells(*(np.empty(shape, np.float32) for _ in Cells._fields))
        with np.errstate(over="ignore", invalid="ignore"):
            products = self._first_products(tokens[:, None])
            for layer in range(self._config.layers):
                if layer:
                    products = _input_products(self._weights, layer, traced.hidden[layer - 1][:, None])
                self._trace_layer(layer, products, Cells(*(array[layer] for array in traced)))
        return traced

    def _first_products(self, tokens: TokenIds) -> FloatArray:
        """Return the first layer's x W_ihᵀ + b, (time, batch, 4 hidden): from the table if there is one."""
        if self._table is None:
            return _input_products(self._weights, 0, self._weights["embedding.weight"][tokens])
        products: FloatArray = self._table[tokens]
        return products

    def _run_layer(self, layer: int, products: FloatArray, rows: TokenIds) -> FloatArray:
        recurrent = self._weights[f"layers.{layer}.weight_hh"].T
        h, c = self._state.hidden[layer, rows], self._state.cell[layer, rows]
        outputs = np.empty((*products.shape[:2], self._config.hidden), np.float32)
        for time, product in enumerate(products):
            h, c = cell(product + h @ recurrent, c)
            outputs[time] = h
        self._state.hidden[layer, rows], self._state.cell[layer, rows] = h, c
        return outputs

    def _trace_layer(self, layer: int, products: FloatArray, traced: Cells) -> None:
        """As `_run_layer`, for the only stream, and write what happens at every step to arrays of (time, hidden)."""
        recurrent = self._weights[f"layers.{layer}.weight_hh"].T
        h, c = self._state.hidden[layer], self._state.cell[layer]
        for time, product in enumerate(products):
            step = cells(product + h @ recurrent, c)
            h, c = step.hidden, step.cell
            for array, values in zip(traced, step, strict=True):
                array[time] = values[0]
        self._state.hidden[layer], self._state.cell[layer] = h, c


def head_logits(weights: Weights, outputs: FloatArray) -> FloatArray:
    """Return the logits, (..., vocabulary), of what the last layer showed, (..., hidden)."""
    with np.errstate(over="ignore", invalid="ignore"):
        logits: FloatArray = outputs @ weights["head.weight"].T + weights["head.bias"]
    return logits


def cell(gates: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray]:
    """One step of the equations above: what of `cells` a network goes on with.

    Returns the new hidden and cell state, (batch, hidden) each.
    """
    step = cells(gates, c)
    return step.hidden, step.cell


def cells(gates: FloatArray, c: FloatArray) -> Cells:
    """One step of the equations above, with all that happens in it, (batch, hidden) each.

    - gates: (batch, 4 hidden), before their activations
    - c: (batch, hidden), the cell state so far
    """
    i, f, g, o = np.split(gates, 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c + i * g
    return Cells(i, f, o, g, c, o * np.tanh(c))


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + e⁻ˣ), written so that nothing overflows."""
    result: FloatArray = 0.5 * np.tanh(0.5 * x) + 0.5
    return result


def _token_table(config: NetworkConfig, weights: Weights) -> FloatArray | None:
    """Return what each token adds to the first layer, (vocabulary, 4 hidden), unless that were too large to keep."""
    if config.vocabulary_size * 4 * config.hidden * 4 > LARGEST_TABLE:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        return _input_products(weights, 0, weights["embedding.weight"])


def _input_products(weights: Weights, layer: int, inputs: FloatArray) -> FloatArray:
    products: FloatArray = inputs @ weights[f"layers.{layer}.weight_ih"].T + weights[f"layers.{layer}.bias"]
    return products
