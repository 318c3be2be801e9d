"""Units that are held: the network with other weights does what one does whose units are overwritten at every step."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import small_file
from networks import network, tokens_for

from longhand.arrays import FloatArray, TokenIds
from longhand.config import NetworkConfig
from longhand.errors import OptionError
from longhand.gates.clamping import Clamps, clamped, parsed
from longhand.model import Model
from longhand.modelfile import ModelFile, Weights
from longhand.runtime.reference import NumpySession, cell


def overwriting(config: NetworkConfig, weights: Weights, tokens: TokenIds, clamps: Clamps) -> FloatArray:
    """Return the logits, (time, vocabulary), of a loop that overwrites what units show, from before the first step."""
    h = np.zeros((config.layers, config.hidden), np.float32)
    c, logits = h.copy(), []

    def hold() -> None:
        for (layer, unit), value in clamps.items():
            h[layer - 1, unit - 1] = value

    hold()
    for token in tokens:
        x = weights["embedding.weight"][token]
        for layer in range(config.layers):
            own = (weights[f"layers.{layer}.{name}"] for name in ("weight_ih", "weight_hh", "bias"))
            from_below, recurrent, bias = own
            shown, c[layer] = cell(from_below @ x + recurrent @ h[layer] + bias, c[layer])
            h[layer] = shown
            hold()
            x = h[layer]
        logits.append(weights["head.weight"] @ x + weights["head.bias"])
    return np.array(logits)


@pytest.mark.parametrize(
    "clamps", [{(1, 1): 0.9}, {(3, 16): -1.0}, {(1, 3): 0.5, (1, 4): -0.25, (2, 3): 0.0, (3, 1): 1.0}]
)
def test_a_held_unit_is_one_that_is_overwritten_at_every_step(clamps: Clamps) -> None:
    config, weights = network(3, 16)
    tokens = tokens_for(config, 60)
    other = clamped(ModelFile(config, {}, weights), clamps)
    found = NumpySession(config, other.weights).feed(tokens)[:, 0]
    assert np.abs(found - overwriting(config, weights, tokens[:, 0], clamps)).max() < 1e-4
    assert np.abs(found - NumpySession(config, weights).feed(tokens)[:, 0]).max() > 1e-2


def test_the_model_itself_stays_as_it_is(model: Model) -> None:
    before = {name: array.copy() for name, array in model.file.weights.items()}
    held = model.clamped({(1, 2): 0.9, (2, 2): -0.9})
    assert all(np.array_equal(array, before[name]) for name, array in model.file.weights.items())
    assert held.generate(length=60, seed=1) != model.generate(length=60, seed=1)
    assert held.file.fingerprint != model.file.fingerprint


def test_nothing_held_changes_nothing(model: Model) -> None:
    assert model.clamped({}).generate(length=60, seed=1) == model.generate(length=60, seed=1)


@pytest.mark.parametrize(
    ("clamps", "problem"),
    [
        ({(3, 1): 0.0}, "found unit 3:1, the model has layers 1 to 2 with units 1 to 16"),
        ({(0, 1): 0.0}, "found unit 0:1"),
        ({(1, 17): 0.0}, "found unit 1:17"),
        ({(1, 1): 1.1}, "a unit shows -1 to 1"),
        ({(1, 1): float("nan")}, "a unit shows -1 to 1"),
    ],
)
def test_units_and_values_that_there_are_not_are_refused(clamps: Clamps, problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        clamped(small_file(), clamps)


def test_clamps_are_named_by_layer_unit_and_value() -> None:
    assert parsed(("1:37=0.9", "2:1=-1")) == {(1, 37): 0.9, (2, 1): -1.0}
    for text in ("1:37", "1=0.9", "a:b=c", "", "1:2=", "1.5:2=0"):
        with pytest.raises(OptionError, match="expected LAYER:UNIT=VALUE"):
            parsed((text,))
    with pytest.raises(OptionError, match="held twice"):
        parsed(("1:2=0", "1:2=1"))
