"""Greedy clients, each kind from an address of its own: what they cost a client that asks for a short text."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "tests"))  # it is also run by itself

import numpy as np
from bad_clients import short_texts
from clients import completion, run
from figures import Figures, late, milliseconds
from serving import request, running

from longhand.config import NetworkConfig
from longhand.modelfile import Card, ModelFile, expected_shapes, write_model

SECONDS, FEWEST = 8.0, 200  # of measuring, and requests at least
SETTLING = 5.0  # seconds in which the greedy begin
LONG, TEXTS = 100_000, 128  # tokens of a text, and texts of a request
CLASSIC, WORDS = "classic", "words"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def greedy(path: Path, figures: Figures) -> None:
    """Measure what greedy clients cost a good one, each kind alone and all kinds together."""
    figures.part("greedy", f"one client that asks for 20 tokens, beside greedy ones: {', '.join(KINDS)}")
    with tempfile.TemporaryDirectory() as folder, running([path, *_models(Path(folder))]) as server:
        name = server.model
        payload = completion(name, max_tokens=20, seed=1, stream=True)
        run(short_texts(server, payload, 1.0, 50))
        every: list[list[str]] = [[*KINDS], *([kind] for kind in KINDS)]
        for kinds in every:
            before = run(short_texts(server, payload, SECONDS / 2, FEWEST))
            words = [sys.executable, __file__, str(server.port), name, *kinds]
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as others:
                time.sleep(SETTLING)
                beside = run(short_texts(server, payload, SECONDS, FEWEST))
                others.terminate()
                told = others.communicate()[0].strip()
            time.sleep(1)
            after = run(short_texts(server, payload, SECONDS / 2, FEWEST))
            label = "all" if len(kinds) > 1 else kinds[0]
            figures.tell(f"{label}: before", milliseconds(before))
            figures.tell(f"{label}: beside", milliseconds(beside))
            figures.tell(f"{label}: the greedy were told", told)
            usual = max(late(before), late(after))  # the machine may be busy with other things
            figures.hold(f"{label}: p99 against p99 without", late(beside) / usual, most=2, unit="times")


def _models(folder: Path) -> list[Path]:
    """Write a model that reads a window, and one of many words, with random weights."""
    words = ["\n", " ", *LETTERS, *(f" w{number}" for number in range(20_000))]
    letters = sorted("\n " + LETTERS)
    wanted: list[tuple[str, dict[str, Any], NetworkConfig]] = [
        (
            CLASSIC,
            {"kind": "listed", "unit": "char", "tokens": letters},
            NetworkConfig(vocabulary_size=len(letters), embedding=1, hidden=256, layers=2, window=100),
        ),
        (
            WORDS,
            {"kind": "word", "words": words, "spells": True},
            NetworkConfig(vocabulary_size=len(words) + 2, embedding=64, hidden=128, layers=1),
        ),
    ]
    chance, paths = np.random.default_rng(0), []
    for name, record, config in wanted:
        shapes = expected_shapes(config).items()
        weights = {part: (0.05 * chance.standard_normal(shape)).astype(np.float32) for part, shape in shapes}
        paths.append(folder / f"{name}.safetensors")
        write_model(ModelFile(config, record, weights, Card()), paths[-1])
    return paths


# The greedy themselves, in a process of their own

Told = Counter[str]
Asked = tuple[bytes, dict[str, Any]]
"""A request, and how its answer is read."""


async def _ask(port: int, address: str, payload: bytes, told: Told, reads: int = 1 << 20, pause: float = 0.0) -> None:
    """Ask for something again and again, and read so many bytes at a time."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0), limit=4096)
            try:
                writer.write(payload)
                head = await reader.readline()
                told[head.split(b" ")[1].decode() if b" " in head else "nothing"] += 1
                while await reader.read(reads):
                    await asyncio.sleep(pause)
            finally:
                writer.close()
        await asyncio.sleep(0.2)


def _hold(name: str) -> Sequence[Asked]:
    slow: dict[str, Any] = {"reads": 200, "pause": 5.0}
    held: Asked = completion(name, max_tokens=LONG, n=TEXTS, stream=True), slow
    return 8 * [held]


def _room(name: str) -> Sequence[Asked]:
    return 5 * [(completion(name, max_tokens=LONG, n=TEXTS), {})]


def _score(name: str) -> Sequence[Asked]:
    fields = {"model": name, "input": "abc " * 25_000, "cache": True, "cache_size": 20_000}
    return 4 * [(request("POST", "/v1/score", fields, close=True), {})]


def _classic(_: str) -> Sequence[Asked]:
    return 4 * [(completion(CLASSIC, prompt="a" * 200, max_tokens=200, n=TEXTS), {})]


def _echo(name: str) -> Sequence[Asked]:
    return 2 * [(completion(name, prompt="a" * 30_000, max_tokens=0, echo=True, n=TEXTS), {})]


def _bias(_: str) -> Sequence[Asked]:
    biases = {str(number): 1 for number in range(10_000)}
    return 2 * [(completion(WORDS, max_tokens=2000, n=TEXTS, logit_bias=biases), {})]


KINDS: dict[str, Callable[[str], Sequence[Asked]]] = {
    "hold": _hold,
    "room": _room,
    "score": _score,
    "classic": _classic,
    "echo": _echo,
    "bias": _bias,
}


async def _all(port: int, name: str, kinds: list[str], told: dict[str, Told]) -> None:
    asking: list[Coroutine[Any, Any, None]] = []
    for number, kind in enumerate(kinds):
        told[kind] = Counter()
        for payload, how in KINDS[kind](name):
            asking.append(_ask(port, f"127.0.0.{10 + number}", payload, told[kind], **how))
    await asyncio.gather(*asking)


def main() -> None:
    """Be greedy until SIGTERM, and say what the answers were."""
    import signal

    if hasattr(os, "nice"):
        os.nice(10)  # in truth they are other machines
    told: dict[str, Told] = {}

    def end(*_: object) -> None:
        print(json.dumps(told), flush=True)
        os._exit(0)  # whatever is read or waited for

    signal.signal(signal.SIGTERM, end)
    asyncio.run(_all(int(sys.argv[1]), sys.argv[2], sys.argv[3:], told))


if __name__ == "__main__":
    main()
