# ruff: noqa: RUF001 (letters and signs of many scripts are meant)
"""Where sentences end, in all scripts: as Unicode has it (UAX #29), but for differences that are meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uniseg.sentencebreak import sentences as unicode_sentences

from longhand.generation.endings import Endings
from longhand.text.sentences import CONTEXT, LONGEST_LOOK, sentence_end, undecided_end

SAMPLES = {
    "English": 'He paid $3.50 (e.g. in cash). "Is it?" he asked! The U.S.A. won. (So it is.) Yes?! v2.0 works.',
    "French": "Il vint. Elle dit « oui ». Ah\u202f! Bien... mais non. Fin",
    "German": "Er kam um 3.15 Uhr an. »Ist es wahr?« Sie schwieg! Das ist ca. die Hälfte. Ende",
    "Russian": "Он пришёл. Она ушла! Почему? Потому что т.е. так. Конец",
    "Greek": "Ήρθε. Έφυγε! Τέλος",
    "Armenian": "Ես եկա։ Նա գնաց։ Վերջ",
    "Hebrew": "הוא בא. היא הלכה! מה? סוף",
    "Arabic": "جاء الولد. هل ذهبت؟ نعم! نهاية",
    "Urdu": "وہ آیا۔ وہ گئی۔ کیا؟ ختم",
    "Hindi": "राम घर गया। सीता आई। क्या हुआ? यह 3.5 है॥ अंत",
    "Bengali": "সে এল। সে গেল। শেষ",
    "Chinese": "他来了。她走了！真的？！”他说。好。」完",
    "Japanese": "猫がいる。はい。」彼は言った！本当？終わり",
    "Korean": "그는 왔다. 그녀는 갔다! 끝",
    "Amharic": "ሰላም። እንዴት ነህ፧ ደህና፨ መጨረሻ",
    "Burmese": "သူလာသည်။ သူမသွားသည်။ အဆုံး",
    "Khmer": "ខ្ញុំទៅ។ គាត់មក៕ ចប់",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ᠃ ᠬᠡᠯᠡ᠃ ᠰ",
}
DIFFERENT = {  # each is explained in `longhand.text.sentences`
    "a bracket or quote that opens begins the next": ("他走了。“是吗？", "他走了。"),
    "so do brackets": ("猫。「犬。」と", "猫。"),
    "French puts a space before the quote that closes": ("« Oui\u202f! » dit-il.", "« Oui\u202f! »"),
    "a line end ends nothing": ("one\ntwo. Three", "one\ntwo."),
    "Tibetan shad": ("བོད་སྐད། །དེ་ནས", "བོད་སྐད། །"),
    "an ellipsis": ("He left… She", "He left…"),
}
ENDS = {
    "„Ist es?“ sagte er": "„Ist es?“",
    "Ja! »Nein« sagt": "Ja!",
    "我……不知道。好": "我……不知道。",
    "He left… she": None,
    "Wait!, she": None,
    "the end.": None,
    "the end. ": None,
    "the end.\n": "the end.",
    "Title\n\nText": "Title",
    "Title\n": None,
    "x. " + "1 " * LONGEST_LOOK: "x.",
}
signs = st.lists(st.sampled_from([*'aA1我अ .!?…,。।“”»«"()\n\u0301\u202f\u2029བ།']), max_size=14).map("".join)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text whose last one does not end."""
    found, begin = [], 0
    while (end := sentence_end(text, begin)) is not None:
        found.append(text[begin:end].strip())
        begin = end
    return [*found, text[begin:].strip()]


@pytest.mark.parametrize("language", SAMPLES)
def test_sentences_are_those_of_unicode(language: str) -> None:
    text = SAMPLES[language]
    assert sentences(text) == [one.strip() for one in unicode_sentences(text)]
    assert len(sentences(text)) > 2


@pytest.mark.parametrize("why", DIFFERENT)
def test_differences_from_unicode_are_meant(why: str) -> None:
    text, first = DIFFERENT[why]
    assert sentences(text)[0] == first
    assert next(iter(unicode_sentences(text))).strip() != first


@pytest.mark.parametrize("text", ENDS)
def test_an_end_is_known_once_what_follows_shows_it(text: str) -> None:
    end = sentence_end(text)
    assert (None if end is None else text[:end]) == ENDS[text]


@given(signs, signs)
def test_what_follows_changes_no_end_that_is_known_and_no_text_that_is_decided(text: str, more: str) -> None:
    end = sentence_end(text)
    if end is not None:
        assert sentence_end(text + more) == end
    elif (later := sentence_end(text + more)) is not None:
        assert later >= len(text) - undecided_end(text)


@pytest.mark.parametrize("run", [".", ". ", "a.", "。“", ".a ", "!\u0301", "1.", '."', "\n", " ", "…"])
def test_long_runs_take_time_in_proportion(run: str) -> None:
    text = "x" + run * (60_000 // len(run))
    for end in ("", "a", ","):
        sentence_end(text + end)
        undecided_end(text + end)


@given(signs, st.integers(1, 3))
def test_a_sentence_ends_alike_however_its_text_comes(text: str, size: int) -> None:
    assert CONTEXT < LONGEST_LOOK
    endings, given_text, over = Endings((), "sentence"), "", False
    for place in range(0, len(text), size):
        more, over = endings.feed(text[place : place + size])
        given_text += more
        if over:
            break
    end = sentence_end(text)
    assert (given_text if over else None) == (None if end is None else text[:end])
    if not over:
        assert given_text + endings.rest() == text
