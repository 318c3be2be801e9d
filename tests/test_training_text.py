"""The training text is found again as the training recorded it beside the model, if it is there and unchanged."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from conftest import VERSE, Run, assert_refused
from stopping import stopped_training

from longhand.api import train
from longhand.calibrate import tune
from longhand.errors import CorpusError, OptionError
from longhand.generation import tuning
from longhand.model import load

SMALL: dict[str, Any] = {"epochs": 0.5, "hidden": 12, "layers": 1, "embedding": 4, "window": 16, "batch": 4}
TEXT = VERSE * 40


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Return the model of a text of two files."""
    (tmp_path / "books").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "books" / name).write_text(TEXT, encoding="utf-8")
    train([tmp_path / "books"], tmp_path / "m.safetensors", **SMALL)
    return tmp_path / "m.safetensors"


def note(trained: Path) -> str:
    return f"note: training text: {trained.parent / 'books'}, as recorded in m.run\n"


def test_what_is_recorded_is_for_the_owner_alone_and_not_in_the_model(trained: Path) -> None:
    record = trained.with_suffix(".run") / "corpus.json"
    facts = json.loads(record.read_bytes())
    assert [file["path"] for file in facts["files"]] == [str(trained.parent / "books" / n) for n in ("a.txt", "b.txt")]
    assert facts["sources"] == [str(trained.parent / "books")]
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert b"books" not in trained.read_bytes()
    assert load(trained).recorded_corpus() == facts["sources"]


def test_score_finds_what_was_held_out_and_what_to_compare_with(longhand: Run, trained: Path, tmp_path: Path) -> None:
    books = trained.parent / "books"
    done, named = longhand("score", trained, "--json"), longhand("score", trained, "--corpus", books, "--json")
    assert (done.returncode, done.stdout) == (0, named.stdout)
    assert note(trained) in done.stderr
    assert note(trained) not in named.stderr
    (tmp_path / "other.txt").write_text("a bird lay on the mat\n", encoding="utf-8")
    alone = json.loads(longhand("score", trained, tmp_path / "other.txt", "--json").stdout)
    assert alone["ngram_bits_per_byte"] > 0
    (books / "a.txt").write_text(TEXT.replace("cat", "cow"), encoding="utf-8")
    changed = longhand("score", trained, tmp_path / "other.txt", "--json")
    assert "ngram_bits_per_byte" not in json.loads(changed.stdout)
    assert "no comparison with an n-gram model" in changed.stderr


def test_copies_are_guarded_and_reported_without_naming_the_text(longhand: Run, trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("pydivsufsort")
    words = ("generate", trained, "--length", "100", "--seed", "1")
    done = longhand(*words, "--max-copy", "5")
    assert note(trained) in done.stderr
    shutil.rmtree(trained.with_suffix(".run") / "copies")
    assert longhand(*words, "--max-copy", "5", "--corpus", trained.parent / "books").stdout == done.stdout
    shutil.rmtree(trained.with_suffix(".run") / "copies")
    assert "longest copies" in longhand(*words, "--report").stderr
    shutil.rmtree(trained.with_suffix(".run") / "copies")
    (tmp_path / "written.txt").write_text(done.stdout, encoding="utf-8")
    assert "characters" in longhand("novelty", trained, tmp_path / "written.txt").stdout


def test_tune_needs_no_name_of_the_text(longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "TEMPERATURES", (0.9,))
    monkeypatch.setattr(tuning, "MIN_PS", (0.0, 0.1))
    source = tmp_path / "text.txt"
    source.write_text(TEXT * 8, encoding="utf-8")
    train(source, tmp_path / "m", **SMALL)
    done = longhand("tune", tmp_path / "m", "--json", "--dry-run")
    assert f"training text: {source}, as recorded in m.run" in done.stderr
    assert done.stdout == longhand("tune", tmp_path / "m", "--corpus", source, "--json", "--dry-run").stdout
    assert tune(load(tmp_path / "m")) == tune(load(tmp_path / "m"), source)


def moved(books: Path) -> str:
    (books / "a.txt").rename(books / "c.txt")
    return "a.txt: the training text, cannot be read now"


def edited(books: Path) -> str:
    found = (books / "b.txt").stat()
    (books / "b.txt").write_text(TEXT.replace("cat", "cow"), encoding="utf-8")
    os.utime(books / "b.txt", ns=(found.st_atime_ns, found.st_mtime_ns))
    return "b.txt: changed since the model learned from it"


def added(books: Path) -> str:
    (books / "c.txt").write_text("more\n", encoding="utf-8")
    return "c.txt: was not there when the model learned"


def removed(books: Path) -> str:
    shutil.rmtree(books)
    return "a.txt: the training text, cannot be read now"


@pytest.mark.parametrize("change", [moved, edited, added, removed])
def test_a_text_that_is_not_as_it_was_is_named(change: Any, longhand: Run, trained: Path) -> None:
    message = change(trained.parent / "books")
    for words in (("score", trained), ("tune", trained), ("generate", trained, "--max-copy", "5")):
        done = longhand(*words)
        assert_refused(done, message)
        assert "pass the training text with --corpus" in done.stderr


def test_a_file_that_was_only_touched_is_unchanged(trained: Path) -> None:
    os.utime(trained.parent / "books" / "a.txt", (1, 1))
    assert load(trained).recorded_corpus()


def test_a_copy_without_its_folder_says_what_to_do(longhand: Run, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copy(trained, tmp_path / "elsewhere" / "m.safetensors")
    assert_refused(longhand("score", copy), "no record of the training text beside the model")
    shutil.copytree(trained.with_suffix(".run"), tmp_path / "elsewhere" / "m.run")
    record = tmp_path / "elsewhere" / "m.run" / "corpus.json"
    assert longhand("score", copy).returncode == 0
    facts = json.loads(record.read_bytes())
    for damage, message in (
        (b"{", "damaged"),
        (json.dumps({**facts, "version": 99}).encode(), "version 99"),
        (json.dumps({**facts, "characters": 7}).encode(), "of another training"),
        (json.dumps({**facts, "files": [{"path": "x"}]}).encode(), "damaged"),
    ):
        record.write_bytes(damage)
        assert_refused(longhand("score", copy), message)


def test_what_comes_only_once_is_not_looked_for(tmp_path: Path) -> None:
    train(io.StringIO(TEXT), tmp_path / "m", **SMALL)
    with pytest.raises(CorpusError, match="learned from an open text stream, which cannot be found again"):
        load(tmp_path / "m").recorded_corpus()


def test_a_training_on_another_text_takes_away_what_was_known_of_the_first(trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("pydivsufsort")
    model = load(trained)
    model.index_copies()
    assert model.copies is not None
    (tmp_path / "other.txt").write_text(TEXT.replace("cat", "cow"), encoding="utf-8")
    train(tmp_path / "other.txt", trained, overwrite=True, **SMALL)
    assert load(trained).copies is None
    assert load(trained).recorded_corpus() == [str(tmp_path / "other.txt")]


def test_a_resume_that_is_refused_leaves_what_was_recorded(tmp_path: Path) -> None:
    for name, text in (("a", TEXT), ("b", TEXT[::-1])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "n.txt").write_text(text, encoding="utf-8")
    settings = {**SMALL, "epochs": 20, "documents": "line"}
    stopped_training(tmp_path / "a" / "n.txt", tmp_path / "m.safetensors", after=2, **settings)
    kept = [tmp_path / "m.run" / name for name in ("corpus.json", "documents.hashes")]
    before = [path.read_bytes() for path in kept]
    with pytest.raises(OptionError, match="not the text that the training to resume has read"):
        train(tmp_path / "b" / "n.txt", tmp_path / "m.safetensors", resume=True)
    assert [path.read_bytes() for path in kept] == before
