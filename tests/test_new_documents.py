"""Documents that are new, different, the best of several: what goes with --documents, and what is known of the text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, assert_refused

from longhand.api import train
from longhand.copies.documents import KnownDocuments
from longhand.errors import OptionError
from longhand.model import Model, load

NAMES = ["anna", "bert", "carla", "dora", "emil", "berta", "carl", "emilia", "doran", "annabert"]
SMALL: dict[str, Any] = {"epochs": 6, "hidden": 24, "layers": 1, "embedding": 8, "window": 16}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model of a file of names."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "names.txt").write_text("\n".join(NAMES * 30) + "\n", encoding="utf-8")
    train(folder / "names.txt", folder / "m.safetensors", documents="line", **SMALL)
    return folder / "m.safetensors"


@pytest.fixture
def alone(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of that model, without the folder of its training."""
    return Path(shutil.copy(trained, tmp_path / "copy.safetensors"))


def lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def test_new_documents_are_not_in_the_text_and_none_comes_twice(longhand: Run, trained: Path) -> None:
    words = ("generate", trained, "--documents", "40", "--seed", "5", "--temperature", "1.3")
    assert set(NAMES) & set(lines(longhand(*words).stdout))
    done = longhand(*words, "--new", "--unique")
    assert done.returncode == 0, done.stderr
    found = lines(done.stdout)
    assert len(found) == len(set(found)) == 40
    assert not set(found) & {*NAMES, ""}
    assert not set(lines(longhand(*words, "--new").stdout)) & {*NAMES, ""}
    record = [
        json.loads(line) for line in longhand(*words, "--new", "--unique", "--format", "jsonl").stdout.splitlines()
    ]
    assert [each["text"] for each in record] == found
    model = load(trained)
    assert all(
        model.generate(seed=each["seed"], documents=1, temperature=1.3) == each["text"] + "\n" for each in record[:3]
    )


def test_documents_go_with_count_and_the_best_of_several(longhand: Run, trained: Path) -> None:
    words = ("generate", trained, "--seed", "5", "--temperature", "1.3")
    assert len(lines(longhand(*words, "--documents", "4", "--count", "3").stdout)) == 12
    assert len(longhand(*words, "--documents", "4", "--format", "jsonl").stdout.splitlines()) == 4
    best = lines(longhand(*words, "--documents", "6", "--best-of", "5", "--new", "--unique").stdout)
    assert len(set(best)) == 6
    assert not set(best) & set(NAMES)
    assert_refused(longhand(*words, "--documents", "4", "--beam", "3"), "there is one most probable text")


def test_the_best_is_chosen_among_the_new(trained: Path) -> None:
    model = load(trained)
    settings: dict[str, Any] = {"seed": 5, "temperature": 1.3, "log_probabilities": True}
    best = list(model.texts(count=3, best_of=8, new=True, **settings))
    each = list(model.texts(count=24, **settings))
    for number, found in enumerate(best):
        group = [one for one in each[8 * number : 8 * number + 8] if one.text and one.text not in NAMES]
        assert found == max(group, key=lambda one: one.mean_log_probability)


def test_a_prompt_is_a_part_of_the_document(trained: Path) -> None:
    found = [text.text for text in load(trained).texts("ann", count=20, new=True, seed=1, temperature=1.5)]
    assert not {"a", "abert"} & set(found)


def test_where_there_are_too_few_those_that_there_are_come_and_it_is_said_why(longhand: Run, trained: Path) -> None:
    done = longhand("generate", trained, "--documents", "9", "--new", "--unique", "--greedy", "--seed", "1")
    assert done.returncode == 2
    assert "new: of 450 texts 0 are new; 450 are in the training text" in done.stderr
    done = longhand(
        "generate", trained, "--documents", "4000", "--unique", "--top-k", "2", "--seed", "1", "--length", "4"
    )
    assert done.returncode == 2
    assert done.stdout.endswith("\n")
    assert f"{len(lines(done.stdout)):,} are different: ask for fewer" in done.stderr


def test_without_the_folder_of_the_training_the_text_is_asked_for(longhand: Run, trained: Path, alone: Path) -> None:
    words = ("generate", alone, "--documents", "20", "--new", "--seed", "5", "--temperature", "1.3")
    assert_refused(longhand(*words), "pass the training text with --corpus")
    done = longhand(*words, "--corpus", trained.parent / "names.txt")
    assert done.returncode == 0, done.stderr
    assert done.stdout == longhand("generate", trained, *words[2:]).stdout
    assert not (alone.parent / "copy.run").exists()  # no index of copies was made
    with pytest.raises(OptionError, match="pass the training text with --corpus"):
        list(load(alone).texts(new=True))


def test_a_list_that_is_gone_is_read_from_the_text_again(longhand: Run, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained.parent, tmp_path / "n")
    (tmp_path / "n" / "m.run" / "documents.hashes").unlink()
    done = longhand("generate", tmp_path / "n" / "m", "--documents", "20", "--new", "--seed", "5")
    assert "as recorded in m.run" in done.stderr
    assert not set(lines(done.stdout)) & set(NAMES)


def test_a_folder_of_another_training_is_not_believed(longhand: Run, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained.parent, tmp_path / "n")
    record = tmp_path / "n" / "m.run" / "corpus.json"
    record.write_bytes(record.read_bytes().replace(b"names.txt", b"other.txt"))
    assert_refused(longhand("generate", tmp_path / "n" / "m", "--new"), "of another training")


def test_what_is_listed_is_what_is_read_from_the_text(trained: Path) -> None:
    listed = KnownDocuments.read(trained.with_suffix(".run") / "documents.hashes")
    assert listed.to_bytes() == load(trained).know_documents().to_bytes() == KnownDocuments.of(NAMES).to_bytes()


def test_models_of_one_text_have_no_new_documents(longhand: Run, model_path: Path, model: Model) -> None:
    assert_refused(longhand("generate", model_path, "--new"), "new: the model was not trained on documents")
    with pytest.raises(OptionError, match="new: the model was not trained on documents"):
        model.texts(new=True)
