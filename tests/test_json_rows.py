"""Rows of JSON: lines, arrays and single objects, keys within keys, and rows that cannot be read."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import CorpusError
from longhand.text import columns
from longhand.text.corpus import CorpusReader
from longhand.text.reading import Reading
from longhand.text.rows.json_form import columns_of, first_rows

ROWS = [f"Row {number}, of the river." for number in range(60)]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text('a,"\\é😀\n[]{}', max_size=6)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abt", max_size=3), inner)
)


class Named(io.StringIO):
    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, newline="")
        self.name = name


def read(text: str, name: str = "a.json", row_end: str = "\n", **reading: Any) -> tuple[str, list[str]]:
    """Return what is read of a column, and what is told of it."""
    reader = CorpusReader([Named(text, name)], reading=Reading(**{"column": "text", **reading}), row_end=row_end)
    found = "".join(reader.pieces())
    return found, [note.removeprefix(f"{name}: ") for note in reader.notes]


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def joined(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("head", [1, 7, 1 << 16])
def test_an_array_is_read_whatever_its_layout_and_wherever_pieces_end(
    indent: int | None, head: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "HEAD", head)
    rows = [{"id": number, "text": row, "other": {"text": "no"}} for number, row in enumerate(ROWS)]
    assert read(json.dumps(rows, indent=indent))[0] == joined(ROWS)


@given(
    st.lists(st.tuples(values, st.text('ab"\\é😀', min_size=1, max_size=5)), min_size=2, max_size=5), st.integers(1, 30)
)
def test_whatever_other_keys_hold_the_text_of_each_row_comes_back(rows: list[tuple[Any, str]], piece: int) -> None:
    objects = [{"a": other, "text": text, "z": other} for other, text in rows]
    texts = [text for _, text in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("longhand.text.corpus.PIECE", piece)
        for text in (lines(objects), json.dumps(objects), json.dumps(objects, indent=1)):
            assert read(text, row_end="\ufdd0")[0].split("\ufdd0")[:-1] == texts


def test_keys_within_keys_and_arrays_are_followed() -> None:
    rows = [{"message": {"text": row, "parts": [{"t": row}, {"t": "and"}]}} for row in ROWS]
    assert read(lines(rows), column="message.text")[0] == joined(ROWS)
    assert read(lines(rows), column="message.parts.t")[0] == "".join(f"{row}\nand\n" for row in ROWS)
    assert read(lines(rows), column="message.parts.0.t")[0] == joined(ROWS)
    assert read(lines([{"message.text": "whole"}, {"message": {"text": "inner"}}]), column="message.text")[0] == (
        "whole\ninner\n"
    )


def test_an_array_of_strings_is_joined_by_line_ends() -> None:
    assert read(lines([{"text": ["one", None, "two"]}, {"text": []}]))[0] == "one\ntwo\n"


def test_the_elements_of_an_array_in_a_single_object_are_its_rows() -> None:
    export = {"participants": [{"name": "A"}], "messages": [{"content": row} for row in ROWS] + [{"photo": "x.jpg"}]}
    text, notes = read(json.dumps(export, indent=2), column="messages.content")
    assert text == joined(ROWS)
    assert notes == ["rows without text in the column 'messages.content', left out: 1"]
    assert read(json.dumps({"poems": ROWS}), column="poems")[0] == joined(ROWS)


def test_nan_in_another_key_does_no_harm_and_is_told() -> None:
    text = lines([{"text": row} for row in ROWS]) + '{"text": "A good row.", "score": NaN}\n'
    found, notes = read(text, "a.jsonl")
    assert found == joined([*ROWS, "A good row."])
    said = "rows with something in another key that is no JSON (NaN, half a character), read all the same: "
    assert notes == [f"{said}1, the first in line 61"]
    huge = f'{{"text": "x", "n": {"9" * 5000}}}\n'
    assert read(huge * 2)[0] == "x\nx\n"


BAD = {
    '{"text": "Cut off \\ud83d"}': r"half a character, \\ud83d \(a lone surrogate\): the text was cut inside it",
    '{"text": NaN}': "'text' is NaN, which is no string",
    '{"text": 5}': "'text' is 5, which is no string",
    '{"text": {"a": "b"}}': r"'text' is \{\"a\": \"b\"\}, which is no string",
    '{"text": "cut': r"no JSON \(unterminated string starting at, at '\"cut'\)",
    "true": "true, which is no object with keys",
    "{'text': 'python'}": "no JSON",
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_row_is_refused_with_its_line_and_its_fault_or_left_out(bad: str) -> None:
    text = lines([{"text": row} for row in ROWS]) + bad + "\n" + lines([{"text": "last"}])
    with pytest.raises(CorpusError, match=f"a.jsonl, line 61: {BAD[bad]}.*--skip-bad-rows"):
        read(text, "a.jsonl")
    found, (note,) = read(text, "a.jsonl", skip_bad_rows=True)
    assert found == joined([*ROWS, "last"])
    assert note.startswith("bad rows left out: 1: line 61 (")


def test_what_is_wrong_within_an_array_is_told_with_its_line() -> None:
    whole = json.dumps([{"text": row} for row in ROWS], indent=0)
    with pytest.raises(CorpusError, match="line 182: an array of JSON that is not closed: is it cut off"):
        read(whole[:-2] + "\n")
    with pytest.raises(CorpusError, match=r"a.json, line 93: no JSON \(expecting ':' delimiter"):
        read(whole.replace('"text": "Row 30', '"text" "Row 30'))
    rows = [*({"text": row} for row in ROWS), {"text": 7}]
    assert "bad rows left out: 1: line 182 ('text' is 7" in read(json.dumps(rows, indent=0), skip_bad_rows=True)[1][0]


def test_a_long_array_is_never_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longhand.text.rows.json_values.MAX_VALUE", 1 << 17)
    monkeypatch.setattr("longhand.text.corpus.PIECE", 1 << 12)
    assert read(json.dumps([{"text": row} for row in ROWS * 200]))[0] == joined(ROWS * 200)
    with pytest.raises(CorpusError, match="line 1: a value of JSON of more than 0 million characters"):
        read(json.dumps([{"text": "x" * (1 << 18)}, {"text": "y"}]))


@given(st.text('[]{},:"\\ntext1 \n', max_size=40))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        read(text)
    except CorpusError as error:
        assert "\n" not in str(error)  # noqa: PT017 (some texts are JSON)


def test_nothing_after_the_first_array_is_lost() -> None:
    first, second = ([{"text": row} for row in rows] for rows in (ROWS[:30], ROWS[30:]))
    assert read(json.dumps(first) + "\n" + json.dumps(second, indent=1))[0] == joined(ROWS)
    assert read("[]\n" + lines(first), "a.jsonl")[0] == joined(ROWS[:30])
    with pytest.raises(CorpusError, match=r"line 2: no JSON"):
        read(json.dumps(first, indent=None) + "\nand more")


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("count", [3, 60, 6000])
def test_a_single_object_has_its_rows_in_arrays_however_long_it_is_and_deep_they_lie(
    indent: int | None, count: int
) -> None:
    rows = (ROWS * 100)[:count]
    export = {"chats": {"list": [{"messages": [{"text": row} for row in rows]}, {"messages": [{"text": "last"}]}]}}
    assert read(json.dumps(export, indent=indent), column="chats.list.messages.text")[0] == joined([*rows, "last"])
    assert read(json.dumps({"a.b": rows}, indent=indent), column="a.b")[0] == joined(rows)


def test_arrays_are_rows_whose_columns_have_numbers() -> None:
    assert read(lines([["q", "a"], ["r", "b"]]), "a.jsonl", column="2")[0] == "a\nb\n"


def test_a_text_with_links_in_it_is_put_together_as_telegram_writes_it() -> None:
    text = ["See ", {"type": "link", "text": "this"}, ", please."]
    assert read(lines([{"text": text}, {"text": "plain"}]))[0] == "See this, please.\nplain\n"


def test_a_text_that_only_looks_like_json_is_none() -> None:
    assert read('id,text\n["x"],hello\n["y"],there\n', "a.csv")[0] == "hello\nthere\n"
    table = "".join(f'{{"a":{number}}}\tRow {number}\n' for number in range(9))
    assert read(table, "a.tsv", column="2")[0].count("Row") == 9
    with pytest.raises(CorpusError, match=r"a.txt, line 1: no column 'text'"):
        read('["x"] and so on\nmore prose\n', "a.txt")


def test_nesting_without_end_and_nuls_are_faults_of_their_rows() -> None:
    deep = '{"text": ' + "[" * 900 + "]" * 900 + "}\n"
    found, notes = read(lines([{"text": "x"}]) + deep + '{"text": "a\\u0000b"}\n', "a.jsonl", skip_bad_rows=True)
    assert found == "x\n"
    assert "bad rows left out: 1: line 3 (a NUL" in notes[0] or "line 2 (arrays within arrays" in notes[0]


def test_the_keys_of_a_long_object_are_seen_though_it_is_cut() -> None:
    text = json.dumps({"name": 'a "chat" {', "messages": [{"id": n, "text": row} for n, row in enumerate(ROWS)]})
    (first,) = first_rows(text[: len(text) // 2])
    assert [name for name, _ in columns_of(first)] == ["name", "messages.id", "messages.text"]
