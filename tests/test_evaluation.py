"""The score of the held-out text: every token once, and the figure of one pass in order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import VERSE, small_file
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.arrays import FloatArray, TokenIds
from longhand.runtime.reference import NumpySession
from longhand.state import State
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.evaluation import HeldOut
from longhand.training.torch_engine import TorchEngine

FILE = small_file(hidden=32)


class Counting:
    """An engine whose loss is the number of the target."""

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        assert inputs.shape == targets.shape
        return targets.astype(np.float32), state


@settings(max_examples=60)
@given(st.integers(1, 20_000))
def test_every_token_is_scored_exactly_once(length: int) -> None:
    ids = np.random.default_rng(length).integers(2, 60, length)
    bits = HeldOut(ids, start=1).bits(Counting(), FILE.config)  # type: ignore[arg-type]
    assert bits == pytest.approx(ids.sum() / length / math.log(2), rel=1e-6)


def test_scoring_side_by_side_equals_one_pass_in_order() -> None:
    engine = TorchEngine(
        FILE.config, FILE.weights, update=DefaultRecipe.update, dropout=0.3, device="cpu", threads=None, seed=0
    )
    ids = np.array([ord(letter) % 26 + 2 for letter in VERSE * 100])
    state = State.zeros(FILE.config, 4)
    for begin in range(0, 4000, 50):  # learn a little, so that the past matters
        rows = ids[begin + np.arange(51)[:, None] + np.arange(4) * 500]
        _, state = engine.step(rows[:-1], rows[1:], state, 1e-2)
    bits = HeldOut(ids, start=1).bits(engine, FILE.config)
    logits = NumpySession(FILE.config, engine.weights()).feed(np.concatenate([[1], ids[:-1]])[:, None])[:, 0]
    logits = logits.astype(np.float64)
    chosen = logits[np.arange(len(ids)), ids] - np.log(np.exp(logits).sum(axis=1))
    assert bits == pytest.approx(-chosen.mean() / math.log(2), abs=1e-4)


def test_scoring_can_be_abandoned() -> None:
    asked = iter([False, True])
    ids = np.full(5000, 5)
    assert HeldOut(ids, start=1).bits(Counting(), FILE.config, lambda: next(asked)) is None  # type: ignore[arg-type]
