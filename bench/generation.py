"""Characters written a second, one stream: Longhand's NumPy session beside torch's loop, in one run, medians of five.

`python bench/generation.py`; both sample the same network with the same sampler.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator

import numpy as np
import torch

from longhand.config import NetworkConfig, SamplingConfig
from longhand.generation.sampler import Sampler
from longhand.model import Model
from longhand.modelfile import ModelFile
from longhand.text.characters import CharacterTokenizer
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.initial import initial_weights
from longhand.training.torch_engine import TorchEngine

SECONDS = 1.0


def speed(characters: Iterator[object]) -> float:
    """Return characters a second, over about a second, after a warm-up."""
    next(characters)
    began = time.perf_counter()
    for count, _ in enumerate(characters, 1):
        if (passed := time.perf_counter() - began) > SECONDS:
            return count / passed
    raise AssertionError("the stream ended")


def torch_loop(file: ModelFile) -> Iterator[int]:
    """Yield tokens from the torch network that trains, one step at a time, as its users write such a loop."""
    engine = TorchEngine(
        file.config, file.weights, update=DefaultRecipe.update, dropout=0, device="cpu", threads=None, seed=0
    )
    network = engine._network.eval()
    sampler = Sampler(SamplingConfig(seed=0), (0, 1))
    hidden, cell = torch.zeros(2, file.config.layers, 1, file.config.hidden)
    token = 1
    with torch.no_grad():
        for _ in itertools.count():
            logits, hidden, cell = network(torch.tensor([[token]]), hidden, cell)
            token = sampler.draw(logits[0, 0].numpy())
            yield token


def main() -> None:
    """Print a line for each width."""
    tokenizer = CharacterTokenizer("".join(map(chr, range(32, 97))))
    for hidden in (128, 256, 512):
        config = NetworkConfig(vocabulary_size=tokenizer.size, hidden=hidden)
        weights = initial_weights(config, np.ones(tokenizer.size, np.int64), 0, np.random.default_rng(0))
        file = ModelFile(config, tokenizer.to_record(), weights)
        ours, theirs = [], []
        for _ in range(5):
            ours.append(speed(Model(file).stream(length=10**9, seed=0)))
            theirs.append(speed(torch_loop(file)))
        one, two = statistics.median(ours), statistics.median(theirs)
        print(f"2 x {hidden}: NumPy {one:,.0f} characters/s, torch {two:,.0f}, {one / two:.1f} times")


if __name__ == "__main__":
    main()
