"""The Python API: what it exports, and that its parts fit together."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
from pathlib import Path

import pytest
from conftest import VERSE, small_file

import longhand

EXPORTS = [
    "AdaptConfig",
    "Card",
    "CorpusError",
    "InspectConfig",
    "Inspection",
    "LonghandError",
    "ManyConfig",
    "MissingExtraError",
    "Model",
    "ModelFormatError",
    "NetworkConfig",
    "Next",
    "OptionError",
    "OutputError",
    "RunConfig",
    "SamplingConfig",
    "Score",
    "ScoringConfig",
    "TrainConfig",
    "TrainingError",
    "WritingState",
    "Written",
    "__version__",
    "check",
    "import_keras",
    "load",
    "load_state",
    "train",
    "tune",
]


def test_the_exported_names_are_these_and_all_there() -> None:
    assert longhand.__all__ == EXPORTS
    assert all(hasattr(longhand, name) for name in EXPORTS)
    assert dir(longhand) == EXPORTS


def test_every_exported_name_is_documented() -> None:
    for name in EXPORTS:
        value = getattr(longhand, name)
        assert isinstance(value, str) or inspect.getdoc(value)
    for name, member in inspect.getmembers(longhand.Model):
        assert name.startswith("_") or inspect.getdoc(member)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'tarin'"):
        longhand.tarin  # noqa: B018


def test_all_errors_have_one_root() -> None:
    errors = [getattr(longhand, name) for name in EXPORTS if name.endswith("Error")]
    assert all(issubclass(error, longhand.LonghandError) for error in errors)


def test_train_save_load_generate(tmp_path: Path, verse_path: Path) -> None:
    model = longhand.train([verse_path, io.StringIO(VERSE)], epochs=0.5, hidden=8, seed=3)
    assert list(tmp_path.iterdir()) == [verse_path]  # without an output nothing is written
    again = longhand.load(model.save(tmp_path / "verse"))
    assert again.card == model.card
    assert again.card.corpus == ["verse.txt", "text"]
    assert again.generate("the ", length=40, seed=1) == model.generate("the ", length=40, seed=1)
    assert isinstance(again.config, longhand.NetworkConfig)


def test_train_keeps_its_name_once_the_folder_of_training_was_imported() -> None:
    longhand.train(io.StringIO(VERSE * 20), epochs=0.1, hidden=4)
    assert callable(longhand.train)


def test_a_misspelt_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(longhand.OptionError, match=r"found the option 'hiden', expected some of recipe, .*hidden"):
        longhand.train("text.txt", hiden=3)


def test_the_logits_are_there_for_those_who_want_them() -> None:
    model = longhand.Model(small_file())
    session = model.session(batch=3)
    assert session.step(model.tokenizer.encode("abc")).shape == (3, model.config.vocabulary_size)


def test_a_model_that_has_written_can_be_copied_and_sent_to_another_process(model: longhand.Model) -> None:
    text = model.generate("a", length=30, seed=1)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301 (our own)
        assert other.generate("a", length=30, seed=1) == text
