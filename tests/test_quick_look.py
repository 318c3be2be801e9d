# ruff: noqa: RUF001 (letters of many scripts are meant)
"""What a training says of its text by itself: what may trip it, and nothing of a plain one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import VERSE, Run, corpus_file
from hypothesis import given
from hypothesis import strategies as st

from longhand.api import check
from longhand.text.kinds import kind_of, named, odd_ones
from longhand.text.preparing import encode_corpus
from longhand.text.quick_look import MOST_WARNINGS, POINTER
from longhand.text.repeats import Repeats
from longhand.text.suggestion import CharacterCounts, suggested_tokens
from longhand.text.vocabulary import Wanted

PLAIN = "".join(f"line {number} of a plain text\n" for number in range(4000))
ODD = {"\ufffd": "lost", "\x07": "control", "\x85": "control", "\u200b": "invisible", "\u202e": "invisible"}
ODD |= {"\ue000": "private", "\ufdd1": "unassigned", "\U000e1000": "unassigned", "\u0378": "unassigned"}


PLAIN_ONES = "aé中\n\t\f 🙂\u00a0\u0301\ufe0f\u00ad\u034f\u2060\u180b\U000e0067\u0f0c\U0001fae8\U0001cc00"


def notes(text: str, documents: str = "none") -> list[str]:
    return encode_corpus([io.StringIO(text)], wanted=Wanted(documents=documents)).notes


@pytest.mark.parametrize("documents", ["none", "line", "blank"])
def test_a_plain_text_gets_no_warning(documents: str) -> None:
    odd = "é中🙂 pages\f\t\u06af\u0644\u200c\u0647 \ue000"
    assert notes(f"{odd}\n\n{odd} again\n\n" + PLAIN.replace("9 ", "9\n\n"), documents) == []


@pytest.mark.parametrize("name", ["tinyshakespeare.txt", "tang.txt", "names.txt"])
def test_real_texts_get_no_warning(name: str) -> None:
    assert POINTER not in encode_corpus([corpus_file(name)]).notes


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("\ufffd", "U+FFFD in the text"),
        ("\x1b[0m", "characters that nobody sees, and that the model will write too: U+001B"),
        ("\u200b\u200e", "U+200B ZERO WIDTH SPACE, U+200E LEFT-TO-RIGHT MARK"),
        ("".join(map(chr, range(0x4E00, 0x5E00))), "4,118 different characters in"),
        ("the same line again and again\n" * 9000, "of the text are lines that occurred before"),
    ],
)
def test_what_may_trip_a_training_is_said_with_a_pointer(planted: str, found: str) -> None:
    said = notes(PLAIN[:60_000] + planted + PLAIN[60_000:])
    said = [line for line in said if "unlike the rest" not in line]  # which is true of one of them, too
    assert len(said) == 2
    assert found in said[0]
    assert said[1] == POINTER


def test_no_more_is_said_than_a_person_reads() -> None:
    text = PLAIN + "\ufffd\x07" + "".join(map(chr, range(0x4E00, 0x5E00))) + "again\n" * 30_000
    assert len(notes(text)) == MOST_WARNINGS + 1


def test_a_training_says_it_on_stderr(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "bell.txt").write_text("\x07" + VERSE * 20, encoding="utf-8")
    done = longhand("train", tmp_path / "bell.txt", "-o", tmp_path / "m", "--epochs", 1, "--hidden", 8)
    assert done.returncode == 0
    assert done.stderr.startswith("longhand: note: characters that nobody sees")
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize("character", ODD)
def test_odd_characters_are_told_apart(character: str) -> None:
    assert kind_of(character) == ODD[character]


@pytest.mark.parametrize("character", [*PLAIN_ONES])
def test_ordinary_characters_are_not_odd(character: str) -> None:
    assert kind_of(character) is None


def test_the_odd_ones_of_all_characters_are_found() -> None:
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x20000))))
    found = odd_ones(every, lambda some: -len(some))  # whatever there is, there is less of what needs it
    kinds = {one: kind for one in every if (kind := kind_of(one)) is not None}
    assert {one: kind for kind, characters in found.items() for one in characters} == kinds


NEEDED = {
    "Khmer": "ខ្ញុំ\u200bទៅ\u17b4",
    "Thai": "ฉัน\u200bไป",
    "Lao": "ຂ້ອຍ\u200bໄປ",
    "Burmese": "မြန်မာ\u200bစာ",
    "Tibetan": "བོད་\u200bསྐད\u0f0c",
    "Japanese": "日本\u200b語",
    "Persian": "می\u200cروم \u200f(abc\u200e)",
    "Arabic": "ه\u200d وقال \u2067abc\u2069\u061c!",
    "Hebrew": "שלום\u200f! \u202babc\u202c",
    "Hindi": "क्\u200dया क्\u200cष",
    "Malayalam": "അവന്\u200d",
    "Sinhala": "ශ්\u200dරී",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ\u180eᠠ\u200dᠠ",
    "emoji": "👩\u200d👧 ❤\ufe0f\u200d🔥",
    "Korean": "ㅎ\u3164ㅏ\u1160ㄱ\u115f",
    "mathematics": "f\u2061(x) ∈ A",
    "German": "Donau\u00addampf\u2060schiff",
}
MISPLACED = {
    "zero width spaces in Latin text": ("wo\u200brd", "\u200b"),
    "more of them than letters that need them": ("wo\u200brd\u200b\u200b ก", "\u200b"),
    "joiners in Latin text": ("fi\u200cne © ™\u200d", "\u200c\u200d"),
    "marks of direction in Latin text": ("a\u200e\u2067b", "\u200e\u2067"),
    "overrides of direction in Hebrew": ("שלום\u202e", "\u202e"),
    "a byte order mark within a text": ("می\ufeffروم", "\ufeff"),
    "annotations": ("漢\ufff9か\ufffb", "\ufff9\ufffb"),
    "a vowel separator outside Mongolian": ("a\u180eb", "\u180e"),
}


@pytest.mark.parametrize("script", NEEDED)
def test_what_is_invisible_but_needed_is_not_odd(script: str) -> None:
    counts = CharacterCounts()
    counts.add(NEEDED[script])
    assert odd_ones(counts.different) == {}
    assert odd_ones(counts.different, counts.of) == {}
    assert notes(NEEDED[script] + PLAIN) == []
    assert check([io.StringIO(NEEDED[script] * 2000)], estimate=False).odd == {}
    assert suggested_tokens(counts).value == "char"


@pytest.mark.parametrize("what", MISPLACED)
def test_what_is_invisible_and_not_needed_is_odd(what: str) -> None:
    text, odd = MISPLACED[what]
    counts = CharacterCounts()
    counts.add(text)
    assert odd_ones(counts.different, counts.of) == {"invisible": odd}


def test_characters_are_shown_by_number_and_name() -> None:
    shown = {"A": "U+0041 LATIN CAPITAL LETTER A", "\x07": "U+0007 BELL", "中": "U+4E2D 中", "\ue000": "U+E000"}
    assert {character: named(character) for character in shown} == shown


@given(st.lists(st.lists(st.sampled_from(["", "a", "bb", "ccc", "dddd"]), max_size=20), max_size=4))
def test_what_repeats_is_counted_over_pieces(pieces: list[list[str]]) -> None:
    repeats = Repeats()
    for lines in pieces:
        repeats.add(lines)
    lines = [line for piece in pieces for line in piece if line]
    again = [line for number, line in enumerate(lines) if line in lines[:number]]
    found = repeats.repeated()
    assert (found.parts, found.characters) == (len(lines), sum(map(len, lines)))
    assert (found.repeated, found.repeated_characters) == (len(again), sum(map(len, again)))
    assert repeats.counts(["a", "bb", "e"]) == [lines.count("a"), lines.count("bb"), 0]


def test_what_is_held_out_and_learned_from_too_is_counted() -> None:
    repeats = Repeats()
    repeats.add([f"{number:03}" for number in range(90)] + ["005", "new", *(["006"] * 8)])
    assert repeats.held_out(np.arange(100) >= 90) == (10, 9)
    assert Repeats().held_out(np.zeros(0, np.bool_)) == (0, 0)
