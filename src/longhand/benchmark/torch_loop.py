"""Writing with torch as its users do: a module, one eager step a token, the state handed on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from longhand.arrays import FloatArray, TokenIds
from longhand.benchmark.cases import Case
from longhand.modelfile import Weights


class TorchLoop:
    """See `longhand.benchmark.contestants.Loop`; `threads` are torch's, of the whole process, while it runs."""

    def __init__(self, case: Case, weights: Weights, threads: int, temperature: float) -> None:
        config = case.config
        self._threads, self._temperature = threads, temperature
        self._embedding = nn.Embedding(config.vocabulary_size, config.embedding)
        self._lstm = nn.LSTM(config.embedding, config.hidden, config.layers)
        self._head = nn.Linear(config.hidden, config.vocabulary_size)
        self._embedding.load_state_dict({"weight": _tensor(weights["embedding.weight"])})
        self._head.load_state_dict({name: _tensor(weights[f"head.{name}"]) for name in ("weight", "bias")})
        self._lstm.load_state_dict(_lstm_weights(weights, config.layers))
        self._state = tuple(torch.zeros(config.layers, case.streams, config.hidden) for _ in range(2))
        self._last = torch.zeros(case.streams, dtype=torch.int64)

    @torch.inference_mode()
    def run(self, steps: int) -> int:
        """Draw `steps` more tokens for every stream."""
        torch.set_num_threads(self._threads)
        for _ in range(steps):
            shares = torch.softmax(self._step(self._last) / self._temperature, dim=-1)
            self._last = torch.multinomial(shares, 1)[:, 0]
        return steps

    def threads(self, steps: int) -> int:  # noqa: ARG002 (others' choice depends on it)
        """Return how many threads that takes."""
        return self._threads

    @torch.inference_mode()
    def step(self, tokens: TokenIds) -> FloatArray:
        """Read a token a stream, (streams,), and return the logits of the next, (streams, vocabulary)."""
        logits: FloatArray = self._step(torch.from_numpy(tokens.astype(np.int64))).numpy()
        return logits

    def _step(self, tokens: torch.Tensor) -> torch.Tensor:
        outputs, self._state = self._lstm(self._embedding(tokens)[None], self._state)
        logits: torch.Tensor = self._head(outputs[0])
        return logits


def product(matrix: FloatArray, threads: int) -> Callable[[], object]:
    """Return what multiplies a matrix by itself."""
    factor = _tensor(matrix)

    def multiply() -> None:
        torch.set_num_threads(threads)
        factor @ factor

    return multiply


def _lstm_weights(weights: Weights, layers: int) -> dict[str, torch.Tensor]:
    result = {}
    for layer in range(layers):
        bias = _tensor(weights[f"layers.{layer}.bias"])
        for name in ("weight_ih", "weight_hh"):
            result[f"{name}_l{layer}"] = _tensor(weights[f"layers.{layer}.{name}"])
        result[f"bias_ih_l{layer}"], result[f"bias_hh_l{layer}"] = bias, torch.zeros_like(bias)
    return result


def _tensor(array: FloatArray) -> torch.Tensor:
    return torch.from_numpy(array.copy())
