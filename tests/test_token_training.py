"""Models of bytes, words and parts of words: trained, scored, gone on with, written with."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Run, assert_refused
from stopping import stopped_training

from longhand.api import train
from longhand.errors import CorpusError, OptionError
from longhand.model import Model, load
from longhand.text.preparing import encode_corpus
from longhand.text.vocabulary import Wanted

KINDS = ("char", "byte", "word", "whitespace", "bpe:400")
SMALL: dict[str, Any] = {"hidden": 16, "embedding": 8, "window": 16, "batch": 4, "learning_rate": 0.02}
TEXT = "Größe 你好 " + VERSE * 40 + "你好 Größe"


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> Model:
    return train(io.StringIO(TEXT), tokens=request.param, epochs=5, **SMALL)


def test_it_learns_and_says_how_well_in_bits_per_character_and_per_byte(model: Model) -> None:
    card = model.card
    assert card.validation_bits_per_character is not None
    assert card.validation_bits_per_byte is not None
    assert card.training_bits_per_character is not None
    assert 0 < card.validation_bits_per_byte < card.validation_bits_per_character < 3.5
    assert 0.3 < card.training_bits_per_character / card.validation_bits_per_character < 3
    held_out = TEXT[-card.held_out_characters :]
    assert card.held_out_characters == card.validation_characters == round(len(TEXT) / 10)
    assert card.validation_bits_per_byte == pytest.approx(
        card.validation_bits_per_character * len(held_out) / len(held_out.encode())
    )


def test_the_score_is_that_of_the_text_read_token_by_token(model: Model) -> None:
    kind, _, size = str(model.card.training["tokens"]).partition(":")
    wanted = Wanted(kind, int(size or 20_000))  # type: ignore[arg-type]
    corpus = encode_corpus([io.StringIO(TEXT)], 0.1, None, wanted)
    assert model.tokenizer.start is not None
    session, bits, last = model.session(), 0.0, model.tokenizer.start
    for token in corpus.held_out_ids.tolist():
        logits = session.step(np.array([last]))[0].astype(np.float64)
        bits += float(np.log2(np.exp(logits - logits.max()).sum()) - (logits[token] - logits.max()) / math.log(2))
        last = token
    assert corpus.tokenizer.decode(corpus.held_out_ids) == TEXT[-model.card.held_out_characters :]
    assert bits / model.card.held_out_characters == pytest.approx(model.card.validation_bits_per_character, abs=1e-3)


def test_scoring_the_held_out_part_gives_the_figure_of_the_training(
    model: Model, longhand: Run, tmp_path: Path
) -> None:
    card, held_out = model.card, TEXT[-model.card.held_out_characters :]
    scores = [model.score(held_out, streams=streams) for streams in (1, 64)]
    for score in scores:
        assert score.bits_per_character == pytest.approx(card.validation_bits_per_character, abs=1e-4)
        assert score.bits_per_byte == pytest.approx(card.validation_bits_per_byte, abs=1e-4)
        assert (score.characters, score.bytes) == (len(held_out), len(held_out.encode()))
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8", newline="")
    done = longhand("score", model.save(tmp_path / "model"), "--corpus", tmp_path / "text.txt", "--json")
    facts = json.loads(done.stdout)
    assert facts["bits_per_character"] == pytest.approx(scores[0].bits_per_character, abs=1e-9)
    assert 0 < facts["ngram_bits_per_byte"] < facts["gzip_bits_per_byte"]


def test_the_file_holds_all_that_is_needed_to_write(model: Model, tmp_path: Path) -> None:
    again = load(model.save(tmp_path / "model"))
    assert again.tokenizer.kind == model.tokenizer.kind
    assert again.generate("The ", length=40, seed=3) == model.generate("The ", length=40, seed=3) != ""


def test_a_stream_is_the_text_at_once(model: Model) -> None:
    for prompt in ("", "Größ", "The q"):
        text = model.generate(prompt, length=60, seed=5)
        assert "".join(model.stream(prompt, length=60, seed=5)) == text
        assert "".join(piece.text for piece in model.pieces(prompt, length=60, seed=5)) == text


@pytest.mark.parametrize("kind", ["word", "whitespace", "bpe:600"])
def test_a_prompt_that_ends_inside_a_word_goes_on_in_it(kind: str) -> None:
    sentence = "extraordinary circumstances demand extraordinary measures\n"
    model = train(io.StringIO(sentence * 60), tokens=kind, epochs=12, **{**SMALL, "hidden": 32})
    assert model.tokenizer.kind == kind.partition(":")[0]
    for end in range(len("extraordinary circumstances") + 1):
        written = model.generate(sentence[:end], length=3, greedy=True)
        assert sentence.startswith(sentence[:end] + written[: len(sentence) - end]), sentence[:end]
        assert written


def test_a_prompt_with_unknown_characters_is_gone_on_from(model: Model) -> None:
    for prompt in ("§", "The §", "The §x", "§ The", "qu§x The\n"):
        assert model.generate(prompt, length=20, seed=1)


def test_no_half_character_is_ever_written() -> None:
    model = train(io.StringIO("你好世界 " * 300), tokens="byte", epochs=8, **SMALL)
    for length in range(7):
        assert "\ufffd" not in model.generate("你", length=length, greedy=True)


@pytest.mark.parametrize("kind", ["byte", "word", "whitespace", "bpe:400"])
def test_a_training_that_was_stopped_goes_on_to_the_bit(kind: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"tokens": kind, "epochs": 1.0, **SMALL}
    whole = train(io.StringIO(TEXT), **settings)

    stopped_training(io.StringIO(TEXT), tmp_path / "m", after=7, **settings)
    again = train(io.StringIO(TEXT), tmp_path / "m", resume=True)
    assert all(np.array_equal(whole.file.weights[name], again.file.weights[name]) for name in whole.file.weights)


@pytest.mark.parametrize("kind", ["byte", "word", "whitespace", "bpe:400"])
def test_a_model_can_be_started_from_and_keeps_its_tokens(kind: str, tmp_path: Path) -> None:
    first = train(io.StringIO(TEXT), tmp_path / "first", tokens=kind, epochs=3, **SMALL)
    tuned = train(io.StringIO(VERSE * 20), base=tmp_path / "first", epochs=0.1)
    assert tuned.tokenizer.to_record() == first.tokenizer.to_record()
    assert tuned.card.validation_bits_per_character is not None
    assert first.card.validation_bits_per_character is not None
    assert tuned.card.validation_bits_per_character < first.card.validation_bits_per_character + 0.5
    settings: dict[str, Any] = {"base": tmp_path / "first", "epochs": 1.0}
    whole = train(io.StringIO(VERSE * 20), **settings)
    stopped_training(io.StringIO(VERSE * 20), tmp_path / "m", after=2, **settings)
    again = train(io.StringIO(VERSE * 20), tmp_path / "m", resume=True)
    assert all(np.array_equal(whole.file.weights[name], again.file.weights[name]) for name in whole.file.weights)
    with pytest.raises(OptionError, match="the model to start from has"):
        train(io.StringIO(TEXT), base=tmp_path / "first", tokens="byte" if kind == "word" else "word", epochs=0.1)


def test_bad_choices_of_tokens_are_refused(longhand: Run, verse_path: Path) -> None:
    refused = {
        (
            "--tokens",
            "letters",
        ): "tokens: found 'letters', expected char, byte, word, whitespace, bpe, bpe:SIZE or auto",
        ("--tokens", "bpe:"): "tokens: found 'bpe:'",
        ("--tokens", "bpe:50"): "tokens: found 'bpe:50'",
        ("--tokens", "bpe:256"): "expected at least bpe:257",
        ("--tokens", "char\n"): "tokens: found 'char\\n'",
        ("--tokens", "word", "--recipe", "classic", "--vocabulary", "5"): "of the default recipe alone",
        ("--tokens", "word", "--vocabulary", "0"): "vocabulary: found 0",
        ("--vocabulary", "10"): "vocabulary: of words alone, found tokens char: add --tokens word",
        ("--tokens", "byte", "--min-count", "3"): "min count: of words alone",
        ("--tokens", "bpe", "--unknown", "replace"): "unknown: of words alone",
        ("--tokens", "whitespace", "--recipe", "classic"): "the classic recipe reads char or word",
        ("--tokens", "byte", "--recipe", "classic"): "the classic recipe reads char or word",
    }
    for options, message in refused.items():
        assert_refused(longhand("train", verse_path, *options), message)


def test_the_command_line_says_what_was_learned_in(longhand: Run, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT.replace("e", "é"), encoding="utf-8")
    output = tmp_path / "m.safetensors"
    done = longhand("train", text, "-o", output, "--tokens", "word", "--min-count", "3", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    assert " words, " in done.stdout
    assert " bits per byte on held-out text" in done.stdout
    facts = json.loads(longhand("info", output, "--json").stdout)
    assert facts["tokens"] == "word"
    assert facts["training"]["min_count"] == 3
    written = longhand("generate", output, "--length", "5", "--seed", "1")
    assert "5 words at" in written.stderr


def test_a_text_too_short_for_its_tokens_is_refused() -> None:
    with pytest.raises(CorpusError, match="words to learn from, expected more than a window of 99"):
        train(io.StringIO("antidisestablishmentarianism " * 60), tokens="word", epochs=1, hidden=8, window=99)


def test_lone_surrogates_that_a_model_writes_are_replaced() -> None:
    model = train(io.StringIO(TEXT), tokens="byte", epochs=0.1, **SMALL)
    model.file.weights["head.weight"][:] = 0
    model.file.weights["head.bias"][[0xED, 0xA0, 0x80]] = 200
    text = model.generate(length=300, seed=1)
    assert "\ufffd" in text
    text.encode("utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_a_passage_of_a_text_is_one_of_its_characters(kind: str, verse_path: Path) -> None:
    model = train(io.StringIO(TEXT), tokens=kind, epochs=0.1, **SMALL)
    passage = model.passage(verse_path, seed=2)
    assert len(passage) == 100
    assert passage in verse_path.read_text(encoding="utf-8")


def test_words_that_are_replaced_count_with_their_length() -> None:
    learned, last = "often often often " * 100, "seldom " * 20
    wanted = Wanted("word", 100, min_count=5, spells=False)
    encoded = encode_corpus([io.StringIO(learned + last)], len(last) / len(learned + last), None, wanted)
    assert encoded.held_out_characters == encoded.characters_of(encoded.held_out_ids) == len(last)
    assert encoded.bytes_of(encoded.held_out_ids) == len(last)
    half = encoded.held_out_ids[: encoded.held_out // 2]
    assert encoded.characters_of(half) == pytest.approx(len(last) / 2, abs=8)
    assert any("words of the held-out text have no token" in note for note in encoded.notes)
    with pytest.raises(CorpusError, match="no word occurs 999 times: lower --min-count"):
        encode_corpus([io.StringIO(learned)], 0.1, None, Wanted("word", 100, min_count=999, spells=False))


def test_parts_of_words_are_learned_from_all_files_of_a_folder(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}").write_text("aaaa bbbb " if number < 250 else "zzzz yyyy ", encoding="utf-8")
    encoded = encode_corpus([tmp_path], 0.05, None, Wanted("bpe", 270))
    assert len(encoded.tokenizer.encode("zzzz")) < 4


def test_a_plan_with_any_separator_is_read_again(longhand: Run, tmp_path: Path) -> None:
    separator, verse_path = 'é "🎉"\t#', tmp_path / "text.txt"
    verse_path.write_text(separator.join([VERSE] * 30), encoding="utf-8")
    options = ("--documents", separator, "--tokens", "word", "--min-count", "3", "--epochs", "0.1")
    plan = longhand("train", verse_path, *options, "--plan")
    assert plan.returncode == 0, plan.stderr
    (tmp_path / "plan.toml").write_text(plan.stdout, encoding="utf-8")
    again = longhand("train", verse_path, "--settings", tmp_path / "plan.toml", "--plan")
    assert again.returncode == 0, again.stderr
    given = [[line for line in out.splitlines() if line.startswith("documents")] for out in (plan.stdout, again.stdout)]
    assert given[0] == given[1] != []
