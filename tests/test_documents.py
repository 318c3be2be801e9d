"""Texts of many documents: where they end, however the text comes."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from longhand.errors import CorpusError
from longhand.text.documents import BOUNDARY, marked, separator, starting_with

STARTS = tuple(map(starting_with, ("a", "aab", "--", " a", "aa")))
MODES = ("line", "blank", "file", "--", "aab", "aa", "%%", "\n--\n", *STARTS)
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


@pytest.mark.parametrize("blank", ["\n", "\n\n", "\n\n\n"])
def test_documents_may_be_told_by_how_they_begin(blank: str) -> None:
    tunes = [f"X:{number}\nK:D\n\nabX:c X:1|" for number in range(5)]
    between: Counter[str] = Counter()
    whole = "".join(marked([f"{blank} \n{blank.join(tunes)}\n"], starting_with("X:"), between))
    assert whole.split(BOUNDARY)[:-1] == tunes
    assert separator(starting_with("X:"), between) == blank[:2]
    assert documents(f"% a title\n{tunes[0]}", starting_with("X:")) == ["% a title", tunes[0]]
    assert documents("  not so\n X:1\n", starting_with("X:")) == ["  not so\n X:1"]
    assert documents("\n \n", starting_with("X:")) == []


@given(texts, st.sampled_from(STARTS))
def test_nothing_but_blank_lines_between_them_is_lost(text: str, mode: str) -> None:
    found = documents(text, mode)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(document.startswith(mode[1:]) for document in found[1:])
    assert not any(f"\n{mode[1:]}" in document for document in found)


def test_the_character_that_ends_documents_is_refused_inside_one() -> None:
    with pytest.raises(CorpusError, match=r"U\+FDD0"):
        documents(f"a{BOUNDARY}b", "line")
