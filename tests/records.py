"""Records of tasks for `tests/native/replay.c`: a network, states and tokens, and what NumPy makes of them."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from longhand.config import NetworkConfig
from longhand.generation.sampler import draw
from longhand.modelfile import Weights
from longhand.native.memory import aligned
from longhand.runtime.native import library
from longhand.runtime.native.drawing import drawn_how
from longhand.runtime.native.packing import GROUP, UNITS, Packed, Precision
from longhand.runtime.reference import NumpySession
from longhand.runtime.session import Drawing
from longhand.state import State


def write_record(
    path: Path,
    config: NetworkConfig,
    weights: Weights,
    precision: Precision,
    state: State,
    steps: int,
    drawing: Drawing | None = None,
) -> None:
    """Write a task of so many steps for all streams of `state`: to read random tokens, or to draw them."""
    random = np.random.default_rng(0)
    streams, uniforms = state.cell.shape[1], random.random((steps, state.cell.shape[1]))
    tokens = random.integers(0, config.vocabulary_size, (steps, streams))
    logits, drawn = _by_numpy(config, weights, state, tokens, uniforms, drawing)
    packed = Packed(config, weights, precision)
    width = packed.hidden + UNITS
    parts = _network(packed) + _states(packed, state, width)
    parts += [np.arange(streams), tokens.astype(np.int32), uniforms]
    how = drawn_how([drawing or Drawing()] * streams, [row[:0] for row in tokens.T], config.vocabulary_size)
    parts += [how[name] for name in ("sampling", "biased", "bias", "recent")]
    parts.append(logits.astype(np.float32))
    parts.append(np.empty(0) if drawing is None else drawn.astype(np.int32))
    sizes = [config.vocabulary_size, packed.hidden, config.layers, config.embedding, streams, steps, streams, width]
    with path.open("wb") as file:
        for part in (np.array(sizes, np.int64), *parts):
            data = part if isinstance(part, bytes) else part.tobytes()
            file.write(len(data).to_bytes(8, "little") + data)


def _by_numpy(
    config: NetworkConfig,
    weights: Weights,
    state: State,
    tokens: np.ndarray,
    uniforms: np.ndarray,
    drawing: Drawing | None,
) -> tuple[np.ndarray, np.ndarray]:
    session = NumpySession(config, weights, tokens.shape[1])
    if np.isfinite(state.cell).all():
        session.state = state
    if drawing is None:
        return session.feed(tokens), tokens
    logits, drawn, last = [], np.empty((0, tokens.shape[1]), np.int64), tokens[0]
    for row in uniforms:
        logits.append(session.step(last))
        several = zip(logits[-1], row, drawn.T, strict=True)
        last = np.array([draw(one, drawing, chance, before) for one, chance, before in several])
        drawn = np.concatenate([drawn, last[None]])
    return np.stack(logits), drawn


def _network(packed: Packed) -> list[Any]:
    config, network = packed.config, packed.network
    rows = 4 * packed.hidden * 4
    parts = [
        _at(network.table, config.vocabulary_size * rows),
        _at(network.embedding, config.vocabulary_size * config.embedding * 4),
    ]
    layers = (library.Layer * config.layers).from_address(network.layer)
    for layer in layers:
        parts += [*_matrix(layer.input), *_matrix(layer.recurrent), _at(layer.bias, rows)]
    return [*parts, *_matrix(network.head), _at(network.head_bias, network.head.groups * GROUP * 4)]


def _matrix(matrix: library.Matrix) -> list[Any]:
    numbers = matrix.groups * GROUP * matrix.inputs
    shape = np.array([matrix.groups, matrix.inputs], np.int64)
    return [
        shape,
        _at(matrix.values, numbers * (4 if matrix.scales is None else 1)),
        _at(matrix.scales, matrix.groups * GROUP * 4),
    ]


def _states(packed: Packed, state: State, width: int) -> list[Any]:
    layers, streams, size = state.cell.shape
    hidden, cell = aligned((layers, 2, streams, width), np.float32), aligned((layers, streams, width), np.float32)
    hidden[:, 0, :, :size], cell[..., :size] = state.hidden, state.cell
    with np.errstate(invalid="ignore"):
        shown = np.rint(hidden * 127).astype(np.int8)
    return [hidden, shown if packed.precision == "int8" else b"", cell, np.zeros(streams, np.uint8)]


def _at(address: int | None, size: int) -> bytes:
    return b"" if not address else ctypes.string_at(address, size)
