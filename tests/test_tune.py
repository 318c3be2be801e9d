"""Settings with which a model writes like its text: found, kept in its card, and used."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, assert_refused

from longhand import calibrate
from longhand.api import train
from longhand.calibrate import tune
from longhand.errors import CorpusError, OptionError
from longhand.generation.tuning import MIN_PS, TEMPERATURES, Known, Likeness, Trial, tuned
from longhand.model import Model, load

WORDS = ["the", "cat", "dog", "bird", "tree", "house", "river", "moon", "sleeps", "runs", "sings", "under", "a", "old"]
SETTINGS: dict[str, Any] = {"hidden": 32, "layers": 1, "embedding": 12, "window": 16}


def text_of(words: int, seed: int = 0) -> str:
    """Return lines of words in a random order."""
    choose = random.Random(seed)
    return "".join(choose.choice(WORDS) + ("\n" if place % 6 == 5 else " ") for place in range(words))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the files of a model and of its text."""
    folder = tmp_path_factory.mktemp("tuned")
    (folder / "text.txt").write_text(text_of(12_000), encoding="utf-8")
    train(folder / "text.txt", folder / "model", epochs=2, **SETTINGS)
    return folder / "model.safetensors", folder / "text.txt"


@pytest.fixture
def _few_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two passages be compared, where it does not matter which settings are found."""
    monkeypatch.setattr(calibrate, "PASSAGES", 2)


def test_repetition_and_novelty_are_counted_by_hand() -> None:
    known = Known(["the cat sat on the mat\n", "the dog lay\n"])
    assert known.by_words
    found = known.likeness(["the cat sat the cat sat", "a new dog"], 2.0)
    assert found.surprise == 2.0
    assert found.repetition == pytest.approx(((1 - 3 / 4) + 0) / 2)  # of four sequences of three words one comes twice
    assert found.novelty == pytest.approx(2 / 9)


def test_texts_without_spaces_are_compared_by_characters() -> None:
    known = Known(["春眠不觉晓处处闻啼鸟\n" * 3])
    assert not known.by_words
    assert known.likeness(["春眠不", "觉晓春"], 1.0).novelty == 0.5


def test_the_trial_nearest_to_the_text_is_taken() -> None:
    known, real = Known(["a b c d e f g h\n"]), Likeness(2.0, 0.0, 0.0)
    told: list[Trial] = []
    best = tuned(real, known, lambda heat, least: (["a b c d"], 1 + heat + least), told.append)
    assert len(told) == len(TEMPERATURES) * len(MIN_PS)
    assert (best.temperature, best.min_p) in {(1.0, 0.0), (0.9, 0.1)}
    assert best.distance == min(trial.distance for trial in told)


@pytest.mark.usefixtures("_few_passages")
def test_what_is_found_is_kept_and_used(saved: tuple[Path, Path], tmp_path: Path) -> None:
    model = load(saved[0])
    best = tune(model, saved[1])
    assert model.card.sampling == {"temperature": best.temperature, "min_p": best.min_p}
    again = load(model.save(tmp_path / "tuned"))
    asked: dict[str, Any] = {"temperature": best.temperature, "min_p": best.min_p}
    assert again.generate(seed=1) == load(saved[0]).generate(seed=1, **asked)
    assert again.generate(seed=1, top_k=3) == load(saved[0]).generate(seed=1, top_k=3)
    assert again.generate(seed=1, temperature=0.3) == load(saved[0]).generate(seed=1, temperature=0.3)
    assert again.file.fingerprint == load(saved[0]).file.fingerprint


def test_a_model_of_random_words_is_not_made_timid(saved: tuple[Path, Path]) -> None:
    """What follows a word here is chance: a low temperature would repeat itself more than the text does."""
    assert tune(load(saved[0]), saved[1]).temperature >= 0.8


def test_documents_are_compared_whole() -> None:
    names = "\n".join(
        random.Random(n).choice(["anna", "bert", "carla", "dora", "emil"]) + "a" * (n % 3) for n in range(6000)
    )
    model = train(io.StringIO(names), documents="line", epochs=3, **SETTINGS)
    best = tune(model, io.StringIO(names))
    assert best.likeness.surprise > 0


@pytest.mark.usefixtures("_few_passages")
def test_the_command_keeps_it_in_the_file(saved: tuple[Path, Path], longhand: Run, tmp_path: Path) -> None:
    model = Model(load(saved[0]).file)
    path = model.save(tmp_path / "model")
    done = longhand("tune", path, "--corpus", saved[1], "--json", "--dry-run")
    assert done.returncode == 0
    found = json.loads(done.stdout)["best"]
    assert load(path).card.sampling == {}
    done = longhand("tune", path, "--corpus", saved[1])
    assert f"temperature {found['temperature']:g}, min-p {found['min_p']:g}, kept in" in done.stdout
    assert load(path).card.sampling == {"temperature": found["temperature"], "min_p": found["min_p"]}
    assert done.stderr.count("distance") == len(TEMPERATURES) * len(MIN_PS)


def test_too_short_a_text_is_refused(saved: tuple[Path, Path], longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text(text_of(300), encoding="utf-8")
    assert_refused(longhand("tune", saved[0], "--corpus", tmp_path / "short.txt"), "characters held out, expected 2000")
    with pytest.raises(CorpusError):
        tune(load(saved[0]), tmp_path / "short.txt")


def test_a_classic_model_has_nothing_to_tune() -> None:
    model = train(io.StringIO(text_of(600)), recipe="classic", epochs=0.1, hidden=8, layers=1, window=10)
    with pytest.raises(OptionError, match="there is nothing to tune"):
        tune(model, io.StringIO(text_of(600)))
