"""Drawing tokens: the right distribution, the right limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.config import SamplingConfig
from longhand.errors import ModelFormatError
from longhand.generation.sampler import Sampler, pick, probabilities

LOGITS = np.array([1.0, 0.0, -1.0, 2.0, 0.5], np.float32)


def test_draws_follow_the_exact_probabilities() -> None:
    draws = 20_000
    for temperature in (0.5, 1.0, 2.0):
        sampler = Sampler(SamplingConfig(temperature=temperature, seed=7))
        counts = np.bincount([sampler.draw(LOGITS) for _ in range(draws)], minlength=5)
        scaled = np.exp(LOGITS.astype(np.float64) / temperature)
        expected = draws * scaled / scaled.sum()
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        assert chi_square < 18.47  # the 0.999 quantile at 4 degrees of freedom


@pytest.mark.parametrize("sampling", [SamplingConfig(temperature=0), SamplingConfig(greedy=True, temperature=5)])
def test_temperature_zero_and_greedy_take_the_likeliest(sampling: SamplingConfig) -> None:
    sampler = Sampler(sampling, never_written=(3,))
    assert {sampler.draw(LOGITS) for _ in range(100)} == {0}


@pytest.mark.parametrize("temperature", [1e-300, 1e-9])
def test_a_tiny_temperature_ends_in_the_greedy_choice(temperature: float) -> None:
    sampler = Sampler(SamplingConfig(temperature=temperature, seed=0))
    assert {sampler.draw(LOGITS) for _ in range(100)} == {3}


def test_a_huge_temperature_ends_in_equal_chances() -> None:
    np.testing.assert_allclose(probabilities(LOGITS.astype(np.float64), 1e9), 0.2, atol=1e-8)


def test_tokens_that_are_never_written_are_never_drawn() -> None:
    sampler = Sampler(SamplingConfig(temperature=1000, seed=0), never_written=(0, 3))
    assert {sampler.draw(LOGITS) for _ in range(1000)} == {1, 2, 4}


def test_a_seed_fixes_all_draws() -> None:
    one, two, other = (Sampler(SamplingConfig(seed=seed)) for seed in (1, 1, 2))
    draws = [[sampler.draw(LOGITS) for _ in range(100)] for sampler in (one, two, other)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ModelFormatError, match="not finite"):
        Sampler(SamplingConfig(seed=0)).draw(np.array([0.0, value, 1.0], np.float32))


@pytest.mark.parametrize(("uniform", "token"), [(0.0, 1), (0.2499, 1), (0.25, 2), (0.75, 4), (1 - 2**-53, 4)])
def test_a_draw_is_the_inverse_of_the_cumulative_distribution(uniform: float, token: int) -> None:
    assert pick(np.array([0.0, 0.25, 0.5, 0.0, 0.25, 0.0]), uniform) == token


@given(
    st.lists(st.floats(-50, 50), min_size=1, max_size=50),
    st.floats(0, 1, exclude_max=True),
    st.floats(0.01, 100),
)
def test_every_draw_has_a_chance_above_zero(logits: list[float], uniform: float, temperature: float) -> None:
    chances = probabilities(np.array(logits), temperature)
    assert chances[pick(chances, uniform)] > 0
