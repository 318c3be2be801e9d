"""The classic recipe: the Keras tutorial's training and writing, step by step."""

from __future__ import annotations

import io
import json
import math
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Run, assert_refused, small_file
from engines import Forgetful

from longhand.api import train
from longhand.arrays import FloatArray, TokenIds
from longhand.config import NetworkConfig, TrainConfig
from longhand.errors import CorpusError, OptionError
from longhand.generation.sampler import probabilities
from longhand.model import Model, load
from longhand.modelfile import ModelFile, Weights, scalar_embedding
from longhand.runtime.reference import NumpySession
from longhand.settings import train_config
from longhand.state import State
from longhand.text.listed import ListedTokenizer
from longhand.training import trainer
from longhand.training.classic_recipe import ClassicRecipe
from longhand.training.evaluation import HeldOutWindows
from longhand.training.events import EpochEnded, Event, Finished, Started, Stepped
from longhand.training.recipe import Recipe
from longhand.training.torch_engine import TorchEngine
from longhand.training.trainer import train_model

SMALL: dict[str, Any] = {"recipe": "classic", "hidden": 16, "window": 10, "batch": 32, "threads": 1}
TEXT = VERSE * 15


def small(**settings: Any) -> TrainConfig:
    return train_config({**SMALL, **settings})


def classic_file(window: int = 7, layers: int = 2) -> ModelFile:
    plain = small_file(embedding=1, layers=layers)
    tokenizer = ListedTokenizer(sorted(set(VERSE)))
    config = NetworkConfig(
        vocabulary_size=tokenizer.size, embedding=1, hidden=plain.config.hidden, layers=layers, window=window
    )
    weights = {**plain.weights, "embedding.weight": scalar_embedding(tokenizer.size)}
    weights["head.weight"] = plain.weights["head.weight"][: tokenizer.size] * 30
    weights["head.bias"] = plain.weights["head.bias"][: tokenizer.size]
    weights["layers.0.weight_ih"] = plain.weights["layers.0.weight_ih"] * 20
    return ModelFile(config, tokenizer.to_record(), weights)


class LossyEngine(Forgetful):
    """An engine whose losses are given, and whose weights count the steps."""

    def __init__(self, weights: Weights, losses: list[float]) -> None:
        self._weights, self._losses = weights, losses
        self.steps = 0
        self.states: list[State] = []
        self.inputs: list[TokenIds] = []
        self.targets: list[TokenIds] = []

    def step(self, inputs: TokenIds, targets: TokenIds, state: State, learning_rate: float) -> tuple[float, State]:
        assert learning_rate == 1e-3
        assert targets.shape == (1, inputs.shape[1])
        self.states.append(state)
        self.inputs.append(inputs)
        self.targets.append(targets)
        self.steps += 1
        return self._losses[min(self.steps, len(self._losses)) - 1], State(state.hidden + 1, state.cell + 1)

    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        assert inputs.shape == (10, targets.shape[1])
        return np.full(targets.shape, math.log(2) * self.steps, np.float32), state

    def weights(self) -> Weights:
        return {**self._weights, "head.bias": np.full_like(self._weights["head.bias"], self.steps)}


def lossy(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> list[LossyEngine]:
    engines: list[LossyEngine] = []

    def make(recipe: Recipe, _: TrainConfig) -> LossyEngine:
        engines.append(LossyEngine(recipe.weights, losses))
        return engines[-1]

    monkeypatch.setattr(trainer, "engine_for", make)
    return engines


def test_its_defaults_are_the_scripts_numbers_and_each_can_be_overridden() -> None:
    config = train_config({"recipe": "classic"})
    assert (config.window, config.hidden, config.layers, config.dropout) == (100, 256, 2, 0.2)
    assert (config.batch, config.epochs, config.learning_rate, config.embedding) == (128, 20, 1e-3, 0)
    assert config.held_out == 0
    changed = train_config({"recipe": "classic", "window": 40, "batch": 64, "epochs": 3.0, "embedding": 8})
    assert (changed.window, changed.batch, changed.epochs, changed.embedding) == (40, 64, 3, 8)
    by_time = train_config({"recipe": "classic", "minutes": 3.0})
    assert (by_time.epochs, by_time.minutes) == (None, 3)
    assert train_config({}) == TrainConfig()


def test_it_learns_a_text_that_repeats_itself() -> None:
    model = train(
        io.StringIO(TEXT), **{**SMALL, "hidden": 48, "epochs": 12, "embedding": 16, "learning_rate": 0.01, "dropout": 0}
    )
    assert model.generate(VERSE[:10], length=100) == (VERSE * 3)[10:110]
    assert model.card.training_bits_per_character is not None
    assert model.card.training_bits_per_character < 0.5
    assert model.card.validation_bits_per_character is None


def test_its_input_is_the_number_divided_by_the_vocabularys_size_and_stays_that() -> None:
    model = train_model([io.StringIO(TEXT)], small(epochs=1.0))
    size = model.config.vocabulary_size
    assert size == len(set(TEXT))
    assert np.array_equal(model.weights["embedding.weight"], (np.arange(size) / size).astype(np.float32)[:, None])
    learned = train_model([io.StringIO(TEXT)], small(epochs=1.0, embedding=4, seed=1))
    untouched = train_model([io.StringIO(TEXT)], small(epochs=1e-6, embedding=4, seed=1, learning_rate=1e-9))
    assert not np.allclose(learned.weights["embedding.weight"], untouched.weights["embedding.weight"], atol=1e-4)


def test_every_window_begins_from_a_fresh_state(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = lossy(monkeypatch, [2.0])
    train_model([io.StringIO(TEXT)], small(epochs=2.0))
    for inputs, state in zip(engines[0].inputs, engines[0].states, strict=True):
        assert state.hidden.shape == (2, inputs.shape[1], 16)
        assert not state.hidden.any()
        assert not state.cell.any()


def test_checkpoints_are_written_when_the_training_loss_improved_and_the_best_is_the_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps = -(-(len(TEXT) - 10) // 32)
    last = (len(TEXT) - 10) % 32
    losses = [3.0] * steps + [2.0] * (steps - 1) + [5.0] + [2.5] * steps + [1.23456] * steps
    lossy(monkeypatch, losses)
    epochs: list[EpochEnded] = []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnded):
            epochs.append(event)

    model = train_model([io.StringIO(TEXT)], small(epochs=4.0), tmp_path / "m", tell=listen)
    second = (2.0 * (len(TEXT) - 10 - last) + 5.0 * last) / (len(TEXT) - 10)  # each window counts the same
    assert sorted(path.name for path in (tmp_path / "m.run").glob("[!.]*")) == [
        "corpus.json",
        "log.jsonl",
        "weights-improvement-01-3.0000.safetensors",
        f"weights-improvement-02-{second:.4f}.safetensors",
        "weights-improvement-04-1.2346.safetensors",
    ]
    assert [event.improved for event in epochs] == [True, True, False, True]
    assert [event.epoch for event in epochs] == [1, 2, 3, 4]
    first = load(tmp_path / "m.run" / "weights-improvement-01-3.0000.safetensors")
    assert first.file.weights["head.bias"][0] == steps
    assert load(tmp_path / "m").file.weights["head.bias"][0] == 4 * steps
    assert model.card.kept_epochs == model.card.trained_epochs == 4
    logged = [json.loads(line) for line in (tmp_path / "m.run" / "log.jsonl").read_text().splitlines()]
    assert [record.get("loss") for record in logged if record["event"] == "epoch"] == [3, round(second, 4), 2.5, 1.2346]


def test_a_worse_last_epoch_leaves_the_best_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = -(-(len(TEXT) - 10) // 32)
    lossy(monkeypatch, [2.0] * steps + [3.0] * steps)
    model = train_model([io.StringIO(TEXT)], small(epochs=2.0))
    assert model.weights["head.bias"][0] == steps
    assert (model.card.kept_epochs, model.card.trained_epochs) == (1, 2)


def test_an_interrupt_keeps_what_was_learned_of_the_first_epoch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lossy(monkeypatch, [2.0])
    finished: list[Finished] = []

    def listen(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 5:
            signal.raise_signal(signal.SIGINT)
        if isinstance(event, Finished):
            finished.append(event)

    model = train_model([io.StringIO(TEXT)], small(), tmp_path / "m", tell=listen)
    assert model.card.stopped_by == "SIGINT"
    assert model.weights["head.bias"][0] == 5
    left = sorted(path.name for path in (tmp_path / "m.run").glob("[!.]*"))
    assert left == ["checkpoint-0000000005.safetensors", "corpus.json", "log.jsonl"]  # no epoch ended
    assert finished[0].output == tmp_path / "m.safetensors"


def test_overwriting_removes_the_earlier_trainings_checkpoints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for loss in (3.0, 2.0):
        lossy(monkeypatch, [loss])
        train_model([io.StringIO(TEXT)], small(epochs=1.0), tmp_path / "m", overwrite=True)
    names = sorted(path.name for path in (tmp_path / "m.run").glob("[!.]*"))
    assert names == ["corpus.json", "log.jsonl", "weights-improvement-01-2.0000.safetensors"]


def test_nothing_of_what_is_held_out_is_learned_from_and_it_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "abc\n" * 900 + "z" * 400
    engines = lossy(monkeypatch, [2.0])
    model = train_model([io.StringIO(text)], small(epochs=1.0, held_out=0.1))
    z = sorted(set(text)).index("z")
    assert not any((tokens == z).any() for tokens in engines[0].inputs + engines[0].targets)
    assert model.card.held_out_characters == model.card.validation_characters == 400
    assert model.card.validation_bits_per_character == pytest.approx(engines[0].steps)


def test_held_out_windows_are_scored_as_the_session_predicts_them() -> None:
    file = classic_file()
    ids = Model(file).tokenizer.encode(VERSE * 4)
    engine = TorchEngine(file.config, file.weights, update=ClassicRecipe.update, dropout=0.5, device="cpu")
    scorer = HeldOutWindows(ids, first=50, count=200, characters=200, window=7)
    bits = 0.0
    for place in range(50, 250):
        logits = NumpySession(file.config, file.weights).feed(ids[place - 7 : place, None])[-1, 0]
        bits -= math.log2(probabilities(logits.astype(np.float64), 1.0)[ids[place]])
    assert scorer.bits(engine, file.config) == pytest.approx(bits / 200, abs=1e-4)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("layers", [1, 2])
def test_side_by_side_copies_predict_as_the_whole_window_run_again(batch: int, layers: int) -> None:
    file = classic_file(layers=layers)
    tokens = np.random.default_rng(0).integers(0, file.config.vocabulary_size, (40, batch))
    session = Model(file).session(batch)
    for place in range(1, 41):
        again = NumpySession(file.config, file.weights, batch)
        expected = again.feed(tokens[max(0, place - 7) : place])[-1]
        np.testing.assert_allclose(session.step(tokens[place - 1]), expected, rtol=0, atol=1e-5)


def test_it_writes_greedily_by_default_and_draws_when_asked() -> None:
    model = Model(classic_file())
    prompt = VERSE[:7]
    assert model.generate(prompt, length=60) == model.generate(prompt, length=60, greedy=True)
    drawn = {model.generate(prompt, length=60, temperature=1.0, seed=seed) for seed in range(3)}
    assert len(drawn) == 3
    assert len(model.generate(prompt)) == 1000


def test_only_the_last_window_of_a_prompt_counts() -> None:
    model = Model(classic_file())
    ids = model.tokenizer.encode(VERSE)[:, None]
    of_all, of_window, of_less = (model.session().feed(ids[-count:])[-1] for count in (len(ids), 7, 6))
    np.testing.assert_allclose(of_all, of_window, rtol=0, atol=1e-5)
    assert np.abs(of_all - of_less).max() > 1e-3


def test_without_a_prompt_it_says_what_to_give() -> None:
    with pytest.raises(OptionError, match="it goes on from a text: give it one"):
        Model(classic_file()).generate()


def test_words_are_learned_and_written() -> None:
    events: list[Event] = []
    model = train(
        io.StringIO(TEXT),
        **{**SMALL, "window": 4, "tokens": "word", "epochs": 30, "embedding": 16, "hidden": 32, "learning_rate": 0.01},
        held_out=0.1,
        listener=events.append,
    )
    assert model.tokenizer.kind == "word"
    assert " ".join(("the cat sat on" + model.generate("the cat sat on", length=15)).split()) in " ".join(TEXT.split())
    assert model.card.held_out_characters == pytest.approx(len(TEXT) / 10, rel=0.05)
    started = next(event for event in events if isinstance(event, Started))
    assert len(started.prompt.split()) == 4
    assert "different" in started.lines[0]


def test_the_command_line_does_the_scripts_seven_steps(longhand: Run, tmp_path: Path) -> None:
    text = tmp_path / "verse.txt"
    text.write_text(TEXT, encoding="utf-8")
    words = ["--recipe", "classic", "--epochs", "2", "--hidden", "16", "--window", "20", "-o", tmp_path / "m"]
    done = longhand("train", text, *words)
    assert done.returncode == 0, done.stderr
    assert f"{len(TEXT) - 20:,} windows of 20 characters" in done.stdout
    assert "epoch 2: loss" in done.stdout
    assert "--held-out 0.1" in done.stdout
    assert len(list((tmp_path / "m.run").glob("weights-improvement-0[12]-*.safetensors"))) == 2

    done = longhand("generate", tmp_path / "m", "--seed-from", text, "--seed", 3)
    assert done.returncode == 0, done.stderr
    seed = load(tmp_path / "m").passage(text, seed=3)
    assert len(seed) == 20
    assert seed in TEXT
    written = load(tmp_path / "m").generate(seed)
    assert len(written) == 1000
    assert done.stdout == f'Seed:\n"{seed}"\n{written}'
    assert longhand("generate", tmp_path / "m", "--seed-from", text, "--seed", 4).stdout != done.stdout
    drawn = longhand("generate", tmp_path / "m", "--prompt", "the cat", "--temperature", 1, "--seed", 3)
    assert drawn.stdout.startswith("the cat")


def test_a_seed_is_taken_for_other_models_too(longhand: Run, model_path: Path, verse_path: Path) -> None:
    done = longhand("generate", model_path, "--seed-from", verse_path, "--length", 10)
    assert done.stdout.startswith('Seed:\n"')
    assert len(done.stdout) == len('Seed:\n""\n') + 100 + 10


def test_the_command_that_is_said_to_come_next_works(longhand: Run, tmp_path: Path) -> None:
    text = tmp_path / "my verse.txt"
    text.write_text(TEXT, encoding="utf-8")
    options = ["--recipe", "classic", "--epochs", "1", "--hidden", "8", "--window", "20", "--tokens", "word"]
    done = longhand("train", text, *options, "-o", tmp_path / "m")
    words = shlex.split(done.stdout.splitlines()[-1].split("Next: longhand ")[1])
    assert longhand(*words, "--length", "5").returncode == 0


def test_dropout_falls_between_the_layers_and_before_the_head_alone() -> None:
    file = classic_file()
    engine = TorchEngine(file.config, file.weights, update=ClassicRecipe.update, dropout=0.5, device="cpu")
    shapes: list[tuple[int, ...]] = []
    engine._network.dropout.register_forward_hook(lambda _, inputs, __: shapes.append(tuple(inputs[0].shape)))
    tokens = np.zeros((7, 3), np.int64)
    engine.step(tokens, tokens[:1], State.zeros(file.config, 3), 1e-3)
    assert shapes == [(7, 3, 16), (1, 3, 16)]
    assert engine._network.dropout.p == 0.5


def test_an_interrupt_during_a_score_still_leaves_a_quick_one(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = lossy(monkeypatch, [2.0])
    read: list[float] = []

    def blocks(*_: object) -> Iterator[float]:
        while True:
            if not read:
                signal.raise_signal(signal.SIGINT)
            read.append(3.5)
            yield 128 * 3.5

    monkeypatch.setattr(HeldOutWindows, "blocks", blocks)
    model = train_model([io.StringIO(TEXT)], small(epochs=3.0, held_out=0.1))
    held_out = model.card.held_out_characters
    assert len(read) == 1 + -(-held_out // 128)  # the block that was interrupted, and then the whole text
    assert model.card.validation_characters == held_out
    assert model.card.stopped_by == "SIGINT"
    assert model.weights["head.bias"][0] == engines[0].steps


def test_a_part_of_an_epoch_is_on_disk_before_anyone_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lossy(monkeypatch, [2.0])
    seen: list[list[str]] = []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnded):
            seen.append(sorted(path.name for path in (tmp_path / "m.run").glob("[!.]*")))

    train_model([io.StringIO(TEXT)], small(epochs=0.5), tmp_path / "m", tell=listen)
    assert seen == [["best.safetensors", "corpus.json", "log.jsonl"]]
    assert {path.name for path in (tmp_path / "m.run").glob("[!.]*")} == {"corpus.json", "log.jsonl"}


def test_what_does_not_go_together_is_refused(longhand: Run, tmp_path: Path, model_path: Path) -> None:
    text = tmp_path / "verse.txt"
    text.write_text(TEXT, encoding="utf-8")
    assert_refused(longhand("train", text, "--tokens", "byte", "--recipe", "classic"), "reads char or word")
    assert_refused(longhand("train", text, "--held-out", "0"), "held out: found 0")
    assert_refused(longhand("train", text, "--recipe", "classic", "--window", "5000"), "expected more than a window")
    both = ("generate", model_path, "--prompt", "a", "--seed-from", text)
    assert_refused(longhand(*both), "--prompt, --prompt-file and --seed-from exclude each other")
    assert_refused(longhand("generate", model_path, "--seed-from", tmp_path / "none"), "not found")
    assert_refused(longhand("generate", model_path, "--seed-from", ""), "'' names no file")
    assert_refused(longhand("generate", model_path, "--seed-from", text, "--seed", "-1"), "seed: found -1")
    blank = tmp_path / "blank.txt"
    blank.write_text(" \n" * 1000, encoding="utf-8")
    assert_refused(longhand("train", blank, "--recipe", "classic", "--tokens", "word"), "no words in it")


def test_too_short_a_text_is_refused() -> None:
    with pytest.raises(CorpusError, match="100 characters, expected at least 1000"):
        train(io.StringIO("a" * 100), recipe="classic")
