"""Drawing the next token from logits.

Order of what is applied: tokens that are never written go, then temperature, softmax, one draw by the inverse of the
cumulative distribution. One random number is used for each token, so that other runtimes can draw the same.
"""

from __future__ import annotations

import numpy as np

from longhand.arrays import DoubleArray, FloatArray
from longhand.config import TEMPERATURE, SamplingConfig
from longhand.errors import ModelFormatError


class Sampler:
    """Draws tokens with a random generator of its own (PCG64).

    - sampling: temperature, greedy and seed; without a seed the system's chance decides
    - never_written: tokens that are never drawn
    """

    def __init__(self, sampling: SamplingConfig, never_written: tuple[int, ...] = ()) -> None:
        temperature = TEMPERATURE if sampling.temperature is None else sampling.temperature
        self._temperature = 0.0 if sampling.greedy else temperature
        self._never_written = list(never_written)
        self._random = np.random.Generator(np.random.PCG64(sampling.seed))

    def draw(self, logits: FloatArray) -> int:
        """Return a token drawn from `logits`, (vocabulary,).

        Raises `ModelFormatError` if they are not finite: finite weights may be so large that their products are not.
        """
        if not np.isfinite(logits).all():
            raise ModelFormatError("the model's predictions are not finite numbers: its weights are damaged")
        allowed = logits.astype(np.float64)
        allowed[self._never_written] = -np.inf
        if self._temperature == 0:
            return int(np.argmax(allowed))
        return pick(probabilities(allowed, self._temperature), self._random.random())


def probabilities(logits: DoubleArray, temperature: float) -> DoubleArray:
    """Return softmax(logits / temperature), (vocabulary,)."""
    with np.errstate(over="ignore", under="ignore"):  # a tiny temperature leaves minus infinity or zero: both right
        weights = np.exp((logits - logits.max()) / temperature)
    result: DoubleArray = weights / weights.sum()
    return result


def pick(probabilities: DoubleArray, uniform: float) -> int:
    """Return the first token whose cumulative probability exceeds `uniform`, which lies in [0, 1)."""
    cumulative = np.cumsum(probabilities)
    below_total = np.nextafter(cumulative[-1], 0)  # the product may round up to the total itself
    return int(np.searchsorted(cumulative, min(uniform * cumulative[-1], below_total), side="right"))
