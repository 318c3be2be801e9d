"""The score of the held-out text: every token once, and the figure of one pass in order."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
from conftest import VERSE, small_file
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.arrays import FloatArray, TokenIds
from longhand.runtime.reference import NumpySession
from longhand.state import State
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.evaluation import LEAD_IN, SAMPLE, WHOLE, WINDOW, HeldOut, HeldOutWindows, Scorer
from longhand.training.torch_engine import TorchEngine

FILE = small_file(hidden=32)


class Counting:
    """An engine whose loss is the number of the target."""

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        assert inputs.shape == targets.shape
        return targets.astype(np.float32), state


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20_000) | st.integers(WHOLE + 1, WHOLE + 20_000))
def test_every_token_is_scored_exactly_once(length: int) -> None:
    ids = np.random.default_rng(length).integers(2, 60, length)
    scorer = HeldOut(ids, start=1)
    assert scorer.bits(Counting(), FILE.config) == pytest.approx(ids.sum() / length / math.log(2), rel=1e-6)  # type: ignore[arg-type]
    assert scorer.tokens_in(len(scorer)) == length


class Placing:
    """An engine whose loss is 1 for targets of one tenth of the text, by their value, and 0 for the others."""

    def __init__(self, tenth: int) -> None:
        self._tenth = tenth

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        assert inputs.shape[1] == targets.shape[1]
        return (targets == self._tenth).astype(np.float32), state


def of_tenths(scorer: Scorer, blocks: int) -> list[float]:
    """Return which share of what the first blocks score lies in each tenth of the text."""
    shares = []
    for tenth in range(10):
        nats = list(islice(scorer.blocks(Placing(tenth), FILE.config), blocks))  # type: ignore[arg-type]
        shares.append(sum(nats) / scorer.tokens_in(blocks))
    return shares


def test_the_sample_of_a_long_text_is_spread_over_it_and_so_is_any_beginning_of_it() -> None:
    ids = np.arange(1_000_000) // 100_000
    scorer = HeldOut(ids, start=1)
    assert scorer.tokens_in(scorer.sample) == pytest.approx(SAMPLE, rel=0.03)
    assert np.allclose(of_tenths(scorer, scorer.sample), 0.1, atol=0.015)
    assert np.allclose(of_tenths(scorer, scorer.sample // 6), 0.1, atol=0.07)


def test_a_text_that_is_little_longer_than_a_sample_is_scored_whole() -> None:
    scorer = HeldOut(np.full(WHOLE, 5), start=1)
    assert (scorer.tokens_in(scorer.sample), scorer.sample) == (WHOLE, len(scorer))


def test_blocks_of_the_classic_recipe_are_spread_too() -> None:
    ids = np.concatenate([np.zeros(10, np.int64), np.arange(50_000) // 5_000])
    scorer = HeldOutWindows(ids, first=10, count=50_000, characters=50_000, window=10)
    assert np.allclose(of_tenths(scorer, 3), 0.1, atol=0.01)
    assert np.allclose(of_tenths(scorer, len(scorer)), 0.1)


@given(st.integers(1, 3_000), st.integers(1, 30))
def test_the_score_of_a_beginning_is_the_mean_of_what_it_scores(length: int, blocks: int) -> None:
    ids = np.random.default_rng(length).integers(2, 60, length)
    scorer = HeldOut(ids, start=1, characters=2 * length, size=3 * length)
    nats = list(islice(scorer.blocks(Counting(), FILE.config), max(blocks, LEAD_IN // WINDOW + 1)))  # type: ignore[arg-type]
    scored = scorer.tokens_in(len(nats))
    assert scorer.bits_of(nats) == pytest.approx(sum(nats) / (2 * scored) / math.log(2))
    assert (scorer.characters_in(len(nats)), scorer.bytes_in(len(nats))) == (2 * scored, 3 * scored)


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
