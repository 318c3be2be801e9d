"""Texts that are scored on files of their own: named by --validation, or found in a folder that is divided."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Run, assert_refused
from test_resume import Killed, Watch

from longhand.api import train
from longhand.errors import CorpusError, OptionError
from longhand.learned import halves, learned_text
from longhand.model import Model, load
from longhand.text.corpus_parts import parts_of
from longhand.text.preparing import encode_corpus
from longhand.text.vocabulary import Wanted

SMALL: dict[str, Any] = {"hidden": 16, "embedding": 8, "layers": 1, "window": 16, "batch": 4, "epochs": 1, "seed": 1}
LEARNED, SCORED, NEVER = VERSE * 20, "a bird sat on the tree\n" * 30, "never read: Δ\n" * 30


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


def names(sources: list[Any]) -> list[str]:
    return [Path(source).name for source in sources]


@pytest.mark.parametrize(
    ("files", "learned", "validation"),
    [
        (["train.txt", "valid.txt", "test.txt"], ["train.txt"], ["valid.txt"]),
        (["Train.jsonl.gz", "dev.jsonl.gz", "README.md", ".hidden"], ["Train.jsonl.gz"], ["dev.jsonl.gz"]),
        (["wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"], ["wiki.train.tokens"], ["wiki.valid.tokens"]),
        (["train/a.txt", "validation/a.txt", "test/a.txt"], ["train"], ["validation"]),
        (["train-00001.txt", "train-00002.txt", "val-1.txt"], ["train-00001.txt", "train-00002.txt"], ["val-1.txt"]),
        (["train.txt", "test.txt"], ["train.txt"], []),
    ],
)
def test_a_folder_that_is_divided_is_known_by_the_names_in_it(
    files: list[str], learned: list[str], validation: list[str], tmp_path: Path
) -> None:
    parts = parts_of([put(tmp_path, dict.fromkeys(files, "x"))])
    assert (names(parts.learned), names(parts.validation)) == (learned, validation)
    assert len(parts.notes) == 1
    assert ("is scored" in parts.notes[0]) == bool(validation)


@pytest.mark.parametrize(
    "files",
    [
        ["train.txt"],
        ["valid.txt", "test.txt"],
        ["train.txt", "test.txt", "other.txt"],
        ["a train journey.txt", "a test of time.txt", "novel.txt"],
        ["letters/train.txt", "letters/valid.txt"],
        ["trains.txt", "tests.txt"],
    ],
)
def test_other_folders_are_read_whole(files: list[str], tmp_path: Path) -> None:
    parts = parts_of([put(tmp_path, dict.fromkeys(files, "x"))])
    assert (parts.learned, parts.validation, parts.notes) == ([tmp_path], [], [])


def test_parts_that_are_named_one_by_one_are_all_learned_and_that_is_said(tmp_path: Path) -> None:
    folder = put(tmp_path, {"train.txt": LEARNED, "valid.txt": SCORED, "test.txt": NEVER, "a/b.txt": "x"})
    said = ["train.txt and valid.txt and test.txt are all learned from: give their folder, and they are kept apart"]
    files = [str(folder / f"{name}.txt") for name in ("train", "valid", "test")]
    assert parts_of(files).notes == parts_of([str(folder / "*.txt")]).notes == said
    assert parts_of(files[:1]).notes == parts_of(files[1:]).notes == parts_of([io.StringIO("train")]).notes == []


@pytest.mark.parametrize("documents", ["none", "line"])
def test_all_of_the_corpus_is_learned_and_the_other_file_scored(documents: str, tmp_path: Path) -> None:
    folder = put(tmp_path, {"a.txt": LEARNED, "b.txt": SCORED + "☃\n"})
    wanted = Wanted(documents=documents)
    found = encode_corpus([folder / "a.txt"], wanted=wanted, validation=[folder / "b.txt"])
    alone = encode_corpus([folder / "a.txt"], wanted=wanted)
    assert len(found.learned_ids) == len(alone.ids)
    assert found.held_out_characters == len(SCORED) + 2
    assert found.tokenizer.decode(found.held_out_ids).replace("\ufffd", "") in (
        SCORED + "\n",
        SCORED.replace("\n", ""),
    )
    assert "1 characters of the held-out text occur nowhere else and count as unknown" in found.notes
    assert (found.names, found.validation) == (["a.txt"], ["b.txt"])
    streams = encode_corpus([io.StringIO(LEARNED)], wanted=wanted, validation=[io.StringIO(SCORED + "☃\n")])
    np.testing.assert_array_equal(streams.ids, found.ids)
    other = encode_corpus([folder / "a.txt"], wanted=wanted, validation=[put(tmp_path, {"c.txt": SCORED}) / "c.txt"])
    assert len({corpus.fingerprint for corpus in (found, alone, other)}) == 3


def test_a_folder_is_learned_and_scored_as_it_is_divided(longhand: Run, tmp_path: Path) -> None:
    folder = put(tmp_path / "split", {"train.txt": LEARNED, "valid.txt.gz": SCORED, "test.txt": NEVER})
    options = [part for name, value in SMALL.items() for part in (f"--{name}", str(value))]
    done = longhand("train", folder, "-o", tmp_path / "a", *options)
    said = "split: train.txt is learned from, valid.txt.gz is scored, test.txt is left alone"
    assert said in done.stderr
    model = load(tmp_path / "a.safetensors")
    assert model.card.corpus == ["train.txt"]
    assert model.card.training["validation"] == ["valid.txt.gz"]
    assert model.card.held_out_characters == len(SCORED)
    assert "Δ" not in str(model.tokenizer.to_record())
    scored = longhand("score", tmp_path / "a.safetensors", "--corpus", folder, "--json")
    expected = model.card.validation_bits_per_character
    assert json.loads(scored.stdout)["bits_per_character"] == pytest.approx(expected, abs=1e-4)
    with learned_text(model.file, [str(folder)]) as text:
        assert ["".join(half) for half in halves(model.file, text)] == [LEARNED, SCORED]
    assert "valid.txt.gz: " in longhand("score", tmp_path / "a.safetensors", "--corpus", folder).stdout
    other = train(str(folder), validation=str(folder / "test.txt"), **SMALL)
    with learned_text(other.file, [str(folder)]) as text:  # it was not scored on the folder's own valid part
        assert ["".join(half) for half in halves(other.file, text)] == [LEARNED, ""]


def test_a_file_of_ones_own_is_remembered_by_its_name_alone_and_asked_for_again(longhand: Run, tmp_path: Path) -> None:
    folder = put(tmp_path, {"a.txt": LEARNED, "apart.txt": SCORED})
    model = train(str(folder / "a.txt"), tmp_path / "m", validation=str(folder / "apart.txt"), **SMALL)
    assert model.card.training["validation"] == ["apart.txt"]
    assert str(tmp_path) not in (tmp_path / "m.run" / "log.jsonl").read_text(encoding="utf-8").replace(
        json.dumps(str(tmp_path / "m.safetensors")), ""
    )
    done = longhand("score", tmp_path / "m.safetensors", "--corpus", folder / "a.txt")
    assert_refused(done, "scored on apart.txt, which lay apart from its corpus: name it as FILE")
    scored = longhand("score", tmp_path / "m.safetensors", folder / "apart.txt", "--json")
    expected = model.card.validation_bits_per_character
    assert json.loads(scored.stdout)["bits_per_character"] == pytest.approx(expected, abs=1e-4)


def test_a_resumed_training_finds_its_file_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"a.txt": LEARNED, "apart.txt": SCORED})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = {**SMALL, "epochs": 2, "checkpoint_every": 0, "threads": 1}
    whole = train("a.txt", validation=["apart.txt"], **settings)
    with pytest.raises(Killed):
        train("a.txt", "m", validation=["apart.txt"], listener=Watch(kill_at=10), **settings)
    monkeypatch.chdir(tmp_path / "elsewhere")
    resumed = train("../a.txt", "../m", resume=True)
    for name, array in whole.file.weights.items():
        np.testing.assert_array_equal(array, resumed.file.weights[name])


def test_what_cannot_be_is_refused(longhand: Run, tmp_path: Path) -> None:
    folder = put(tmp_path / "f", {"a.txt": LEARNED, "b.txt": SCORED})
    (tmp_path / "link.txt").symlink_to(folder / "b.txt")
    for corpus, validation in ((folder, folder / "b.txt"), (folder / "b.txt", tmp_path / "link.txt")):
        with pytest.raises(CorpusError, match="is in the corpus and in --validation"):
            train(str(corpus), validation=[str(validation)], **SMALL)
    with pytest.raises(CorpusError, match="not found"):
        train(str(folder / "a.txt"), validation=["nowhere.txt"], **SMALL)
    (tmp_path / "empty.txt").touch()
    with pytest.raises(CorpusError, match=r"empty\.txt: no text in it: nothing to score on"):
        train(str(folder / "a.txt"), validation=[str(tmp_path / "empty.txt")], **SMALL)
    with pytest.raises(OptionError, match="held out: found with --validation"):
        train(str(folder / "a.txt"), validation=["b.txt"], held_out=0.2, **SMALL)
    with pytest.raises(OptionError, match="validation: of the default recipe alone"):
        train(str(folder / "a.txt"), validation=["b.txt"], recipe="classic")
    done = longhand("train", folder / "a.txt", "--validation", folder / "a.txt", "-o", tmp_path / "m")
    assert_refused(done, "a.txt is in the corpus and in --validation: name it in one of them")
    assert not (tmp_path / "m.safetensors").exists()


def test_the_classic_recipe_learns_no_test_either(tmp_path: Path) -> None:
    folder = put(tmp_path / "split", {"train.txt": LEARNED, "valid.txt": SCORED, "test.txt": NEVER})
    model = train(str(folder), recipe="classic", epochs=0.01, hidden=8, window=8)
    assert model.card.corpus == ["train.txt"]
    assert "Δ" not in str(model.tokenizer.to_record())


def test_a_model_from_before_reads_the_folder_whole_as_it_did(tmp_path: Path) -> None:
    from dataclasses import replace

    import msgspec

    folder = put(tmp_path / "split", {"train.txt": LEARNED, "valid.txt": SCORED})
    model = train(str(folder), **SMALL)
    training = {name: value for name, value in model.card.training.items() if name not in ("split", "validation")}
    earlier = Model(replace(model.file, card=msgspec.structs.replace(model.card, training=training)))
    with learned_text(earlier.file, [str(folder)]) as text:
        whole = "".join("".join(half) for half in halves(earlier.file, text))
    assert whole == LEARNED + SCORED
