"""The parts of the recipe, seen where they are used: what an engine is given, and what torch makes of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from conftest import VERSE, small_file
from engines import Forgetful

from longhand.arrays import FloatArray, TokenIds
from longhand.config import TrainConfig
from longhand.modelfile import ModelFile, Weights
from longhand.state import State
from longhand.training import trainer
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.recipe import Recipe
from longhand.training.schedule import learning_rate
from longhand.training.torch_engine import TorchEngine
from longhand.training.trainer import train_model

BATCH, WINDOW = 4, 16


class RecordingEngine(Forgetful):
    """An engine that learns nothing, notes all it is given, and returns a state that can be recognised."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.inputs: list[TokenIds] = []
        self.targets: list[TokenIds] = []
        self.states: list[State] = []
        self.rates: list[float] = []
        self.scored: list[TokenIds] = []

    def step(self, inputs: TokenIds, targets: TokenIds, state: State, learning_rate: float) -> tuple[float, State]:
        self.inputs.append(inputs)
        self.targets.append(targets)
        self.states.append(state)
        self.rates.append(learning_rate)
        number = float(len(self.rates))
        return 1.0, State(np.full_like(state.hidden, number), np.full_like(state.cell, -number))

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        assert inputs.shape == targets.shape
        self.scored.append(targets)
        return np.ones(targets.shape, np.float32), state

    def weights(self) -> Weights:
        return self._weights


def recorded(
    monkeypatch: pytest.MonkeyPatch, text: str, epochs: float = 3, chapter: int = 4096
) -> tuple[RecordingEngine, ModelFile]:
    engines: list[RecordingEngine] = []

    def make(recipe: Recipe, _: TrainConfig) -> RecordingEngine:
        engines.append(RecordingEngine(recipe.weights))
        return engines[0]

    monkeypatch.setattr(trainer, "engine_for", make)
    config = TrainConfig(
        epochs=epochs, batch=BATCH, window=WINDOW, chapter=chapter, hidden=8, embedding=4, learning_rate=0.01
    )
    model = train_model([io.StringIO(text)], config)
    return engines[0], model


def test_nothing_of_the_held_out_tenth_is_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    # The last tenth has the letter b alone, which the learned part has but once, at its beginning.
    text = ("b" + "acd\n" * 1000)[:3600] + "b" * 400
    engine, model = recorded(monkeypatch, text)
    b = 2 + str(model.tokenizer["characters"]).index("b")
    learned = np.concatenate([*engine.inputs, *engine.targets])
    assert 0 < (learned == b).sum() < 20
    assert not any((window[1:] == b).any() for window in engine.targets)
    assert (np.concatenate(engine.scored) == b).sum() > 300


@pytest.mark.parametrize(("chapter", "groups"), [(4096, 1), (100, 3)])
def test_the_state_is_carried_from_window_to_window_and_cleared_where_a_stream_restarts(
    monkeypatch: pytest.MonkeyPatch, chapter: int, groups: int
) -> None:
    engine, _ = recorded(monkeypatch, VERSE * 60, chapter=chapter)
    restarts = 0
    assert all((inputs[0] == 1).all() == (number < groups) for number, inputs in enumerate(engine.inputs[: groups + 2]))
    for number, (inputs, state) in enumerate(zip(engine.inputs, engine.states, strict=True)):
        restarted = inputs[0] == 1
        expected = np.where(restarted, 0.0, float(number - groups + 1))  # what the group's last step made it
        assert np.array_equal(state.hidden, np.broadcast_to(expected[:, None], state.hidden.shape))
        assert np.array_equal(state.cell, np.broadcast_to(-expected[:, None], state.cell.shape))
        restarts += int(restarted.sum())
    assert BATCH < restarts < BATCH * len(engine.inputs) / 4


def test_the_learning_rate_follows_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = recorded(monkeypatch, VERSE * 60)
    steps = len(engine.rates)
    assert engine.rates == [learning_rate(step / steps, 0.01) for step in range(steps)]
    assert steps == round(3 * len(VERSE * 54) / (BATCH * WINDOW))


def test_a_training_of_one_epoch_is_scored_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = recorded(monkeypatch, VERSE * 60, epochs=1)
    held_out = sum(int((targets >= 0).sum()) for targets in engine.scored)
    assert held_out > 4 * len(VERSE) * 6


def windows(seed: int, vocabulary: int) -> tuple[TokenIds, TokenIds]:
    ids = np.random.default_rng(seed).integers(2, vocabulary, (WINDOW + 1, BATCH))
    return ids[:-1], ids[1:]


def engine_of(file: ModelFile, dropout: float = 0.0) -> TorchEngine:
    return TorchEngine(
        file.config, file.weights, update=DefaultRecipe.update, dropout=dropout, device="cpu", threads=1, seed=0
    )


def test_dropout_acts_in_learning_and_not_in_scoring() -> None:
    file = small_file()
    inputs, targets = windows(0, file.config.vocabulary_size)
    fresh = State.zeros(file.config, BATCH)
    dropping, whole = engine_of(file, 0.5), engine_of(file)
    scored = dropping.losses(inputs, targets, fresh)[0]
    assert np.array_equal(scored, whole.losses(inputs, targets, fresh)[0])
    assert whole.step(inputs, targets, fresh, 1e-9)[0] == pytest.approx(scored.mean(), abs=1e-6)
    losses = {round(dropping.step(inputs, targets, fresh, 1e-9)[0], 6) for _ in range(3)}
    assert len(losses) == 3
    assert round(float(scored.mean()), 6) not in losses


def test_the_first_step_is_adams_each_weight_moves_by_the_rate() -> None:
    file = small_file()
    engine = engine_of(file)
    inputs, targets = windows(0, file.config.vocabulary_size)
    engine.step(inputs, targets, State.zeros(file.config, BATCH), 0.01)
    moved = np.abs(engine.weights()["head.bias"] - file.weights["head.bias"] * (1 - 0.01 * 0.01))
    np.testing.assert_allclose(moved, 0.01, rtol=1e-3)


def test_a_large_gradient_is_cut_to_the_length_of_one() -> None:
    file = small_file()
    file.weights["head.weight"] *= 1000  # wrong, and sure of it
    engine = engine_of(file)
    inputs, targets = windows(0, file.config.vocabulary_size)
    engine.step(inputs, targets, State.zeros(file.config, BATCH), 1e-9)
    gradients = [weight.grad for weight in engine._network.parameters() if weight.grad is not None]
    assert sum(float((gradient**2).sum()) for gradient in gradients) == pytest.approx(1, rel=1e-3)


def test_a_step_in_groups_of_streams_is_the_step_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    file = small_file()
    inputs, targets = windows(0, file.config.vocabulary_size)
    results = []
    for held in (1 << 21, WINDOW * 2 * 16 * 3, 1):
        monkeypatch.setattr("longhand.training.torch_engine.HELD_AT_ONCE", held)
        engine = engine_of(file)
        state = State.zeros(file.config, BATCH)
        for _ in range(2):
            loss, state = engine.step(inputs, targets, state, 0.01)
        results.append((loss, state, engine.weights()))
    for loss, state, weights in results[1:]:
        assert loss == pytest.approx(results[0][0], abs=1e-6)
        np.testing.assert_allclose(state.hidden, results[0][1].hidden, rtol=0, atol=1e-5)
        np.testing.assert_allclose(state.cell, results[0][1].cell, rtol=0, atol=1e-5)
        for name, array in weights.items():
            np.testing.assert_allclose(array, results[0][2][name], rtol=0, atol=1e-4)


def test_a_step_lowers_the_loss_on_what_it_saw() -> None:
    file = small_file()
    engine = engine_of(file)
    inputs, targets = windows(0, file.config.vocabulary_size)
    fresh = State.zeros(file.config, BATCH)
    first = [engine.step(inputs, targets, fresh, 0.01)[0] for _ in range(30)]
    assert first[-1] < first[0] - 0.5


def test_the_initial_values_are_those_of_the_table() -> None:
    file = small_file(layers=2, hidden=16)
    for layer in range(2):
        bias, recurrent = file.weights[f"layers.{layer}.bias"], file.weights[f"layers.{layer}.weight_hh"]
        assert bias[16:32].tolist() == [1] * 16  # the forget gate
        assert not bias[:16].any()
        assert not bias[32:].any()
        for gate in np.split(recurrent, 4):
            np.testing.assert_allclose(gate @ gate.T, np.eye(16), atol=1e-5)
    assert not file.weights["embedding.weight"][0].any()  # the unknown token
    shares = np.exp(file.weights["head.bias"].astype(np.float64))
    assert shares.sum() == pytest.approx(1, abs=1e-6)
