"""How many can write with one model at once: the scheduler alone, without HTTP.

    python bench/scheduler.py MODEL --writers 1 --writers 100 --writers 1000

All ask at the same moment for a text of their own. Printed are how long the first character took, and how many
characters a second each of them got.
"""

from __future__ import annotations

import argparse
import resource
import threading
import time
from collections.abc import Callable
from typing import cast

import numpy as np

from longhand.model import Model, load
from longhand.runtime.session import RecurrentSession
from longhand.serving.request import Came, Event, Request
from longhand.serving.scheduler import Scheduler


def measure(model: Model, writers: int, length: int, prompt: str) -> None:
    """Print the figures of so many writers."""
    task = model.task(length=length)
    first, last = np.zeros(writers), np.zeros(writers)
    done = threading.Semaphore(0)
    began = time.monotonic()

    def listener(number: int) -> Callable[[Event], None]:
        def tell(event: Event) -> None:
            now = time.monotonic() - began
            if isinstance(event, Came):
                first[number] = first[number] or (now if event.text else 0)
            else:
                last[number] = now
                done.release()

        return tell

    open_session = cast("Callable[[int], RecurrentSession]", model.session)
    scheduler = Scheduler(open_session, model.config.vocabulary_size, streams=max(writers, 1))
    for number in range(writers):
        scheduler.submit(Request(task, prompt, [number], listener(number)))
    for _ in range(writers):
        done.acquire()
    scheduler.close(0)
    each = length / last
    print(
        f"{writers:5} writers: first character after {np.median(first):.3f} s (99 %: {np.percentile(first, 99):.3f}); "
        f"characters/s each {np.median(each):,.0f}, the slowest {each.min():,.0f}; "
        f"together {writers * length / last.max():,.0f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model file")
    parser.add_argument("--writers", type=int, action="append", help="how many; may be given several times")
    parser.add_argument("--length", type=int, default=600, help="tokens of each text")
    parser.add_argument("--prompt", default="ROMEO:\n", help="what all go on from")
    arguments = parser.parse_args()
    model = load(arguments.model)
    for writers in arguments.writers or [1, 100, 1000]:
        measure(model, writers, arguments.length, arguments.prompt)
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
