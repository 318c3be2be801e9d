"""Holding units at a value, to see what they do to a text: exactly, by changing weights alone.

A unit that always shows v adds v W[:, unit] to whatever reads it, which is a constant: it goes into the bias, and the
column becomes zero. Any runtime runs such a network as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from longhand.config import NetworkConfig
from longhand.errors import OptionError
from longhand.modelfile import ModelFile, Weights

Clamps = Mapping[tuple[int, int], float]
"""What units are held at, from -1 to 1, by their layer and their number in it, both counted from 1."""


def clamped(file: ModelFile, clamps: Clamps) -> ModelFile:
    """Return a model in which units show what they are held at, from the text's very beginning on.

    Their cells go on as they would, but nobody reads what they show. Raises `OptionError` for units that there are not,
    and for values that no unit shows.
    """
    weights = dict(file.weights)
    copied: set[str] = set()
    for (layer, unit), value in clamps.items():
        _check(file.config, layer, unit, value)
        for name, bias in _readers(file.config, layer):
            for each in (name, bias):
                if each not in copied:
                    weights[each] = weights[each].copy()
                    copied.add(each)
            _fold(weights, name, bias, unit - 1, value)
    return replace(file, weights=weights)


def parsed(texts: tuple[str, ...]) -> dict[tuple[int, int], float]:
    """Return the clamps that "LAYER:UNIT=VALUE" name; raises `OptionError` for what is none, or named twice."""
    result: dict[tuple[int, int], float] = {}
    for text in texts:
        place, _, value = text.partition("=")
        layer, _, unit = place.partition(":")
        try:
            key, number = (int(layer), int(unit)), float(value)
        except ValueError:
            raise OptionError(f"clamp: found {text!r}, expected LAYER:UNIT=VALUE, such as 1:37=0.9") from None
        if key in result:
            raise OptionError(f"clamp: unit {place} is held twice: leave one out")
        result[key] = number
    return result


def _check(config: NetworkConfig, layer: int, unit: int, value: float) -> None:
    if not 1 <= layer <= config.layers or not 1 <= unit <= config.hidden:
        raise OptionError(
            f"clamp: found unit {layer}:{unit}, the model has layers 1 to {config.layers} "
            f"with units 1 to {config.hidden}"
        )
    if not -1 <= value <= 1:
        raise OptionError(f"clamp: found {value:g} for unit {layer}:{unit}, a unit shows -1 to 1")
    if config.window is not None:
        raise OptionError("clamp: for models that carry a state, not for those of the classic recipe")


def _readers(config: NetworkConfig, layer: int) -> list[tuple[str, str]]:
    """Return the matrices that read what a layer shows, and the bias of each."""
    own = (f"layers.{layer - 1}.weight_hh", f"layers.{layer - 1}.bias")
    if layer == config.layers:
        return [own, ("head.weight", "head.bias")]
    return [own, (f"layers.{layer}.weight_ih", f"layers.{layer}.bias")]


def _fold(weights: Weights, name: str, bias: str, column: int, value: float) -> None:
    """Put what a column adds, at this value, into the bias."""
    added = weights[name][:, column].astype(np.float64) * value
    weights[bias] = (weights[bias] + added).astype(np.float32)
    weights[name][:, column] = 0
