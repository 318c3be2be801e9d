"""Texts of many documents: where they end, however the text comes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from longhand.errors import CorpusError
from longhand.text.documents import BOUNDARY, marked

MODES = ("line", "blank", "file", "--", "aab", "aa", "%%", "\n--\n")
texts = st.lists(st.sampled_from(["a", "b", " ", "\n", "\n\n", "-", "--", "aab", "%", "é"]), max_size=30).map("".join)


def documents(text: str, mode: str) -> list[str]:
    whole = "".join(marked([text], mode))
    assert whole == "" or whole.endswith(BOUNDARY)
    return whole.split(BOUNDARY)[:-1]


def test_documents_end_where_it_was_said() -> None:
    text = "one\ntwo\n\n\nthree\n \nfour--five\n--\nsix\n"
    assert documents(text, "line") == ["one", "two", "three", " ", "four--five", "--", "six"]
    assert documents(text, "blank") == ["one\ntwo", "three", "four--five\n--\nsix"]
    assert documents(text, "--") == ["one\ntwo\n\n\nthree\n \nfour", "five", "six"]
    assert documents(text, "file") == [text.rstrip("\n")]
    assert documents("\n\none\n", "line") == ["one"]
    assert documents("\n \n", "blank") == []
    assert documents("", "line") == []


@example("a\n\n \n\na", "blank", [4, 5, 6])
@example("a\n \n\n \nb\n", "blank", [2, 3, 4, 5, 6])
@example("a\n\n\n\n\nb", "file", [2, 3, 4, 5])
@given(texts, st.sampled_from(MODES), st.lists(st.integers(0, 40), max_size=6))
def test_however_the_text_comes_its_documents_are_the_same(text: str, mode: str, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), max([len(text), *cuts])]
    pieces = [text[begin:end] for begin, end in itertools.pairwise(places)]
    found = list(marked(pieces, mode))
    assert "".join(found) == "".join(marked([text], mode))
    assert "" not in found


@given(st.lists(texts, max_size=4), st.sampled_from(MODES))
def test_the_end_of_a_file_is_the_end_of_a_document(files: list[str], mode: str) -> None:
    pieces = [piece for text in files for piece in (text, BOUNDARY)]
    assert "".join(marked(pieces, mode)) == "".join("".join(marked([text], mode)) for text in files)


def test_the_character_that_ends_documents_is_refused_inside_one() -> None:
    with pytest.raises(CorpusError, match=r"U\+FDD0"):
        documents(f"a{BOUNDARY}b", "line")
