"""Units that remember from the start (`--memory`): which biases they have, and where that is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from conftest import VERSE

from longhand.api import train
from longhand.config import NetworkConfig
from longhand.errors import OptionError
from longhand.modelfile import Weights
from longhand.training.initial import initial_weights

CONFIG = NetworkConfig(vocabulary_size=9, embedding=8, hidden=33, layers=2)
LEARNED: dict[str, Any] = {"epochs": 1, "hidden": 16, "layers": 1, "embedding": 8, "window": 16}


def made(memory: int) -> Weights:
    return initial_weights(CONFIG, np.ones(9, np.int64), 0, np.random.Generator(np.random.PCG64(3)), memory=memory)


def test_the_units_keep_what_they_hold_for_one_token_up_to_so_many() -> None:
    for layer in range(CONFIG.layers):
        taken, kept, candidate, shown = made(300)[f"layers.{layer}.bias"].astype(np.float64).reshape(4, -1)
        keep = 1 / (1 + np.exp(-kept))
        tokens = keep / (1 - keep)  # how long until about a third is left, in the mean
        assert tokens[0] == pytest.approx(1)
        assert tokens[-1] == pytest.approx(300, rel=1e-4)
        assert np.allclose(np.diff(np.log(tokens)), np.log(300) / 32, rtol=1e-3)
        assert np.allclose(taken, -kept)
        assert not candidate.any()
        assert not shown.any()


def test_all_else_is_as_without_a_memory() -> None:
    usual, lasting = made(0), made(300)
    changed = {name for name in usual if not np.array_equal(usual[name], lasting[name])}
    assert changed == {"layers.0.bias", "layers.1.bias"}


def test_a_training_begins_with_it() -> None:
    models = [train(io.StringIO(VERSE * 30), memory=memory, **LEARNED) for memory in (0, 100)]
    forget = [model.file.weights["layers.0.bias"][16:32] for model in models]
    assert abs(forget[0] - 1).max() < 0.5
    assert forget[1].max() > 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": -1}, "memory: found -1"),
        ({"memory": 10, "recipe": "classic"}, "memory: of the default recipe alone"),
        ({"memory": 10, "base": "some.safetensors"}, "memory: found with --from"),
    ],
)
def test_where_it_means_nothing_it_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        train(io.StringIO(VERSE * 30), **settings)
