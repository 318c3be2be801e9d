"""Characters to numbers and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.arrays import smallest_type
from longhand.errors import ModelFormatError
from longhand.text.characters import SPECIALS, CharacterCounter, CharacterTokenizer
from longhand.text.tokenizer import tokenizer_from_record

ANY_TEXT = st.text(st.characters())  # all of Unicode, lone surrogates included
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def tokenizer_of(text: str) -> CharacterTokenizer:
    return CharacterTokenizer("".join(sorted(set(text))))


@given(TEXT)
def test_decoding_undoes_encoding_when_all_characters_are_known(text: str) -> None:
    tokenizer = tokenizer_of(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(known=TEXT, text=ANY_TEXT)
def test_encoding_equals_a_loop_over_a_dictionary(known: str, text: str) -> None:
    numbers = {letter: number for number, letter in enumerate(sorted(set(known)), SPECIALS)}
    assert tokenizer_of(known).encode(text).tolist() == [numbers.get(letter, 0) for letter in text]


@given(known=TEXT, text=ANY_TEXT)
def test_unknown_characters_are_named_once_and_sorted(known: str, text: str) -> None:
    assert tokenizer_of(known).unknown_in(text) == "".join(sorted(set(text) - set(known)))


@given(TEXT.filter(bool))
def test_a_record_makes_an_equal_tokenizer(text: str) -> None:
    tokenizer = tokenizer_of(text)
    again = tokenizer_from_record(tokenizer.to_record())
    assert again.to_record() == tokenizer.to_record()
    assert again.encode(text).tolist() == tokenizer.encode(text).tolist()


@given(st.lists(TEXT).filter(any))
def test_numbering_in_pieces_ends_in_the_numbers_of_the_whole(pieces: list[str]) -> None:
    counter = CharacterCounter()
    numbered = [counter.number(piece) for piece in pieces]
    tokenizer = counter.listed()
    final = counter.final_ids(tokenizer)
    whole = "".join(pieces)
    assert tokenizer.tokens == sorted(set(whole))
    assert [int(final[number]) for piece in numbered for number in piece] == tokenizer.encode(whole).tolist()


def test_the_unknown_and_the_start_token_come_first_and_decode_to_the_replacement_character() -> None:
    tokenizer = CharacterTokenizer("ab")
    assert tokenizer.encode("abc").tolist() == [2, 3, 0]
    assert (tokenizer.unknown, tokenizer.start, tokenizer.size) == (0, 1, 4)
    assert tokenizer.decode(np.array([0, 1, 2])) == "\ufffd\ufffda"


def test_the_line_end_is_known_by_its_number() -> None:
    assert CharacterTokenizer("\nab").line_end == 2
    assert CharacterTokenizer("ab").line_end is None


def test_seven_thousand_characters_are_as_easy_as_sixty() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 7805)))
    tokenizer = CharacterTokenizer(text)
    assert tokenizer.size == 7807
    assert tokenizer.decode(tokenizer.encode(text[::-1])) == text[::-1]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "word"},
        {"kind": "char"},
        {"kind": "char", "characters": ["a"]},
        {"kind": "char", "characters": "ba"},
        {"kind": "char", "characters": "aa"},
    ],
)
def test_a_damaged_record_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ModelFormatError, match="tokenizer"):
        tokenizer_from_record(record)


@pytest.mark.parametrize(
    ("count", "expected"), [(1, "uint8"), (256, "uint8"), (257, "uint16"), (65536, "uint16"), (65537, "uint32")]
)
def test_numbers_are_kept_in_the_smallest_type_that_holds_them(count: int, expected: str) -> None:
    assert np.dtype(smallest_type(count)).name == expected
