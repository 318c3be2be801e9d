"""One column of a table: what is read of .csv, .tsv, .jsonl and .ndjson files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import VERSE, Run, assert_refused
from hypothesis import given
from hypothesis import strategies as st

from longhand.cli.settings_file import read_settings
from longhand.errors import CorpusError, OptionError
from longhand.model import load
from longhand.settings import resumed_settings, train_config
from longhand.text import corpus
from longhand.text.closed import encode_closed
from longhand.text.columns import kind_by_name
from longhand.text.corpus import CorpusReader, in_pieces
from longhand.text.documents import BOUNDARY
from longhand.text.preparing import encode_corpus
from longhand.text.reading import Reading
from longhand.text.rereading import Text
from longhand.text.sources import Source
from longhand.text.vocabulary import Wanted

KINDS = ("csv", "tsv", "jsonl")
ROWS = ["one", "two\nlines", 'he said "no"', "tab\there, comma", "", "last"]
READ = 'one\ntwo\nlines\nhe said "no"\ntab\there, comma\nlast\n'
SMALL = ["--epochs", 0.05, "--hidden", 8, "--batch", 4, "--window", 8]
texts = st.text(st.one_of(st.sampled_from('ab,"\t\n é中😀'), st.characters(exclude_categories=["Cs"])), max_size=9)
texts = texts.map(lambda text: text.replace("\r", "").replace("\0", "").replace(BOUNDARY, ""))


def table(kind: str, rows: Sequence[Any], column: str = "text") -> str:
    """Return a table in which a column of texts has others beside it."""
    if kind == "jsonl":
        return "".join(json.dumps({"id": number, column: row}) + "\n" for number, row in enumerate(rows))
    written = io.StringIO()
    writer = csv.writer(written, delimiter="\t" if kind == "tsv" else ",")
    writer.writerow(["id", column, "by"])
    writer.writerows([number, row, "somebody"] for number, row in enumerate(rows))
    return written.getvalue()


class Named(io.StringIO):
    """A stream with a name, as that of an open file."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, newline="")
        self.name = name


def read(*sources: Source, column: str = "text", row_end: str = "\n") -> tuple[str, list[str]]:
    reader = CorpusReader(sources, reading=Reading(column=column), row_end=row_end)
    return "".join(reader.pieces()), reader.notes


def read_text(text: str, kind: str, column: str = "text") -> str:
    return read(Named(text, f"rows.{kind}"), column=column)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_is_read_a_row_a_line_and_nothing_else(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"rows.{kind}"
    path.write_text(table(kind, ROWS), encoding="utf-8", newline="")
    text, notes = read(path)
    assert text == READ
    assert notes[-1] == "rows without text in the column 'text', left out: 1"
    if kind != "jsonl":
        separator = "tabs" if kind == "tsv" else "commas"
        assert f"3 columns separated by {separator}, named by its first row 'id', 'text', 'by'" in notes[0]
        assert "rows that go over several lines, between quotation marks: 1, the first in lines 3 to 4" in notes[1]


@pytest.mark.parametrize("kind", KINDS)
@given(rows=st.lists(texts, max_size=9), piece=st.integers(1, 30))
def test_whatever_a_row_says_comes_back_wherever_pieces_end(kind: str, rows: list[str], piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "PIECE", piece)
        assert read_text(table(kind, rows), kind) == "".join(
            row if row.endswith("\n") else f"{row}\n" for row in rows if row
        )
        rows_read = read(Named(table(kind, rows), f"rows.{kind}"), row_end=BOUNDARY)[0]
    assert rows_read.split(BOUNDARY)[:-1] == list(filter(None, rows))


@pytest.mark.parametrize("kind", KINDS)
@given(rows=st.lists(texts.map(lambda text: text.strip("\n")), min_size=1, max_size=9))
def test_each_row_is_a_document_whatever_line_ends_it_has(kind: str, rows: list[str]) -> None:
    with Text([Named(table(kind, rows), f"rows.{kind}")], "row", Reading(column="text")) as text:
        for _ in range(2):
            documents = "".join(text.pieces()).split(BOUNDARY)[:-1]
            assert documents == list(filter(None, rows))


def test_rows_that_are_documents_are_counted_and_held_out_whole() -> None:
    rows = [f"{line}\nby a cat" for line in VERSE.splitlines()] * 20
    encoded = encode_corpus(
        [Named(table("csv", rows), "a.csv")], 0.1, None, Wanted(documents="row"), Reading(column="text")
    )
    assert encoded.documents == 80
    assert encoded.tokenizer.decode(encoded.held_out_ids).count("by a cat") in (7, 8, 9)


def test_documents_may_be_files_or_lines_of_a_column(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(table("csv", ["one\n\ntwo", "three"]), encoding="utf-8", newline="")
    for documents, expected in (("file", ["one\n\ntwo\nthree"] * 2), ("blank", ["one", "two\nthree"] * 2)):
        with Text([tmp_path], documents, Reading(column="text")) as text:
            assert "".join(text.pieces()).split(BOUNDARY)[:-1] == expected


def test_the_character_that_ends_documents_is_refused_in_a_row() -> None:
    with pytest.raises(CorpusError, match=r"U\+FDD0"):
        read(Named(table("jsonl", [f"a{BOUNDARY}"]), "a.jsonl"), row_end=BOUNDARY)


def test_a_number_counts_columns_where_there_is_no_header() -> None:
    assert read_text("1,one\n2,two\n", "csv", "2") == "one\ntwo\n"
    assert read_text("3\t4\n", "tsv", "1") == "3\n"
    assert read_text('{"2": "a key"}\n', "jsonl", "2") == "a key\n"


def test_short_rows_and_empty_lines_and_keys_without_a_value_are_left_out() -> None:
    assert read_text("id,text\n\n1\n2,\n3,three\n", "csv") == "three\n"
    assert read_text('\n{"id": 1}\n{"text": null}\n{"text": ""}\n{"text": "x", "n": [1]}', "jsonl") == "x\n"


def test_a_mark_before_the_first_column_is_no_part_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbftext,id\r\none,1\r\n")
    assert read(tmp_path / "a.csv")[0] == "one\n"
    long = b"\xef\xbb\xbf" + table("csv", [VERSE] * 20).encode()
    (tmp_path / "a.csv").write_bytes(long)
    encoded = encode_closed([tmp_path / "a.csv"], "char", 0, Reading(column="text"))
    assert encoded.tokenizer.decode(encoded.ids) == VERSE * 20


def test_line_ends_within_a_row_become_newlines() -> None:
    assert read_text('text\r\n"a\r\nb\rc"\r\n', "csv") == "a\nb\nc\n"
    text, notes = read(Named(r'{"text": "a\r\nb\rc\r"}', "a.jsonl"))
    assert text == "a\nb\nc\n"
    assert notes == [r"a.jsonl: line ends in its rows became \n"]


def test_a_long_field_is_read_and_the_limit_of_others_left_as_it_was() -> None:
    before = csv.field_size_limit()
    assert read_text(table("csv", ["x\n" * 200_000]), "csv") == "x\n" * 200_000
    assert csv.field_size_limit() == before


def test_a_long_row_comes_in_pieces() -> None:
    reader = CorpusReader([Named(table("jsonl", ["x" * 5_000_000]), "a.jsonl")], reading=Reading(column="text"))
    assert max(map(len, reader.pieces())) == corpus.PIECE


@given(st.lists(st.text("ab", max_size=30)), st.integers(1, 20))
def test_pieces_are_as_long_as_was_said_and_the_same_text(parts: list[str], size: int) -> None:
    *full, last = [*in_pieces(parts, size), ""]
    assert "".join(full) + last == "".join(parts)
    assert all(0 < len(piece) <= size for piece in full)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "CSV"),
        ("folder.x/A.TSV", "TSV"),
        ("a.jsonl.gz", "JSON"),
        ("a.b.ndjson.zst", "JSON"),
        ("a.json", "JSON"),
        ("a.csv.txt", None),
        ("csv", None),
        ("a.gz", None),
    ],
)
def test_the_name_says_what_a_file_is(name: str, kind: str | None) -> None:
    assert kind_by_name(name) == kind


def test_what_has_no_name_is_known_by_its_content(tmp_path: Path) -> None:
    for kind, said in zip(KINDS, ("separated by commas", "separated by tabs", "as JSON lines"), strict=True):
        text, notes = read(io.StringIO(table(kind, ROWS[:3]), newline=""))
        assert text == READ[: len(text)]
        assert said in notes[0]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[gzip.compress(table("tsv", ROWS).encode())])
    writer.start()
    assert read(pipe)[0] == READ
    writer.join()


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("csv", "a,b\n", "rows.csv, line 1: no column 'text'; it has 'a', 'b': name one of them, or its number"),
        ("csv", "text,text\n", "line 1: more than one column 'text'"),
        (
            "csv",
            'id,text\n1,"a" b\n2,"c, d"\n',
            r"line 2: a quotation mark within a field \(',' expected after '\"'\); close it",
        ),
        ("csv", 'id,text\n1,"a\nb"\n2,"c\nd\n', "line 4: a quotation mark that is opened and never closed"),
        ("csv", "id,text\n1,two, three\n", "line 2: 3 columns, expected 2 as in the first row"),
        ("csv", "one\ntwo\n", "line 1: no column 'text', and no separator in its first line 'one': is it a table"),
        ("jsonl", '{"a": 1}\n', "rows.jsonl: no row has the key 'text'; the first has 'a': name one"),
        (
            "jsonl",
            '{"text": "a"}\n{"text": 5}\n',
            "line 2: 'text' is 5, which is no string; expected text, or leave such rows out",
        ),
        ("jsonl", '{"text": [{}]}\n', r"line 1: 'text' is \[\{\}\], which is no string"),
        (
            "jsonl",
            '{"text": "a"}\n{"text": "b"\n',
            r"line 2: no JSON \(expecting ',' delimiter, at its end\); expected one value of JSON a line",
        ),
        ("jsonl", "[1]\n", "line 1: 1, which is no object with keys"),
        ("jsonl", "plain text\n", r"line 1: no JSON \(expecting value, at 'plain text'\)"),
        (
            "jsonl",
            '{"text": "\\ud800"}\n',
            r"line 1: half a character, \\ud800 \(a lone surrogate\): the text was cut inside it",
        ),
        ("jsonl", '{"text":' + "[" * 100_000, "line 1: values within values, deeper than can be read"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(kind: str, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as error:
        read_text(text, kind)
    assert "\n" not in str(error.value)


def test_rows_with_empty_cells_behind_them_are_as_long_as_the_others() -> None:
    assert read_text("id,text\n1,one,,\n2,two,,\n", "csv") == "one\ntwo\n"
    with pytest.raises(CorpusError, match="line 2: 3 columns, expected 2"):  # of which the text may have two
        read_text("text,url\nYes, no,\nNo,a\nAh,b\n", "csv")


@pytest.mark.parametrize("column", ["0", "3", "9" * 999])
def test_a_number_that_no_column_has_is_refused(column: str) -> None:
    with pytest.raises(CorpusError, match="line 1: 2 columns, expected a column "):
        read_text("1,one\n", "csv", column)


@given(st.text(), st.sampled_from(KINDS), st.sampled_from(["text", "1"]))
def test_any_text_is_a_table_or_refused_in_a_line(text: str, kind: str, column: str) -> None:
    try:
        read_text(text, kind, column)
    except CorpusError as error:
        assert "\n" not in str(error)  # noqa: PT017 (some texts are tables)


def test_a_model_learns_rows_and_writes_such(longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = table("csv", [f"{line}\nand so on" for line in VERSE.splitlines() * 20])
    Path("rows.csv.gz").write_bytes(gzip.compress(rows.encode()))
    done = longhand("train", "rows.csv.gz", "--column", "text", "--documents", "row", *SMALL)
    assert done.returncode == 0, done.stderr
    card = load("rows").card
    assert (card.training["column"], card.training["documents"]) == ("text", "row")
    written = longhand("generate", "rows", "--documents", 2, "--length", 20, "--seed", 1)
    assert written.returncode == 0
    Path("verse.txt").write_text(VERSE * 40, encoding="utf-8")
    message = "the model to start from has learned rows: add --column"
    assert_refused(longhand("train", "verse.txt", "--from", "rows", *SMALL), message)
    assert longhand("train", "verse.txt", "--from", "rows", "--documents", "line", *SMALL).returncode == 0


def test_a_plan_keeps_how_the_text_is_read(longhand: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(table("csv", [VERSE] * 30), encoding="utf-8", newline="")
    options = ["--column", "text", "--documents", "row", "--encoding", "windows-1252", "--normalize", "NFC"]
    done = longhand("train", path, *options, "--epochs", 1, "--plan")
    (tmp_path / "plan.toml").write_text(done.stdout, encoding="utf-8")
    config = train_config(read_settings(str(tmp_path / "plan.toml")))
    assert (config.column, config.documents) == ("text", "row")
    assert (config.encoding, config.normalize) == ("windows-1252", "NFC")


@pytest.mark.parametrize(("name", "other"), [("column", "id"), ("encoding", "cp1252"), ("normalize", "NFD")])
def test_a_training_that_goes_on_reads_as_before(name: str, other: str) -> None:
    saved = train_config({"column": "text", "encoding": "utf-16", "normalize": "NFC"})
    assert resumed_settings(saved, {}) == resumed_settings(saved, {name: getattr(saved, name)}) == saved
    with pytest.raises(OptionError, match=f"{name}: found {other}, the training to resume has {getattr(saved, name)}"):
        resumed_settings(saved, {name: other})


def test_rows_without_a_column_are_refused() -> None:
    with pytest.raises(OptionError, match="found row, but no column"):
        train_config({"documents": "row"})
