"""The trace of a text: what it says is what the runtimes compute, for every kind of token."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from conftest import VERSE, needs_kernel, small_file
from networks import native, network, tokens_for

from longhand.config import NetworkConfig
from longhand.errors import CorpusError, ModelFormatError, OptionError
from longhand.gates import trace as tracing
from longhand.gates.memory import lifetimes
from longhand.gates.trace import STRETCH, most_tokens, read_text, stretches, trace
from longhand.model import Model
from longhand.modelfile import Card, ModelFile
from longhand.runtime.reference import NumpySession
from longhand.text.bytewise import ByteTokenizer
from longhand.text.tokenizer import Tokenizer
from longhand.text.words import WordTokenizer
from longhand.training.initial import initial_weights


def file_of(tokenizer: Tokenizer, **card: object) -> ModelFile:
    documents = "documents" in card
    config = NetworkConfig(vocabulary_size=tokenizer.size, embedding=4, hidden=6, layers=2, documents=documents)
    random = np.random.Generator(np.random.PCG64(0))
    weights = initial_weights(config, np.ones(tokenizer.size, np.int64), tokenizer.unknown, random)
    return ModelFile(config, tokenizer.to_record(), weights, Card(training=card))


@pytest.mark.parametrize(("layers", "hidden"), [(1, 3), (2, 16), (3, 33)])
def test_cells_are_those_that_the_session_goes_through(layers: int, hidden: int) -> None:
    config, weights = network(layers, hidden)
    tokens = tokens_for(config, STRETCH + 40)[:, 0]
    pieces = list(stretches(ModelFile(config, {}, weights), 3, tokens))
    session, other = NumpySession(config, weights), NumpySession(config, weights)
    session.feed(np.array([[3]]))
    outputs = session.advance(tokens[:, None])[:, 0]
    assert np.array_equal(np.concatenate([piece.cells.hidden[-1] for piece in pieces])[1:], outputs)
    other.trace(np.array([3]))
    last = other.trace(tokens)
    assert np.array_equal(other.state.hidden, session.state.hidden)
    assert np.array_equal(other.state.cell[:, 0], last.cell[:, -1])


def test_gates_obey_the_equations_of_the_cell() -> None:
    config, weights = network(2, 16)
    happened = NumpySession(config, weights).trace(tokens_for(config, 50)[:, 0])
    before = np.concatenate([np.zeros_like(happened.cell[:, :1]), happened.cell[:, :-1]], axis=1)
    expected = happened.forget * before + happened.input * happened.candidate
    assert np.allclose(happened.cell, expected, atol=1e-6)
    assert np.allclose(happened.hidden, happened.output * np.tanh(happened.cell), atol=1e-6)
    for gate in (happened.input, happened.forget, happened.output):
        assert 0 <= gate.min() < gate.max() <= 1


@needs_kernel
def test_logits_are_the_kernels() -> None:
    config, weights = network(2, 48)
    tokens = tokens_for(config, 300)
    logits = np.concatenate([piece.logits for piece in stretches(ModelFile(config, {}, weights), None, tokens[:, 0])])
    assert np.abs(logits - native(config, weights).feed(tokens)[:, 0]).max() < 1e-4


def test_surprise_is_what_the_model_did_not_expect(model: Model) -> None:
    traced = trace(model.file, model.tokenizer, VERSE)
    tokens = model.tokenizer.encode(VERSE)
    session = model.session()
    logits = np.concatenate([session.step(np.array([token])) for token in (model.tokenizer.start or 0, *tokens[:-1])])
    logarithms = logits - np.log(np.exp(logits.astype(np.float64)).sum(axis=1, keepdims=True))
    expected = -logarithms[np.arange(len(tokens)), tokens] / np.log(2)
    assert np.abs(traced.surprise - expected).max() < 1e-3
    assert traced.bits_per_character == pytest.approx(expected.mean(), abs=1e-4)
    after_first = np.argsort(-logits[1], kind="stable")[:5]
    assert np.array_equal(traced.likely[0], after_first)
    assert np.allclose(traced.probability[0], np.exp(logarithms[1, after_first]), atol=1e-5)


def test_what_is_not_known_is_shown_as_it_stands(model: Model) -> None:
    reading = read_text(model.file, model.tokenizer, "the Ümläut")
    assert reading.pieces == list("the Ümläut")
    assert reading.tokens[4] == model.tokenizer.unknown


def test_bytes_show_a_character_with_its_last_byte() -> None:
    tokenizer = ByteTokenizer()
    reading = read_text(file_of(tokenizer), tokenizer, "aé漢!")
    assert reading.pieces == ["a", "", "é", "", "", "漢", "!"]
    traced = trace(file_of(tokenizer), tokenizer, "aé漢!")
    assert len(traced) == 7
    assert traced.bits_per_character == pytest.approx(float(traced.surprise.sum()) / 4)


def test_words_are_shown_as_words() -> None:
    tokenizer = WordTokenizer(["the", " cat", " sat", "x"])
    assert read_text(file_of(tokenizer), tokenizer, "the cat sat").pieces == ["the", " cat", " sat"]


@pytest.mark.parametrize("tokenizer", [Model(small_file()).tokenizer, ByteTokenizer()])
def test_documents_begin_with_the_start_token(tokenizer: Tokenizer) -> None:
    reading = read_text(file_of(tokenizer, documents="blank"), tokenizer, "one\n\ntwo\n\n\nthree\n")
    assert reading.text == "one\n\ntwo\n\nthree\n\n"
    assert reading.characters == len("one two three ")
    assert [place for place, token in enumerate(reading.tokens) if token == tokenizer.start] == [3, 7, 13]


def test_what_cannot_be_traced_is_refused(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CorpusError, match="empty"):
        trace(model.file, model.tokenizer, "")
    windowed = replace(model.file, config=msgspec.structs.replace(model.config, window=9))
    with pytest.raises(OptionError, match="window of 9 tokens afresh"):
        trace(windowed, model.tokenizer, "the")
    monkeypatch.setattr(tracing, "LARGEST", 1 << 14)
    assert most_tokens(model.file) == 42
    with pytest.raises(CorpusError, match=r"has 43 tokens, .* has room for 42"):
        trace(model.file, model.tokenizer, "t" * 43)
    model.file.weights["head.bias"][3] = np.inf
    with pytest.raises(ModelFormatError, match="damaged"):
        trace(model.file, model.tokenizer, "the")


def test_a_lifetime_is_that_of_an_even_decay(model: Model) -> None:
    weights = model.file.weights
    for layer in range(2):
        weights[f"layers.{layer}.weight_ih"][:] = 0
        weights[f"layers.{layer}.weight_hh"][:] = 0
        weights[f"layers.{layer}.bias"][16:32] = np.log(0.9 / 0.1)  # a forget gate of 0.9
    found = lifetimes(trace(model.file, model.tokenizer, "the cat"))
    assert np.allclose(found, -1 / np.log(0.9), rtol=1e-4)
    weights["layers.1.bias"][16:32] = 50  # one that never forgets: finite, and long
    assert np.allclose(lifetimes(trace(model.file, model.tokenizer, "the cat"))[1], 1e7, rtol=0.3)
