# ruff: noqa: RUF001 (letters of many scripts are meant)
"""What a word is, in all scripts: as Unicode has it (UAX #29), but for differences that are meant."""

from __future__ import annotations

import io
import itertools
from typing import Any

import pytest
import regex
from conftest import VERSE
from hypothesis import assume, given
from hypothesis import strategies as st
from uniseg.wordbreak import words as unicode_words

from longhand.api import train
from longhand.copies.index import build_index
from longhand.copies.report import novelty
from longhand.errors import ModelFormatError
from longhand.generation.tuning import Known
from longhand.model import Model
from longhand.text import segments as rules
from longhand.text.preparing import encode_corpus
from longhand.text.segments import (
    LEGACY,
    LONGEST,
    RULES,
    WHITESPACE,
    count_words,
    ends_in_word,
    last_segment,
    segments,
    whole_segments,
    word_spans,
    words,
)
from longhand.text.tokenizer import tokenizer_from_record
from longhand.text.vocabulary import Wanted
from longhand.text.words import WordTokenizer

SAMPLES = {
    "English": "She couldn't pay $3.14 (or 1,000) for O’Brien's snake_case, e.g. the U.S.A. flag: a co\u00adöp!",
    "Persian": "او کتاب\u200cها را می\u200cخواند؛ آیا نمی\u200cرود؟ ۱۲٫۵ درصد.",
    "Arabic": "قَالَ: «مَرْحَبًا بِالْعَالَمِ»، ثُمَّ ٣٫١٤ وَ٢٠٠٠.",
    "Hebrew": "צה\"ל וארה״ב אמרו: שלום! ג׳ירף, ג'ירף \u200fabc\u200e.",
    "Hindi": "राम ने कहा, “क्\u200dया हाल है?” वह घर गया। १२,३४५ रुपये॥",
    "Tamil": "தமிழ் மொழி, இந்தியா 2024-இல்.",
    "Russian": "Кто-то сказал: «Привет!» – 3,5 км, об’єкт і п'ять.",
    "French": "Il a 10\u202f000 ans, aujourd’hui l'œuvre.",
    "Greek": "Τι κάνεις; Ο φίλος μου — 1.000 ευρώ.",
    "Japanese": "カタカナのテスト、漢字とひらがな。ﾊﾝｶｸ １２３ ABC_デス",
    "Chinese": "他说：“你好！”３.１４和iPhone15。",
    "Korean": "한국어를 공부합니다. 1,000원!",
    "Amharic": "ሰላም ለዓለም። እንዴት ነህ፧",
    "Tibetan": "བཀྲ་ཤིས་བདེ་ལེགས། བོད་སྐད།",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ\u180e᠎ᠠ ᠬᠡᠯᠡ᠃",
    "emoji": "👩\u200d👩\u200d👧 🇩🇪🇫🇷🇬 👍🏽 1\ufe0f\u20e3 ❤\ufe0f\u200d🔥 \U0001f3f4\U000e0067\U000e0062\U000e007f",
}
DIFFERENT = {  # each is explained in `longhand.text.segments`
    "a zero width space parts Khmer words": ("ខ្ញុំ\u200bទៅ។", ["ខ្ញុំ", "\u200b", "ទៅ", "។"]),
    "and Thai words": ("ฉัน\u200bไป\u200bโรงเรียน", ["ฉัน", "\u200b", "ไป", "\u200b", "โรงเรียน"]),
    "and Lao and Burmese ones": ("ຂ້ອຍ\u200bໄປ မြန်မာ\u200bစာ", ["ຂ້ອຍ", "\u200b", "ໄປ", " မြန်မာ", "\u200b", "စာ"]),
    "without one they are cut as a reader sees them": ("สวัสดีน้ำ ไป", ["ส", "วั", "ส", "ดี", "น้ำ", " ไ", "ป"]),
    "a narrow no-break space joins no punctuation": ("quoi\u202f?", ["quoi", "\u202f", "?"]),
    "white space stays together": ("a \t\n  b", ["a", " \t", "\n", " ", " b"]),
}
SIGNS = (
    "aZéßאב'\"’.:·,;_ \n\r\t١२3ァア゛ー漢字ひ\u0301\u00ad\u200d\u200c\u200e\ufe0f😀👩🇩🇪\u200b①½٪"
    "\u00a0\ufeffⓂΑλ한ʻཀ་\u2060።ሀ"
)
signs = st.lists(st.sampled_from(SIGNS), max_size=12).map("".join)
any_text = st.text(st.characters(exclude_categories=[])) | signs


def without_spaces(parts: Any) -> list[str]:
    return [part.strip() for part in parts if part.strip()]


@pytest.mark.parametrize("language", SAMPLES)
def test_words_are_those_of_unicode(language: str) -> None:
    text = SAMPLES[language]
    assert without_spaces(segments(text)) == without_spaces(unicode_words(text))


@given(signs)
def test_signs_of_all_kinds_are_cut_as_unicode_says(text: str) -> None:
    assert without_spaces(segments(text)) == without_spaces(unicode_words(text))


@pytest.mark.parametrize("why", DIFFERENT)
def test_differences_from_unicode_are_meant(why: str) -> None:
    text, expected = DIFFERENT[why]
    assert segments(text) == expected
    assert segments(text) != list(unicode_words(text))


@given(any_text)
def test_what_is_found_faster_is_what_the_rules_say(text: str) -> None:
    cut = f"{text} {text}, {text}\n"
    pattern = rules._segments(rules.WORDS).pattern
    plain = (rules._PLAIN_IDEOGRAPH, f" ?{rules._PLAIN_WORD}", rules._PLAIN_SIGN)
    slow = pattern.removeprefix("|".join(plain) + "|")
    assert slow != pattern
    assert regex.findall(slow, cut, regex.V1) == segments(cut)


@given(any_text, st.sampled_from(RULES), st.lists(st.integers(0, 20), max_size=4))
def test_nothing_is_lost_by_any_rule_however_the_text_comes(text: str, rule: rules.Rule, cuts: list[int]) -> None:
    found = segments(text, rule)
    assert "".join(found) == text
    assert last_segment(text, rule) == (found or [""])[-1]
    places = [0, *sorted(cuts), max([len(text), *cuts])]
    pieces = [text[begin:end] for begin, end in itertools.pairwise(places)]
    assert [part for piece in whole_segments(pieces) for part in segments(piece, rule)] == found


@given(any_text)
def test_words_are_the_segments_with_letters_or_digits(text: str) -> None:
    letters = regex.compile(rf"[[\p{{L}}\p{{N}}{rules._LETTER}{rules._KATAKANA}]--[\p{{WB=Extend}}]]", regex.V1)
    assume(not regex.search(r"\u200d\p{Extended_Pictographic}", text))  # of which some are letters, such as U+24C2
    assert words(text) == [part.strip(" ") for part in segments(text) if letters.search(part)]
    assert count_words(text) == len(words(text))
    assert [text[begin:end] for begin, end in word_spans(text)] == [
        part.lstrip() for part in segments(text) if part.strip().strip("\u200b")
    ]


def test_words_are_counted_as_a_reader_counts() -> None:
    assert count_words("را می\u200cروم کتاب\u200cها.") == 3
    assert count_words("ខ្ញុំ\u200bទៅ\u200bផ្ទះ។") == 3
    assert count_words("Don't pay 3.14 for x_1, ____ or co\u00adöp!") == 7
    assert count_words("他走了。") == 3
    assert count_words("...") == 0


@pytest.mark.parametrize(
    "run", ["ส", "_", "a'", "👩\u200d", "a\u202f", "ア_", "\u0301", "a\u0301'\u0301", "\u200b", "'"]
)
def test_long_runs_take_time_in_proportion(run: str) -> None:
    text = run * (LONGEST // len(run))
    assert "".join(segments(text)) == text
    count_words(text)
    ends_in_word(text)
    last_segment(text)


@pytest.mark.parametrize(
    ("text", "ends"), [("नमस्ते", True), ("می\u200c", True), ("a.", False), ("a ", False), ("", False)]
)
def test_the_end_of_a_word_may_be_a_mark(text: str, ends: bool) -> None:
    assert ends_in_word(text) == ends


def test_models_trained_before_cut_words_as_they_did() -> None:
    old = tokenizer_from_record({"kind": "word", "words": ["می", "روم", "\u200c", " 3", ".", "14"], "spells": True})
    assert old.decode(old.encode("می\u200cروم 3.14")) == "می\u200cروم 3.14"
    assert len(old.encode("می\u200cروم 3.14")) == 6
    assert "segmentation" not in old.to_record()
    assert segments("می\u200cروم x's", LEGACY) == ["می", "\u200c", "روم", " x's"]
    new = WordTokenizer(["می\u200cروم", " 3.14"])
    assert new.to_record()["segmentation"] == "uax29"
    assert len(tokenizer_from_record(new.to_record()).encode("می\u200cروم 3.14")) == 2


@pytest.mark.parametrize("rule", ["uax30", "whitespace", None, 3])
def test_an_unknown_segmentation_is_refused(rule: object) -> None:
    with pytest.raises(ModelFormatError, match="this Longhand knows 'uax29': update Longhand"):
        tokenizer_from_record({"kind": "word", "words": ["a"], "spells": True, "segmentation": rule})


EVENTS = "Position_1/16 Note-On_64 Duration_7\tBar\n\n  Position_5/16 Note-On_61 Duration_3\n" * 60


def test_events_are_tokens_between_white_space_and_nothing_is_lost() -> None:
    corpus = encode_corpus([io.StringIO(EVENTS)], 0.1, None, Wanted("whitespace", 100))
    tokenizer = corpus.tokenizer
    assert tokenizer.kind == "whitespace"
    assert tokenizer.decode(tokenizer.encode(EVENTS)) == EVENTS
    first = "Position_1/16 Note-On_64 Duration_7\tBar"
    assert [tokenizer.decode(tokenizer.encode(first)[[place]]) for place in range(3)] == segments(first, WHITESPACE)[:3]
    assert len(tokenizer.encode(first)) == 5
    rare = "Note-On_99 Position_1/16"  # spelt as far as its characters are known
    assert tokenizer.decode(tokenizer.encode(rare)).endswith(" Position_1/16")
    again = tokenizer_from_record(tokenizer.to_record(), tokenizer.size)
    assert again.kind == "whitespace"
    assert again.to_record() == tokenizer.to_record()


def test_a_model_of_events_writes_scores_and_goes_on_inside_one() -> None:
    settings: dict[str, Any] = {"hidden": 16, "embedding": 8, "window": 16, "batch": 4, "learning_rate": 0.02}
    model = train(io.StringIO(EVENTS), tokens="whitespace", epochs=20, min_count=1, vocabulary=50, **settings)
    assert isinstance(model, Model)
    assert set(model.generate(length=30, greedy=True).split()) <= set(EVENTS.split())
    assert model.generate("Position_1/16 Note-O", length=1, greedy=True) == "n_64"
    assert model.score(EVENTS).words == count_words(EVENTS)
    assert len(model.inspect(EVENTS[:200]).trace) > 0


def test_figures_of_words_keep_joiners_inside(tmp_path: Any) -> None:
    learned = "می\u200cروم خانه " * 9
    index = build_index([learned], tmp_path / "index")
    assert novelty("می\u200cروم", index).new_words == {1: 0.0}
    assert novelty("می\u200cرود", index).new_words == {1: 1.0}
    assert Known([VERSE]).units("Don't می\u200cروم 3.14") == ["don't", "می\u200cروم", "3.14"]


def test_a_prompt_in_khmer_ends_inside_a_word_that_a_zero_width_space_will_end() -> None:
    tokenizer = WordTokenizer(["ខ្ញុំ", "\u200b", "ទៅ", *"ខ្ញុំទៅ"])
    assert tokenizer.open_end("ទៅ\u200bខ្ញុំ") == "ខ្ញុំ"
    assert tokenizer.open_end("ខ្ញុំ") == "ខ្ញុំ"
    assert tokenizer.open_end("ទៅខ្ញុំ") == segments("ទៅខ្ញុំ")[-1]
