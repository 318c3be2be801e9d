"""Networks for the tests of the kernel, and sessions that run them."""

from __future__ import annotations

import numpy as np

from longhand.config import NetworkConfig
from longhand.modelfile import Weights, expected_shapes
from longhand.runtime.native import library
from longhand.runtime.native.packing import Packed, Precision
from longhand.runtime.native.session import NativeSession


def network(layers: int, hidden: int, vocabulary: int = 31, embedding: int = 9) -> tuple[NetworkConfig, Weights]:
    """Return weights as large as training makes them, so that gates saturate here and there."""
    config = NetworkConfig(vocabulary_size=vocabulary, embedding=embedding, hidden=hidden, layers=layers)
    random = np.random.default_rng(layers * 10_000 + hidden)
    weights = {
        name: (random.standard_normal(shape) * (1.5 / np.sqrt(shape[-1]))).astype(np.float32)
        for name, shape in expected_shapes(config).items()
    }
    return config, weights


def native(
    config: NetworkConfig, weights: Weights, batch: int = 1, threads: int = 1, precision: Precision = "fp32"
) -> NativeSession:
    kernel, _ = library.found()
    assert kernel is not None
    return NativeSession(kernel, Packed(config, weights, precision), batch, threads)


def tokens_for(config: NetworkConfig, steps: int, batch: int = 1) -> np.ndarray:
    return np.random.default_rng(1).integers(0, config.vocabulary_size, (steps, batch))


def damage(weights: Weights) -> None:
    """Let token 5 make the state of who reads it no number."""
    weights["embedding.weight"][5] = np.nan
