"""The score of a text: that of one pass in order, whatever the streams, blocks, tokens and runtime."""

from __future__ import annotations

import gzip
import json
import lzma
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from conftest import ALPHABET, VERSE, Run, assert_refused, small_file
from hypothesis import given, settings
from hypothesis import strategies as st
from test_real_texts import peak_memory

from longhand.errors import ModelFormatError, OptionError
from longhand.model import Model
from longhand.modelfile import ModelFile
from longhand.runtime.reference import NumpySession
from longhand.scoring import score as scoring
from longhand.scoring.blocks import Block, blocks
from longhand.scoring.comparison import Comparing
from longhand.scoring.passages import Worst
from longhand.scoring.passing import Pass
from longhand.text.bytewise import ByteTokenizer
from longhand.text.documents import BOUNDARY, separator
from longhand.text.listed import ListedTokenizer
from longhand.text.words import WordTokenizer

LONG = "".join(np.random.default_rng(0).choice(list(VERSE), 9000))


def lively(file: ModelFile, deviation: float = 0.4) -> ModelFile:
    """Return a model whose state matters: its weights are as large as training makes them."""
    random = np.random.default_rng(1)
    weights = {
        name: array + random.normal(0, deviation, array.shape).astype(np.float32)
        for name, array in file.weights.items()
    }
    return replace(file, weights=weights)


MODEL = Model(lively(small_file(hidden=24)))


def in_order(model: Model, text: str) -> np.ndarray:
    """Return the bits of each token, read one after another by the reference."""
    ids = model.tokenizer.encode(text).astype(np.int64)
    session = NumpySession(model.config, model.file.weights)
    logits = session.feed(np.concatenate([[model.tokenizer.start], ids])[:-1, None])[:, 0].astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    found: np.ndarray = np.log2(np.exp(logits).sum(axis=1)) - logits[np.arange(len(ids)), ids] / math.log(2)
    return found


@pytest.mark.parametrize("streams", [1, 2, 64])
def test_many_streams_give_the_figure_of_one_pass(streams: int) -> None:
    expected = in_order(MODEL, LONG)
    score = MODEL.score(LONG, streams=streams)
    assert score.bits_per_character == pytest.approx(expected.mean(), abs=1e-4)
    assert -MODEL.log_probabilities(LONG, streams=streams) / math.log(2) == pytest.approx(expected, abs=1e-2)
    assert score.perplexity == pytest.approx(2 ** expected.mean(), rel=1e-3)


@settings(max_examples=30)
@given(st.text(ALPHABET + "ü", min_size=1, max_size=400), st.integers(1, 60), st.integers(1, 9))
def test_it_does_not_matter_in_which_blocks_a_text_is_read(text: str, most: int, streams: int) -> None:
    reader = Pass(MODEL.session, vocabulary=MODEL.config.vocabulary_size, start=1, streams=streams)
    found = np.concatenate([reader.log_probabilities(block.ids) for block in blocks([text], MODEL.tokenizer, most)])
    assert -found / math.log(2) == pytest.approx(in_order(MODEL, text), abs=1e-3)


def test_it_is_torchs_cross_entropy() -> None:
    torch = pytest.importorskip("torch")
    config, weights = MODEL.config, {name: torch.from_numpy(array) for name, array in MODEL.file.weights.items()}
    lstm = torch.nn.LSTM(config.embedding, config.hidden, config.layers)
    with torch.no_grad():
        for layer in range(config.layers):
            getattr(lstm, f"weight_ih_l{layer}").copy_(weights[f"layers.{layer}.weight_ih"])
            getattr(lstm, f"weight_hh_l{layer}").copy_(weights[f"layers.{layer}.weight_hh"])
            getattr(lstm, f"bias_ih_l{layer}").copy_(weights[f"layers.{layer}.bias"])
            getattr(lstm, f"bias_hh_l{layer}").zero_()
        ids = torch.from_numpy(MODEL.tokenizer.encode(LONG[:3000]).astype(np.int64))
        inputs = torch.cat([torch.tensor([1]), ids[:-1]])
        shown, _ = lstm(weights["embedding.weight"][inputs][:, None])
        logits = shown[:, 0] @ weights["head.weight"].T + weights["head.bias"]
        loss = torch.nn.functional.cross_entropy(logits, ids).item()
    assert MODEL.score(LONG[:3000]).bits_per_character == pytest.approx(loss / math.log(2), abs=1e-4)


def as_bytes(model: Model) -> Model:
    """Return a model of bytes that does what one of ASCII characters does."""
    tokenizer, old = ByteTokenizer(), model.tokenizer.encode(ALPHABET)
    new, weights = tokenizer.encode(ALPHABET), dict(model.file.weights)
    for name, otherwise in (("embedding.weight", 0), ("head.weight", 0), ("head.bias", -1e9)):
        before = weights[name]
        weights[name] = np.full((tokenizer.size, *before.shape[1:]), otherwise, np.float32)
        weights[name][[*new, tokenizer.start]] = before[[*old, 1]]
    weights["head.bias"][tokenizer.start] = model.file.weights["head.bias"][1]
    config = msgspec.structs.replace(model.config, vocabulary_size=tokenizer.size)
    return Model(ModelFile(config, tokenizer.to_record(), weights))


def test_bits_per_byte_are_the_same_for_characters_and_bytes_of_ascii() -> None:
    weights = dict(MODEL.file.weights)
    weights["head.bias"] = weights["head.bias"].copy()
    weights["head.bias"][0] = -1e9  # bytes have no unknown token
    characters = Model(replace(MODEL.file, weights=weights))
    scores = [model.score(LONG) for model in (characters, as_bytes(characters))]
    assert scores[0].bits_per_byte == pytest.approx(scores[1].bits_per_byte, abs=1e-6)
    assert scores[0].perplexity_per_word == pytest.approx(scores[1].perplexity_per_word, rel=1e-5)
    assert scores[0].words == len(LONG.split())


def test_a_model_that_reads_a_window_is_scored_from_windows() -> None:
    file = small_file(hidden=12)
    tokenizer = ListedTokenizer(sorted(ALPHABET))
    config = msgspec.structs.replace(file.config, vocabulary_size=tokenizer.size, window=7)
    weights = {name: array[2:] if name.startswith(("emb", "head")) else array for name, array in file.weights.items()}
    model = Model(lively(ModelFile(config, tokenizer.to_record(), weights)))
    ids = tokenizer.encode(VERSE)
    expected = [math.log2(tokenizer.size)]
    for place in range(1, len(ids)):
        session = NumpySession(config, model.file.weights)
        logits = session.feed(ids[max(0, place - 7) : place, None])[-1, 0].astype(np.float64)
        expected.append(math.log2(np.exp(logits - logits[ids[place]]).sum()))
    for settings_ in ({}, {"streams": 1}):
        found = -model.log_probabilities(VERSE, **settings_) / math.log(2)
        assert found == pytest.approx(expected, abs=1e-4)
    reader = Pass(model.session, vocabulary=tokenizer.size, start=None)
    parts = np.concatenate([reader.log_probabilities(part) for part in np.array_split(ids, 9)])
    assert -parts / math.log(2) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("blocks_of", [1, 50])
def test_documents_each_begin_anew(monkeypatch: pytest.MonkeyPatch, blocks_of: int) -> None:
    monkeypatch.setattr(scoring, "BLOCK", blocks_of)
    config = msgspec.structs.replace(MODEL.config, documents=True)
    model = Model(replace(MODEL.file, config=config))
    lines = [*VERSE.split("\n")[:-1], "a", "zz" * 1000]
    alone = [np.append(in_order(MODEL, line + "\n")[:-1], 0) for line in lines]
    for line, bits in zip(lines, alone, strict=True):
        ids = np.concatenate([[1], model.tokenizer.encode(line)]).astype(np.int64)
        logits = NumpySession(config, model.file.weights).feed(ids[:, None])[-1, 0].astype(np.float64)
        bits[-1] = np.log2(np.exp(logits - logits[1]).sum())  # the end is the start of the next one
    found = -model.log_probabilities("\n".join(lines)) / math.log(2)
    assert found == pytest.approx(np.concatenate(alone), abs=1e-3)
    score = model.score("\n".join(lines))
    assert score.characters == score.tokens == score.bytes == sum(map(len, lines)) + len(lines)


def test_a_damaged_model_and_a_text_of_nothing_are_refused() -> None:
    with pytest.raises(OptionError, match="nothing in it"):
        MODEL.score("")
    weights = {**MODEL.file.weights, "head.bias": np.full(MODEL.config.vocabulary_size, 3e38, np.float32)}
    weights["head.weight"] = np.full_like(MODEL.file.weights["head.weight"], 3e38)
    with pytest.raises(ModelFormatError, match="not finite"):
        Model(replace(MODEL.file, weights=weights)).score("the cat")


def test_a_character_that_ends_documents_elsewhere_is_one_like_others_in_a_text_of_none() -> None:
    score = MODEL.score(f"a{BOUNDARY}b")
    assert (score.characters, score.bytes, score.unknown) == (3, 5, 1)
    listed = ListedTokenizer(["\n", "a", "b"])
    with pytest.raises(OptionError, match="does not know"):
        next(iter(blocks([f"a{BOUNDARY}b"], listed, 10)))


def test_naming_an_unknown_word_takes_all_its_letters_and_an_end() -> None:
    tokenizer = WordTokenizer(["the", " cat"], spells=False)
    config = msgspec.structs.replace(MODEL.config, vocabulary_size=tokenizer.size)
    weights = {
        name: array[: tokenizer.size] if name.startswith(("emb", "head")) else array
        for name, array in MODEL.file.weights.items()
    }
    score = Model(ModelFile(config, tokenizer.to_record(), weights)).score("the dog cat 你好")
    assert score.unknown == 2 + 1  # " dog", " 你" and "好"
    assert score.naming == pytest.approx((4 + 2 + 1 + 3) * math.log2(0x110000))


def test_unknown_characters_are_counted_and_priced() -> None:
    score = MODEL.score("the 你好 cat")
    assert score.unknown == 2
    assert score.naming == pytest.approx(2 * math.log2(0x110000))
    assert (score.characters, score.bytes) == (10, 14)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["a", "é", "你", "🎵", "\ufdd0"]), st.integers(0, 9)), min_size=1), st.data())
def test_the_bits_of_characters_are_those_of_tokens_however_these_are_cut(letters: Any, data: Any) -> None:
    text = "".join(letter for letter, _ in letters)
    sizes: list[int] = []
    whole = Block(text, np.zeros(0, int), np.zeros(0, int), BOUNDARY)
    total = int(whole.character_sizes.sum())
    while sum(sizes) < total:
        sizes.append(data.draw(st.integers(1, total - sum(sizes))))
    bits = np.array([float(data.draw(st.integers(0, 20))) for _ in sizes])
    found = Block(text, np.zeros(len(sizes), int), np.array(sizes), BOUNDARY).character_bits(bits)
    assert len(found) == len(text)
    assert found.sum() == pytest.approx(bits.sum())
    each = np.repeat(bits / np.array(sizes), sizes)
    ends = np.concatenate([[0], np.cumsum(whole.character_sizes)])
    assert found == pytest.approx([each[begin:end].sum() for begin, end in pairwise(ends)])


def test_the_worst_passage_is_the_line_that_does_not_belong() -> None:
    worst = Worst(3)
    lines = ["GET /index 200\n"] * 50 + ["segfault!\n"] + ["GET /index 200\n"] * 50 + ["x" * 400]
    text = "".join(lines)
    bits = np.concatenate([np.full(len(line), 9.0 if line.startswith("seg") else 0.5) for line in lines])
    for begin in range(0, len(text), 333):
        part = text[begin : begin + 333]
        worst.watch(Block(part, np.zeros(len(part), int), np.ones(len(part), int)), bits[begin : begin + 333])
    first = worst.passages()[0]
    assert (first.text, first.line, first.begin) == ("segfault!", 51, 50 * 15)
    assert first.bits == pytest.approx(9)
    assert len(worst.passages()) == 3


def test_gzip_and_xz_are_what_the_libraries_say() -> None:
    text = VERSE * 30
    found = Comparing(learned=["the dog", VERSE * 2]).score(MODEL.scorer(), [text[:100], text[100:]])
    assert found.xz == 8 * len(lzma.compress(text.encode(), preset=6))
    assert found.gzip == 8 * len(gzip.compress(text.encode(), 9))


def test_what_is_likeliest_next_is_what_the_reference_says() -> None:
    found = MODEL.next("the ", 5)
    logits = NumpySession(MODEL.config, MODEL.file.weights).feed(
        np.concatenate([[1], MODEL.tokenizer.encode("the ")])[:, None]
    )[-1, 0]
    chances = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    order = [token for token in np.argsort(-chances) if token > 1][:5]
    assert [one.token for one in found] == order
    assert [one.text for one in found] == [MODEL.tokenizer.decode(np.array([token])) for token in order]
    assert [one.probability for one in found] == pytest.approx(chances[order].tolist(), rel=1e-4)


def test_the_command_tells_people_and_programs_the_same(longhand: Run, tmp_path: Path) -> None:
    model, text = MODEL.save(tmp_path / "m"), tmp_path / "text.txt"
    text.write_text(VERSE * 3, encoding="utf-8")
    told = longhand("score", model, text, "--worst", "2")
    facts = json.loads(longhand("score", model, text, "--json", "--worst", "2").stdout)
    score = MODEL.score(VERSE * 3)
    assert facts["bits_per_character"] == pytest.approx(score.bits_per_character, abs=1e-6)
    assert facts["characters"] == facts["bytes"] == len(VERSE) * 3
    assert {"bits_per_byte", "perplexity", "gzip_bits_per_byte", "xz_bits_per_byte"} <= facts.keys()
    assert f"{facts['bits_per_character']:.3f}" in told.stdout
    assert f"{facts['xz_bits_per_byte']:.3f}" in told.stdout
    assert facts["worst"][0]["text"] in told.stdout
    assert len(facts["worst"]) == 2


def test_each_character_has_its_line(longhand: Run, tmp_path: Path) -> None:
    model, text, lines = MODEL.save(tmp_path / "m"), tmp_path / "text.txt", tmp_path / "bits.jsonl"
    text.write_text(VERSE, encoding="utf-8")
    assert longhand("score", model, text, "--per-character", lines).returncode == 0
    found = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert "".join(one["character"] for one in found) == VERSE
    assert sum(one["bits"] for one in found) == pytest.approx(MODEL.score(VERSE).bits, abs=1e-3)
    before = lines.read_bytes()
    assert_refused(longhand("score", model, text, "--per-character", lines), "bits.jsonl exists")
    assert lines.read_bytes() == before


def test_line_ends_and_marks_of_other_systems_change_nothing(longhand: Run, tmp_path: Path) -> None:
    model, texts = MODEL.save(tmp_path / "m"), [VERSE * 9, "\ufeff" + VERSE.replace("\n", "\r\n") * 9]
    found = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.txt"
        path.write_bytes(text.encode())
        scored = json.loads(longhand("score", model, path, "--json").stdout)
        seen = json.loads(longhand("inspect", model, "--text-file", path, "--json", "--places", "9").stdout)
        written = longhand("generate", model, "--adapt-to", path, "--length", "50", "--seed", "1").stdout
        found.append((scored["bits_per_character"], seen["bits_per_character"], written))
    assert found[0] == found[1]
    assert found[0][0] == pytest.approx(found[0][1], abs=1e-3)


def test_a_table_is_read_by_the_column_that_was_learned_from(longhand: Run, tmp_path: Path) -> None:
    card = msgspec.structs.replace(MODEL.card, training={"documents": "row", "column": "name"})
    config = msgspec.structs.replace(MODEL.config, documents=True)
    model = Model(replace(MODEL.file, config=config, card=card)).save(tmp_path / "m")
    (tmp_path / "names.csv").write_text("id,name\n1,anna\n2,bert\n", encoding="utf-8")
    (tmp_path / "names.txt").write_text("anna\nbert\n", encoding="utf-8")
    names = [tmp_path / f"names.{kind}" for kind in ("csv", "txt")]
    facts = [json.loads(longhand("score", model, name, "--json").stdout) for name in names]
    assert facts[0]["characters"] == facts[1]["characters"] == 10
    assert facts[0]["bits_per_character"] == facts[1]["bits_per_character"]
    seen = [json.loads(longhand("inspect", model, "--text-file", name, "--json").stdout) for name in names]
    assert seen[0]["characters"] == seen[1]["characters"] == 10
    both = json.loads(longhand("score", model, *names, "--json").stdout)
    assert both["characters"] == 20


@pytest.mark.parametrize("documents", ["line", "blank", "==="])
def test_inspecting_documents_gives_their_score(documents: str) -> None:
    card = msgspec.structs.replace(MODEL.card, training={"documents": documents})
    model = Model(replace(MODEL.file, config=msgspec.structs.replace(MODEL.config, documents=True), card=card))
    text = separator(documents).join(VERSE.split("\n"))
    found = model.inspect(text, places=1)
    assert found.trace.bits_per_character == pytest.approx(model.score(text).bits_per_character, abs=1e-3)


def test_what_cannot_be_scored_is_refused_in_a_line(longhand: Run, tmp_path: Path) -> None:
    model, text = MODEL.save(tmp_path / "m"), tmp_path / "text.txt"
    text.write_text(VERSE, encoding="utf-8")
    assert_refused(longhand("score", model), "no text to score")
    assert_refused(longhand("score", model, tmp_path / "none.txt"), "none.txt")
    assert_refused(longhand("score", text, text), "no model file")
    assert_refused(longhand("score", model, text, "--streams", "0"), "streams: found 0")
    assert_refused(longhand("score", model, text, "--adapt", "--adapt-rate", "nan"), "adapt rate: found nan")
    assert_refused(longhand("score", model, text, "--html", tmp_path), "is a folder")
    both = ("--html", tmp_path / "x", "--per-character", tmp_path / "." / "x")
    assert_refused(longhand("score", model, text, *both), "name two files")
    assert not (tmp_path / "x").exists()
    assert_refused(longhand("score", model, text, "--adapt-rate", "0.1"), "without --adapt")
    assert_refused(longhand("score", model, text, "--cache-size", "9"), "without --cache")
    assert_refused(longhand("score", model, "--corpus", text, "--encoding", "latin-1"), "of FILE alone")
    assert_refused(longhand("score", model, "-", "--corpus", "-"), "found - more than once")
    card = msgspec.structs.replace(MODEL.card, training={"held_out": 0.0})
    learned_all = Model(replace(MODEL.file, card=card)).save(tmp_path / "all")
    assert_refused(longhand("score", learned_all, "--corpus", text), "nothing was held out")
    (tmp_path / "short.txt").write_text("a", encoding="utf-8")
    assert_refused(longhand("score", model, text, "--corpus", tmp_path / "short.txt"), "found 1 characters")
    (tmp_path / "empty.txt").touch()
    assert_refused(longhand("score", model, tmp_path / "empty.txt"), "found nothing in it")


@pytest.mark.slow
def test_a_text_of_any_length_is_scored_in_constant_memory(tmp_path: Path) -> None:
    model, peaks = MODEL.save(tmp_path / "m"), []
    for megabytes in (12, 30):
        text = tmp_path / f"{megabytes}.txt"
        text.write_text(VERSE * (megabytes * 10**6 // len(VERSE)), encoding="utf-8")
        peaks.append(peak_memory("score", str(model), str(text), "--worst", "5"))
    assert peaks[1] < 1.1 * peaks[0] < 400_000_000
