"""How fast this machine trains: a few steps of real networks, and from them the speed of others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from longhand.config import NetworkConfig, TrainConfig
from longhand.state import State
from longhand.training.engine import Engine

MEASURED = (256, 512, 128)  # units in each layer, the most useful first
ASSUMED = 6e10  # useful operations a second, where there is no time to measure
MOST_SECONDS, MOST_SHARE, LEAST_SECONDS = 2.0, 0.02, 0.2  # for measuring: in all, of the training's time
A_SIZE = 0.6  # seconds for one size
FULL_RATE = {64: 0.44, 96: 0.57, 128: 0.64, 192: 0.83, 256: 0.92, 384: 1.0}  # how near to it networks of a width come
MOST_BATCH, MOST_WINDOW, MOST_LAYERS = 64, 64, 2  # of a step that is measured
SHORT = 8  # the first one is so many times shorter


def layer_weights(network: NetworkConfig | TrainConfig) -> int:
    """Return how many weights the LSTM layers of a network multiply with a token, the first one's inputs left out.

    Those are a row for each token, made once in a step.
    """
    hidden, layers = network.hidden, network.layers
    return 4 * hidden * hidden * (2 * layers - 1)


def operations(network: NetworkConfig | TrainConfig, vocabulary: int) -> int:
    """Return the useful operations of learning from one token: six for each weight that it is multiplied with."""
    return 6 * (layer_weights(network) + vocabulary * network.hidden)


class Speed:
    """The speed of training networks of any size.

    - rates: useful operations a second, by the units in each layer; none of them measured: assumed
    """

    def __init__(self, rates: dict[int, float]) -> None:
        measured = dict(sorted(rates.items())) or {MEASURED[0]: ASSUMED}
        self._sizes = [math.log2(size) for size in measured]
        self._factors = [rate / _share_of_full_rate(size) for size, rate in measured.items()]

    def of(self, network: NetworkConfig | TrainConfig, vocabulary: int) -> float:
        """Return the tokens a second to be expected."""
        full_rate = float(np.interp(math.log2(network.hidden), self._sizes, self._factors))
        return full_rate * _share_of_full_rate(network.hidden) / operations(network, vocabulary)


def _share_of_full_rate(hidden: int) -> float:
    return float(np.interp(math.log2(hidden), [math.log2(size) for size in FULL_RATE], list(FULL_RATE.values())))


def measured_speed(config: TrainConfig, vocabulary: int, make: Callable[[NetworkConfig], Engine]) -> Speed:
    """Measure this machine, in two seconds at most and a fiftieth of the training's time, or one short step.

    - make: makes an engine for a network
    """
    batch, window = min(config.batch, MOST_BATCH), min(config.window, MOST_WINDOW)
    rates: dict[int, float] = {}
    until = math.inf  # the first engine may take its time to get going
    for hidden in MEASURED:
        network = NetworkConfig(
            vocabulary_size=vocabulary, embedding=128, hidden=hidden, layers=min(config.layers, MOST_LAYERS)
        )
        work = operations(network, vocabulary)
        slowest = min(rates.values(), default=math.inf)
        if until - time.monotonic() < max(LEAST_SECONDS, work * batch * window / SHORT / slowest):
            break
        engine = make(network)
        until = min(until, time.monotonic() + min(MOST_SECONDS, MOST_SHARE * 60 * config.minutes))
        seconds = _seconds_a_token(engine, network, batch, window, min(until, time.monotonic() + A_SIZE))
        rates[hidden] = work / seconds
    return Speed(rates)


def _seconds_a_token(engine: Engine, network: NetworkConfig, batch: int, window: int, until: float) -> float:
    """Return the seconds a token of the fastest of some steps; of a short one, where there is time for no other."""
    short = max(1, window // SHORT)
    tokens = np.random.default_rng(0).integers(0, network.vocabulary_size, (window + 1, batch))
    state, seconds, length = State.zeros(network, batch), math.inf, short
    while True:
        began = time.monotonic()
        engine.step(tokens[:length], tokens[1 : length + 1], state, 0.0)
        took = (now := time.monotonic()) - began
        seconds = min(seconds, took / (length * batch))
        if now + took / length * window > until:
            return seconds
        length = window
