"""How long a network remembers: by substitution, against two plain readings, and in one that remembers nothing."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from conftest import VERSE

from longhand.gates.memory import Influence, _substitutes, influence
from longhand.gates.trace import trace
from longhand.generation.sampler import logsumexp
from longhand.model import Model
from longhand.runtime.choice import Runtime


def measured(model: Model, text: str = VERSE, reach: int = 20, places: int = 30, seed: int = 0) -> Influence:
    runtime = Runtime(model.file.config, model.file.weights)
    return influence(runtime, trace(model.file, model.tokenizer, text), reach=reach, places=places, seed=seed)


def test_it_is_the_divergence_from_a_reading_with_another_token(model: Model) -> None:
    found = measured(model, "ab" * 20, reach=4, places=1)
    assert found.places == 1
    tokens = model.tokenizer.encode("ab" * 20)
    divergences = []
    for place in range(1, len(tokens) - 3):
        other = tokens.copy()
        other[place] = tokens[0] + tokens[1] - tokens[place]  # the only other one there is
        said = []
        for text in (tokens, other):
            session = model.session()
            session.step(np.array([model.tokenizer.start]))
            logits = session.feed(text[:, None])[place : place + 4, 0].astype(np.float64)
            said.append(logits - logsumexp(logits))
        divergences.append((np.exp(said[0]) * (said[0] - said[1])).sum(axis=-1) / np.log(2))
    assert any(np.allclose(found.bits, each, rtol=0.02, atol=1e-6) for each in divergences)


def test_a_network_without_recurrence_remembers_one_token(model: Model) -> None:
    for layer in range(2):
        model.file.weights[f"layers.{layer}.weight_hh"][:] = 0
        model.file.weights[f"layers.{layer}.bias"][16:32] = -100  # and forgets all of its cells
    found = measured(model)
    assert found.bits[0] > 1e-9
    assert np.abs(found.bits[1:]).max() < 1e-6 * found.bits[0] + 1e-12


def test_influence_fades_and_the_same_seed_measures_the_same(model: Model) -> None:
    for layer in range(2):
        model.file.weights[f"layers.{layer}.bias"][16:32] = -3
    first, again, other = measured(model), measured(model), measured(model, seed=1)
    assert np.array_equal(first.bits, again.bits)
    assert not np.array_equal(first.bits, other.bits)
    assert first.bits[0] > 10 * first.bits[-1] >= 0
    assert len(first.bits) == 20


def test_it_does_not_matter_in_how_many_pieces_it_is_measured(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measured(model, places=10)
    monkeypatch.setattr("longhand.gates.memory.MOST_LOGITS", 1)
    assert np.allclose(measured(model, places=10).bits, whole.bits, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize(("text", "reach"), [("the cat", 0), ("a" * 100, 0), (VERSE[:40], 20), (VERSE[:33], 16)])
def test_a_short_text_says_less_or_nothing(model: Model, text: str, reach: int) -> None:
    found = measured(model, text, reach=100)
    assert len(found.bits) == reach
    assert (found.places > 0) == (reach > 0)


def test_nothing_reaches_beyond_the_end_of_a_document(model: Model) -> None:
    config = msgspec.structs.replace(model.config, documents=True)
    documents = Model(replace(model.file, config=config))
    text = "\n".join(["abcdefgh", "hgfedcba"] * 20)
    found = documents.inspect(text, reach=12, places=400).influence
    assert np.all(found.bits[:7] > 0)
    assert np.all(found.bits[8:] == 0)
    whole = model.inspect(text, reach=12, places=400).influence
    assert np.all(whole.bits > 0)


@pytest.mark.parametrize("rare", [1, 3])
def test_what_takes_a_tokens_place_is_another_one_as_often_as_it_occurs(rare: int) -> None:
    tokens = np.array([5] * 60 + [7] * 30 + [9] * rare)
    drawn = _substitutes(tokens, np.array([5] * 20_000), np.random.default_rng(0))
    assert set(drawn.tolist()) == {7, 9}
    assert (drawn == 9).mean() == pytest.approx(rare / (30 + rare), abs=0.01)
    assert set(_substitutes(tokens, np.array([9, 7] * 500), np.random.default_rng(0))[::2].tolist()) == {5, 7}
