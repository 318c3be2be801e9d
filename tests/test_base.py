"""Fine-tuning: a model that starts from another one."""

from __future__ import annotations

import io
import shutil
import signal
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Run, assert_refused
from stopping import stopped_training

from longhand.api import train
from longhand.errors import ModelFormatError, OptionError
from longhand.model import Model, load
from longhand.modelfile import ModelFile, write_model
from longhand.runtime.reference import NumpySession
from longhand.text.characters import CharacterTokenizer
from longhand.training.events import Checkpointed, Evaluated, Event, Started

SMALL: dict[str, Any] = {"hidden": 16, "embedding": 8, "window": 16, "batch": 4}
OTHER = "Ümläute, Zahlen 0123456789 und was es sonst noch gibt: ß und €.\n" * 60


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "verse.safetensors"
    train(io.StringIO(VERSE * 40), path, epochs=6, learning_rate=0.02, **SMALL)
    return path


def untrained(text: str, **settings: Any) -> Model:
    """Return the model that a training starts from."""
    seen: list[ModelFile] = []

    def look(event: Event) -> None:
        if isinstance(event, Started):
            seen.append(event.model)

    train(io.StringIO(text), epochs=0.01, listener=look, **settings)
    return Model(seen[0])


def logits(model: Model, text: str) -> Any:
    session = NumpySession(model.config, model.file.weights)
    return session.feed(model.tokenizer.encode(text)[:, None])[-1, 0]


def test_it_starts_with_the_predictions_of_the_model_and_a_place_for_new_characters(base: Path) -> None:
    before, after = load(base), untrained(OTHER, base=base)
    assert isinstance(before.tokenizer, CharacterTokenizer)
    assert isinstance(after.tokenizer, CharacterTokenizer)
    assert set(after.tokenizer.characters) == set(before.tokenizer.characters) | set(OTHER)
    known = after.tokenizer.encode(before.tokenizer.characters)
    old = before.tokenizer.encode(before.tokenizer.characters)
    text = VERSE[:50]
    assert np.allclose(logits(after, text)[known], logits(before, text)[old], atol=1e-6)
    assert after.config.hidden == before.config.hidden
    new = after.tokenizer.encode("ß€")
    assert (new > 1).all()
    assert np.abs(after.file.weights["embedding.weight"][new]).max() > 0.1
    assert not after.file.weights["embedding.weight"][0].any()


def test_it_keeps_what_it_knows_and_learns_the_new_text(base: Path, tmp_path: Path) -> None:
    def first_score(text: str, **settings: Any) -> float:
        scores: list[float] = []

        def look(event: Event) -> None:
            if isinstance(event, Evaluated):
                scores.append(event.validation_bits)

        train(io.StringIO(text), epochs=0.5, listener=look, **settings)
        return scores[0]

    assert first_score(VERSE * 40, base=base) < first_score(VERSE * 40, **SMALL) - 0.5
    tuned = train(io.StringIO(OTHER), tmp_path / "tuned", base=base, epochs=20, learning_rate=0.01)
    assert tuned.card.validation_bits_per_character is not None
    assert tuned.card.validation_bits_per_character < 1
    assert tuned.card.training["base"] == "verse.safetensors"
    assert str(base.parent) not in str(tuned.card)
    assert load(tmp_path / "tuned").generate(length=30, greedy=True)
    assert load(base).card.training.get("base") is None


@pytest.mark.parametrize("meanwhile", ["nothing", "gone", "trained anew", "no copy"])
def test_a_fine_tuning_that_was_stopped_goes_on_from_any_folder_whatever_became_of_the_model(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    lent, copy = tmp_path / base.name, tmp_path / "m.run/base.safetensors"
    shutil.copy(base, lent)
    monkeypatch.chdir(tmp_path)
    settings: dict[str, Any] = {"base": "verse.safetensors", "epochs": 2.0, "seed": 3}
    whole = train(io.StringIO(OTHER), **settings)

    stopped_training(io.StringIO(OTHER), tmp_path / "m", after=10, **settings)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    if meanwhile == "gone":
        lent.unlink()
    elif meanwhile == "trained anew":
        train(io.StringIO(OTHER * 2), lent, epochs=0.1, overwrite=True, **SMALL)
    elif meanwhile == "no copy":  # there was no room for it
        copy.unlink()
    again = train(io.StringIO(OTHER), tmp_path / "m", resume=True)
    assert all(np.array_equal(whole.file.weights[name], again.file.weights[name]) for name in whole.file.weights)
    assert again.card.training["base"] == "verse.safetensors"
    assert not copy.exists()


def test_the_copy_of_the_model_to_start_from_stays_while_there_are_checkpoints(base: Path, tmp_path: Path) -> None:
    copy = tmp_path / "m.run/base.safetensors"
    settings: dict[str, Any] = {"base": base, "epochs": 2.0, "checkpoint_every": 0}

    def interrupt(event: Event) -> None:
        assert copy.exists()
        if isinstance(event, Checkpointed) and not interrupted:
            interrupted.append(True)
            signal.raise_signal(signal.SIGINT)

    interrupted: list[bool] = []
    kept: list[bool] = []
    train(io.StringIO(OTHER), tmp_path / "m", listener=interrupt, **settings)
    assert copy.exists()
    train(
        io.StringIO(VERSE * 40),
        tmp_path / "m",
        epochs=0.1,
        overwrite=True,
        **SMALL,
        listener=lambda _: kept.append(copy.exists()),
    )
    assert not any(kept)
    assert not copy.exists()


def test_what_cannot_be_started_from_is_refused(base: Path, tmp_path: Path, longhand: Run, verse_path: Path) -> None:
    refused = {
        ("--from", "no"): "no: not found; expected a model file",
        ("--from", base, "--hidden", "17"): "hidden: found 17, the model to start from has 16: leave it out",
        ("--from", base, "--embedding", "0"): "embedding: found 0, the model to start from has 8",
        ("--from", base, "--recipe", "classic"): "the classic recipe starts from no model",
        ("--from", ""): "from: found ''",
        ("--from", verse_path): "no model file or a damaged one",
    }
    for words, message in refused.items():
        assert_refused(longhand("train", verse_path, "-o", tmp_path / "m", *words), message)
    classic = tmp_path / "classic"
    train(io.StringIO(VERSE * 40), classic, recipe="classic", epochs=0.01, hidden=8, window=8)
    with pytest.raises(OptionError, match="a model of the classic recipe"):
        train(io.StringIO(OTHER), base=classic)
    train(io.StringIO(VERSE * 40), tmp_path / "scalar", epochs=0.01, hidden=8, embedding=0)
    with pytest.raises(OptionError, match="trained with --embedding 0"):
        train(io.StringIO(OTHER), base=tmp_path / "scalar")
    file = load(base).file
    fewer = {"kind": "char", "characters": str(file.tokenizer["characters"])[:-3]}
    write_model(replace(file, tokenizer=fewer), tmp_path / "damaged.safetensors")
    with pytest.raises(ModelFormatError, match="the model file is damaged"):
        train(io.StringIO(OTHER), base=tmp_path / "damaged")
    with pytest.raises(ModelFormatError):
        train(io.StringIO(OTHER), base=tmp_path / "absent")
    with pytest.raises(OptionError, match="base: found 3"):
        train(io.StringIO(OTHER), base=3)


def test_a_plan_from_a_model_has_its_shape(base: Path, longhand: Run, verse_path: Path) -> None:
    done = longhand("train", verse_path, "--from", base, "--plan", "--epochs", "1")
    assert done.returncode == 0
    assert "hidden = 16 " in done.stdout
    assert done.stdout.count("# that of the model to start from") == 3


def test_a_text_in_another_normal_form_is_read_in_that_of_the_model_to_start_from(tmp_path: Path) -> None:
    text = "Está el café y el piñón, señor.\n" * 60
    parts = unicodedata.normalize("NFD", text)
    train(io.StringIO(text), tmp_path / "first", epochs=0.05, **SMALL)
    again = train(io.StringIO(parts), base=tmp_path / "first", epochs=0.05)
    assert again.file.tokenizer == load(tmp_path / "first").file.tokenizer
    assert again.card.training["normalize"] == "NFC"
    other = train(io.StringIO(parts), base=tmp_path / "first", normalize="NFD", epochs=0.05)
    assert "\u0301" in other.file.tokenizer["characters"]
