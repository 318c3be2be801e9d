"""Adapting and the cache: what they compute, that they never look ahead, and that the model stays as it was."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from conftest import VERSE, Run, assert_refused, small_file
from test_score import lively

from longhand.config import AdaptConfig
from longhand.errors import OptionError
from longhand.model import Model
from longhand.modelfile import ModelFile
from longhand.runtime.reference import NumpySession
from longhand.scoring.adapting import adapting_for
from longhand.scoring.cache import (
    AT_ONCE,
    BLOCK_TOKENS,
    FIRST_SHARE,
    FLATNESS,
    LEAST_SHARE,
    MOST_SHARE,
    STEP,
    NeuralCache,
)
from longhand.text.listed import ListedTokenizer
from longhand.training.native import library

MODEL = Model(lively(small_file(hidden=24), deviation=0.1))
TEXT = VERSE * 12
NO_ENGINE = library.found()[0] is None
WAYS: list[Any] = [
    {"adapt": True},
    {"cache": True},
    {"adapt": True, "cache": True, "cache_size": 100},
    pytest.param(
        {"adapt": True, "adapt_layers": "all"},
        marks=pytest.mark.skipif(NO_ENGINE, reason="the engine in C is not here: it needs a compiler"),
    ),
]


def shown(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tokens, what is shown before each, and the logarithms of their probabilities, by the reference."""
    ids = MODEL.tokenizer.encode(text).astype(np.int64)
    session = NumpySession(MODEL.config, MODEL.file.weights)
    outputs = session.advance(np.concatenate([[1], ids[:-1]])[:, None])[:, 0]
    logits = session.logits(outputs).astype(np.float64)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return ids, outputs, logits[np.arange(len(ids)), ids]


@pytest.mark.parametrize("way", WAYS)
def test_it_lowers_the_bits_of_a_text_that_repeats_itself(way: dict[str, Any]) -> None:
    score, alone = MODEL.score(TEXT * 4, **way), MODEL.score(TEXT * 4).bits
    assert score.unadapted == pytest.approx(alone, rel=1e-6)
    assert score.bits < 0.95 * alone


@pytest.mark.parametrize("way", WAYS)
def test_no_figure_depends_on_what_comes_later(way: dict[str, Any]) -> None:
    whole = MODEL.log_probabilities(TEXT[:600], streams=1, **way)
    other = MODEL.log_probabilities(TEXT[:400] + "z" * 200, streams=1, **way)
    assert other[:400] == pytest.approx(whole[:400], abs=1e-5)
    assert abs(other[401:] - whole[401:]).max() > 0.1


@pytest.mark.parametrize("way", WAYS)
def test_many_streams_and_one_adapt_alike(way: dict[str, Any]) -> None:
    one, many = (MODEL.score(TEXT * 4, streams=streams, **way) for streams in (1, 64))
    assert one.bits_per_character == pytest.approx(many.bits_per_character, abs=1e-4)


def test_the_output_layer_takes_the_steps_of_the_formula() -> None:
    ids, outputs, _ = shown(TEXT[:100])
    inputs = np.column_stack([outputs, np.ones(len(outputs))])
    head = np.column_stack([MODEL.file.weights["head.weight"], MODEL.file.weights["head.bias"]]).astype(np.float64)
    squares, expected = np.zeros_like(head), []
    for step, begin in enumerate(range(0, 100, 16), 1):
        gradient = np.zeros_like(head)
        targets = ids[begin : begin + 16]
        for target, x in zip(targets, inputs[begin : begin + 16], strict=True):
            chances = np.exp(head @ x) / np.exp(head @ x).sum()
            expected.append(math.log(chances[target]))
            chances[target] -= 1
            gradient += np.outer(chances, x) / len(targets)
        squares = 0.999 * squares + 0.001 * gradient**2
        roots = np.sqrt(squares / (1 - 0.999**step))
        head -= 0.01 * gradient / (roots + roots.mean())
    found = MODEL.log_probabilities(TEXT[:100], adapt=True, adapt_rate=0.01)
    assert found == pytest.approx(expected, abs=1e-3)
    adapted = MODEL.adapted(TEXT[:100], adapt_rate=0.01)
    assert adapted.file.weights["head.weight"] == pytest.approx(head[:, :-1], abs=1e-3)
    assert adapted.file.weights["head.bias"] == pytest.approx(head[:, -1], abs=1e-3)


@pytest.mark.parametrize("size", [1, 30, 1000])
@pytest.mark.parametrize("cut", [1, 57, 300])
@pytest.mark.parametrize("compared", [1, 20, 512])
def test_the_cache_is_what_its_formula_says(
    size: int, cut: int, compared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longhand.scoring.cache.BLOCK_TOKENS", compared)
    ids, outputs, own = shown(TEXT[:300])
    directions = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
    share, expected = FIRST_SHARE, []
    for place, token in enumerate(ids):
        past = range(max(0, place - size), place)
        weights = [math.exp(FLATNESS * (float(directions[place] @ directions[then]) - 1)) for then in past]
        hits = sum(weight for weight, then in zip(weights, past, strict=True) if ids[then] == token)
        again = hits / sum(weights) if weights else 0.0
        if not weights:
            expected.append(own[place])
            continue
        mixed = (1 - share) * math.exp(own[place]) + share * again
        expected.append(math.log(mixed))
        share = min(max(share + STEP * (share * again / mixed - share), LEAST_SHARE), MOST_SHARE)
    cache = NeuralCache(size, MODEL.config.hidden)
    parts = [slice(begin, begin + cut) for begin in range(0, 300, cut)]
    found = np.concatenate([cache.mixed(ids[part], outputs[part], own[part]) for part in parts])
    assert found == pytest.approx(expected, abs=1e-4)
    assert cache.share == pytest.approx(share, abs=1e-6)


def test_the_cache_forgets_what_lies_too_far_back_and_pauses_between_pieces() -> None:
    pauses = [0]

    def pause() -> None:
        pauses[0] += 1

    cache, chance = NeuralCache(BLOCK_TOKENS, 4, pause), np.random.default_rng(0)
    for _ in range(20):
        outputs = chance.standard_normal((BLOCK_TOKENS, 4)).astype(np.float32)
        cache.mixed(chance.integers(0, 9, BLOCK_TOKENS), outputs, np.full(BLOCK_TOKENS, -2.0))
    assert len(cache._blocks) <= 3
    assert pauses[0] >= 19 * (2 * BLOCK_TOKENS // AT_ONCE), "one for each block that each part is compared with"


@pytest.mark.parametrize("way", WAYS)
def test_the_probabilities_of_all_next_characters_still_add_up_to_one(way: dict[str, Any]) -> None:
    ids, outputs, own = shown(TEXT[:90] + "a")
    chances = []
    for token in range(MODEL.config.vocabulary_size):
        text = np.append(ids[:-1], token)
        alone = np.append(own[:-1], _logarithm(outputs[-1], token))
        if way.get("adapt"):
            settings = AdaptConfig(adapt_layers=way.get("adapt_layers", "output"))
            adapting = adapting_for(MODEL.config, MODEL.file.weights, 1, settings)
            alone = adapting.log_probabilities(text, outputs)
        if way.get("cache"):
            alone = NeuralCache(100, MODEL.config.hidden).mixed(text, outputs, alone)
        chances.append(math.exp(alone[-1]))
    assert sum(chances) == pytest.approx(1, abs=1e-5)


def _logarithm(outputs: np.ndarray, token: int) -> float:
    logits = (MODEL.file.weights["head.weight"] @ outputs + MODEL.file.weights["head.bias"]).astype(np.float64)
    return float(logits[token] - np.log(np.exp(logits).sum()))


@pytest.mark.parametrize("layers", ["output", pytest.param("all", marks=WAYS[3].marks)])
def test_an_adapted_model_writes_otherwise_and_the_one_it_came_from_as_before(layers: str) -> None:
    before = {name: array.copy() for name, array in MODEL.file.weights.items()}
    text = MODEL.generate("the ", seed=1, length=80)
    adapted = MODEL.adapted(TEXT * 3, adapt_layers=layers)
    assert adapted.score(VERSE).bits < 0.9 * MODEL.score(VERSE).bits
    assert adapted.generate("the ", seed=1, length=80) != text
    assert MODEL.generate("the ", seed=1, length=80) == text
    assert all(np.array_equal(MODEL.file.weights[name], array) for name, array in before.items())


def test_the_command_writes_with_a_model_that_adapted_to_a_file(longhand: Run, tmp_path: Any) -> None:
    path, like = MODEL.save(tmp_path / "m"), tmp_path / "like.txt"
    like.write_text(TEXT, encoding="utf-8")
    bytes_before = path.read_bytes()
    words = ("generate", path, "--seed", "1", "--length", "60", "--prompt", "the ")
    adapted = longhand(*words, "--adapt-to", like)
    assert adapted.stdout == "the " + MODEL.adapted(TEXT).generate("the ", seed=1, length=60)
    assert adapted.stdout != longhand(*words).stdout
    assert path.read_bytes() == bytes_before
    assert_refused(longhand(*words, "--adapt-to", tmp_path / "none.txt"), "none.txt")
    held = longhand(*words, "--adapt-to", like, "--clamp", "2:3=0.5")
    assert held.stdout == "the " + MODEL.adapted(TEXT).clamped({(2, 3): 0.5}).generate("the ", seed=1, length=60)
    assert_refused(longhand(*words, "--adapt-rate", "0.1"), "--adapt-to")


def test_rates_that_go_astray_and_models_that_cannot_adapt_are_refused() -> None:
    with pytest.raises(OptionError, match="adapt rate: found 2"):
        MODEL.score(TEXT, adapt=True, adapt_rate=2.0)
    with pytest.raises(OptionError, match="take one of them"):
        MODEL.score(TEXT, adapt=True, adapt_layers="all", cache=True)
    tokenizer, config = ListedTokenizer(sorted({*TEXT})), msgspec.structs.replace(MODEL.config, window=5)
    config = msgspec.structs.replace(config, vocabulary_size=tokenizer.size)
    weights = {
        name: array[: tokenizer.size] if name.startswith(("emb", "head")) else array
        for name, array in MODEL.file.weights.items()
    }
    window = Model(ModelFile(config, tokenizer.to_record(), weights))
    with pytest.raises(OptionError, match="reads a window"):
        window.score(TEXT, adapt=True)
    with pytest.raises(OptionError, match="reads a window"):
        window.score(TEXT, cache=True)
