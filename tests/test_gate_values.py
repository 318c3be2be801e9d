"""`Model.gate_values`: the numbers of a layer's units, as finite JSON, for every kind of model with a cell."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from conftest import VERSE, small_file
from hypothesis import given
from hypothesis import strategies as st
from test_trace import file_of

from longhand.errors import CorpusError, ModelFormatError, OptionError
from longhand.gates import values as module
from longhand.gates.values import GateValues
from longhand.model import Model
from longhand.runtime.reference import NumpySession
from longhand.text.bytewise import ByteTokenizer
from longhand.text.words import WordTokenizer

SHOWN = ("cell", "hidden", "input", "forget", "output", "candidate")
SMALL = Model(small_file())


def strict(found: GateValues) -> dict[str, object]:
    """Return it as what reads strict JSON has it."""

    def refuse(literal: str) -> None:
        raise AssertionError(literal)

    read: dict[str, object] = json.loads(msgspec.json.encode(found), parse_constant=refuse)
    return read


def test_it_has_the_fields_that_the_server_answers_with(model: Model) -> None:
    found = strict(model.gate_values(VERSE))
    assert (found["object"], found["layers"], found["units"]) == ("inspection", 2, 16)
    assert (found["layer"], found["show"]) == (2, "cell")
    assert set(found) == {
        *("object", "model", "layers", "units", "layer", "show", "tokens"),
        *("bits_per_character", "values", "half_life", "gates"),
    }


@pytest.mark.parametrize("show", SHOWN)
@pytest.mark.parametrize("layer", [1, 2])
def test_the_values_are_those_that_the_network_goes_through(model: Model, layer: int, show: str) -> None:
    session = NumpySession(model.config, model.file.weights)
    session.trace(np.array([model.tokenizer.start]))
    happened = session.trace(model.tokenizer.encode(VERSE))
    found = model.gate_values(VERSE, layer, show)
    assert (found.layer, found.show) == (layer, show)
    assert np.shape(found.values) == (len(VERSE), 16)
    assert np.abs(np.array(found.values) - getattr(happened, show)[layer - 1]).max() < 0.0011
    assert all(value == round(value, 3) for row in found.values for value in row)


def test_bits_half_lives_and_gates_are_those_of_an_inspection(model: Model) -> None:
    found, inspected = model.gate_values(VERSE, 1), model.inspect(VERSE, reach=1, places=1)
    assert "".join(token.text for token in found.tokens) == VERSE
    assert [token.bits for token in found.tokens] == pytest.approx(inspected.trace.surprise.tolist(), abs=1e-4)
    assert found.bits_per_character == inspected.trace.bits_per_character
    assert found.half_life == pytest.approx([inspected.half_life(1, unit) for unit in range(1, 17)], rel=1e-3)
    for gate in ("input", "forget", "output"):
        means = [getattr(layer, gate) for layer in found.gates]
        assert means == pytest.approx(inspected.gate_means(gate).mean(axis=1).tolist(), abs=1e-4)


def test_a_unit_that_never_forgets_has_no_half_life(model: Model) -> None:
    weights = model.file.weights
    for name in ("weight_ih", "weight_hh"):
        weights[f"layers.1.{name}"][16:32] = 0
    weights["layers.1.bias"][16:32] = np.log(0.5 / 0.5)  # half of a cell is left after every token
    weights["layers.1.bias"][16] = 40
    weights["layers.1.bias"][17] = -200
    found = model.gate_values("the cat")
    assert found.half_life[0] is None
    assert found.half_life[1] == pytest.approx(np.log(2) / np.log(1e30), rel=1e-3)
    assert found.half_life[2:] == [1.0] * 14
    assert strict(found)["half_life"] == found.half_life


def test_bytes_and_words_are_tokens() -> None:
    found = Model(file_of(ByteTokenizer())).gate_values("aé!")
    assert [token.text for token in found.tokens] == ["a", "", "é", "!"]
    found = Model(file_of(WordTokenizer(["the", " cat", " sat", "x"]))).gate_values("the cat sat")
    assert [token.text for token in found.tokens] == ["the", " cat", " sat"]
    assert len(found.values) == 3


def test_documents_begin_anew_and_their_ends_are_shown(model: Model) -> None:
    of_documents = Model(file_of(model.tokenizer, documents="line"))
    found = of_documents.gate_values("the\ncat\nthe", 1)
    assert [token.text for token in found.tokens] == ["t", "h", "e", "\n", "c", "a", "t", "\n", "t", "h", "e", "\n"]
    assert found.values[8:11] == found.values[0:3]


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\ud800\udfff\0\x1b\u2028"), min_size=1, max_size=30))
def test_any_text_becomes_finite_json(text: str) -> None:
    found = SMALL.gate_values(text)
    read = strict(found)
    assert len(read["tokens"]) == len(read["values"]) == len(text)  # type: ignore[arg-type]
    assert all(math.isfinite(value) for row in found.values for value in row)
    assert re.search(rb"-0\.0[,\]]", msgspec.json.encode(found)) is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"layer": 3}, "layer: found 3, the model has 1 to 2"),
        ({"layer": 0}, "layer: found 0, expected a whole number >= 1"),
        ({"layer": 10**30}, "layer: found 10{30}"),
        ({"layer": True}, "layer: found True, expected a whole number"),
        ({"layer": math.nan}, "layer: found nan, expected a whole number"),
        ({"show": "weights"}, "show: found 'weights', expected one of cell, hidden, input, forget, output, candidate"),
        ({"show": None}, "show: found None"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_line(model: Model, asked: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message) as refused:
        model.gate_values("the cat", **asked)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


def test_a_text_that_is_empty_or_too_long_is_refused(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CorpusError, match="empty"):
        model.gate_values("")
    assert len(model.gate_values("t" * 4_000).values) == 4_000
    with pytest.raises(CorpusError, match=r"has 4,001 tokens, .* of up to 4,000: give a shorter one"):
        model.gate_values("t" * 4_001)
    monkeypatch.setattr(module, "MOST_NUMBERS", 100)
    with pytest.raises(CorpusError, match=r"has 7 tokens, .* of 16 units are shown of up to 6"):
        model.gate_values("the cat")


def test_models_without_a_cell_to_follow_and_damaged_ones_are_refused(model: Model) -> None:
    windowed = Model(replace(model.file, config=msgspec.structs.replace(model.config, window=9)))
    with pytest.raises(OptionError, match="window of 9 tokens afresh"):
        windowed.gate_values("the cat")
    model.file.weights["head.bias"][3] = np.inf
    with pytest.raises(ModelFormatError, match="damaged"):
        model.gate_values("the cat")
