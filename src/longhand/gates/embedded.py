"""What the page computes with: a text that was traced, the model's weights in 16 bits, and its states every few tokens.

The values of all units at all places would be tens of megabytes. The page carries what they follow from, and its script
goes through the cell's equations for what is looked at, from the nearest state before it on.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from longhand.arrays import DoubleArray, TokenIds
from longhand.gates.inspection import GATES, Inspection
from longhand.gates.probes import STATES
from longhand.gates.trace import LARGEST_HALF, HalfArray
from longhand.modelfile import ModelFile
from longhand.runtime.reference import NumpySession
from longhand.text.utf8 import REPLACEMENT

GATE_COUNT = 4
STEP_WORK = 5e7  # multiplications between two states: what a script does in about a tenth of a second or less
STEPS = (16, 128)  # tokens between two states, at least and at most: rounding errors grow from one to the next
TYPICAL = 0.98  # of a unit's values are no larger than what its colours reach to
SURPRISE_UNIT, MOST_SURPRISE = 1 / 512, 127  # bits: so many have a place in 16 bits


def embedded(found: Inspection) -> dict[str, Any]:
    """Return what the page's script reads, as plain JSON data with arrays in base64."""
    trace, config = found.trace, found.file.config
    rows, numbers = np.unique(trace.reading.tokens, return_inverse=True)
    step = tokens_between(found.file)
    return {
        "layers": config.layers,
        "hidden": config.hidden,
        "time": len(trace),
        "step": step,
        "pieces": trace.reading.pieces,
        "rows": encoded(numbers.reshape(-1), "<u4"),
        "anew": _row_of_the_start(found, rows),
        "states": encoded(_states(found, step), "<f2"),
        "surprise": encoded(np.rint(np.minimum(trace.surprise, MOST_SURPRISE) / SURPRISE_UNIT), "<u2"),
        "likely": _likely(found),
        "network": _network(found.file, rows),
        "largest": encoded(np.abs(trace.cell).max(axis=1).astype(np.float32), "<f4"),
        "typical": {state: encoded(_typical(getattr(trace, state)), "<f4") for state in STATES},
        "lifetimes": encoded(found.lifetimes, "<f4"),
        "means": {gate: encoded(found.gate_means(gate), "<f4") for gate in GATES},
        "scores": [None if each.scores is None else encoded(each.scores, "<f4") for each in found.probes],
    }


def _row_of_the_start(found: Inspection, rows: TokenIds) -> int | None:
    """Return the row of the token before which the state is cleared, if it occurs."""
    start = found.tokenizer.start if found.file.config.documents else None
    return rows.tolist().index(start) if start in rows else None


def tokens_between(file: ModelFile) -> int:
    """Return how many tokens lie between two states: the more, the smaller the network is."""
    config = file.config
    work = GATE_COUNT * config.hidden * (2 * config.layers * config.hidden)
    return int(np.clip(STEP_WORK // work, *STEPS))


def encoded(values: npt.ArrayLike, kind: str) -> str:
    """Return numbers of a type as base64."""
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(kind)).tobytes()).decode("ascii")


def _states(found: Inspection, step: int) -> npt.NDArray[np.float16]:
    """Return the states before tokens 0, step, 2 step and so on, (states, layers, 2, hidden): hidden, then cell."""
    session = NumpySession(found.file.config, found.file.weights)
    if found.tokenizer.start is not None:
        session.trace(np.array([found.tokenizer.start]))
    places = np.arange(step, len(found.trace), step) - 1
    parts = [
        np.concatenate([begun, later[:, places]], axis=1, dtype=np.float16)
        for begun, later in (
            (session.state.hidden, found.trace.hidden),
            (session.state.cell, found.trace.cell),
        )
    ]
    return np.stack(parts).transpose(2, 1, 0, 3)


def _typical(values: HalfArray) -> DoubleArray:
    """Return what nearly all values of each unit lie within, (layers, hidden), of (layers, time, hidden)."""
    place = min(int(TYPICAL * values.shape[1]), values.shape[1] - 1)
    result: DoubleArray = np.stack([np.partition(np.abs(layer), place, axis=0)[place] for layer in values])
    return result


def _likely(found: Inspection) -> dict[str, Any]:
    """Return the likeliest next tokens, as places in a list of texts, with their probabilities."""
    numbers, places = np.unique(found.trace.likely, return_inverse=True)
    special = set(found.tokenizer.never_written)
    texts = [REPLACEMENT if number in special else _text(found, number) for number in numbers.tolist()]
    start = found.tokenizer.start
    return {
        "count": found.trace.likely.shape[1],
        "texts": texts,
        "end": numbers.tolist().index(start) if start in numbers else None,
        "places": encoded(places.reshape(-1), "<u4"),
        "probability": encoded(np.rint(found.trace.probability * 65_535), "<u2"),
    }


def _text(found: Inspection, token: int) -> str:
    return found.tokenizer.decode(np.array([token]))


def _network(file: ModelFile, rows: TokenIds) -> dict[str, Any]:
    """Return the weights as the script goes through them: unit by unit, for each its gates i, f, g, o.

    - rows: the tokens that occur: of no other one the weights are needed

    What the first layer makes of a token is a table of its own, or embedding and matrix where these are smaller.
    """
    weights, config = file.weights, file.config
    embedding = weights["embedding.weight"][rows]
    first = weights["layers.0.weight_ih"]
    as_table = len(rows) * len(first) <= embedding.size + first.size
    inputs = embedding.astype(np.float64) @ first.T if as_table else embedding
    return {
        "inputs": encoded(_half(_by_unit(inputs.T, config.hidden).T if as_table else inputs), "<f2"),
        "table": as_table,
        "embedding": embedding.shape[1],
        "layers": [
            {
                "recurrent": _matrix(file, f"layers.{layer}.weight_hh"),
                "input": None if as_table and layer == 0 else _matrix(file, f"layers.{layer}.weight_ih"),
                "bias": encoded(_by_unit(weights[f"layers.{layer}.bias"][:, None], config.hidden)[:, 0], "<f4"),
            }
            for layer in range(config.layers)
        ],
    }


def _matrix(file: ModelFile, name: str) -> str:
    return encoded(_half(_by_unit(file.weights[name], file.config.hidden)), "<f2")


def _by_unit(matrix: npt.NDArray[Any], hidden: int) -> npt.NDArray[Any]:
    """Return rows that are gate by gate, (4 hidden, columns), unit by unit."""
    return matrix.reshape(GATE_COUNT, hidden, -1).transpose(1, 0, 2).reshape(GATE_COUNT * hidden, -1)


def _half(values: npt.NDArray[Any]) -> DoubleArray:
    """Return numbers that 16-bit floats have a place for."""
    clipped: DoubleArray = np.clip(values, -LARGEST_HALF, LARGEST_HALF)
    return clipped
