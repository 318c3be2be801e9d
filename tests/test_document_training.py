"""Models of documents: each begins anew, comes to an end, and can be written by itself."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from conftest import Run, assert_refused
from hypothesis import given
from hypothesis import strategies as st

from longhand.api import train, written_documents
from longhand.errors import CorpusError, ModelFormatError, OptionError
from longhand.generation import loop
from longhand.learned import halves, learned_text
from longhand.model import Model, load
from longhand.modelfile import ModelFile
from longhand.text.documents import BOUNDARY
from longhand.text.preparing import encode_corpus
from longhand.text.vocabulary import Wanted
from longhand.training.novelty import known_documents

NAMES = [f"{first}{last}" for first in ("Ann", "Bert", "Klára", "Jo") for last in ("a", "olf", "een", "ius", "ö")]
LINES = "\n".join(name for number in range(20) for name in np.random.default_rng(number).permutation(NAMES)) + "\n"
SMALL: dict[str, Any] = {
    "hidden": 32,
    "embedding": 8,
    "window": 16,
    "batch": 4,
    "learning_rate": 0.02,
    "weight_decay": 0.01,
}
KINDS = ("char", "byte", "word", "whitespace", "bpe:300")


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> Model:
    return train(io.StringIO(LINES), tokens=request.param, documents="line", epochs=12, **SMALL)


def test_it_writes_whole_documents_and_stops(model: Model) -> None:
    text = model.generate(documents=200, temperature=0.7, seed=1)
    assert text.count("\n") == 200
    assert sum(line in NAMES for line in text.split("\n")) > 100
    assert "\ufffd" not in text
    assert model.config.documents


def test_scoring_the_held_out_documents_gives_the_figure_of_the_training(model: Model) -> None:
    with learned_text(model.file, [io.StringIO(LINES)]) as text:
        held_out = "".join(halves(model.file, text)[1]).replace(BOUNDARY, "\n")
    assert len(held_out) == model.card.held_out_characters
    for streams in (1, 64):
        score = model.score(held_out, streams=streams)
        assert score.bits_per_character == pytest.approx(model.card.validation_bits_per_character, abs=1e-4)
        assert score.bits_per_byte == pytest.approx(model.card.validation_bits_per_byte, abs=1e-4)
    alone = [model.score(line) for line in held_out.split("\n")[:-1]]
    assert sum(one.bits for one in alone) == pytest.approx(score.bits, rel=1e-5)


def test_the_card_says_how_many_documents_are_new(model: Model, longhand: Run, tmp_path: Path) -> None:
    written = written_documents(model.file)
    assert model.card.documents_written == len(written) > 100
    assert model.card.documents_new == sum(text not in NAMES for text in written)
    share = model.card.documents_new / len(written)
    model.save(tmp_path / "names")
    assert (
        f"{share:.0%} of {len(written)} documents" in longhand("generate", tmp_path / "names", "--documents", 2).stderr
    )


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=2), st.lists(st.text("abc", min_size=1, max_size=3)))
def test_a_document_is_new_where_the_text_has_no_such_one(known: list[str], others: list[str]) -> None:
    text = "\n".join([*known, "x" * 1000, "held out"])
    for kind in (Wanted("char"), Wanted("byte"), Wanted("word", 100, min_count=1), Wanted("bpe", 260)):
        corpus = encode_corpus([io.StringIO(text)], 0.01, None, replace(kind, documents="line"), split="end")
        found = known_documents(corpus)
        assert found is not None
        assert [other in found for other in others] == [other in known for other in others]


def test_each_begins_with_the_prompt(model: Model) -> None:
    lines = ("K" + model.generate("K", documents=30, seed=1)).split("\n")
    assert all(line.startswith("K") for line in lines[:-1])
    assert len(lines) == 31
    assert sum(line in NAMES for line in lines) > 10


def test_without_a_number_they_fill_the_length(model: Model) -> None:
    text = model.generate(length=100, seed=3)
    assert text.count("\n") > 3
    assert model.generate(documents=5, length=2, seed=3).count("\n") == 5
    assert model.generate(length=0) == ""
    pieces = list(model.pieces(length=100, seed=3))
    assert "".join(piece.text for piece in pieces) == text
    assert sum(piece.tokens for piece in pieces) == 100


def test_the_text_does_not_depend_on_how_it_is_drawn(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = model.generate(documents=30, seed=7)
    monkeypatch.setattr(loop, "_next_size", lambda size, _: 1 if size > 8 else size + 3)
    assert model.generate(documents=30, seed=7) == expected
    monkeypatch.setenv("LONGHAND_NATIVE", "0")
    assert Model(model.file).generate(documents=30, seed=7) == expected


def test_empty_documents_come_to_an_end_too(model: Model) -> None:
    file = ModelFile(model.config, model.tokenizer.to_record(), {**model.file.weights}, model.card)
    file.weights["head.bias"] = file.weights["head.bias"].copy()
    file.weights["head.bias"][model.tokenizer.start or 0] += 1000
    assert Model(file).generate(length=7, length_in="characters") == "\n" * 6


def test_a_document_owes_nothing_to_the_one_before(model: Model) -> None:
    many = model.generate(documents=3, greedy=True).split("\n")
    assert many[0] == many[1] == many[2]


def test_the_score_is_that_of_each_document_by_itself(model: Model) -> None:
    kind, _, size = str(model.card.training["tokens"]).partition(":")
    wanted = Wanted(kind, int(size or 20_000), documents="line")  # type: ignore[arg-type]
    corpus = encode_corpus([io.StringIO(LINES)], 0.1, None, wanted)
    start = model.tokenizer.start
    assert corpus.learned_ids[-1] == corpus.held_out_ids[-1] == start
    bits, begin = 0.0, 0
    for end in (np.flatnonzero(corpus.held_out_ids == start) + 1).tolist():
        document = corpus.held_out_ids[begin:end].tolist()
        session = model.session()
        for last, token in zip([start, *document], document, strict=False):
            logits = session.step(np.array([last]))[0].astype(np.float64)
            bits += float(np.log2(np.exp(logits - logits.max()).sum()) - (logits[token] - logits.max()) / math.log(2))
        begin = end
    characters = corpus.characters_of(corpus.held_out_ids)
    assert characters == model.card.held_out_characters
    assert bits / characters == pytest.approx(model.card.validation_bits_per_character, abs=1e-3)
    held_out = corpus.tokenizer.decode(corpus.held_out_ids).replace("\ufffd", "\n")
    assert set(held_out.split("\n")) <= {*NAMES, ""}
    assert corpus.bytes_of(corpus.held_out_ids) == len(held_out.encode())


@pytest.mark.parametrize(
    ("mode", "text", "parted"),
    [
        ("blank", "one\ntwo\n\n\nthree\n", "one\ntwo|three|"),
        ("<|end|>", "one<|end|>\ntwo\n<|end|>three", "one|two|three|"),
        ("line", "one\n\ntwo", "one|two|"),
    ],
)
def test_the_tokens_have_a_start_where_a_document_ends(mode: str, text: str, parted: str) -> None:
    text, parted = text * 200, parted * 200
    if mode != "line":
        text = text.replace("oneone", "one")
    for kind in ("char", "byte", "word", "bpe"):
        encoded = encode_corpus([io.StringIO(text)], 0.1, None, Wanted(kind, 300, documents=mode))
        found = encoded.tokenizer.decode(encoded.ids).replace("\ufffd", "|")
        if mode == "blank":
            assert found.replace("one\ntwo|three\none", "one\ntwo|three|one").count("|") >= 200
        else:
            assert set(found.split("|")) <= {"one", "two", "three", "threeone", "twoone", ""}
        assert encoded.characters == encoded.characters_of(encoded.ids)


def test_files_are_documents(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.txt").write_text(f"file {number}\n\nwith two parts and so on\n", encoding="utf-8")
    encoded = encode_corpus([tmp_path], 0.1, None, Wanted("char", documents="file"))
    assert encoded.documents == 40
    assert encoded.tokenizer.decode(encoded.ids).count("\ufffd") == 40


def test_what_does_not_go_together_is_refused(longhand: Run, tmp_path: Path, model_path: Path) -> None:
    text = tmp_path / "names.txt"
    text.write_text(LINES, encoding="utf-8")
    assert_refused(longhand("generate", model_path, "--documents", "3"), "was not trained on documents")
    assert_refused(longhand("train", text, "--documents", ""), "documents: found ''")
    assert_refused(longhand("train", text, "--documents", "line", "--recipe", "classic"), "of the default recipe alone")
    (tmp_path / "odd.txt").write_text(LINES + BOUNDARY + LINES, encoding="utf-8")
    assert_refused(longhand("train", tmp_path / "odd.txt", "--documents", "line"), "U+FDD0")
    with pytest.raises(CorpusError):
        train(io.StringIO("\n" * 5000), documents="line", epochs=0.1)
    with pytest.raises(OptionError, match="documents: found 0"):
        load(model_path).generate(documents=0)


def test_the_command_line_writes_documents(longhand: Run, tmp_path: Path) -> None:
    text, output = tmp_path / "names.txt", tmp_path / "m.safetensors"
    text.write_text(LINES, encoding="utf-8")
    done = longhand("train", text, "-o", output, "--documents", "line", "--epochs", "4", "--hidden", "32")
    assert done.returncode == 0, done.stderr
    assert "400 documents, " in done.stdout
    written = longhand("generate", output, "--documents", "7", "--seed", "1")
    assert written.stdout.count("\n") == 7


def test_characters_of_a_document_that_is_split_are_known() -> None:
    text = "a" * 1200 + "\n" + "b" * 1150 + "ç" * 100 + "\n" + "a" * 50 + "\n"
    encoded = encode_corpus([io.StringIO(text)], 0.1, None, Wanted("char", documents="line"))
    assert encoded.documents == 3
    assert not (encoded.ids == encoded.tokenizer.unknown).any()


def test_what_ends_documents_is_a_character_like_others_where_there_are_none() -> None:
    encoded = encode_corpus([io.StringIO(f"ab{BOUNDARY}" * 500)], 0.1)
    assert encoded.documents == 0
    assert not (encoded.ids == encoded.tokenizer.start).any()
    assert encoded.tokenizer.decode(encoded.ids) == f"ab{BOUNDARY}" * 500


def test_one_document_alone_is_refused_and_says_why() -> None:
    with pytest.raises(CorpusError, match="one document, so nothing is left to score on: is --documents --- right"):
        train(io.StringIO(LINES * 5), documents="---", epochs=0.1)


def test_a_model_of_documents_can_be_started_from(tmp_path: Path) -> None:
    train(io.StringIO(LINES), tmp_path / "first", documents="line", epochs=0.5, **SMALL)
    tuned = train(io.StringIO(LINES), base=tmp_path / "first", epochs=0.5)
    assert tuned.config.documents
    assert tuned.card.training["documents"] == "line"


def test_a_damaged_model_of_documents_is_refused(model: Model) -> None:
    file = model.file
    window = replace(file, config=msgspec.structs.replace(file.config, window=8))
    listed = {"kind": "listed", "unit": "char", "tokens": [chr(0x4E00 + n) for n in range(file.config.vocabulary_size)]}
    for broken in (window, replace(file, tokenizer=listed)):
        with pytest.raises(ModelFormatError, match="a model of documents"):
            Model(broken)


TUNES = "\n\n".join(f"X:{number}\nK:D\n\nabc|{'dAFA' * (1 + number % 3)}|" for number in range(120)) + "\n"


def test_documents_that_are_told_by_how_they_begin_are_learned_written_and_scored(
    longhand: Run, tmp_path: Path
) -> None:
    (tmp_path / "tunes.abc").write_text(TUNES, encoding="utf-8")
    settings = [
        part for name, value in {**SMALL, "epochs": 6}.items() for part in (f"--{name.replace('_', '-')}", value)
    ]
    settings = ["--lr" if part == "--learning-rate" else part for part in settings]
    done = longhand("train", tmp_path / "tunes.abc", "-o", tmp_path / "m", "--document-start", "X:", *settings)
    assert done.returncode == 0, done.stderr
    model = load(tmp_path / "m.safetensors")
    assert (model.card.training["document_start"], model.card.training["documents"]) == ("X:", "none")
    assert model.separator == "\n\n"
    with learned_text(model.file, [str(tmp_path / "tunes.abc")]) as text:
        parts = ["".join(half).split(BOUNDARY)[:-1] for half in halves(model.file, text)]
    expected_tunes = [f"X:{tune}".strip() for tune in TUNES.split("X:")[1:]]
    assert sorted([*parts[0], *parts[1]]) == sorted(expected_tunes)
    scored = longhand("score", tmp_path / "m.safetensors", "--corpus", tmp_path / "tunes.abc", "--json")
    expected = model.card.validation_bits_per_character
    assert msgspec.json.decode(scored.stdout)["bits_per_character"] == pytest.approx(expected, abs=1e-4)
    assert model.generate(documents=3, seed=1).endswith("\n\n")
    again = train(io.StringIO(TUNES), base=str(tmp_path / "m"), epochs=1, window=16, batch=4)
    assert again.card.training["document_start"] == "X:"
    assert again.card.separator == "\n\n"


def test_one_way_of_telling_documents_is_asked_for() -> None:
    with pytest.raises(OptionError, match="document start: found with --documents"):
        train(io.StringIO(TUNES), documents="blank", document_start="X:")
    with pytest.raises(OptionError, match="expected what one line begins with"):
        train(io.StringIO(TUNES), document_start="X:\nK:")
    with pytest.raises(OptionError, match="document_start: of the default recipe alone"):
        train(io.StringIO(TUNES), document_start="X:", recipe="classic")
    with pytest.raises(CorpusError, match="left to score on: is --document-start Y: right"):
        train(io.StringIO(TUNES), document_start="Y:")
