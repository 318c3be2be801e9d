"""The order in which logits are changed and tokens left out, by cases computed by hand, and the draws' distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from conftest import needs_kernel, small_file
from networks import native

from longhand.config import NetworkConfig, SamplingConfig
from longhand.errors import OptionError
from longhand.generation.sampler import Sampler, adjusted, draw, kept
from longhand.model import Model
from longhand.modelfile import expected_shapes
from longhand.runtime.session import Drawing

DRAWS = 50_000
HALVES = np.log([0.5, 0.25, 0.125, 0.0625, 0.0625])
SHARES: dict[str, tuple[Drawing, list[float]]] = {
    "as they are": (Drawing(), [0.5, 0.25, 0.125, 0.0625, 0.0625]),
    "temperature 0.5 squares": (Drawing(temperature=0.5), [64 / 86, 16 / 86, 4 / 86, 1 / 86, 1 / 86]),
    "top-k": (Drawing(top_k=2), [2 / 3, 1 / 3, 0, 0, 0]),
    "top-p of what top-k left": (Drawing(top_k=2, top_p=0.6), [1, 0, 0, 0, 0]),
    "top-p": (Drawing(top_p=0.6), [2 / 3, 1 / 3, 0, 0, 0]),
    "min-p, of the likeliest": (Drawing(min_p=0.25), [4 / 7, 2 / 7, 1 / 7, 0, 0]),
    "temperature before min-p": (Drawing(temperature=0.5, min_p=0.25), [0.8, 0.2, 0, 0, 0]),
    # 1.875 bits are to be expected; the tokens say 1, 2, 3, 4 and 4: the second first, then the first, then the third
    "typical": (Drawing(typical=0.25), [0, 1, 0, 0, 0]),
    "typical, two": (Drawing(typical=0.7), [2 / 3, 1 / 3, 0, 0, 0]),
    "typical of what top-k left": (Drawing(top_k=2, typical=0.3), [1, 0, 0, 0, 0]),
    "bias": (Drawing(bias=((4, math.log(8)),)), [0.5 / 1.4375, 0.25 / 1.4375, 0.125 / 1.4375, 1 / 23, 0.5 / 1.4375]),
    "never": (Drawing(never=(0,)), [0, 0.5, 0.25, 0.125, 0.125]),
    "presence": (Drawing(presence=math.log(2), memory=9), [1 / 3, 1 / 3, 1 / 6, 1 / 12, 1 / 12]),
    "frequency, twice": (Drawing(frequency=math.log(2), memory=9), [0.2, 0.4, 0.2, 0.1, 0.1]),
    "frequency, once within the window": (
        Drawing(frequency=math.log(2), memory=1),
        [1 / 3, 1 / 3, 1 / 6, 1 / 12, 1 / 12],
    ),
    "repetition below zero": (Drawing(repetition=2, memory=9), [1 / 3, 1 / 3, 1 / 6, 1 / 12, 1 / 12]),
    "penalties before bias": (
        Drawing(repetition=2, memory=9, bias=((0, math.log(2)),)),
        [0.5, 0.25, 0.125, 0.0625, 0.0625],
    ),
}
RECENT = np.array([0, 0])


def shares_of(drawing: Drawing, logits: np.ndarray = HALVES) -> np.ndarray:
    """Return the probabilities, that add up to one."""
    found = kept(adjusted(logits, drawing, RECENT), drawing)
    result: np.ndarray = found / found.sum()
    return result


def chi_square(counts: np.ndarray, shares: np.ndarray) -> float:
    """Return how far counts are from shares; infinite where something came that has none."""
    possible = shares > 0
    if counts[~possible].any():
        return math.inf
    expected = shares[possible] * counts.sum()
    return float(((counts[possible] - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("case", SHARES)
def test_probabilities_are_what_a_hand_computes(case: str) -> None:
    drawing, shares = SHARES[case]
    np.testing.assert_allclose(shares_of(drawing), shares, atol=1e-12)


def test_a_repetition_penalty_divides_what_is_above_zero() -> None:
    assert adjusted(np.array([3.0, 3.0]), Drawing(repetition=2, memory=1), np.array([0])).tolist() == [1.5, 3]


def test_penalties_look_no_further_back_than_their_window() -> None:
    drawing = Drawing(presence=1, memory=2)
    assert adjusted(np.zeros(4), drawing, np.array([3, 0, 1])).tolist() == [-1, -1, 0, 0]


@pytest.mark.parametrize("case", SHARES)
def test_numpy_draws_by_these_probabilities(case: str) -> None:
    drawing, shares = SHARES[case]
    uniforms = np.random.default_rng(3).random(DRAWS // 10)  # the kernel draws all of them, below
    drawn = [draw(HALVES, drawing, uniform, RECENT) for uniform in uniforms]
    assert chi_square(np.bincount(drawn, minlength=5), np.array(shares)) < 18.47  # the 0.999 quantile at 4 degrees


@needs_kernel
@pytest.mark.parametrize("case", SHARES)
def test_the_kernel_draws_by_these_probabilities(case: str) -> None:
    """The logits are the head's bias, so that each of many streams draws from the same ones."""
    drawing, shares = SHARES[case]
    config = NetworkConfig(vocabulary_size=5, embedding=1, hidden=1, layers=1)
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(config).items()}
    weights["head.bias"][:] = HALVES
    uniforms = np.random.default_rng(3).random((1, 1000))
    counts = np.zeros(5, np.int64)
    session = native(config, weights, 1000)
    for turn in range(DRAWS // 1000):
        uniforms = np.random.default_rng(turn).random((1, 1000))
        drawn = session.write(np.zeros(1000, np.int64), [drawing] * 1000, uniforms, recent=[RECENT] * 1000)
        counts += np.bincount(drawn[0], minlength=5)
    assert counts.sum() == DRAWS
    assert chi_square(counts, np.array(shares)) < 18.47


@pytest.mark.parametrize("drawing", [Drawing(temperature=0), Drawing(top_k=1), Drawing(top_p=0)])
def test_no_temperature_top_k_one_and_top_p_zero_take_the_likeliest(drawing: Drawing) -> None:
    assert {draw(np.array([0.0, 1.0, 0.9]), drawing, uniform) for uniform in np.linspace(0, 0.999, 50)} == {1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 1e9}, "temperature: found 1000000000.0, expected a number <= 1000"),
        ({"top_p": math.nan}, "top p: found nan"),
        ({"min_p": math.inf}, "min p: found inf"),
        ({"typical": -1e-9}, "typical: found -1e-09"),
        ({"repetition_penalty": 0.0}, "repetition penalty: found 0.0"),
        ({"repetition_penalty": math.inf}, "repetition penalty: found inf"),
        ({"frequency_penalty": math.nan}, "frequency penalty: found nan"),
        ({"presence_penalty": 1e9}, "presence penalty: found 1000000000.0"),
        ({"penalty_window": 0}, "penalty window: found 0"),
        ({"logit_bias": {"e": math.nan}}, "logit bias: found {'e': nan}, expected a number >= -1000"),
        ({"logit_bias": {"e": 1e9}}, "logit bias: found {'e': 1000000000.0}, expected a number <= 1000"),
        ({"temperature_end": -1.0}, "temperature end: found -1.0"),
        ({"stop": ("",)}, r"stop: found \('',\), expected text of length >= 1"),
        ({"logit_bias": {"ab": 1.0}}, "logit bias: 'ab' is 2 tokens, or not known, expected one token"),
        ({"logit_bias": {"é": 1.0}}, "logit bias: 'é' is 1 tokens, or not known, expected one token"),
        ({"logit_bias": {10_000: 1.0}}, "logit bias: token 10000, the model's are 0 to"),
        ({"until": "document"}, "until: the model was not trained on documents"),
    ],
)
def test_extreme_settings_are_refused(model: Model, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        model.stream(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 1e-9},
        {"temperature": 1000.0},
        {"top_p": 1e-9},
        {"min_p": 1.0},
        {"typical": 1e-9},
        {"repetition_penalty": 100.0},
        {"frequency_penalty": -100.0},
        {"logit_bias": {"e": -1000.0}},
    ],
)
def test_what_is_still_allowed_writes(model: Model, settings: dict[str, Any]) -> None:
    assert len(model.generate(length=200, seed=0, **settings)) == 200


def test_a_temperature_may_change_over_the_text(model: Model) -> None:
    text = model.generate(length=400, seed=1, temperature=0, temperature_end=0)
    assert text == model.generate(length=400, greedy=True)
    rising = Sampler(SamplingConfig(length=5, temperature=0.5, temperature_end=1.5))
    assert rising.temperatures(3).tolist() == [0.5, 0.75, 1.0]
    rising.note(np.array([1, 1, 1, 1]))
    assert rising.temperatures(3).tolist() == [1.5, 1.5, 1.5]


def test_a_bias_makes_a_character_frequent_or_rare() -> None:
    model = Model(small_file())
    assert model.generate(length=100, seed=0, logit_bias={"e": 1000}) == "e" * 100
    assert "e" not in model.generate(length=2000, seed=0, logit_bias={"e": -1000})


def test_a_presence_penalty_keeps_characters_from_coming_again() -> None:
    text = Model(small_file()).generate(length=200, seed=0, presence_penalty=100.0, penalty_window=5)
    assert all(text[place] not in text[max(0, place - 5) : place] for place in range(len(text)))


def test_the_prompt_counts_for_penalties_and_the_start_does_not() -> None:
    text = Model(small_file()).generate("abcde", length=1, seed=0, presence_penalty=100.0)
    assert text not in "abcde"
