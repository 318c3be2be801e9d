"""Bytes, words and parts of words as tokens: nothing lost, whole or as it comes."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import MissingExtraError, ModelFormatError
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer
from longhand.text.counting import counted
from longhand.text.listed import ListedTokenizer
from longhand.text.segments import LONGEST, last_segment, segments, whole_segments
from longhand.text.subwords import SubwordTokenizer, learned_subwords
from longhand.text.tokenizer import Tokenizer, tokenizer_from_record
from longhand.text.utf8 import REPLACEMENT
from longhand.text.words import WordTokenizer, chosen_words

MIXED = "He said: 你好! I don't\tknow\r\n\n  x_1 = 3.14 नमस्ते สวัสดี 👩‍👩‍👧 e\u0301 שלום \0\ufeff" * 3
SUBWORDS = learned_subwords([MIXED, "the theme of the thing"], 330)
any_text = st.text(st.characters(exclude_categories=[]))  # lone surrogates, NULs and what is not assigned, too
texts = any_text | st.lists(st.sampled_from([*segments(MIXED), *"\ud800\udc00 "])).map("".join)


def words(*samples: str, fewest: int = 1, most: int = 10**6, spells: bool = True) -> WordTokenizer:
    letters = set("".join(samples)) if spells else set()
    return WordTokenizer(chosen_words(counted(iter(samples)), fewest=fewest, most=most, letters=letters), spells=spells)


def streamed(tokenizer: Tokenizer, ids: Any, sizes: list[int]) -> str:
    decoder, parts = tokenizer.decoder(), []
    while len(ids):
        size = sizes.pop() if sizes else 1
        parts.append(decoder.decode(ids[:size]))
        ids = ids[size:]
    return "".join(parts) + decoder.rest()


@given(texts, texts, st.integers(1, 3), st.integers(0, 5), st.lists(st.integers(0, 3), max_size=5))
def test_every_text_comes_back_whole_and_in_parts(
    text: str, other: str, fewest: int, most: int, sizes: list[int]
) -> None:
    characters = CharacterTokenizer("".join(sorted({*text, *other})))
    for tokenizer in (characters, ByteTokenizer(), SUBWORDS, words(text, other, fewest=fewest, most=most)):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text, tokenizer.kind
        assert streamed(tokenizer, ids, list(sizes)) == text, tokenizer.kind
        assert not tokenizer.unknown_in(text)
        assert len(ids) == 0 or 0 <= ids.min() <= ids.max() < tokenizer.size


@given(texts, texts, st.booleans())
def test_all_bytes_of_a_text_are_some_tokens(text: str, other: str, spells: bool) -> None:
    characters = CharacterTokenizer("".join(sorted(set(other))))
    tokenizers: list[Tokenizer] = [characters, ByteTokenizer(), SUBWORDS, words(other, spells=spells)]
    if text.split():
        tokenizers += [ListedTokenizer(sorted(set(text)), "char"), ListedTokenizer(sorted({*text.split()}), "word")]
    for tokenizer in tokenizers:
        ids, sizes = tokenizer.measured(text)
        assert np.array_equal(ids, tokenizer.encode(text))
        assert sizes.sum() == len(text.encode("utf-8", "surrogatepass")), tokenizer.kind
        assert np.all(sizes > 0)
        if tokenizer.kind == "char":
            assert sizes.tolist() == [len(letter.encode("utf-8", "surrogatepass")) for letter in text]


@given(st.lists(st.integers(0, 256)), st.lists(st.integers(0, 3), max_size=9))
def test_what_a_model_may_write_decodes_alike_whole_and_in_parts(drawn: list[int], sizes: list[int]) -> None:
    ids = np.array(drawn, np.int64)
    for tokenizer in (ByteTokenizer(), SUBWORDS):
        assert streamed(tokenizer, ids, list(sizes)) == tokenizer.decode(ids)


@given(texts)
def test_records_make_equal_tokenizers(text: str) -> None:
    for tokenizer in (ByteTokenizer(), SUBWORDS, words(MIXED), words(MIXED, spells=False)):
        again = tokenizer_from_record(tokenizer.to_record(), tokenizer.size)
        assert again.to_record() == tokenizer.to_record()
        assert np.array_equal(again.encode(text), tokenizer.encode(text))
        assert (again.start, again.line_end, again.size) == (tokenizer.start, tokenizer.line_end, tokenizer.size)


def test_a_text_is_cut_into_words_signs_and_line_ends() -> None:
    expected = [
        "He",
        " said",
        ":",
        " 你",
        "好",
        "!",
        " I",
        " don't",
        "\t",
        "know",
        "\r\n",
        "\n",
        " ",
        " x_1",
        " =",
        " 3.14",
    ]
    assert segments(MIXED)[: len(expected)] == expected
    assert segments("สวัสดี 👩‍👩‍👧e\u0301a") == ["ส", "วั", "ส", "ดี", " 👩‍👩‍👧", "e\u0301a"]
    assert segments("a   b\n \n") == ["a", "  ", " b", "\n", " ", "\n"]


@given(texts, st.lists(st.integers(0, 40)))
def test_words_are_the_same_however_the_text_comes(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), max([len(text), *cuts])]
    pieces = [text[begin:end] for begin, end in itertools.pairwise(places)]
    assert [word for piece in whole_segments(pieces) for word in segments(piece)] == segments(text)
    assert last_segment(text) == (segments(text) or [""])[-1]


def test_a_text_without_a_place_to_cut_it_is_cut_all_the_same() -> None:
    pieces = list(whole_segments(["x" * LONGEST, "x" * LONGEST, "x"]))
    assert "".join(pieces) == "x" * (2 * LONGEST + 1)
    assert max(map(len, pieces)) <= 2 * LONGEST
    assert last_segment("x" * 3 * LONGEST) == "x" * LONGEST


def test_rare_words_are_spelt_or_replaced() -> None:
    counts = Counter({"a": 3, " b": 2, "cd": 2, "ef": 1})
    assert chosen_words(counts, fewest=2, most=10, letters=set("a bcdef")) == [
        "a",
        " b",
        "cd",
        " ",
        "b",
        "c",
        "d",
        "e",
        "f",
    ]
    assert chosen_words(counts, fewest=2, most=2, letters=set()) == ["a", " b"]
    spells, replaces = words("a a a ef", fewest=2), words("a a a ef", fewest=2, spells=False)
    assert spells.decode(spells.encode("a efa!")) == f"a efa{REPLACEMENT}"
    assert spells.unknown_in("a efa!") == ["!"]
    assert replaces.decode(replaces.encode("a a ef")) == f"{REPLACEMENT} a{REPLACEMENT}"
    assert replaces.unknown_in("a a ef") == [" ef", "a"]
    assert 0 in replaces.never_written


def test_subwords_are_learned_from_the_text_alone() -> None:
    again = learned_subwords([MIXED, "the theme of the thing"], 330)
    assert again.to_record() == SUBWORDS.to_record()
    assert SUBWORDS.size == 330
    assert len(SUBWORDS.encode("the theme")) < len("the theme")
    assert learned_subwords(["abc"], 1000).size == 259  # no pair comes twice


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"kind": "word", "words": ["a", "a"], "spells": True}, "listed twice"),
        ({"kind": "word", "words": ["a", ""], "spells": True}, "an empty one"),
        ({"kind": "word", "words": "ab", "spells": True}, "no list of texts"),
        ({"kind": "word", "words": ["a", 3], "spells": True}, "no list of texts"),
        ({"kind": "word", "words": ["a"]}, "does not say whether"),
        ({"kind": "whitespace", "words": ["a", "a"], "spells": True}, "listed twice"),
        ({"kind": "bpe", "parts": ["a"], "merges": []}, "of the 256 bytes are missing"),
        ({"kind": "bpe", "parts": [*SUBWORDS.to_record()["parts"], ""], "merges": []}, "an empty one"),
        ({"kind": "word", "words": [], "spells": True}, "no token that could be written"),
        ({"kind": "char", "characters": ""}, "no token that could be written"),
        ({"kind": "listed", "unit": "bpe", "tokens": ["a"]}, "tokens are 'bpe'"),
        ({"kind": "bpe", "parts": 3, "merges": []}, "no list of texts"),
        ({"kind": "bpe", "parts": SUBWORDS.to_record()["parts"], "merges": [["t"]]}, "no list of pairs"),
        ({"kind": "bpe", "parts": SUBWORDS.to_record()["parts"], "merges": [["t", "\u4f60"]]}, "not listed"),
        ({"kind": "bpe", "parts": [*SUBWORDS.to_record()["parts"], "\u4f60"], "merges": []}, "stands for no byte"),
        ({"kind": "bpe", "parts": [*SUBWORDS.to_record()["parts"], "t"], "merges": []}, "listed twice"),
        ({"kind": "sound"}, "update Longhand"),
        ({"kind": ["char"]}, "update Longhand"),
        ({}, "update Longhand"),
    ],
)
def test_damaged_records_are_refused(record: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelFormatError, match=problem):
        tokenizer_from_record(record)


def test_without_the_library_parts_of_words_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    tokenizer = SubwordTokenizer.from_record(SUBWORDS.to_record())
    assert tokenizer.decode(np.array([SUBWORDS.encode("the")[0]])) != ""
    with pytest.raises(MissingExtraError, match=r"longhand\[bpe\]"):
        tokenizer.encode("the")
    with pytest.raises(MissingExtraError, match=r"longhand\[bpe\]"):
        learned_subwords(["text"], 300)


def written(tokenizer: Any, begun: str) -> list[str]:
    """Return what each way of going on from a text has written, once its last token is drawn."""
    return [
        tokenizer.decode(np.array([*way.first, token])) for way in tokenizer.ways(begun) for token in way.next.tolist()
    ]


@given(texts)
def test_every_way_to_go_on_begins_with_what_is_there(text: str) -> None:
    for tokenizer in (words(MIXED, text), words(MIXED, text, most=9), SUBWORDS):
        begun = tokenizer.open_end(text)
        assert text.endswith(begun)
        if not begun:
            continue
        ways = tokenizer.ways(begun)
        sequences = [(*way.first, token) for way in ways for token in way.next.tolist()]
        assert len(set(sequences)) == len(sequences) > 0
        own = tokenizer.encode(begun).tolist()
        spelt = [tokenizer.encode(letter)[0] for letter in begun] if tokenizer.kind == "word" else own
        assert tuple(own) in sequences or tuple(spelt) in sequences
        for found in written(tokenizer, begun):
            assert found.startswith(begun) or (tokenizer.kind == "bpe" and "\ufffd" in found)


def test_the_ways_to_go_on_are_those_of_the_text_that_was_learned_from() -> None:
    tokenizer = words("the theme them of them", fewest=1)
    assert tokenizer.open_end("of them") == " them"
    listed, spelt = tokenizer.ways(" them")
    assert [tokenizer.decode(np.array([token])) for token in listed.next] == [" them", " theme"]
    assert [tokenizer.decode(np.array([token])) for token in (*spelt.first, *spelt.next)] == list(" them")
    replaces = words("the theme them", fewest=1, spells=False)
    assert written(replaces, " th") == [" them", " theme", REPLACEMENT] or written(replaces, " th")[-1] == REPLACEMENT
    assert words("a b", fewest=1).ways("a")[0].first == ()


def test_parts_of_words_go_on_where_the_library_cuts() -> None:
    chinese = learned_subwords(["北京 北京 北京 上海 上海 wait.. wait.. end\n\nend\n\n"] * 5, 300)
    for text, begun in (("去北京", "去北京"), ("end\n\n", "\n\n"), ("Wait..", ".."), ("to be", " be"), ("a\ud800", "")):
        assert chinese.open_end(text) == begun
    for text in ("北京", "\n\n", ".."):
        assert len(chinese.encode(text)) == 1
        assert chinese.encode(text)[0] in chinese.ways(text)[0].next


def test_a_long_open_word_is_taken_as_it_is() -> None:
    assert words("x").open_end("x" * 200) == ""
    assert SUBWORDS.open_end("x" * 200) == ""
    assert SUBWORDS.open_end("") == words("x").open_end("") == ""
