"""Unicode's normal forms: a text that comes in pieces becomes what the whole of it would."""

from __future__ import annotations

import io
import sys
import unicodedata
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from longhand.text.corpus import CorpusReader
from longhand.text.normal_form import Normalizer
from longhand.text.reading import Reading
from longhand.units import NormalForm

forms = st.sampled_from(get_args(NormalForm))
JOINING = "a\u0301\u0323e\u0308q\u0345\u0b47\u0b3e\u0b57\u09c7\u09be\u1025\u102e\u212b\ufb01\u1e9b\u0344\u2126"
HANGUL = "\u1100\u1161\u11a8\u1112\u1175\u11c2\uac00\uac01\ud7a3\u1160\u11a7\u3131"
parts = st.text(st.one_of(st.sampled_from(JOINING + HANGUL), st.characters(exclude_categories=["Cs"])), max_size=9)


@given(st.lists(parts, max_size=9), forms)
def test_however_a_text_comes_it_is_normalised_as_at_once(pieces: list[str], form: NormalForm) -> None:
    normalizer = Normalizer(form)
    whole = "".join(pieces)
    assert "".join(normalizer.pieces(pieces)) == unicodedata.normalize(form, whole)
    assert normalizer.changed == (unicodedata.normalize(form, whole) != whole)
    assert len(whole) + normalizer.more == len(unicodedata.normalize(form, whole))


@given(st.text(st.sampled_from(JOINING + HANGUL), max_size=7), forms)
@example("\u1100\u1161\u11a8", "NFC")
@example("\u0b47\u0b3e", "NFC")
def test_a_text_may_be_cut_anywhere(text: str, form: NormalForm) -> None:
    expected = unicodedata.normalize(form, text)
    assert "".join(Normalizer(form).pieces(list(text))) == expected
    for cut in range(len(text)):
        assert "".join(Normalizer(form).pieces([text[:cut], text[cut:]])) == expected


@pytest.mark.parametrize("form", get_args(NormalForm))
def test_no_character_joins_what_comes_before_it_unseen(form: NormalForm) -> None:
    for character in filter(unicodedata.decomposition, map(chr, range(sys.maxunicode + 1))):
        parted = unicodedata.normalize("NFD", character)
        assert "".join(Normalizer(form).pieces(list(parted))) == unicodedata.normalize(form, character)


def test_a_text_without_a_line_end_comes_in_pieces() -> None:
    assert len(list(Normalizer("NFC").pieces(["漢字" * 50] * 9))) == 10


@pytest.mark.parametrize(
    ("text", "form", "expected", "notes"),
    [
        ("cafe\u0301", "NFC", "caf\xe9", ["the text was normalised to NFC: 1 characters fewer"]),
        ("\ufb01ne", "NFKC", "fine", ["the text was normalised to NFKC: 1 characters more"]),
        ("10 \u212b", "NFC", "10 \xc5", ["the text was normalised to NFC: as many characters"]),
        ("caf\xe9", "NFC", "caf\xe9", []),
        ("cafe\u0301", None, "cafe\u0301", []),
    ],
)
def test_what_it_changed_is_said(text: str, form: NormalForm | None, expected: str, notes: list[str]) -> None:
    reader = CorpusReader([io.StringIO(text)], reading=Reading(normalize=form))
    assert "".join(reader.pieces()) == expected
    assert reader.notes == notes
