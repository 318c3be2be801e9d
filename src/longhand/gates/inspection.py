"""Looking into a model as it reads a text: the trace, what its units follow, how long it remembers, in one record."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from longhand.arrays import DoubleArray
from longhand.config import InspectConfig
from longhand.gates.memory import Influence, influence, lifetimes
from longhand.gates.probes import Follower, Probe, probe
from longhand.gates.properties import parsed, properties
from longhand.gates.trace import Trace, trace
from longhand.modelfile import ModelFile
from longhand.runtime.choice import Runtime
from longhand.text.progress import Told, untold
from longhand.text.tokenizer import Tokenizer

GATES = ("input", "forget", "output")
HALF = float(np.log(2))  # half-life over lifetime
NAMED = 5  # long-lived units that a summary names
TOLD_DISTANCES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


@dataclass(frozen=True)
class Inspection:
    """What was found as a model read a text.

    - file, tokenizer, name: the model
    - trace: gates, cells, predictions after every token
    - probes: what follows each property of the text
    - influence: how much a token changes what is predicted later
    - lifetimes: of what each unit remembers, in tokens, (layers, hidden)
    """

    file: ModelFile
    tokenizer: Tokenizer
    name: str
    trace: Trace
    probes: list[Probe]
    influence: Influence
    lifetimes: DoubleArray

    def gate_means(self, gate: str) -> DoubleArray:
        """Return how far a gate of each unit is open on average, from 0 to 1, (layers, hidden)."""
        return self.trace.gate_means(gate)

    @cached_property
    def longest_lived(self) -> list[tuple[int, int]]:
        """All units, by layer and number from 1, those first that remember longest."""
        order = np.argsort(-self.lifetimes, axis=None, kind="stable")
        return [
            (int(place) // self.lifetimes.shape[1] + 1, int(place) % self.lifetimes.shape[1] + 1) for place in order
        ]

    def half_life(self, layer: int, unit: int) -> float:
        """Return after how many tokens half is left of what a unit remembers; both are counted from 1."""
        return HALF * float(self.lifetimes[layer - 1, unit - 1])

    @property
    def told_influence(self) -> dict[int, float]:
        """The influence in bits at some distances, as far as it was measured."""
        reach = len(self.influence.bits)
        return {k: self.influence.around(k) for k in TOLD_DISTANCES if k <= reach}

    def summary(self) -> dict[str, Any]:
        """Return what was found, as plain JSON data."""
        means = {gate: self.gate_means(gate).mean(axis=1) for gate in GATES}
        return {
            "model": self.name,
            "tokens": len(self.trace),
            "characters": self.trace.reading.characters,
            "bits_per_character": self.trace.bits_per_character,
            "layers": [
                {gate: float(means[gate][layer]) for gate in GATES}
                | {"median_half_life": HALF * float(np.median(self.lifetimes[layer]))}
                for layer in range(len(self.lifetimes))
            ],
            "longest_lived": [
                {"layer": layer, "unit": unit, "half_life": self.half_life(layer, unit)}
                for layer, unit in self.longest_lived[:NAMED]
            ],
            "probes": [_probe_record(each) for each in self.probes],
            "influence": {
                "places": self.influence.places,
                "bits": {str(k): bits for k, bits in self.told_influence.items()},
            },
        }

    def write_page(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the page that shows all this to one HTML file, which holds the model's weights; return its path.

        Raises `OutputError` if the file exists and `overwrite` is false, or cannot be written; `CorpusError` for a text
        that is too long for a page.
        """
        from longhand.gates.page import write_page

        return write_page(self, Path(path), overwrite=overwrite)


def _probe_record(found: Probe) -> dict[str, Any]:
    record: dict[str, Any] = {"name": found.name, "share": found.share}
    if found.missing:
        return record | {"missing": found.missing}
    best = [_follower_record(each) for each in found.best]
    return record | {"best": best, "direction": {"layer": found.layer, "auc": found.direction}}


def _follower_record(one: Follower) -> dict[str, Any]:
    record = {"layer": one.layer, "unit": one.unit, "state": one.state, "sign": one.sign, "auc": one.auc}
    return record if one.correlation is None else record | {"rank_correlation": one.correlation}


def inspect(
    file: ModelFile,
    tokenizer: Tokenizer,
    runtime: Runtime,
    text: str,
    settings: InspectConfig,
    *,
    name: str = "",
    tell: Told = untold,
) -> Inspection:
    """Look into a model as it reads a text.

    - name: what the model is called
    - tell: is called with what is done at the moment, and how far that is

    Raises `OptionError` for a model of the classic recipe, and for probes that are no expressions; `CorpusError` for a
    text that is empty or too long.
    """
    for pattern in settings.probe:
        parsed(pattern)  # says at once what is wrong
    traced = trace(file, tokenizer, text, tell)
    probes = probe(traced, properties(traced.reading.text, settings.probe), tell)
    start = tokenizer.start if file.config.documents else None
    curve = influence(
        runtime, traced, reach=settings.reach, places=settings.places, seed=settings.seed, start=start, tell=tell
    )
    return Inspection(file, tokenizer, name, traced, probes, curve, lifetimes(traced))
