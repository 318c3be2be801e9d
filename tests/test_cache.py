"""The tokens of large texts, kept in files: the same as in memory, found again, gone on with, and removed."""

from __future__ import annotations

import io
import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Finished, assert_refused
from stopping import stopped_training

from longhand.api import train
from longhand.errors import CorpusError
from longhand.text import corpus, preparing, store
from longhand.text.cache import cache_folder, held, kept_texts
from longhand.text.encoded import EncodedCorpus
from longhand.text.numbering import in_halves, numbered
from longhand.text.preparing import encode_corpus
from longhand.text.progress import untold
from longhand.text.tokenizer import Tokenizer
from longhand.text.vocabulary import CHARACTERS, Wanted

TEXT = "".join(f"{VERSE}你好, 世界! e\u0301 {number}\n\n" for number in range(300))
WORDS = [Wanted("word", 50), Wanted("word", 50, spells=False), Wanted("whitespace", 50)]
KINDS = [Wanted("char"), Wanted("byte"), *WORDS, Wanted("bpe", 300)]
LINES = Wanted("char", documents="line")
Longhand = Callable[..., Finished]


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a text be a large one from its first byte on, and small pieces of it be written down."""
    monkeypatch.setattr(preparing, "KEPT_FROM", dict.fromkeys(preparing.KEPT_FROM, 0))
    monkeypatch.setattr(corpus, "PIECE", 1000)
    monkeypatch.setattr(store, "CHECKPOINT", 3000)


@pytest.fixture
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "processors", lambda: 1)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT + "never seen before: ☃\n", encoding="utf-8")
    return path


def encoded(text: Path, wanted: Wanted = CHARACTERS) -> EncodedCorpus[Tokenizer]:
    return encode_corpus([text], wanted=wanted)


def in_memory(text: Path, wanted: Wanted = CHARACTERS) -> EncodedCorpus[Tokenizer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGHAND_CACHE", "0")
        return encoded(text, wanted)


def assert_equal(found: EncodedCorpus[Tokenizer], expected: EncodedCorpus[Tokenizer]) -> None:
    ours, theirs = ({**vars(corpus)} for corpus in (found, expected))
    assert ours.pop("release") != theirs.pop("release")
    assert ours.pop("tokenizer").to_record() == theirs.pop("tokenizer").to_record()
    for name in ("ids", "counts"):
        np.testing.assert_array_equal(ours.pop(name), theirs.pop(name))
    assert ours == theirs
    assert found.ids.dtype == expected.ids.dtype


def kept() -> list[Path]:
    folder = cache_folder()
    assert folder is not None
    return [entry.folder for entry in kept_texts(folder)]


def forbid_numbering(patch: pytest.MonkeyPatch) -> None:
    def numbered(*_: object) -> Iterator[Any]:
        raise AssertionError("the text is numbered once more")

    patch.setattr(preparing, "numbered", numbered)


@pytest.mark.parametrize("wanted", [*KINDS, LINES, Wanted("word", 50, documents="blank")], ids=str)
def test_tokens_from_a_file_are_those_from_memory_in_one_process_and_in_several(
    text: Path, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "processors", lambda: 1)
    expected = in_memory(text, wanted)
    monkeypatch.setattr(preparing, "processors", lambda: 3)
    assert_equal(encoded(text, wanted), expected)
    assert len(kept()) == 1


@pytest.mark.usefixtures("_one_process")
@pytest.mark.parametrize("wanted", [CHARACTERS, Wanted("word", 50)], ids=str)
def test_a_text_is_prepared_only_once_wherever_it_lies(
    text: Path, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = encoded(text, wanted)
    forbid_numbering(monkeypatch)
    monkeypatch.setattr(preparing, "tokenizer_for", None)
    assert_equal(encoded(text, wanted), expected)
    moved = text.rename(text.with_name("moved.txt"))
    again = encoded(moved, wanted)
    assert again.names == ["moved.txt"]
    np.testing.assert_array_equal(again.ids, expected.ids)
    assert encode_corpus([io.StringIO(moved.read_text(encoding="utf-8"))], wanted=wanted).names == ["text"]


def test_other_texts_and_settings_are_kept_beside_each_other(text: Path) -> None:
    encoded(text)
    encoded(text, Wanted("byte"))
    encoded(text, LINES)
    encode_corpus([text], 0.2)
    text.write_text(text.read_text(encoding="utf-8") + "x", encoding="utf-8")
    encoded(text)
    assert len(kept()) == 5


def the_same(text: Path) -> list[Path]:
    return [text]


def with_other_line_ends(text: Path) -> list[Path]:
    text.write_bytes(text.read_bytes().replace(b"\n", b"\r\n"))
    return [text]


def in_two_files(text: Path) -> list[Path]:
    lines, second = text.read_bytes().splitlines(keepends=True), text.with_name("second.txt")
    text.write_bytes(b"".join(lines[:33]))
    second.write_bytes(b"".join(lines[33:]))
    return [text, second]


def with_other_pieces(text: Path) -> list[Path]:
    corpus.PIECE = 777  # the fixture sets it back
    return [text]


@pytest.mark.usefixtures("_one_process")
@pytest.mark.parametrize("wanted", [CHARACTERS, Wanted("word", 50), LINES], ids=str)
@pytest.mark.parametrize("meanwhile", [the_same, with_other_line_ends, in_two_files, with_other_pieces])
def test_a_preparation_that_was_stopped_goes_on_where_it_was_however_the_text_comes(
    text: Path, wanted: Wanted, meanwhile: Callable[[Path], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = replace(in_memory(text, wanted), names=[], notes=[], size=0)
    seen = []

    def stopped(pieces: Any, *others: Any) -> Iterator[Any]:
        for count, answer in enumerate(numbered(pieces, *others)):
            if count == (30 if wanted.documents == "line" else 20):  # of documents the pieces are smaller
                raise KeyboardInterrupt
            yield answer

    def watched(pieces: Any, *others: Any) -> Iterator[Any]:
        for answer in numbered(pieces, *others):
            seen.append(answer[1])
            yield answer

    monkeypatch.setattr(preparing, "numbered", stopped)
    with pytest.raises(KeyboardInterrupt):
        encoded(text, wanted)
    monkeypatch.setattr(preparing, "numbered", watched)
    sources = meanwhile(text)
    assert_equal(replace(encode_corpus(sources, wanted=wanted), names=[], notes=[], size=0), expected)
    missing = sum(map(len, seen))
    assert 0 < missing < expected.characters - 10_000


@pytest.mark.usefixtures("_one_process")
def test_a_text_that_changed_while_it_was_read_leaves_nothing_that_is_taken_for_it(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, expected = text.read_bytes(), in_memory(text)

    def changed(*arguments: Any) -> Iterator[tuple[int, str]]:
        text.write_bytes(data.replace(b"cat", b"tac"))
        return in_halves(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(preparing, "in_halves", changed)
        with pytest.raises(CorpusError, match="changed while it was read"):
            encoded(text)
    text.write_bytes(data)
    assert_equal(encoded(text), expected)


@pytest.mark.parametrize("name", [store.IDS, store.SPLIT, store.PROGRESS])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda _: b"",
        lambda data: b"\xff" + data[1:],
        lambda data: b"\1" + data[1:],
    ],
)
def test_files_that_are_damaged_are_made_anew(text: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    encoded(text)
    path = kept()[0] / name
    path.write_bytes(damage(path.read_bytes()))
    assert_equal(encoded(text), in_memory(text))


def test_a_folder_that_cannot_be_written_is_said_and_the_text_stays_in_memory(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LONGHAND_CACHE", str(tmp_path / "file"))
    found = encoded(text)
    assert "cannot be kept" in found.notes[0]
    np.testing.assert_array_equal(found.ids, in_memory(text).ids)


def test_a_disk_that_is_full_is_said_and_is_not_left_so(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync, calls = os.fsync, itertools.count()

    def full(file: int) -> None:
        if next(calls) > 5:
            raise OSError(28, "No space left on device")
        fsync(file)

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left" in encoded(text).notes[0]
    assert kept() == []


def test_a_small_text_and_one_that_is_not_to_be_kept_leave_no_trace(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory(text)
    monkeypatch.undo()
    monkeypatch.setenv("LONGHAND_CACHE", str(tmp_path / "cache"))
    encoded(text)
    assert not (tmp_path / "cache").exists()


def test_one_who_finds_a_text_in_preparation_waits_and_says_so(text: Path) -> None:
    encoded(text)
    told, waiting = [], threading.Event()

    def tell(what: str, _: float | None) -> None:
        told.append(what)
        waiting.set()

    with held(kept()[0], untold):
        other = threading.Thread(target=lambda: encode_corpus([text], tell=tell))
        other.start()
        assert waiting.wait(20)
    other.join(20)
    assert not other.is_alive()
    assert told == ["waiting for another training that prepares this text"]


def test_what_is_kept_is_listed_and_removed(text: Path, longhand: Longhand) -> None:
    encoded(text)
    encoded(text, Wanted("byte"))
    before = longhand("cache")
    assert before.stdout.count("text.txt") == 2
    assert longhand("cache", "clear").stdout.endswith(" MB removed\n")
    assert kept() == []
    after = longhand("cache")
    assert (after.returncode, after.stdout.count("\n")) == (0, 1)
    assert len(in_memory(text).ids) == len(encoded(text).ids)


def test_what_is_in_use_stays(text: Path, longhand: Longhand) -> None:
    encoded(text)
    with held(kept()[0], untold):
        done = longhand("cache", "clear")
    assert "stays" in done.stderr
    assert len(kept()) == 1


def test_an_empty_cache_and_none_are_told(longhand: Longhand, monkeypatch: pytest.MonkeyPatch) -> None:
    assert longhand("cache").stdout.endswith(": 0.0 MB\n")
    assert longhand("cache", "clear").stdout.endswith(": 0.0 MB removed\n")
    monkeypatch.setenv("LONGHAND_CACHE", "0")
    assert "nothing is kept" in longhand("cache").stdout
    assert "nothing is kept" in longhand("cache", "clear").stdout


def test_a_training_of_kept_tokens_is_that_of_tokens_in_memory(
    text: Path, tmp_path: Path, longhand: Longhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--epochs", "0.3", "--hidden", "8", "--seed", "3")
    assert longhand("train", text, "-o", tmp_path / "kept", *options).returncode == 0
    monkeypatch.setenv("LONGHAND_CACHE", "0")
    assert longhand("train", text, "-o", tmp_path / "memory", *options).returncode == 0
    logs = [(tmp_path / f"{name}.run" / "log.jsonl").read_text(encoding="utf-8") for name in ("kept", "memory")]
    bits = [
        [json.loads(line).get("training_bits_per_character") for line in log.splitlines() if "step" in line]
        for log in logs
    ]
    assert bits[0] == bits[1]
    assert len(bits[0]) > 3


def test_a_training_of_kept_tokens_goes_on_with_or_without_them(
    text: Path, tmp_path: Path, longhand: Longhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"epochs": 0.3, "hidden": 8, "tokens": "word"}
    whole = train(text, **settings)
    for number, step in enumerate([lambda: None, lambda: longhand("cache", "clear"), in_memory_from_here(monkeypatch)]):
        path = tmp_path / str(number)
        stopped_training(text, path, after=1, **settings)
        step()
        again = train(text, path, resume=True)
        assert all(np.array_equal(whole.file.weights[name], again.file.weights[name]) for name in whole.file.weights)


def in_memory_from_here(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setenv("LONGHAND_CACHE", "0")


def test_progress_is_told_of_a_text_that_takes_long(
    text: Path, longhand: Longhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longhand.text.progress.PAUSE", 0)
    monkeypatch.setattr("longhand.cli.watcher.FIRST_PLAIN", 0)
    monkeypatch.setattr("longhand.cli.watcher.PLAIN_INTERVAL", 0)
    done = longhand("train", text, "-o", text.with_suffix(""), "--epochs", "0.01", "--hidden", "4")
    shares = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  numbering")]
    assert shares == sorted(shares, key=lambda share: int(share.rstrip("%")))
    assert len(shares) > 5
    assert shares[-1] == "100%"


def test_lines_for_programs_tell_of_the_preparation(
    text: Path, longhand: Longhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longhand.text.progress.PAUSE", 0)
    arguments = ("--epochs", "0.01", "--hidden", "4", "--json-lines")
    done = longhand("train", text, "-o", text.with_suffix(""), *arguments)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"event": "preparing", "what": "numbering", "share": 1.0} in events


def test_a_text_of_one_document_is_refused_whether_kept_or_not(tmp_path: Path, longhand: Longhand) -> None:
    (tmp_path / "one.txt").write_text("x" * 2000, encoding="utf-8")
    for _ in range(2):
        assert_refused(longhand("train", tmp_path / "one.txt", "--documents", "line"), "one document")
