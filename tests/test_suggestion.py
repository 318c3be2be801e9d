"""What tokens and documents are suggested for which texts, and trainings that leave the tokens to the text."""

from __future__ import annotations

import io
import math
import random
import textwrap
from pathlib import Path
from typing import Any

import pytest
from conftest import VERSE, Run, assert_refused, corpus_file
from hypothesis import given
from hypothesis import strategies as st

from longhand.api import train
from longhand.errors import OptionError
from longhand.model import load
from longhand.text import suggestion, vocabulary
from longhand.text.document_suggestion import suggested_documents
from longhand.text.suggestion import CharacterCounts, Suggestion, suggested_tokens
from longhand.training import safety
from longhand.training.events import Checkpointed, Event

SMALL: dict[str, Any] = {"hidden": 16, "embedding": 8, "window": 16, "batch": 4, "epochs": 2}
WORDS = ["the", "of", "and", "to", "in", "is", "you", "that", "it", "he", "was", "for", "on", "are"]
SYMBOLS = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
MIXED = VERSE * 40 + SYMBOLS  # hundreds of characters that occur once, among many of one byte


def counted(text: str) -> CharacterCounts:
    counts = CharacterCounts()
    counts.add(text)
    return counts


def sentences(seed: int, fewest: int, most: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choice(WORDS) for _ in range(draw.randint(fewest, most))) for _ in range(500)]


DOCUMENTS = {
    "names": ("\n".join(word for line in sentences(1, 2, 2) for word in line.split()), "line"),
    "tweets": ("\n".join(sentences(2, 2, 40)), "line"),
    "molecules": ("\n".join("C" * (1 + 7 * k % 31) + "c1ccccc1(=O)N" for k in range(500)), "line"),
    "logs": ("\n".join(f"2026-11-25 10:{k % 60:02} GET /page/{k * 37 % 1000} 200 OK" for k in range(500)), "line"),
    "wrapped prose": (textwrap.fill(". ".join(sentences(3, 5, 30)), 72), "none"),
    "verse without blank lines": ("\n".join(line.capitalize() + "," for line in sentences(4, 5, 7)), "none"),
    "Chinese prose": ("\n".join(SYMBOLS[k : k + 40] for k in range(300)), "none"),
    "long lines": ("\n".join(sentences(5, 200, 300)), "none"),
    "code": ("\n".join(f"def f{k}():\n    return {k}\n" for k in range(300)), "none"),
    "poems": ("\n\n".join("\n".join(line.capitalize() for line in sentences(k, 5, 7)[:8]) for k in range(40)), "blank"),
    "paragraphs": ("\n\n".join(sentences(6, 5, 20) + sentences(7, 100, 300)), "none"),
    "one line": ("word " * 1000, "none"),
    "nothing": ("", "none"),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents_are_suggested_by_the_shape_of_the_text(kind: str) -> None:
    text, expected = DOCUMENTS[kind]
    assert suggested_documents(text).value == expected


def test_many_small_files_are_documents_and_a_few_or_large_ones_not() -> None:
    assert suggested_documents(VERSE, [3000] * 50).value == "file"
    assert suggested_documents(VERSE, [3000] * 3).value != "file"
    assert suggested_documents(VERSE, [3_000_000] * 50).value != "file"


@pytest.mark.parametrize(
    ("name", "documents"), [("names.txt", "line"), ("tinyshakespeare.txt", "none"), ("tang.txt", "blank")]
)
def test_real_texts_get_what_suits_them(name: str, documents: str) -> None:
    text = corpus_file(name).read_text(encoding="utf-8")
    assert suggested_documents(text[:1_000_000]).value == documents
    assert suggested_tokens(counted(text)).value == "char"


def test_characters_suit_nearly_all_texts_and_bytes_those_of_many_rare_symbols() -> None:
    assert suggested_tokens(counted(VERSE)).value == "char"
    assert suggested_tokens(counted(SYMBOLS * 3)).value == "char"
    assert suggested_tokens(counted(MIXED)).value == "byte"
    assert "400 of the 419 different characters occur only once" in suggested_tokens(counted(MIXED)).why
    assert suggested_tokens(counted("\x01\x02a" * 100)).value == "byte"
    assert suggested_tokens(counted("wo\u200brd\ufeff\ue000\ufffd\x85\x0b" * 100)).value == "char"
    assert suggested_tokens(counted("".join(map(chr, range(0x10000, 0x18000))))).value == "byte"


def test_large_texts_of_words_get_parts_of_words_where_these_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestion, "LARGE", 1000)
    assert suggested_tokens(counted(VERSE * 40)).value == "bpe"
    assert suggested_tokens(counted(SYMBOLS * 40)).value == "char"
    monkeypatch.setattr(suggestion, "find_spec", lambda _: None)
    without = suggested_tokens(counted(VERSE * 40))
    assert without.value == "char"
    assert "pip install 'longhand[bpe]'" in without.why


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_characters_are_counted_over_pieces(pieces: list[str]) -> None:
    counts, text = CharacterCounts(), "".join(pieces)
    for piece in pieces:
        counts.add(piece)
    assert counts.different == "".join(sorted(set(text)))
    assert (counts.characters, counts.size) == (len(text), len(text.encode()))
    assert all(counts.of(letter) == text.count(letter) for letter in set(text))


@pytest.mark.parametrize(("text", "kind"), [(VERSE * 20, "char"), (MIXED, "byte")])
def test_a_model_knows_the_tokens_that_were_chosen(text: str, kind: str, tmp_path: Path) -> None:
    model = train(io.StringIO(text), tmp_path / "m", tokens="auto", **SMALL)
    assert model.tokenizer.kind == load(tmp_path / "m").card.training["tokens"] == kind


def test_of_documents_their_ends_are_no_characters() -> None:
    assert train(io.StringIO("abc\nde\n" * 300), tokens="auto", documents="line", **SMALL).tokenizer.kind == "char"


def test_a_training_says_what_it_chose(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "mixed.txt").write_text(MIXED, encoding="utf-8")
    options = ["--tokens", "auto", "--hidden", 16, "--threads", 1, "--epochs", 1]
    done = longhand("train", tmp_path / "mixed.txt", "-o", tmp_path / "m", *options)
    assert done.returncode == 0
    notes = done.stderr.splitlines()  # in so few steps earlier weights may be the better ones
    assert all(note.startswith("longhand: note: the weights of step ") for note in notes)
    assert "tokens: byte (400 of the 419 different characters occur only once" in done.stdout


def test_a_training_that_goes_on_does_not_choose_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Checkpointed):
            raise KeyboardInterrupt

    monkeypatch.setattr(safety, "SAVING_SHARE", math.inf)
    with pytest.raises(KeyboardInterrupt):
        train(io.StringIO(MIXED), tmp_path / "m", tokens="auto", listener=stop, checkpoint_every=0, **SMALL)
    monkeypatch.setattr(vocabulary, "suggested_tokens", lambda _: Suggestion("char", "another day"))
    with pytest.raises(OptionError, match="tokens: found char, the training to resume has byte"):
        train(io.StringIO(MIXED), tmp_path / "m", tokens="char", resume=True)
    train(io.StringIO(MIXED), tmp_path / "m", tokens="auto", resume=True)
    assert load(tmp_path / "m").card.training["tokens"] == "byte"


def test_a_plan_names_what_was_chosen_and_why(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "mixed.txt").write_text(MIXED, encoding="utf-8")
    done = longhand("train", tmp_path / "mixed.txt", "--tokens", "auto", "--minutes", 0.02, "--plan")
    assert "# tokens: byte (400 of" in done.stdout
    assert 'tokens = "byte"\n' in done.stdout


def test_a_model_to_start_from_leaves_no_choice(tmp_path: Path) -> None:
    train(io.StringIO(VERSE * 20), tmp_path / "base", tokens="byte", **SMALL)
    model = train(io.StringIO(VERSE * 20), base=str(tmp_path / "base"), tokens="auto", epochs=1, window=16, batch=4)
    assert model.card.training["tokens"] == "byte"


def test_what_has_no_choice_refuses_it(longhand: Run, verse_path: Path) -> None:
    done = longhand("train", verse_path, "--recipe", "classic", "--tokens", "auto")
    assert_refused(done, "tokens: found 'auto', the classic recipe reads char or word")
    with pytest.raises(OptionError, match="expected char, byte, word, whitespace, bpe, bpe:SIZE or auto"):
        train(io.StringIO(VERSE * 20), tokens="automatic")
