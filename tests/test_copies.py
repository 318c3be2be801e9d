"""Copies of the text learned from: found, reported and kept out; brute force says the same."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import VERSE, Run, assert_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.api import train
from longhand.copies.guard import CopyGuard
from longhand.copies.index import CopyIndex, build_index
from longhand.copies.report import novelty
from longhand.errors import CorpusError, OptionError
from longhand.model import Model, load

pytest.importorskip("pydivsufsort")
LEARNED = VERSE * 3 + "a word more, é中👍 and no more.\n" + VERSE
HEARTILY: dict[str, Any] = {"epochs": 40, "hidden": 48, "layers": 1, "embedding": 16, "window": 16, "dropout": 0.0}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> CopyIndex:
    """Return the index of a text."""
    return build_index([LEARNED[:50], LEARNED[50:]], tmp_path_factory.mktemp("copies") / "index", ["verse.txt"])


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return a model that knows its text by heart, with an index beside it."""
    path = tmp_path_factory.mktemp("models") / "heart.safetensors"
    train(io.StringIO(LEARNED * 3), path, **HEARTILY)
    model = load(path)
    model.index_copies(io.StringIO(LEARNED * 3))
    return model


def longest_copy(text: str, source: str) -> int:
    """Return the length of the longest run that both have, by brute force."""
    most = 0
    for begin in range(len(text)):
        while begin + most < len(text) and text[begin : begin + most + 1] in source:
            most += 1
    return most


@given(st.text("abdegnorst é中\n", max_size=12))
def test_what_occurs_is_found(text: str) -> None:
    assert INDEX.occurs(text) == (text in LEARNED)


@given(st.integers(0, len(LEARNED) - 1), st.integers(1, 40), st.text("aé中x", max_size=3))
def test_the_longest_beginning_is_the_longest(begin: int, length: int, more: str) -> None:
    data, source = (LEARNED[begin : begin + length] + more).encode(), LEARNED.encode()
    found = INDEX.longest_beginning(data)
    assert data[:found] in source
    assert found == len(data) or data[: found + 1] not in source
    assert found == 0 or source[INDEX.where(data[:found]) :].startswith(data[:found])


@pytest.fixture(scope="module", autouse=True)
def _shared(index: CopyIndex) -> None:
    global INDEX
    INDEX = index


INDEX: CopyIndex


@given(
    st.lists(st.sampled_from(["the cat ", "sat on", " the mat\n", "x", "é中", "dog lay on the log\na b"]), max_size=12)
)
@settings(max_examples=200)
def test_a_guard_lets_through_no_longer_copy_and_refuses_nothing_else(pieces: list[str]) -> None:
    for most in (1, 3, 8, 20):
        guard, text = CopyGuard(INDEX, most), ""
        for piece in pieces:
            would_copy = longest_copy((text + piece)[-len(piece) - most :], LEARNED) > most
            assert guard.refuses(piece) == would_copy
            text += "" if would_copy else piece
        assert longest_copy(text, LEARNED) <= most


def test_a_report_is_what_brute_force_says() -> None:
    text = "the dog lay on the log\na cat sat, é中👍 and no more. new words"
    found = novelty(text, INDEX)
    assert found.longest[0].length == longest_copy(text, LEARNED)
    assert found.longest[0].text in LEARNED
    assert all(one.begin + one.length <= two.begin or two.begin + two.length <= one.begin
               for one in found.longest for two in found.longest if one is not two)  # fmt: skip
    for count, share in found.new_characters.items():
        grams = [text[place : place + count] for place in range(len(text) - count + 1)]
        assert share == sum(gram not in LEARNED for gram in grams) / len(grams)
    words = re.findall(r"[a-z]+|[^\w\s]|é|中", text)  # a Chinese character is a word
    assert found.new_words[1] == sum(word not in LEARNED for word in words) / len(words)
    assert 0 < found.new_words[1] < found.new_words[5] < 1


def test_the_files_take_five_bytes_for_each(tmp_path: Path) -> None:
    build_index([LEARNED], tmp_path / "index")
    sizes = {file.name: file.stat().st_size for file in (tmp_path / "index").iterdir()}
    assert sizes["text"] == len(LEARNED.encode())
    assert sizes["suffixes"] == 4 * sizes["text"]
    assert sizes["index.json"] < 200


@pytest.mark.parametrize("most", [5, 12, 30])
def test_a_model_that_knows_its_text_by_heart_copies_no_more_than_allowed(by_heart: Model, most: int) -> None:
    free = by_heart.generate(length=600, seed=1)
    assert longest_copy(free, LEARNED * 3) > 60
    text = by_heart.generate(length=600, seed=1, max_copy=most)
    assert len(text) == 600
    assert longest_copy(text, LEARNED * 3) <= most


def test_guarded_texts_depend_on_the_seed_alone(by_heart: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [by_heart.generate(length=200, seed=seed, max_copy=12) for seed in range(5)]
    assert [text.text for text in by_heart.texts(count=5, seed=0, length=200, max_copy=12)] == alone
    monkeypatch.setattr("longhand.generation.text.FIRST_STRIDE", 3)
    assert [by_heart.generate(length=200, seed=seed, max_copy=12) for seed in range(5)] == alone
    monkeypatch.setenv("LONGHAND_NATIVE", "0")
    slow = load(by_heart.path or "")
    assert slow.generate(length=200, seed=3, max_copy=12) == alone[3]


def test_a_guard_sees_prompts_words_and_documents(tmp_path: Path) -> None:
    path = tmp_path / "model"
    small: dict[str, Any] = {"epochs": 20, "hidden": 32, "layers": 1, "embedding": 8, "window": 16, "dropout": 0.0}
    train(io.StringIO(VERSE * 20), path, tokens="word", **small)
    model = load(path)
    model.index_copies(io.StringIO(VERSE * 20))
    for seed in range(20):
        text = "the dog l" + model.generate("the dog l", seed=seed, length=20, max_copy=9)
        assert longest_copy(text, VERSE * 20) <= 9
    names = "anna\nbert\ncarla\ndora\nemil\n" * 40
    train(io.StringIO(names), tmp_path / "names", documents="line", **small)
    namer = load(tmp_path / "names")
    namer.index_copies(io.StringIO(names))
    assert longest_copy(namer.generate(seed=1, max_copy=3, documents=20), names) <= 3
    assert longest_copy(namer.generate(seed=1, max_copy=3, length=150), names) <= 3


def test_a_guard_goes_with_shapes_stops_and_states(by_heart: Model) -> None:
    text = by_heart.generate(seed=0, lines=3, line_length="10-30", max_copy=10)
    assert text.count("\n") == 2
    assert longest_copy(text, LEARNED * 3) <= 10
    assert longest_copy(by_heart.generate(seed=0, length=300, max_copy=10, greedy=True), LEARNED * 3) <= 10


def test_where_nothing_new_can_follow_the_text_ends_with_a_message(by_heart: Model) -> None:
    with pytest.raises(OptionError, match="max copy: whatever followed would be a copy"):
        by_heart.generate(length=50, seed=0, max_copy=1, without="".join(set(LEARNED) - {"e"}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"max_copy": 0}, "max copy: found 0"), ({"max_copy": 9, "beam": 2}, "max copy: neither a beam")],
)
def test_what_cannot_be_guarded_is_refused(by_heart: Model, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        by_heart.texts(**settings)


def test_without_the_text_nothing_can_be_said(model: Model) -> None:
    with pytest.raises(OptionError, match="give it with --corpus"):
        model.generate(max_copy=5)
    with pytest.raises(OptionError, match="give it with --corpus"):
        model.novelty("text")


@pytest.mark.parametrize("damage", ["text", "suffixes", "index.json"])
def test_a_damaged_index_is_refused(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build_index([LEARNED], folder)
    (folder / damage).write_bytes((folder / damage).read_bytes()[:-3])
    with pytest.raises(CorpusError, match="no index of a text, or a damaged one"):
        CopyIndex(folder)


def test_a_text_of_nothing_has_no_index(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="the text is empty"):
        build_index([], tmp_path / "index")


def test_the_commands_make_the_index_once_and_report(longhand: Run, by_heart: Model, tmp_path: Path) -> None:
    (tmp_path / "verse.txt").write_text(LEARNED * 3, encoding="utf-8")
    path = tmp_path / "heart.safetensors"
    by_heart.save(path)
    words = ("generate", path, "--length", "300", "--seed", "1")
    assert_refused(longhand(*words, "--max-copy", "12"), "with --corpus")
    assert_refused(longhand(*words, "--report"), "with --corpus")
    done = longhand(*words, "--max-copy", "12", "--corpus", tmp_path / "verse.txt", "--report")
    assert done.returncode == 0
    assert longest_copy(done.stdout, LEARNED * 3) <= 12
    assert "longest copies:" in done.stderr
    assert longhand(*words, "--max-copy", "12").stdout == done.stdout
    (tmp_path / "written.txt").write_text(done.stdout, encoding="utf-8")
    report = json.loads(longhand("novelty", path, tmp_path / "written.txt", "--json").stdout)
    assert report["longest"][0]["length"] == longest_copy(done.stdout, LEARNED * 3)
    assert "new sequences of words" in longhand("novelty", path, tmp_path / "written.txt").stdout
    assert_refused(longhand("novelty", path, tmp_path / "none.txt"), "none.txt: not found")
    (tmp_path / "bad.txt").write_bytes(b"ab\xff")
    assert_refused(longhand("novelty", path, tmp_path / "bad.txt"), "bad.txt: not UTF-8 at byte 2")


@pytest.mark.slow
def test_an_overfitted_model_copies_no_run_of_more_than_30_in_100_000_characters(tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "shared" / "corpora" / "tinyshakespeare.txt"
    if not path.exists():
        pytest.skip("no text to learn by heart")
    text = path.read_text(encoding="utf-8")[:30_000]
    settings: dict[str, Any] = {"epochs": 120, "hidden": 192, "layers": 1, "window": 64, "batch": 8, "dropout": 0.0}
    again = text + text[:3000]  # so that what is held out has been learned, and the model that knows it best is kept
    train(io.StringIO(again), tmp_path / "heart", held_out=0.09, weight_decay=0.0, **settings)
    model = load(tmp_path / "heart")
    model.index_copies(io.StringIO(text))
    assert longest_copy(model.generate(length=5000, seed=1), text) > 60
    written = model.generate(length=100_000, seed=1, max_copy=30)
    assert len(written) == 100_000
    known = {text[place : place + 31] for place in range(len(text) - 30)}
    assert not any(written[place : place + 31] in known for place in range(len(written) - 30))
