"""Many who let it write at the same time, and one alone."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
from clients import Connection, Said, completion, run, whole
from figures import Figures, late, milliseconds
from serving import Server, running

from longhand.model import load

PROMPT = "\n"
MANY, LENGTH = 1000, 600  # streams at once, and tokens of each
STEADY, SECONDS = 100, 20.0  # clients, and for how long they ask
ALONE, ROUNDS = 20_000, 5  # tokens of one text, and how often it is written


async def _at_once(server: Server, count: int, length: int) -> list[Said]:
    name = server.model
    payloads = [completion(name, prompt=PROMPT, max_tokens=length, seed=seed, stream=True) for seed in range(count)]
    connections = await asyncio.gather(*(whole(server, payload) for payload in payloads))
    return [connection.said() for connection in connections]


def streams(path: Path, figures: Figures) -> None:
    """Measure a thousand texts that are asked for at the same moment."""
    figures.part("streams", f"{MANY:,} at once, {LENGTH} tokens each")
    with running([path]) as server:
        before = server.memory()
        said = run(_at_once(server, MANY, LENGTH))
        most = server.memory("VmHWM")
    speeds = np.array([one.speed for one in said])
    wrong = [one for one in said if one.status != 200 or one.finish is None or one.error]
    figures.expect("each got a whole text", not wrong, _failures(wrong))
    figures.hold("characters/s, the slowest", float(speeds.min()), least=30)
    figures.tell("characters/s, the middle one", f"{np.median(speeds):,.0f}")
    figures.hold("the slowest against the middle one", float(speeds.min() / max(np.median(speeds), 1e-9)), least=0.5)
    span = max(one.times[-1] for one in said if one.times) - min(one.began for one in said)
    figures.tell("characters/s of all together", f"{sum(len(one.text) for one in said) / span:,.0f}")
    figures.tell("first character after", milliseconds([one.first for one in said]))
    figures.tell("longest pause of each", milliseconds([one.pause for one in said]))
    figures.hold("the server's memory at most", most / 1e6, most=1000, unit=f"MB (idle {before / 1e6:,.0f})")


def alone(path: Path, figures: Figures) -> None:
    """Measure one text by HTTP, and the same text without."""
    figures.part("alone", f"one text of {ALONE:,} tokens, {ROUNDS} times, against the same in this process")
    model, direct, served, same = load(path), [], [], True
    with running([path]) as server:
        name = server.model
        for seed in range(ROUNDS + 1):  # the first round warms both up
            began = time.perf_counter()
            text = model.generate(PROMPT, length=ALONE, seed=seed)
            took = time.perf_counter() - began
            payload = completion(name, prompt=PROMPT, max_tokens=ALONE, seed=seed, stream=True)
            said = run(whole(server, payload)).said()
            same = same and said.text == text
            if seed:
                direct.append(len(text) / took)
                served.append(said.speed)
    figures.expect("the same text by both ways", same)
    figures.tell("characters/s in this process", f"{np.median(direct):,.0f}")
    figures.tell("characters/s by HTTP", f"{np.median(served):,.0f}")
    figures.hold("by HTTP against this process", float(np.median(served) / np.median(direct)), least=0.5)


async def _loops(server: Server) -> list[Connection]:
    name, random, ended = server.model, np.random.default_rng(0), time.perf_counter() + SECONDS
    connections: list[Connection] = []

    async def client() -> None:
        while time.perf_counter() < ended:
            length, seed = int(random.integers(100, 501)), int(random.integers(1 << 31))
            payload = completion(name, prompt=PROMPT, max_tokens=length, seed=seed, stream=True)
            connections.append(await whole(server, payload))

    await asyncio.gather(*(client() for _ in range(STEADY)))
    return connections


def steady(path: Path, figures: Figures) -> None:
    """Measure a hundred who ask for their next text when they have the last one."""
    figures.part("steady", f"{STEADY} clients, one text after another (100 to 500 tokens) for {SECONDS:g} s")
    with running([path]) as server:
        burst = run(_at_once(server, STEADY, 300))
        said = [connection.said() for connection in run(_loops(server))]
    wrong = [one for one in [*burst, *said] if one.status != 200 or one.finish is None or one.error]
    figures.expect("each got a whole text", not wrong, _failures(wrong))
    late_ones = [one.first for one in said if one.began > said[0].began + 1]  # the first second is a burst
    figures.tell("first character of all that ask at once", milliseconds([one.first for one in burst]))
    figures.tell("first character", milliseconds(late_ones))
    figures.hold("first character, p99", late(late_ones), most=100, unit="ms")
    figures.tell("characters/s of all together", f"{sum(len(one.text) for one in said) / SECONDS:,.0f}")


def _failures(wrong: list[Said]) -> str:
    if not wrong:
        return ""
    return f"({len(wrong):,} did not: status {wrong[0].status}, {wrong[0].counts[-1:]} characters, {wrong[0].error})"
