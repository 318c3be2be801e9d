"""A training that was stopped, however, goes on as if it had not been."""

from __future__ import annotations

import hashlib
import io
import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Run, assert_refused

from longhand.api import train
from longhand.errors import ModelFormatError, OptionError, OutputError, TrainingError
from longhand.modelfile import ModelFile
from longhand.training import safety, trainer
from longhand.training.checkpoint_file import read_checkpoint, write_checkpoint
from longhand.training.choice import engine_for
from longhand.training.engine import DivergenceError, Engine
from longhand.training.events import (
    Checkpointed,
    EpochEnded,
    Evaluated,
    Event,
    NotCheckpointed,
    Resumed,
    RolledBack,
    Stepped,
)
from longhand.training.torch_engine import TorchEngine

SMALL: dict[str, Any] = {
    "hidden": 16, "embedding": 8, "batch": 4, "window": 16, "threads": 1, "epochs": 2, "checkpoint_every": 0,
}  # fmt: skip
GROUPS: dict[str, Any] = {**SMALL, "chapter": 60, "batch": 2}  # six groups of streams take turns
CLASSIC: dict[str, Any] = {**SMALL, "recipe": "classic", "embedding": 0, "batch": 400, "held_out": 0.1}


class Killed(BaseException):
    """As sudden as a signal that cannot be caught."""


def verse() -> io.StringIO:
    return io.StringIO(VERSE * 40)


class Watch:
    """Remembers losses and other events; ends the training at a step, after so many checkpoints."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.losses: dict[int, float] = {}
        self.events: list[Event] = []
        self._kill_at = kill_at

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Stepped):
            self.losses[event.step] = event.training_bits
            if event.step == self._kill_at:
                raise Killed

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def digest(file: ModelFile) -> str:
    return hashlib.sha256(b"".join(file.weights[name].tobytes() for name in sorted(file.weights))).hexdigest()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a checkpoint after every step, however long that takes."""
    monkeypatch.setattr(safety, "SAVING_SHARE", math.inf)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("settings", [SMALL, GROUPS, CLASSIC], ids=["default", "groups", "classic"])
def test_a_killed_training_goes_on_to_the_same_losses_and_weights(tmp_path: Path, settings: dict[str, Any]) -> None:
    whole = Watch()
    expected = train(verse(), tmp_path / "whole", listener=whole, **settings)
    steps = len(whole.losses)
    losses: dict[int, float] = {}
    for turn, kill_at in enumerate([2, 3, steps // 3, steps // 2, steps - 1]):
        watch = Watch(kill_at)
        with pytest.raises(Killed):
            train(verse(), tmp_path / "cut", listener=watch, resume=turn > 0, **settings)
        losses.update(watch.losses)
    last = Watch()
    resumed = train(verse(), tmp_path / "cut", listener=last, resume=True)
    losses.update(last.losses)
    assert last.of(Resumed)[0].step == steps - 2  # the checkpoint before the step that it was killed at
    assert losses == whole.losses
    assert digest(resumed.file) == digest(expected.file)
    kept = ("validation_bits_per_character", "kept_epochs", "trained_epochs", "training_bits_per_character")
    assert [getattr(resumed.card, name) for name in kept] == [getattr(expected.card, name) for name in kept]
    assert sorted(path.name for path in (tmp_path / "cut.run").iterdir() if path.suffix == ".safetensors") == sorted(
        path.name for path in (tmp_path / "whole.run").iterdir() if path.suffix == ".safetensors"
    )


@pytest.mark.parametrize(("settings", "at"), [(SMALL, 20), (SMALL, "scores"), (CLASSIC, 3), (CLASSIC, "epoch")])
def test_an_interrupted_training_keeps_its_checkpoint_and_goes_on(
    tmp_path: Path, settings: dict[str, Any], at: int | str
) -> None:
    """Also where it is interrupted while a score is due, or an epoch ends."""
    whole, first, second = Watch(), Watch(), Watch()
    expected = train(verse(), tmp_path / "whole", listener=whole, **settings)
    ends = [event.last.step for event in whole.events if isinstance(event, Evaluated | EpochEnded)]
    step = at if isinstance(at, int) else ends[0]

    def interrupt(event: Event) -> None:
        first(event)
        if isinstance(event, Stepped) and event.step == step:
            signal.raise_signal(signal.SIGINT)

    assert train(verse(), tmp_path / "cut", listener=interrupt, **settings).card.stopped_by == "SIGINT"
    resumed = train(verse(), tmp_path / "cut", listener=second, resume=True)
    assert resumed.card.stopped_by == "epochs"
    assert digest(resumed.file) == digest(expected.file)
    scores = {event.last.step: event.validation_bits for event in second.of(Evaluated)}
    wanted = {event.last.step: event.validation_bits for event in whole.of(Evaluated) if event.last.step >= step}
    assert scores == wanted
    assert [event.epoch for event in second.of(EpochEnded)] == [event.epoch for event in whole.of(EpochEnded)]
    with pytest.raises(OutputError, match="no checkpoint in it to resume from"):
        train(verse(), tmp_path / "cut", resume=True)


@pytest.mark.usefixtures("often")
def test_what_is_resumed_has_its_text_and_its_settings(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(verse(), tmp_path / "m", listener=Watch(9), **SMALL)
    with pytest.raises(OptionError, match="not the text that the training to resume has read"):
        train(io.StringIO(VERSE * 41), tmp_path / "m", resume=True)
    with pytest.raises(OptionError, match="hidden: found 17, the training to resume has 16"):
        train(verse(), tmp_path / "m", resume=True, hidden=17)
    with pytest.raises(OptionError, match="minutes: the training to resume ends after some epochs"):
        train(verse(), tmp_path / "m", resume=True, minutes=3)
    with pytest.raises(OutputError, match=r"m\.run holds a training that did not end: go on with it \(--resume\)"):
        train(verse(), tmp_path / "m", **SMALL)
    model = train(verse(), tmp_path / "m", resume=True, hidden=16, epochs=3)
    assert model.card.trained_epochs == pytest.approx(3, abs=0.03)


@pytest.mark.usefixtures("often")
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(verse(), tmp_path / "m", listener=Watch(9), **SMALL)
    newest = max((tmp_path / "m.run").glob("checkpoint-*"))
    newest.write_bytes(newest.read_bytes()[:-100])
    watch = Watch()
    resumed = train(verse(), tmp_path / "m", listener=watch, resume=True)
    assert watch.of(Resumed)[0].step == 7
    assert newest.name in watch.of(Resumed)[0].problems[0]
    assert digest(resumed.file) == digest(train(verse(), tmp_path / "whole", **SMALL).file)
    with pytest.raises(Killed):
        train(verse(), tmp_path / "n", listener=Watch(9), **SMALL)
    for path in (tmp_path / "n.run").glob("checkpoint-*"):
        path.write_bytes(b"\x80\x04.")  # a pickle
    with pytest.raises(Exception, match="no checkpoint can be read"):
        train(verse(), tmp_path / "n", resume=True)


DAMAGES: dict[str, Callable[[Any, Any], object]] = {
    "no tensor": lambda arrays, _: arrays.pop("engine/head.weight"),
    "another tensor": lambda arrays, _: arrays.update({"engine/head.weight": np.zeros((3, 3), np.float32)}),
    "another state": lambda arrays, _: arrays.update({"learner/0/hidden": np.zeros((1, 9, 5), np.float32)}),
    "another batch": lambda arrays, _: arrays.update({"reader/next": np.zeros(9, np.int64)}),
    "another chapter": lambda _, facts: facts["reader"].update(place=10**6),
    "another group": lambda _, facts: facts["reader"].update(turn=99),
    "another order": lambda arrays, _: arrays.update({"reader/keys": np.zeros(0, np.uint64)}),
    "no count": lambda _, facts: facts.pop("returns"),
    "another generator": lambda _, facts: facts["reader"].update(random={"bit_generator": "MT19937"}),
    "no loss": lambda _, facts: facts["learner"].pop("recent_bits"),
}


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path: Path, damage: str) -> None:
    with pytest.raises(Killed):
        train(verse(), tmp_path / "m", listener=Watch(4), **SMALL)
    for path in (tmp_path / "m.run").glob("checkpoint-*"):
        checkpoint = read_checkpoint(path)
        DAMAGES[damage](checkpoint.saved.arrays, checkpoint.saved.facts)
        write_checkpoint(checkpoint, path)
    with pytest.raises(ModelFormatError, match="the checkpoint does not fit this training"):
        train(verse(), tmp_path / "m", resume=True)


class Unsteady:
    """An engine whose loss is no number whenever the rate is above a limit."""

    def __init__(self, engine: Engine, limit: float) -> None:
        self._engine, self._limit, self._steps = engine, limit, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def step(self, *arguments: Any) -> Any:
        self._steps += 1
        if self._steps > 6 and arguments[3] > self._limit:
            raise DivergenceError("the loss became nan")
        return self._engine.step(*arguments)


def unsteady(monkeypatch: pytest.MonkeyPatch, limit: float) -> None:
    monkeypatch.setattr(trainer, "engine_for", lambda recipe, config: Unsteady(engine_for(recipe, config), limit))


@pytest.mark.usefixtures("often")
def test_trouble_leads_back_to_the_last_checkpoint_and_on_at_a_lower_rate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unsteady(monkeypatch, 2e-3)
    watch = Watch()
    model = train(verse(), tmp_path / "m", listener=watch, **SMALL, learning_rate=6e-3)
    returns = watch.of(RolledBack)
    assert [back.learning_rate for back in returns] == [3e-3, 1.5e-3]
    assert all(back.to_step == back.step - 1 for back in returns)
    assert model.card.validation_bits_per_character is not None
    assert [step.step for step in watch.of(Stepped)] == list(range(1, len(watch.losses) + 1))


@pytest.mark.usefixtures("often")
def test_after_three_returns_it_gives_up_and_the_best_model_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unsteady(monkeypatch, 1e-5)
    watch = Watch()
    with pytest.raises(TrainingError, match="the loss became nan at step 7, after 3 returns"):
        train(verse(), tmp_path / "m", listener=watch, **SMALL)
    assert [back.to_step for back in watch.of(RolledBack)] == [6, 6, 6]


def test_a_gradient_that_is_not_finite_leaves_the_weights_as_they_were() -> None:
    from conftest import small_file

    from longhand.state import State
    from longhand.training.default_recipe import DefaultRecipe

    file = small_file()
    file.weights["head.weight"][3] = np.float32(3e38)
    engine = TorchEngine(file.config, file.weights, update=DefaultRecipe.update, dropout=0, device="cpu", seed=0)
    tokens = np.full((5, 2), 3)
    before = engine.weights()
    with pytest.raises(DivergenceError, match="became"):
        engine.step(tokens, tokens, State.zeros(file.config, 2), 1e-3)
    after = engine.weights()
    assert all(np.array_equal(after[name], before[name]) for name in before)


@pytest.mark.usefixtures("often")
def test_without_room_for_a_checkpoint_the_training_goes_on_and_the_earlier_one_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(checkpoint: Any, path: Path) -> None:
        if "0000000002" not in path.name:
            raise OutputError(f"{path}: cannot write (No space left on device)")
        write_checkpoint(checkpoint, path)

    monkeypatch.setattr("longhand.training.run_folder.write_checkpoint", full)
    watch = Watch(8)
    with pytest.raises(Killed):
        train(verse(), tmp_path / "m", listener=watch, **SMALL)
    assert [event.step for event in watch.of(Checkpointed)] == [2]
    assert [event.step for event in watch.of(NotCheckpointed)] == [1, 3, 4, 5, 6, 7]
    monkeypatch.undo()
    watch = Watch()
    train(verse(), tmp_path / "m", listener=watch, resume=True)
    assert watch.of(Resumed)[0].step == 2


def test_leftovers_of_a_killed_writer_go_with_the_next_start(tmp_path: Path, verse_path: Path, longhand: Run) -> None:
    train(verse(), tmp_path / "m", **{**SMALL, "epochs": 0.1})
    (tmp_path / "m.run" / ".longhand-1.part").write_bytes(b"half")
    arguments = ["--epochs", 0.1, "--hidden", 8, "--batch", 4, "--window", 16, "-o", tmp_path / "m"]
    assert longhand("train", verse_path, *arguments, "--overwrite").returncode == 0
    assert sorted(path.name for path in (tmp_path / "m.run").iterdir()) == [
        ".lock",
        "corpus.json",
        "log.jsonl",
        "report.html",
    ]


def test_resuming_nothing_and_contradictions_are_refused(tmp_path: Path, verse_path: Path, longhand: Run) -> None:
    done = longhand("train", verse_path, "-o", tmp_path / "m", "--resume")
    assert_refused(done, "m.run: no checkpoint in it to resume from; start without --resume")
    assert_refused(longhand("train", verse_path, "--resume", "--overwrite"), "--resume and --overwrite exclude")
    with pytest.raises(OptionError, match="resume: expected the name of the model"):
        train(verse(), resume=True)
