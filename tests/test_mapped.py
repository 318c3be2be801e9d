"""Files that are mapped: an index of copies and the tokens of a text are never changed under those who read them."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Run, small_file

from longhand.copies.index import CopyIndex, build_index
from longhand.errors import CorpusError, OutputError
from longhand.model import load
from longhand.modelfile import write_model
from longhand.text import preparing, store
from longhand.text.cache import cache_folder
from longhand.text.preparing import encode_corpus

pytest.importorskip("pydivsufsort")


def test_an_index_that_is_made_anew_stays_for_those_who_have_the_old_one_open(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    old = build_index([VERSE], folder)
    before = [bytes(array.tobytes()) for array in (old._text, old._suffixes)]
    new = build_index(["quite another text"], folder)  # shorter: who reads the old one's end would be killed
    assert [array.tobytes() for array in (old._text, old._suffixes)] == before
    assert (old.occurs("bird sang"), old.occurs("another")) == (True, False)
    assert (new.occurs("bird sang"), new.occurs("another")) == (False, True)
    assert CopyIndex(folder).about == new.about


def test_a_build_that_fails_leaves_the_index_that_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build_index([VERSE], folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CorpusError, match="the text is empty"):
        build_index([], folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_full_disk_is_told_once_and_leaves_the_index_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "index"
    build_index([VERSE], folder)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OutputError) as error:
            build_index([VERSE], folder)
    assert str(error.value).count("No space left on device") == str(error.value).count("cannot write") == 1
    assert CopyIndex(folder).occurs("bird sang")


def test_who_opens_an_index_while_another_takes_its_place_gets_one_of_them_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    build_index(["the same length"], folder)
    replace = Path.replace
    found: list[str] = []
    monkeypatch.setattr("longhand.copies.index.OPEN_PAUSE_SECONDS", 0)

    def looked_at(path: Path, target: Path) -> Path:
        with pytest.raises(CorpusError, match="no index"):  # not the text of one with the suffixes of the other
            CopyIndex(folder)
        found.append(target.name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", looked_at)
    new = build_index(["THE SAME LENGTH"], folder)
    assert sorted(found) == ["index.json", "suffixes", "text"]
    assert CopyIndex(folder).about == new.about


def test_who_has_opened_half_of_an_index_when_it_is_replaced_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    build_index(["the same length"], folder)
    memmap = np.memmap
    built: list[bool] = []

    def meanwhile(path: Path, *rest: Any) -> Any:
        if path.name == "suffixes" and not built:
            built.append(True)
            with monkeypatch.context() as patch:
                patch.setattr(np, "memmap", memmap)
                build_index(["THE SAME LENGTH"], folder)
        return memmap(path, *rest)

    monkeypatch.setattr(np, "memmap", meanwhile)
    found = CopyIndex(folder)
    assert (found.occurs("THE SAME"), found.occurs("the same")) == (True, False)


def test_of_several_that_build_at_once_one_is_there_whole(tmp_path: Path) -> None:
    folder, texts = tmp_path / "index", ["one text", "two texts"] * 2
    threads = [threading.Thread(target=build_index, args=([text * 50], folder)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = CopyIndex(folder)
    text = bytes(found._text)
    assert text.decode() in {each * 50 for each in texts}
    assert [text[place:] for place in found._suffixes] == sorted(text[place:] for place in range(len(text)))
    assert sorted(path.name for path in folder.iterdir() if path.name != ".lock") == ["index.json", "suffixes", "text"]


def test_an_index_of_another_user_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(small_file(), tmp_path / "model.safetensors")
    build_index([VERSE], tmp_path / "model.run" / "copies")
    assert load(tmp_path / "model").copies is not None
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert load(tmp_path / "model").copies is None


def test_tokens_that_a_training_maps_stay_whatever_becomes_of_the_files(
    verse_path: Path, longhand: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "KEPT_FROM", dict.fromkeys(preparing.KEPT_FROM, 0))
    tokens = encode_corpus([verse_path]).ids.copy()
    (folder,) = (cache_folder() or Path()).iterdir()
    nothing = {"halves": [{}, {}], "seen": 0, "read": "", "digest": ""}  # says that the file is still to be written
    for damage in (nothing, {}, "not a record"):
        with (folder / store.IDS).open("rb") as mapped:
            (folder / store.PROGRESS).write_text(json.dumps(damage), encoding="utf-8")
            assert np.array_equal(encode_corpus([verse_path]).ids, tokens)
            assert np.array_equal(np.fromfile(mapped, tokens.dtype), tokens)
            assert os.fstat(mapped.fileno()).st_ino != (folder / store.IDS).stat().st_ino  # not written over meanwhile
    corpus = encode_corpus([verse_path])
    assert longhand("cache", "clear").returncode == 0
    assert np.array_equal(corpus.ids, tokens)
