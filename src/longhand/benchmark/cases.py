"""The networks that are run: their shapes, and random weights for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from longhand.config import NetworkConfig
from longhand.errors import OptionError
from longhand.modelfile import Weights, expected_shapes

EMBEDDING = 128
SHAPES = ("128x1", "256x2", "512x2", "1024x2")
VOCABULARIES = (65, 8000)
STREAMS = (1, 8, 64, 256)
LARGEST = {"hidden": 8192, "layers": 64, "vocabulary": 1_000_000, "streams": 65_536}


@dataclass(frozen=True)
class Case:
    """A network's shape, and how many streams of text it writes at once."""

    hidden: int
    layers: int
    vocabulary: int
    streams: int

    @property
    def config(self) -> NetworkConfig:
        """The network's blueprint."""
        return NetworkConfig(
            vocabulary_size=self.vocabulary, embedding=EMBEDDING, hidden=self.hidden, layers=self.layers
        )


def cases(shapes: tuple[str, ...], vocabularies: tuple[int, ...], streams: tuple[int, ...]) -> list[Case]:
    """Return every combination, those of one network side by side.

    - shapes: "HIDDENxLAYERS", as in "512x2"

    Raises `OptionError` for one that cannot be.
    """
    result = []
    for shape in shapes:
        match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", shape)
        if match is None:
            raise OptionError(f"shape: found {shape!r}, expected units x layers, as in 512x2")
        for vocabulary in vocabularies:
            for count in streams:
                case = Case(int(match[1]), int(match[2]), vocabulary, count)
                _check(case)
                result.append(case)
    return result


def random_weights(config: NetworkConfig) -> Weights:
    """Return weights of the size that a network has before it has learned, always the same."""
    random = np.random.default_rng(0)
    return {
        name: random.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[-1]))
        for name, shape in expected_shapes(config).items()
    }


def _check(case: Case) -> None:
    for name, most in LARGEST.items():
        found = getattr(case, name)
        if not 1 <= found <= most:
            raise OptionError(f"{name}: found {found}, expected 1 to {most:,}")
