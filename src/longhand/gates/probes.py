"""Which units follow a property of the text, found on its first half and scored on its second.

The score is the AUC, the area under the ROC curve: how often a place at which the property holds has a larger value
than one at which it does not, equal values counting half. 0.5 is chance, 1 tells all places apart (Hanley and McNeil
1982). Beside single units, as Karpathy, Johnson and Fei-Fei (2015) looked at them, a direction in a layer is tried: the
sum of its units, weighted, that a ridge regression finds (Hoerl and Kennard 1970).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from longhand.arrays import BoolArray, DoubleArray
from longhand.gates.properties import Property
from longhand.gates.trace import Trace
from longhand.text.progress import Told, untold

FEWEST = 20  # places at which a property holds, and at which it does not, in each half
MOST = 20_000  # places of each half that are looked at, evenly distributed
PENALTY = 0.01  # of the ridge regression, as a share of the places
BEST = 5  # units that are named for each property
State = Literal["cell", "hidden"]
STATES: tuple[State, ...] = ("cell", "hidden")


@dataclass(frozen=True)
class Follower:
    """A unit that follows a property.

    - layer, unit: counted from 1
    - state: which of its states does
    - sign: 1 if that is larger where the property holds, -1 if smaller
    - auc: on the second half
    - correlation: of its ranks with those of the property's measure, times the sign; None for one without
    """

    layer: int
    unit: int
    state: State
    sign: int
    auc: float
    correlation: float | None = None


@dataclass(frozen=True)
class Probe:
    """What follows a property.

    - name: the property's
    - share: of the places at which it holds
    - best: the units that follow it best on the first half, with their scores on the second
    - direction: AUC of the best layer's weighted sum on the second half, and which layer that is, from 1
    - scores: AUC of every unit on the first half, 0.5 to 1: the better of its two states, (layers, hidden)
    - missing: why there are none of these; empty if there are
    """

    name: str
    share: float
    best: tuple[Follower, ...] = ()
    direction: float | None = None
    layer: int | None = None
    scores: DoubleArray | None = None
    missing: str = ""

    @property
    def auc(self) -> float | None:
        """The score of the best unit."""
        return self.best[0].auc if self.best else None


def ranks(values: npt.NDArray[np.floating]) -> DoubleArray:
    """Return the rank of each value, (values,), from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    result: DoubleArray = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return result


def areas(ranked: DoubleArray, holds: BoolArray) -> DoubleArray:
    """Return AUCs, (properties, columns), by the statistic of Mann and Whitney (1947).

    - ranked: ranks within each column, (places, columns)
    - holds: (properties, places), each at some place and not at all
    """
    positive = holds.sum(axis=1, dtype=np.float64)[:, None]
    above = holds.astype(np.float64) @ ranked - positive * (positive + 1) / 2
    result: DoubleArray = above / (positive * (holds.shape[1] - positive))
    return result


def probe(trace: Trace, wanted: Sequence[Property], tell: Told = untold) -> list[Probe]:
    """Return what follows each of the properties of a traced text, in their order."""
    places = last_characters(trace)
    halves = _halves(len(trace))
    labels = [np.array([each.holds[places[half]] for each in wanted]) for half in halves]
    why = [_missing(labels[0][number], labels[1][number]) for number in range(len(wanted))]
    tested = [number for number, missing in enumerate(why) if not missing]
    result = [Probe(each.name, _share(each), missing=missing) for each, missing in zip(wanted, why, strict=True)]
    if not tested:
        return result
    holds = [label[tested] for label in labels]
    ranked = [_ranked(trace, half, tell, share) for half, share in zip(halves, (0.0, 0.5), strict=True)]
    first, second = areas(ranked[0], holds[0]), areas(ranked[1], holds[1])
    directed = _directions(trace, halves, holds)
    for row, number in enumerate(tested):
        measure = wanted[number].measure
        measured = None if measure is None else ranks(measure[places[halves[1]]].astype(np.float64))
        best = _best(trace, first[row], second[row], ranked[1], measured)
        scores = _by_state(trace, np.maximum(first[row], 1 - first[row])).max(axis=0)
        direction, layer = directed[row]
        result[number] = Probe(wanted[number].name, _share(wanted[number]), best, direction, layer, scores)
    return result


def last_characters(trace: Trace) -> npt.NDArray[np.int64]:
    """Return which character of the text each token ends with, (time,); inside a character, the one before."""
    ends = np.cumsum([len(piece) for piece in trace.reading.pieces])
    result: npt.NDArray[np.int64] = np.maximum(ends - 1, 0)
    return result


def _halves(time: int) -> list[npt.NDArray[np.int64]]:
    """Return the places of the first and of the second half that are looked at."""
    middle = time // 2
    return [
        np.unique(np.linspace(begin, end - 1, min(MOST, end - begin)).astype(np.int64)) if end > begin else np.arange(0)
        for begin, end in ((0, middle), (middle, time))
    ]


def _missing(first: BoolArray, second: BoolArray) -> str:
    """Return why a property cannot be probed: where it holds nearly nowhere, or nearly everywhere."""
    for half, name in ((first, "first"), (second, "second")):
        holds = int(half.sum())
        if holds < FEWEST:
            return f"holds at {holds} places of the text's {name} half, expected at least {FEWEST}"
        if len(half) - holds < FEWEST:
            return f"holds at all but {len(half) - holds} places of the text's {name} half, expected {FEWEST} others"
    return ""


def _share(one: Property) -> float:
    return float(one.holds.mean()) if len(one.holds) else 0.0


def _ranked(trace: Trace, half: npt.NDArray[np.int64], tell: Told, begun: float) -> DoubleArray:
    """Return ranks, (places, states x layers x hidden), of all units' states."""
    columns = []
    layers = trace.cell.shape[0]
    for number, state in enumerate(STATES):
        for layer in range(layers):
            values = getattr(trace, state)[layer][half].astype(np.float32)
            columns.append(np.stack([ranks(column) for column in values.T], axis=1))
            tell("probing", begun + 0.5 * (number * layers + layer + 1) / (2 * layers))
    return np.concatenate(columns, axis=1)


def _by_state(trace: Trace, row: DoubleArray) -> DoubleArray:
    """Return a row of all columns as (states, layers, hidden)."""
    layers, _, hidden = trace.cell.shape
    return row.reshape(len(STATES), layers, hidden)


def _best(
    trace: Trace, first: DoubleArray, second: DoubleArray, ranked: DoubleArray, measured: DoubleArray | None
) -> tuple[Follower, ...]:
    """Return the units with the best scores on the first half, each once, with what they have on the second."""
    layers, _, hidden = trace.cell.shape
    followers: dict[tuple[int, int], Follower] = {}
    for column in np.argsort(-np.abs(first - 0.5), kind="stable"):
        state, layer, unit = np.unravel_index(column, (len(STATES), layers, hidden))
        sign = 1 if first[column] >= 0.5 else -1
        auc = second[column] if sign > 0 else 1 - second[column]
        correlation = None
        if measured is not None:
            correlation = sign * _correlation(ranked[:, column], measured)
        follower = Follower(int(layer) + 1, int(unit) + 1, STATES[state], sign, float(auc), correlation)
        followers.setdefault((int(layer), int(unit)), follower)
        if len(followers) == BEST:
            break
    return tuple(followers.values())


def _correlation(one: DoubleArray, other: DoubleArray) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _directions(
    trace: Trace, halves: Sequence[npt.NDArray[np.int64]], holds: Sequence[BoolArray]
) -> list[tuple[float, int]]:
    """Return for each property the AUC, on the second half, of the best layer's direction, and that layer, from 1.

    Which layer is the best one, the first half says.
    """
    scores = []
    for layer in range(trace.cell.shape[0]):
        first, second = (_features(trace, layer, half) for half in halves)
        mean, spread = first.mean(axis=0), first.std(axis=0) + 1e-6
        first, second = (first - mean) / spread, (second - mean) / spread
        targets = holds[0].T - holds[0].mean(axis=1)
        gram = first.T @ first + PENALTY * len(first) * np.eye(first.shape[1])
        weights = np.linalg.solve(gram, first.T @ targets)
        scores.append([_diagonal(side @ weights, held) for side, held in zip((first, second), holds, strict=True)])
    learned, held_out = (np.array([score[side] for score in scores]) for side in (0, 1))
    best = learned.argmax(axis=0)
    return [(float(held_out[layer, number]), int(layer) + 1) for number, layer in enumerate(best)]


def _features(trace: Trace, layer: int, half: npt.NDArray[np.int64]) -> DoubleArray:
    return np.concatenate([getattr(trace, state)[layer][half] for state in STATES], axis=1).astype(np.float64)


def _diagonal(values: DoubleArray, holds: BoolArray) -> list[float]:
    """Return each property's AUC by its own column of values, (places, properties)."""
    ranked = [ranks(column)[:, None] for column in values.T]
    return [float(areas(column, held[None])[0, 0]) for column, held in zip(ranked, holds, strict=True)]
