"""The engine in torch, where it differs from device to device. What needs a GPU is skipped without one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from networks import network, tokens_for

from longhand.state import State
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.torch_engine import TorchEngine

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


def engines(device: str) -> list[TorchEngine]:
    config, weights = network(2, 32)
    settings: dict[str, Any] = {"update": DefaultRecipe.update, "dropout": 0.0, "seed": 0}
    one, other = (TorchEngine(config, weights, device=name, **settings) for name in ("cpu", device))
    if device == "cpu":
        other._autocast = torch.autocast("cpu", torch.bfloat16)
    return [one, other]


@pytest.mark.parametrize("device", DEVICES)
def test_products_in_bfloat16_learn_nearly_what_whole_floats_do_and_score_as_these(device: str) -> None:
    whole, half = engines(device)
    config, weights = network(2, 32)
    tokens = tokens_for(config, 9, 4)
    state = State.zeros(config, 4)
    with torch.backends.mkldnn.flags(enabled=False, allow_tf32=None):  # oneDNN has no LSTM in bfloat16
        (loss, after), (rough, rough_after) = (e.step(tokens[:-1], tokens[1:], state, 1e-3) for e in (whole, half))
    assert rough == pytest.approx(loss, rel=0.02)
    assert rough != loss
    assert rough_after.hidden.dtype == rough_after.cell.dtype == np.float32
    assert np.abs(rough_after.hidden - after.hidden).max() < 0.1
    learned = half.weights()
    assert all(array.dtype == np.float32 for array in learned.values())
    assert not np.array_equal(learned["head.weight"], weights["head.weight"])
    whole.restore(half.saved())
    losses = [engine.losses(tokens[:-1], tokens[1:], state)[0] for engine in (whole, half)]
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-4)
