"""Training: it learns, it repeats itself for a seed, it keeps the best, and any engine can do it."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import VERSE, small_file
from engines import Forgetful

from longhand.api import train
from longhand.arrays import FloatArray, TokenIds
from longhand.config import TrainConfig
from longhand.errors import CorpusError, OptionError, OutputError, TrainingError
from longhand.model import Model, load
from longhand.modelfile import ModelFile, Weights
from longhand.state import State
from longhand.training import trainer
from longhand.training.checkpoint_file import read_checkpoint
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.evaluation import LEAD_IN, WINDOW
from longhand.training.events import Checkpointed, Evaluated, Event, Finished, NotCheckpointed, Started, Stepped
from longhand.training.pace import StepPace
from longhand.training.run_folder import RunFolder
from longhand.training.torch_engine import TorchEngine
from longhand.training.trainer import train_model

SMALL = {"hidden": 16, "embedding": 8, "layers": 2, "batch": 4, "window": 16, "threads": 1}


def verse() -> io.StringIO:
    return io.StringIO(VERSE * 40)


def long_verse() -> io.StringIO:
    return io.StringIO(VERSE * 1000)


def small(**settings: float) -> TrainConfig:
    return TrainConfig(**{**SMALL, **settings})  # type: ignore[arg-type]


class FixedEngine(Forgetful):
    """An engine without torch whose held-out losses are given, and whose weights count the steps."""

    def __init__(self, weights: Weights, held_out_nats: list[float], loss: float = 1.0) -> None:
        self._weights, self._nats, self._loss = weights, iter(held_out_nats), loss
        self.steps = 0
        self._current = 0.0

    def step(self, inputs: TokenIds, targets: TokenIds, state: State, learning_rate: float) -> tuple[float, State]:
        assert learning_rate > 0
        self.steps += 1
        self._current = math.nan
        assert inputs.shape == targets.shape
        return self._loss, state

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        assert inputs.shape == targets.shape
        if math.isnan(self._current):
            self._current = next(self._nats)
        return np.full(inputs.shape, self._current, np.float32), state

    def weights(self) -> Weights:
        return {**self._weights, "head.bias": np.full_like(self._weights["head.bias"], self.steps)}


def with_engine(monkeypatch: pytest.MonkeyPatch, nats: list[float], loss: float = 1.0) -> None:
    monkeypatch.setattr(trainer, "engine_for", lambda recipe, _: FixedEngine(recipe.weights, nats, loss))


def test_it_learns_more_than_how_often_each_character_comes() -> None:
    model = Model(train_model([verse()], small(epochs=25, hidden=64, learning_rate=0.02)))
    text = VERSE * 40
    shares = np.array([text.count(letter) for letter in set(text)]) / len(text)
    entropy = -(shares * np.log2(shares)).sum()
    assert model.card.validation_bits_per_character is not None
    assert model.card.validation_bits_per_character < entropy / 4
    assert model.generate(length=20, greedy=True) in VERSE * 3


def test_the_same_seed_trains_the_same_weights_and_another_one_others() -> None:
    one, two, other = (train_model([verse()], small(epochs=1, seed=seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)
    assert not np.array_equal(one.weights["head.weight"], other.weights["head.weight"])


def test_training_changes_every_tensor_and_leaves_the_unknown_token_silent() -> None:
    before: list[ModelFile] = []
    after = train_model([verse()], small(epochs=1), tell=lambda event: _collect(event, before))
    assert all(not np.array_equal(before[0].weights[name], after.weights[name]) for name in after.weights)
    assert not after.weights["embedding.weight"][0].any()


def _collect(event: Event, models: list[ModelFile]) -> None:
    if isinstance(event, Started):
        models.append(event.model)


def test_the_best_model_is_kept_with_its_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nats = [5.0, 4.5, 4.0, 3.5, 3.75, 3.0, 2.0, 2.5, 2.25, 2.75]
    with_engine(monkeypatch, nats)
    events: list[Event] = []
    model = train_model([verse()], small(epochs=10), tmp_path / "m", tell=events.append)
    scores = [event for event in events if isinstance(event, Evaluated)]
    assert [round(score.validation_bits * math.log(2), 6) for score in scores] == nats
    assert [number for number, score in enumerate(scores) if not score.best] == [4, 7, 8, 9]
    assert model.card.validation_bits_per_character == pytest.approx(2.0 / math.log(2))
    assert model.weights["head.bias"][0] == scores[6].last.step
    assert model.card.trained_epochs == pytest.approx(10, abs=0.05)
    assert np.array_equal(load(tmp_path / "m.safetensors").file.weights["head.bias"], model.weights["head.bias"])


def test_it_ends_early_where_scores_only_get_worse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_engine(monkeypatch, [3.0, 2.0, *[2.1] * 5, 1.9, *[2.5] * 6, 0.1])
    events: list[Event] = []
    model = train_model([verse()], small(epochs=20), tmp_path / "m", tell=events.append)
    scores = [event for event in events if isinstance(event, Evaluated)]
    assert len(scores) == 14
    assert model.card.stopped_by == "no improvement"
    assert model.card.validation_bits_per_character == pytest.approx(1.9 / math.log(2))
    assert scores[-1].last.step == 14 * scores[0].last.step  # it ends with that score, and no step later
    steps = [event.step for event in events if isinstance(event, Stepped)]
    assert steps[-1] == scores[-1].last.step
    resumed: list[Event] = []
    with_engine(monkeypatch, [2.0 - 0.1 * number for number in range(9)])
    train_model([verse()], small(epochs=20), tmp_path / "m", resume=True, tell=resumed.append)
    assert [event for event in resumed if isinstance(event, Evaluated)]  # patience begins anew


def test_events_come_in_order_and_the_log_repeats_the_scores(tmp_path: Path) -> None:
    events: list[Event] = []
    model = train_model([verse()], small(epochs=2), tmp_path / "m.safetensors", tell=events.append)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert isinstance(events[-2], Evaluated)
    steps = [event for event in events if isinstance(event, Stepped)]
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert 0 < steps[0].progress < steps[-1].progress == 1
    lines = (tmp_path / "m.run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    log = [json.loads(line) for line in lines]
    logged = [line for line in log if line["event"] == "step"]
    assert [line["event"] for line in log if line not in logged] == ["started", *["evaluated"] * 9, "finished"]
    assert (logged[0]["step"], logged[-1]["step"]) == (1, len(steps))
    assert log[-2]["validation_bits_per_character"] == round(events[-2].validation_bits, 4)
    assert {path.name for path in (tmp_path / "m.run").glob("[!.]*")} == {"corpus.json", "log.jsonl"}
    assert model.card.held_out_characters == model.card.validation_characters == len(VERSE * 4)


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 39, 59])
def test_a_training_by_epochs_is_scored_8_to_25_times(monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    with_engine(monkeypatch, [9.0 - 0.1 * number for number in range(60)])
    events: list[Event] = []
    train_model([io.StringIO(VERSE * 12)], small(epochs=epochs, batch=16, window=16), tell=events.append)
    steps = len([event for event in events if isinstance(event, Stepped)])
    scores = len([event for event in events if isinstance(event, Evaluated)])
    assert min(steps, 8) <= scores <= 25


def test_of_thousands_of_steps_some_hundreds_are_logged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_engine(monkeypatch, [2 / score for score in range(1, 31)])
    train_model([verse()], small(epochs=100, window=8), tmp_path / "m")
    lines = (tmp_path / "m.run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    log = [line for line in map(json.loads, lines) if line["event"] == "step"]
    assert log[-1]["step"] > 3000
    assert 300 < len(log) <= 401
    assert all(line["learning_rate"] > 0 for line in log)


def test_the_best_so_far_lies_in_the_run_folder_while_it_trains(tmp_path: Path) -> None:
    found: list[str] = []

    def look(event: Event) -> None:
        if isinstance(event, Evaluated):
            found.append(Model(load(tmp_path / "m.run" / "best.safetensors").file).generate(length=5, seed=0))

    train_model([verse()], small(epochs=2), tmp_path / "m.safetensors", tell=look)
    assert len(found) == 9


class HardAtFirst(FixedEngine):
    """An engine whose losses are twice as high on the first block of a score."""

    _blocks = 0

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        changed = math.isnan(self._current)
        losses, after = super().losses(inputs, targets, state)
        self._blocks = 0 if changed else self._blocks + 1
        return losses * (2 if self._blocks <= LEAD_IN // WINDOW else 1), after


def cut_short(monkeypatch: pytest.MonkeyPatch, nats: list[float], events: list[Event]) -> Callable[[Event], None]:
    """Have the clock cut the last score off after its first block; return the listener for it, which keeps events."""
    monkeypatch.setattr(trainer, "engine_for", lambda recipe, _: HardAtFirst(recipe.weights, nats))
    late: list[bool] = []
    monkeypatch.setattr(StepPace, "overdue", lambda _: bool(late))

    def watch(event: Event) -> None:
        if isinstance(event, Stepped) and event.progress == 1:
            late.append(True)
        events.append(event)

    return watch


def remarks_of(events: list[Event]) -> list[str]:
    assert isinstance(events[-1], Finished)
    return events[-1].remarks


def test_a_last_score_that_the_clock_cuts_off_counts_against_the_same_part_of_the_best(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The weights before, scored whole, have the lower figure; on the part that both were scored on, the higher one."""
    events: list[Event] = []
    watch = cut_short(monkeypatch, [2.0 - 0.01 * number for number in range(9)], events)
    model = train_model([long_verse()], small(epochs=1), tmp_path / "m", tell=watch)
    scores = [event for event in events if isinstance(event, Evaluated)]
    assert scores[-1].validation_bits > scores[-2].validation_bits
    assert scores[-1].best
    assert model.card.kept_epochs == model.card.trained_epochs
    assert 0 < model.card.validation_characters < model.card.held_out_characters
    assert model.card.validation_bits_per_character == scores[-1].validation_bits
    assert remarks_of(events)[0].startswith("time ran out during the final score: it covers 2,048 characters")
    assert len(list((tmp_path / "m.run").glob("checkpoint-*"))) == 1


def test_weights_that_are_worse_on_the_same_part_are_not_delivered_and_stay_in_the_checkpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    events: list[Event] = []
    watch = cut_short(monkeypatch, [*(2.0 - 0.01 * number for number in range(8)), 1.95], events)
    model = train_model([long_verse()], small(epochs=1, checkpoint_every=1e6), tmp_path / "m", tell=watch)
    assert model.card.kept_epochs < model.card.trained_epochs
    steps = max(event.step for event in events if isinstance(event, Stepped))
    kept = round(float(model.weights["head.bias"][0]))
    said = f"the weights of step {kept:,} of {steps:,} scored better than the last ones"
    assert remarks_of(events)[0].startswith(said)
    assert "--resume continues" in remarks_of(events)[0]
    [left] = (tmp_path / "m.run").glob("checkpoint-*")
    assert read_checkpoint(left).saved.facts["learner"]["steps"] == steps
    assert json.loads((tmp_path / "m.run" / "log.jsonl").read_text().splitlines()[-1])["remarks"]


def test_a_training_that_delivers_its_last_weights_says_nothing_and_leaves_no_checkpoint(tmp_path: Path) -> None:
    events: list[Event] = []
    train_model([verse()], small(epochs=1, checkpoint_every=0), tmp_path / "m", tell=events.append)
    assert remarks_of(events) == []
    assert any(isinstance(event, Checkpointed) for event in events)
    assert not list((tmp_path / "m.run").glob("checkpoint-*"))


def test_without_room_for_the_log_and_the_best_model_a_training_goes_on_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = False

    class Full(RunFolder):
        def log(self, record: dict[str, object]) -> None:
            if full:
                raise OutputError("log.jsonl: cannot write (No space left on device)")
            super().log(record)

        def keep(self, model: ModelFile, name: str | None = None) -> None:
            if full:
                raise OutputError("best.safetensors: cannot write (No space left on device)")
            super().keep(model, name)

    events: list[Event] = []

    def watch(event: Event) -> None:
        nonlocal full
        events.append(event)
        full = (isinstance(event, Stepped) and 0.3 < event.progress < 0.8) or (full and not isinstance(event, Stepped))

    with_engine(monkeypatch, [5.0 - 0.5 * number for number in range(9)])
    monkeypatch.setattr(trainer, "RunFolder", Full)
    model = train_model([verse()], small(epochs=4), tmp_path / "m", tell=watch)
    said = [event.problem for event in events if isinstance(event, NotCheckpointed)]
    assert 1 <= len(said) <= 2
    assert all("No space left" in problem for problem in said)
    assert model.card.validation_bits_per_character == pytest.approx(1.0 / math.log(2))
    lines = (tmp_path / "m.run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    logged = [json.loads(line)["progress"] for line in lines if '"step"' in line and "progress" in line]
    assert any(progress < 0.3 for progress in logged)
    assert any(progress > 0.8 for progress in logged)
    assert not any(0.35 < progress < 0.75 for progress in logged)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_training_and_names_the_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loss: float
) -> None:
    with_engine(monkeypatch, [1.0], loss)
    message = f"the loss became {loss} at step 1, after 3 returns to a checkpoint, each with half the rate: try a lower"
    with pytest.raises(TrainingError, match=message):
        train_model([verse()], small(epochs=1), tmp_path / "m")
    assert not (tmp_path / "m.safetensors").exists()


def test_a_score_that_is_not_finite_keeps_no_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_engine(monkeypatch, [math.inf] * 4)
    with pytest.raises(TrainingError, match="the loss became inf at step"):
        train_model([verse()], small(epochs=1), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_at_least_one_step_is_made_however_short_the_time() -> None:
    model = train_model([verse()], small(minutes=1e-6))
    assert model.card.trained_characters == 4 * 16
    assert model.card.stopped_by == "time"


@pytest.mark.parametrize("name", ["m.safetensors", "m.run"])
def test_nothing_that_exists_is_overwritten_unasked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir() if name.endswith("run") else (tmp_path / name).write_text("old", encoding="utf-8")
    with pytest.raises(OutputError, match=f"{name}.*--overwrite"):
        train_model([verse()], small(epochs=1), tmp_path / "m.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_overwriting_replaces_model_and_log_and_nothing_else(tmp_path: Path) -> None:
    train_model([verse()], small(epochs=1), tmp_path / "m")
    (tmp_path / "m.run" / "notes.txt").write_text("mine", encoding="utf-8")
    train_model([verse()], small(epochs=2), tmp_path / "m", overwrite=True)
    assert load(tmp_path / "m.safetensors").card.training["epochs"] == 2
    assert sorted(path.name for path in (tmp_path / "m.run").glob("[!.]*")) == ["corpus.json", "log.jsonl", "notes.txt"]


def test_of_two_trainings_into_one_name_the_second_is_refused(tmp_path: Path) -> None:
    def start_another(event: Event) -> None:
        if isinstance(event, Started):
            with pytest.raises(OutputError, match=rf"m.run is held by a training .*process {os.getpid()} on"):
                train_model([verse()], small(epochs=1), tmp_path / "m")

    train_model([verse()], small(epochs=1), tmp_path / "m", tell=start_another)
    assert load(tmp_path / "m.safetensors").card.trained_epochs > 0


def test_a_window_longer_than_the_text_is_refused() -> None:
    with pytest.raises(CorpusError, match="expected more than a window of 5000"):
        train(verse(), window=5000)


def test_an_absent_device_is_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    import torch

    absent = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(OptionError, match=f"device: {absent} is not available here, expected one of: auto, cpu"):
        train(verse(), tmp_path / "m", device=absent)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [TrainingError("no"), OutputError("no"), KeyboardInterrupt()])
def test_a_training_that_kept_nothing_is_not_in_the_way_of_the_next(tmp_path: Path, failure: BaseException) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, Stepped):
            raise failure

    with pytest.raises(type(failure)):
        train_model([verse()], small(epochs=1), tmp_path / "m.safetensors", tell=fail)
    assert list(tmp_path.iterdir()) == []


def test_where_a_training_fails_late_the_best_model_is_named(tmp_path: Path) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, Evaluated):
            raise TrainingError("it broke")

    with pytest.raises(TrainingError, match=r"it broke; the best model so far is .*m\.run/best\.safetensors"):
        train_model([verse()], small(epochs=1), tmp_path / "m.safetensors", tell=fail)
    assert load(tmp_path / "m.run" / "best.safetensors").card.validation_bits_per_character is not None


def test_lack_of_memory_says_what_to_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError("for a step")

    monkeypatch.setattr(trainer, "engine_for", no_memory)
    with pytest.raises(TrainingError, match=r"out of memory \(for a step\): take a smaller --hidden, --batch or"):
        train_model([verse()], small(epochs=1))


def test_an_engine_reports_torchs_lack_of_memory_as_such() -> None:
    file = small_file()
    engine = TorchEngine(
        file.config, file.weights, update=DefaultRecipe.update, dropout=0, device="cpu", threads=None, seed=0
    )
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.int64), (2**22, 2**14), (0, 0))  # takes no memory by itself
    with pytest.raises(MemoryError):
        engine.losses(huge, huge, State.zeros(file.config, 2**14))


def test_a_file_where_the_folder_goes_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.run").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"m\.run is a file"):
        train_model([verse()], small(epochs=1), tmp_path / "m.safetensors", overwrite=True)


def test_an_interrupted_training_does_not_score_a_long_text_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    import signal
    import time

    class Slow(FixedEngine):
        def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
            time.sleep(0.05)
            return np.ones(targets.shape, np.float32) * inputs.shape[0], state

    monkeypatch.setattr(trainer, "engine_for", lambda recipe, _: Slow(recipe.weights, []))
    monkeypatch.setattr("longhand.training.loop.QUICK", 0.2)
    began = time.monotonic()

    def interrupt(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 1:
            signal.raise_signal(signal.SIGINT)

    model = train_model([io.StringIO(VERSE * 20_000)], small(epochs=1), tell=interrupt)
    assert time.monotonic() - began < 4
    assert model.card.stopped_by == "SIGINT"
    assert 0 < model.card.validation_characters < model.card.held_out_characters / 10
