"""How fast a model writes beside busy programs, and after a pause: medians of one run.

`python bench/busy.py MODEL [--loops 0 1 2 4] [--rounds 8] [--length 6000] [--pause 0.4]`. To compare two versions, run
it by turns, each with its own `PYTHONPATH`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import longhand
from longhand.model import Model

STREAMS, STEPS = 64, 60
LOOP = "while True: pass"


def median_speed(work: Callable[[int], int], rounds: int, pause: float = 0.0) -> float:
    """Return the median of how many tokens a second `work` makes; it is given the round, and returns how many."""
    speeds = []
    for number in range(rounds):
        time.sleep(pause)
        began = time.perf_counter()
        made = work(number)
        speeds.append(made / (time.perf_counter() - began))
    return statistics.median(speeds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--loops", type=int, nargs="+", default=[0, 1, 2, 4], help="busy programs")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--length", type=int, default=6000, help="tokens of a text")
    parser.add_argument("--pause", type=float, default=0.4, help="seconds before a text")
    arguments = parser.parse_args()
    model: Model = longhand.load(arguments.model)
    session = model.runtime.recurrent(STREAMS)
    tokens = np.zeros((STEPS, STREAMS), np.int64)

    def text(seed: int) -> int:
        model.generate("", length=arguments.length, seed=seed)
        return int(arguments.length)

    def streams(_: int) -> int:
        session.advance(tokens, range(STREAMS))
        return STREAMS * STEPS

    print(f"{'busy programs':>13} {'one text':>10} {'after a pause':>14} {f'{STREAMS} streams':>12}   tokens/s")
    for loops in arguments.loops:
        others = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(loops)]
        try:
            time.sleep(0.5)
            one, paused = (median_speed(text, arguments.rounds, pause) for pause in (0.0, arguments.pause))
            print(
                f"{loops:13} {one:10,.0f} {paused:14,.0f} {median_speed(streams, arguments.rounds):12,.0f}", flush=True
            )
        finally:
            for other in others:
                other.kill()
                other.wait()


if __name__ == "__main__":
    main()
