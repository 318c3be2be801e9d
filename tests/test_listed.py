"""Closed vocabularies: characters or words, numbered, with nothing for what is not among them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import CorpusError, ModelFormatError, OptionError
from longhand.text.closed import closed_vocabulary, encode_closed
from longhand.text.listed import ListedTokenizer, WordCounter
from longhand.text.passage import random_passage
from longhand.text.tokenizer import tokenizer_from_record
from longhand.units import Unit

TEXT = "the cat sat on\nthe  mat and\tthe dog lay down\n" * 60


def test_characters_are_the_scripts_sorted_set_and_come_back() -> None:
    corpus = encode_closed([io.StringIO(TEXT)], "char")
    assert corpus.tokenizer.tokens == sorted(set(TEXT))
    assert corpus.tokenizer.decode(corpus.ids) == TEXT
    assert corpus.held_out == 0
    assert np.array_equal(corpus.tokenizer.encode(TEXT), corpus.ids)


def test_words_are_numbered_in_their_order_and_come_back_with_single_spaces() -> None:
    corpus = encode_closed([io.StringIO(TEXT)], "word", held_out=0.1)
    assert corpus.tokenizer.tokens == sorted(set(TEXT.split()))
    assert corpus.tokenizer.decode(corpus.ids).split() == TEXT.split()
    assert corpus.tokenizer.decode(corpus.ids[:3]) == " the cat sat"
    assert corpus.held_out == round(len(TEXT.split()) / 10)
    assert corpus.characters_of(corpus.ids[:3]) == len(" the cat sat")


@given(pieces=st.lists(st.text(st.sampled_from("ab \n\t"), max_size=6), max_size=8))
def test_words_may_go_on_in_the_next_piece(pieces: list[str]) -> None:
    counter = WordCounter()
    numbers = [*map(counter.number, pieces), counter.rest()]
    words = "".join(pieces).split()
    assert counter.met == len(set(words))
    if words:
        tokenizer = counter.listed()
        final = counter.final_ids(tokenizer)
        assert tokenizer.decode(final[np.concatenate(numbers).astype(int)]).split() == words


@pytest.mark.parametrize("unit", ["char", "word"])
def test_a_record_makes_an_equal_tokenizer(unit: Any) -> None:
    tokenizer = closed_vocabulary([io.StringIO(TEXT)], unit)
    again = tokenizer_from_record(tokenizer.to_record())
    assert isinstance(again, ListedTokenizer)
    assert (again.tokens, again.kind, again.never_written) == (tokenizer.tokens, unit, ())


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"unit": "char", "tokens": "ab"}, "no list"),
        ({"unit": "char", "tokens": [1]}, "no list"),
        ({"unit": "char", "tokens": []}, "lists no token"),
        ({"unit": "char", "tokens": ["", ""]}, "lists no token"),
        ({"unit": "char", "tokens": ["ab"]}, "'ab', which is no single char"),
        ({"unit": "word", "tokens": ["a b"]}, "no single word"),
        ({"unit": "word", "tokens": ["a", "a"]}, "listed twice"),
        ({"unit": "line", "tokens": ["a"]}, "'line', expected one of char, word"),
        ({"tokens": ["a"]}, "None, expected one of"),
    ],
)
def test_a_damaged_record_is_refused(record: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFormatError, match=message):
        tokenizer_from_record({"kind": "listed", **record})


def test_what_is_not_listed_is_refused_by_name_and_not_taken_for_something_else() -> None:
    tokenizer = ListedTokenizer("abc")
    with pytest.raises(OptionError, match=r"does not know '1', '2', '3', '4', '5', \.\.\., and has no token"):
        tokenizer.encode("a654321b")
    assert tokenizer.unknown_in("azb") == ["z"]


@pytest.mark.parametrize(("unit", "length"), [("char", 50), ("word", 20)])
def test_a_passage_is_of_the_text_and_leaves_something_after_it(unit: Unit, length: int) -> None:
    passages = {random_passage([io.StringIO(TEXT)], unit, length, np.random.default_rng(seed)) for seed in range(30)}
    assert len(passages) > 5
    for passage in passages:
        assert len(passage.split() if unit == "word" else passage) == length
        assert passage in (" ".join(TEXT.split()) if unit == "word" else TEXT[:-1])


def test_a_text_that_is_no_longer_than_a_passage_is_refused() -> None:
    with pytest.raises(CorpusError, match="5 characters, expected more than the 5 of a seed"):
        random_passage([io.StringIO("abcde")], "char", 5, np.random.default_rng(0))


def test_an_empty_text_has_no_vocabulary() -> None:
    with pytest.raises(CorpusError, match="no words in it"):
        closed_vocabulary([io.StringIO(" \n")], "word")
