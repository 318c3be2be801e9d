"""Drawing the next token from logits.

Order of what is applied: tokens that are never written go, then temperature, softmax, top-k, top-p of what is left
(Holtzman et al. 2020), min-p (Nguyen et al. 2024), one draw by the inverse of the cumulative distribution. One random
number is used for each token, so that a runtime that draws itself (`longhand.runtime.native`) draws the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from longhand.arrays import DoubleArray, FloatArray
from longhand.config import TEMPERATURE, SamplingConfig
from longhand.errors import ModelFormatError
from longhand.runtime.session import Drawing


class Sampler:
    """Draws tokens with a random generator of its own (PCG64).

    - sampling: temperature, greedy, top-k, top-p, min-p and seed; without a seed the system's chance decides
    - never_written: tokens that are never drawn
    """

    def __init__(self, sampling: SamplingConfig, never_written: tuple[int, ...] = ()) -> None:
        temperature = TEMPERATURE if sampling.temperature is None else sampling.temperature
        self.drawing = Drawing(
            never=never_written,
            temperature=0.0 if sampling.greedy else temperature,
            top_k=sampling.top_k or 0,
            top_p=1.0 if sampling.top_p is None else sampling.top_p,
            min_p=sampling.min_p or 0.0,
        )
        self._random = np.random.Generator(np.random.PCG64(sampling.seed))
        self._latest = self._unused = np.zeros(0)

    def uniforms(self, count: int) -> DoubleArray:
        """Return the chances, (count,), of the next draws."""
        more = self._random.random(max(0, count - len(self._unused)))
        self._latest = np.concatenate([self._unused[:count], more])
        self._unused = self._unused[count:]
        return self._latest

    def give_back(self, count: int) -> None:
        """Keep the last of the latest chances for the next draws: the text ended before them."""
        self._unused = np.concatenate([self._latest[len(self._latest) - count :], self._unused])

    def draw(self, logits: FloatArray) -> int:
        """Return a token drawn from `logits`, (vocabulary,).

        Raises `ModelFormatError` if they are not finite: finite weights may be so large that their products are not.
        """
        return draw(logits, self.drawing, self.uniforms(1)[0])

    def draw_among(self, logarithms: DoubleArray) -> int:
        """Return which of some ways is drawn from the logarithms of their probabilities, (ways,)."""
        return draw(logarithms, replace(self.drawing, never=()), self.uniforms(1)[0])


def draw(logits: FloatArray | DoubleArray, drawing: Drawing, uniform: float) -> int:
    """Return the token that the chance `uniform` in [0, 1) draws from `logits`, (vocabulary,)."""
    if not np.isfinite(logits).all():
        raise ModelFormatError("the model's predictions are not finite numbers: its weights are damaged")
    allowed = logits.astype(np.float64)
    allowed[list(drawing.never)] = -np.inf
    if drawing.heat == 0:
        return int(np.argmax(allowed))
    return pick(kept(allowed, drawing), uniform)


def probabilities(logits: DoubleArray, temperature: float) -> DoubleArray:
    """Return softmax(logits / temperature), (vocabulary,)."""
    with np.errstate(over="ignore", under="ignore"):  # a tiny temperature leaves minus infinity or zero: both right
        weights = np.exp((logits - logits.max()) / temperature)
    result: DoubleArray = weights / weights.sum()
    return result


def logsumexp(logits: DoubleArray) -> DoubleArray:
    """Return the logarithm of the sum of exponentials, (..., 1), over the last axis."""
    most = logits.max(axis=-1, keepdims=True)
    result: DoubleArray = most + np.log(np.exp(logits - most).sum(axis=-1, keepdims=True))
    return result


def kept(logits: DoubleArray, drawing: Drawing) -> DoubleArray:
    """Return the probabilities, (vocabulary,), with zeros for what top-k, top-p and min-p leave out.

    The likeliest are those with the largest logits: some that differ have the same probability when rounded.
    """
    result = probabilities(logits, drawing.temperature)
    if 0 < drawing.top_k < len(result) or drawing.top_p < 1:
        likeliest = np.argsort(-logits, kind="stable")[: drawing.top_k or None]
        shares = np.cumsum(result[likeliest])
        within = 1 + np.count_nonzero(shares[:-1] < drawing.top_p * shares[-1])
        mask = np.ones(len(result), np.bool_)
        mask[likeliest[:within]] = False
        result[mask] = 0
    result[result < drawing.min_p * result.max()] = 0
    return result


def pick(probabilities: DoubleArray, uniform: float) -> int:
    """Return the first token whose cumulative probability exceeds `uniform` of their sum; it lies in [0, 1)."""
    cumulative = np.cumsum(probabilities)
    below_total = np.nextafter(cumulative[-1], 0)  # the product may round up to the total itself
    return int(np.searchsorted(cumulative, min(uniform * cumulative[-1], below_total), side="right"))
