"""Dynamic evaluation: a model that learns from a text as it reads it, each token after it was predicted.

B. Krause, E. Kahembwe, I. Murray, S. Renals: Dynamic Evaluation of Neural Sequence Models (2018). After each few tokens
the weights take a step down the gradient of their loss, divided by the root of the mean of its squares so far. Nothing
is learned of a token before it has been scored, so that the figures are those of an honest prediction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.config import AdaptConfig, NetworkConfig
from longhand.errors import MissingExtraError, OptionError
from longhand.modelfile import Weights
from longhand.state import State
from longhand.training.engine import DivergenceError, Update
from longhand.training.native import library
from longhand.training.native_engine import NativeEngine

OUTPUT_RATE, OUTPUT_STEP = 1.5e-3, 16  # and tokens between two updates: from development splits (LOG.md)
ALL_RATE, ALL_STEP = 3e-4, 32
SQUARES = 0.999  # of the mean of the squares, what stays at an update
EPSILON = 1e-8
DIVERGED = "adapt rate: the updates went astray with {rate:g}: take a smaller one"


class Adapting(Protocol):
    """What reads a text block by block, and learns from it."""

    def log_probabilities(self, ids: TokenIds, outputs: FloatArray | None) -> DoubleArray:
        """Return the natural logarithms of the probabilities of the next block's tokens, (tokens,).

        - outputs: what the last layer of the model as it was shows before each, (tokens, hidden), if it was asked for
        """
        ...

    def weights(self) -> Weights:
        """Return the model's weights with what was learned."""
        ...


class AdaptedOutput:
    """The output layer learns; all below stays as it was, so that many streams can read ahead."""

    def __init__(self, weights: Weights, rate: float | None, pause: Callable[[], None] = lambda: None) -> None:
        self._weights, self._rate, self._pause = weights, rate or OUTPUT_RATE, pause
        self._head = np.column_stack([weights["head.weight"], weights["head.bias"]])
        self._squares = np.zeros_like(self._head)
        self._steps = 0

    def log_probabilities(self, ids: TokenIds, outputs: FloatArray | None) -> DoubleArray:
        """See `Adapting`."""
        assert outputs is not None
        shown = np.column_stack([outputs, np.ones(len(outputs), np.float32)])
        result = np.empty(len(ids))
        with np.errstate(over="ignore", invalid="ignore"):
            for begin in range(0, len(ids), OUTPUT_STEP):
                self._pause()
                part = slice(begin, begin + OUTPUT_STEP)
                result[part] = self._learn(shown[part], ids[part].astype(np.int64))
        if not np.isfinite(result).all():
            raise OptionError(DIVERGED.format(rate=self._rate))
        return result

    def _learn(self, shown: FloatArray, targets: TokenIds) -> FloatArray:
        """Return the logarithms of the probabilities of some tokens, and then learn from them."""
        rows = np.arange(len(targets))
        logits = shown @ self._head.T
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        totals = shares.sum(axis=1, keepdims=True)
        found: FloatArray = logits[rows, targets] - np.log(totals[:, 0])
        shares /= totals * len(targets)
        shares[rows, targets] -= np.float32(1 / len(targets))
        gradient = shares.T @ shown
        self._steps += 1
        self._squares += np.float32(1 - SQUARES) * (np.square(gradient) - self._squares)
        roots = np.sqrt(self._squares / np.float32(1 - SQUARES**self._steps))
        # The mean keeps the first steps of tokens that are seldom seen small: in a large vocabulary that is most.
        self._head -= np.float32(self._rate) * gradient / (roots + roots.mean() + np.float32(EPSILON))
        return found

    def weights(self) -> Weights:
        """See `Adapting`."""
        head = {"head.weight": self._head[:, :-1].copy(), "head.bias": self._head[:, -1].copy()}
        return {**self._weights, **head}


class AdaptedNetwork:
    """All layers learn, by back-propagation through each few tokens; one stream, in order, by the engine in C.

    Raises `MissingExtraError` where that is not there.
    """

    def __init__(
        self,
        config: NetworkConfig,
        weights: Weights,
        start: int,
        *,
        documents: bool,
        rate: float | None,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        kernel, why_not = library.found()
        if kernel is None:
            raise MissingExtraError(f"adapt layers: all needs the engine in C ({why_not}): take output")
        self._rate, self._pause = rate or ALL_RATE, pause
        self._engine = NativeEngine(
            kernel,
            config,
            weights,
            update=Update(betas=(0.0, SQUARES), epsilon=EPSILON),
            dropout=0.0,
            start=start if documents else None,
        )
        self._state, self._last = State.zeros(config, 1), start

    def log_probabilities(self, ids: TokenIds, outputs: FloatArray | None) -> DoubleArray:  # noqa: ARG002
        """See `Adapting`."""
        result = np.empty(len(ids))
        inputs = np.concatenate([[self._last], ids])
        for begin in range(0, len(ids), ALL_STEP):
            self._pause()
            part = slice(begin, min(begin + ALL_STEP, len(ids)))
            try:
                losses, self._state = self._engine.learn(
                    inputs[part][:, None], ids[part][:, None], self._state, self._rate
                )
            except DivergenceError:
                raise OptionError(DIVERGED.format(rate=self._rate)) from None
            result[part] = -losses[:, 0]
        self._last = int(inputs[-1])
        return result

    def weights(self) -> Weights:
        """See `Adapting`."""
        return self._engine.weights()


def adapting_for(
    config: NetworkConfig,
    weights: Weights,
    start: int | None,
    settings: AdaptConfig,
    pause: Callable[[], None] = lambda: None,
) -> Adapting:
    """Return what learns as `settings` say; `pause` is called between pieces of the work.

    Raises `OptionError` for a model that reads a window.
    """
    if config.window is not None or start is None:
        raise OptionError("adapt: a model that reads a window does not learn as it reads: leave it out")
    if settings.adapt_layers == "all":
        return AdaptedNetwork(config, weights, start, documents=config.documents, rate=settings.adapt_rate, pause=pause)
    return AdaptedOutput(weights, settings.adapt_rate, pause)
