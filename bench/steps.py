"""How fast the engines make a training's steps, beside the machine's rate of large matrix products.

`python bench/steps.py [--rounds 7] [--batch 16] [--window 64]`. In each round everybody runs for half a second, warmed
up; medians count. Useful operations: six for each weight of the layers and the head and each character, two forward and
four backward, whatever an engine saves or wastes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from longhand.benchmark.limits import Multiplier, machine
from longhand.config import NetworkConfig
from longhand.modelfile import Weights
from longhand.state import State
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.engine import Engine
from longhand.training.initial import initial_weights
from longhand.training.native import library
from longhand.training.native_engine import NativeEngine
from longhand.training.torch_engine import TorchEngine

VOCABULARY, SECONDS = 67, 0.5


def engines(config: NetworkConfig, weights: Weights) -> dict[str, Engine]:
    """Return those to compare."""
    kernel, why_not = library.found()
    if kernel is None:
        raise SystemExit(f"no engine in C: {why_not}")
    update = DefaultRecipe.update
    return {
        "torch": TorchEngine(config, weights, update=update, dropout=0.0, device="cpu"),
        "C": NativeEngine(kernel, config, weights, update=update, dropout=0.0),
        "C, dropout": NativeEngine(kernel, config, weights, update=update, dropout=0.1),
    }


def stepper(engine: Engine, config: NetworkConfig, window: int, batch: int) -> Callable[[], float]:
    """Return what makes steps for a while and returns characters a second."""
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (window + 1, batch))
    state = State.zeros(config, batch)

    def steps() -> float:
        nonlocal state
        began, count = time.monotonic(), 0
        while time.monotonic() - began < SECONDS:
            _, state = engine.step(tokens[:-1], tokens[1:], state, 1e-3)
            count += 1
        return count * window * batch / (time.monotonic() - began)

    return steps


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    for name, default in (("--rounds", 7), ("--batch", 16), ("--window", 64)):
        parser.add_argument(name, type=int, default=default)
    arguments = parser.parse_args()
    print(f"{machine()}; {arguments.batch} streams, windows of {arguments.window}, {VOCABULARY} tokens")
    multiplier = Multiplier()
    for layers, hidden in ((2, 256), (2, 512)):
        config = NetworkConfig(vocabulary_size=VOCABULARY, hidden=hidden, layers=layers)
        random = np.random.default_rng(0)
        weights = initial_weights(config, np.ones(VOCABULARY, np.int64), 0, random)
        weighty = sum(array.size for name, array in weights.items() if "weight" in name and "embedding" not in name)
        runs = {
            name: stepper(engine, config, arguments.window, arguments.batch)
            for name, engine in engines(config, weights).items()
        }
        rates: dict[str, list[float]] = {name: [] for name in runs}
        products: list[float] = []
        for _ in range(arguments.rounds):
            products.append(max(multiplier.rates()))
            for name, run in runs.items():
                run()
                rates[name].append(run())
        limit = statistics.median(products)
        for name, rate in ((name, statistics.median(rate)) for name, rate in rates.items()):
            useful = 3 * weighty * rate
            print(
                f"{layers} x {hidden} {name:11} {rate:8,.0f} characters/s "
                f"{2 * useful / 1e9:5.0f} of {2 * limit / 1e9:.0f} GFLOP/s, {useful / limit:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
