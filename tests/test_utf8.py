"""Bytes to text as they come: never half a character, and the same text however they are cut."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.text.utf8 import REPLACEMENT, Utf8Decoder, utf8_bytes

EDGES = [0x00, 0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEE, 0xEF]
EDGES += [0xF0, 0xF1, 0xF4, 0xF5, 0xFF]
any_bytes = st.binary(max_size=20) | st.lists(st.sampled_from(EDGES), max_size=12).map(bytes)
any_text = st.text(st.characters(exclude_categories=[]))


def decoded(data: bytes) -> str:
    decoder = Utf8Decoder()
    return decoder.decode(data) + decoder.rest()


@given(any_text)
def test_every_text_survives(text: str) -> None:
    assert decoded(utf8_bytes(text)) == text


@settings(max_examples=1000)
@given(any_bytes, st.lists(st.integers(0, 20)))
def test_however_the_bytes_are_cut_the_text_is_the_same(data: bytes, cuts: list[int]) -> None:
    decoder, places = Utf8Decoder(), [0, *sorted(cuts), len(data)]
    parts = [decoder.decode(data[begin:end]) for begin, end in itertools.pairwise(places)]
    assert "".join(parts) + decoder.rest() == decoded(data)


@given(any_bytes)
def test_what_is_no_utf8_is_replaced_as_python_does(data: bytes) -> None:
    if b"\xed" not in data:  # with which lone surrogates begin, that Python would replace
        assert decoded(data) == data.decode("utf-8", "replace")


def test_half_a_character_waits_for_its_other_half() -> None:
    decoder, face = Utf8Decoder(), "👋".encode()
    assert [decoder.decode(face[n : n + 1]) for n in range(4)] == ["", "", "", "👋"]
    assert decoder.decode(face[:3]) == ""
    assert decoder.rest() == REPLACEMENT
    assert decoder.rest() == ""
