"""The bits of each line or row: where it stands in its file, and that nothing is left out."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from conftest import ALPHABET, Run, assert_refused, small_file
from hypothesis import given
from hypothesis import strategies as st

from longhand.modelfile import Card, ModelFile, write_model
from longhand.scoring.blocks import Block
from longhand.scoring.line_records import LineRecords
from longhand.text.origins import Origins
from longhand.text.rereading import Text


def model_of(folder: Path, documents: str | None = None, **training: Any) -> Path:
    """Write a model that learned from such documents, or from one text."""
    file, card = small_file("".join(sorted(ALPHABET + '",;-:AB'))), Card(training=training)
    if documents is not None:
        card.training["documents"] = documents
    config = msgspec.structs.replace(file.config, documents=documents is not None)
    path = folder / "model.safetensors"
    write_model(ModelFile(config, file.tokenizer, file.weights, card), path)
    return path


def records(longhand: Run, out: Path, model: Path, *files: object) -> list[dict[str, Any]]:
    """Score, and return what was written for each line, whose bits are those of the text."""
    done = longhand("score", model, *files, "--per-line", out, "--json", "--overwrite")
    assert done.returncode == 0, done.stderr
    facts, text = json.loads(done.stdout), out.read_text(encoding="utf-8")
    if out.suffix == ".jsonl":
        found = [json.loads(line) for line in text.splitlines()]
    else:
        found = list(csv.DictReader(io.StringIO(text)))
    total = sum(float(each["bits"]) for each in found)
    assert total == pytest.approx(facts["bits_per_character"] * facts["characters"], rel=1e-5)
    return found


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_each_line_has_its_number_in_its_file(suffix: str, longhand: Run, tmp_path: Path) -> None:
    one, two, out = tmp_path / "one.txt", tmp_path / "two.txt", tmp_path / f"out{suffix}"
    one.write_bytes(b'the cat\r\n\r\nsat, "on"\r\nthe mat')
    two.write_text("\n\na dog\n", encoding="utf-16")
    found = records(longhand, out, model_of(tmp_path), one, two, "--encoding", "detect")
    shown = [(Path(each["file"]).name, int(each["line"]), each["text"]) for each in found]
    assert shown == [
        *(("one.txt", 1, "the cat"), ("one.txt", 2, ""), ("one.txt", 3, 'sat, "on"'), ("one.txt", 4, "the mat")),
        *(("two.txt", 1, ""), ("two.txt", 2, ""), ("two.txt", 3, "a dog")),
    ]
    assert all(each["row"] in (None, "") for each in found)
    mean = float(found[0]["bits"]) / len("the cat\n")
    assert float(found[0]["bits_per_character"]) == pytest.approx(mean, abs=1e-5)


@pytest.mark.parametrize(
    ("mode", "text", "expected"),
    [
        ("line", "\none\n\ntwo\n", [(2, "one"), (4, "two")]),
        ("blank", "one\ntwo\n \n\nthree", [(1, "one"), (2, "two"), (5, "three")]),
        ("--", "one--two\n--\n\nthree\n\nfour", [(1, "one\ntwo"), (4, "three"), (5, ""), (6, "four")]),
        ("file", "\none\n\ntwo\n", [(2, "one"), (3, ""), (4, "two")]),
    ],
)
def test_lines_of_documents_keep_their_numbers(
    mode: str, text: str, expected: list[tuple[int, str]], longhand: Run, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    found = records(longhand, tmp_path / "o.jsonl", model_of(tmp_path, mode), tmp_path / "a.txt")
    assert [(each["line"], each["text"]) for each in found] == expected


@pytest.mark.parametrize("documents", [None, "row", "line"])
def test_rows_have_their_number_and_the_line_they_begin_in(
    documents: str | None, longhand: Run, tmp_path: Path
) -> None:
    table = tmp_path / "a.csv"
    table.write_text('id,text\n1,the cat\n2,"a\n\ndog"\n\n3,\n4,"so, ""it"" is"\n', encoding="utf-8")
    found = records(longhand, tmp_path / "o.csv", model_of(tmp_path, documents), table, "--column", "text")
    texts = ["the cat", "a\ndog" if documents == "line" else "a\n\ndog", 'so, "it" is']
    assert [(each["line"], each["row"], each["text"]) for each in found] == list(
        zip(["2", "3", "8"], ["1", "2", "4"], texts, strict=True)
    )


def test_rows_of_json_lines_have_the_numbers_of_their_lines(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"t": "one"}\n\n{"t": "two\\nlines"}\n', encoding="utf-8")
    found = records(longhand, tmp_path / "o.jsonl", model_of(tmp_path), tmp_path / "a.jsonl", "--column", "t")
    assert [(each["line"], each["text"]) for each in found] == [(1, "one"), (3, "two\nlines")]


lines = st.lists(st.text("ab -é", max_size=5), min_size=1, max_size=12)


@given(lines, st.lists(st.integers(0, 60), max_size=6), st.sampled_from(["none", "line", "blank", "file", "-", "ab"]))
def test_however_a_text_comes_its_records_are_the_same_and_whole(given: list[str], cuts: list[int], mode: str) -> None:
    raw = "\n".join(given)
    origins, out = Origins(), io.BytesIO()
    with Text([io.StringIO(raw)], mode, origins=origins) as text:
        whole = "".join(text.pieces())
    writer = LineRecords(out, "o.jsonl", origins)
    for begin, end in pairwise([0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]):
        if part := whole[begin:end]:
            block = Block(part, np.zeros(len(part), np.int32), np.ones(len(part), np.int32), text.ends)
            sizes = block.character_sizes
            block = Block(part, np.zeros(len(part), np.int32), sizes, text.ends)
            writer.watch(block, np.ones(len(part)))
    writer.finish()
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert sum(each["bits"] for each in found) == len(whole)
    assert [each["line"] for each in found] == sorted({each["line"] for each in found})
    if mode in ("none", "line", "blank", "file"):
        assert all(given[each["line"] - 1] == each["text"] for each in found)


def test_what_lines_cannot_be_written_is_refused(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    model, out = model_of(tmp_path), tmp_path / "out.jsonl"
    assert_refused(longhand("score", model, verse_path, "--per-line", tmp_path / "out.txt"), ".csv or .jsonl")
    assert_refused(longhand("score", model, "--corpus", verse_path, "--per-line", out), "name the text")
    assert_refused(longhand("score", model, verse_path, "--per-line", out, "--html", out), "for both")
    out.write_text("kept", encoding="utf-8")
    assert_refused(longhand("score", model, verse_path, "--per-line", out), "--overwrite")
    assert out.read_text(encoding="utf-8") == "kept"


def test_the_worst_lines_say_what_they_are_ranked_by(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    model = model_of(tmp_path)
    assert "ranked by bits / (characters + 20)" in longhand("score", model, verse_path, "--worst", "2").stdout
    facts = json.loads(longhand("score", model, verse_path, "--worst", "2", "--json").stdout)
    assert facts["worst_ranked_by"] == "bits / (characters + 20)"
