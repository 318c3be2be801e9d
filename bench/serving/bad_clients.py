"""Clients that are slow, never read, or go away: what it costs the others, and whether anything is left of them."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from clients import completion, connect, run
from figures import Figures, late, milliseconds
from serving import Server, eventually, request, reset, running

SLOW = 200  # clients of each slow kind
SETTLING, MEASURED, FEWEST = 40.0, 12.0, 400  # seconds at most until all is steady, of measuring, requests at least
LONG = 100_000  # tokens of a text that nobody waits for
LEFT, RESETS = 30, 1000  # clients that go away in the middle and are watched, and that come and go
GAUGE = "longhand_streams_writing"


async def short_texts(server: Server, payload: bytes, seconds: float, fewest: int = 0) -> list[float]:
    """Ask for a short text again and again, and return how long each took."""
    took: list[float] = []
    ended = time.perf_counter() + seconds
    while time.perf_counter() < ended or len(took) < fewest:
        connection = await connect(server, payload)
        await connection.over
        if connection.said().status != 200:
            took.append(float("inf"))
            await asyncio.sleep(0.05)
            continue
        took.append(time.perf_counter() - connection.began)
    return took


class SlowSender:
    """Sends the beginning of a request at once, then one byte a second, and comes again when it is sent away."""

    def __init__(self, server: Server, quickly: bytes, slowly: bytes) -> None:
        self._server, self._quickly, self._slowly = server, quickly, slowly
        self.sent_away = 0
        self.answers: set[bytes] = set()

    async def run(self, delay: float) -> None:
        """Go on until it is cancelled."""
        await asyncio.sleep(delay)
        while True:
            with suppress(OSError):
                await self._once()
            self.sent_away += 1
            await asyncio.sleep(1)

    async def _once(self) -> None:
        reader, writer = await asyncio.open_connection(self._server.host, self._server.port)
        answer = asyncio.ensure_future(reader.read(200))
        try:
            writer.write(self._quickly)
            for byte in self._slowly:
                writer.write(bytes([byte]))
                done, _ = await asyncio.wait([answer], timeout=1)
                if done:
                    self.answers.add(answer.result().split(b"\r\n")[0])
                    return
        finally:
            answer.cancel()
            writer.transport.abort()


def _readers(server: Server, name: str) -> list[socket.socket]:
    """Return connections that asked for long texts and read none of it."""
    found = []
    for seed in range(SLOW):
        one = server.connect(receive=4096)
        one.sendall(completion(name, max_tokens=LONG, logprobs=5, stream=True, seed=seed))
        found.append(one)
    return found


async def _until_steady(server: Server, payload: bytes, usual: float) -> list[float]:
    """Ask until it takes no longer than usual (seconds, in the middle): buffers of those who never read are full."""
    took: list[float] = []
    ended = time.perf_counter() + SETTLING
    while time.perf_counter() < ended:
        part = await short_texts(server, payload, 1.0)
        took += part
        if np.median(part) < 1.5 * usual:
            break
    return took


async def _among_slow(
    server: Server, name: str, good: bytes, usual: float
) -> tuple[list[float], list[float], list[SlowSender]]:
    """Return how long good requests take as the slow come, and once these are there."""
    body, head = b"a" * 4000, b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Filler: "
    asked = request("POST", "/v1/completions", {"model": name, "prompt": body.decode()}).split(body)[0]
    senders = [SlowSender(server, asked if number % 2 else head, body) for number in range(SLOW)]
    tasks = [asyncio.ensure_future(sender.run(number / SLOW)) for number, sender in enumerate(senders)]
    transient = await _until_steady(server, good, usual)
    steady = await short_texts(server, good, MEASURED, FEWEST)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return transient, steady, senders


def slow(path: Path, figures: Figures) -> None:
    """Measure what those cost who send a byte a second, and those who never read."""
    figures.part("slow", f"{SLOW} that send a byte a second, {SLOW} that never read, and one good client")
    with running([path]) as server:
        name = server.model
        good = completion(name, max_tokens=20, seed=1, stream=True)
        run(short_texts(server, good, 1.0, 50))
        baseline, idle = run(short_texts(server, good, 4.0, FEWEST)), server.memory()
        readers = _readers(server, name)
        transient, steady, senders = run(_among_slow(server, name, good, float(np.median(baseline))))
        among = server.memory()
        taken = server.gauge(GAUGE)
        for one in readers:
            reset(one)
        free = eventually(lambda: server.gauge(GAUGE) == 0, 5)
        after, left = run(short_texts(server, good, 4.0, FEWEST)), server.memory()
    figures.tell("a short text, before", milliseconds(baseline))
    figures.tell(f"until all is steady ({sum(transient):.0f} s)", milliseconds(transient))
    figures.tell("then", milliseconds(steady))
    figures.tell("after they left", milliseconds(after))
    usual = min(late(baseline), late(after))  # the better of both: a noise of the machine's is no excuse
    figures.hold("p99 among them against p99 without", late(steady) / usual, most=2, unit="times")
    away = sum(sender.sent_away for sender in senders)
    answers = sorted(set().union(*(sender.answers for sender in senders)))
    figures.tell("slow senders that were sent away", f"{away} {answers}")
    figures.tell("streams taken among the slow", f"{taken:g}")
    figures.hold("memory that they took", (among - idle) / 1e6, most=200, unit="MB")
    figures.expect("every stream is free after them", free)
    figures.hold("memory that stayed", (left - idle) / 1e6, most=100, unit="MB")


def _until_free(server: Server) -> float:
    """Return seconds until no stream is taken."""
    began = time.perf_counter()
    eventually(lambda: server.gauge(GAUGE) == 0, 20, every=0.001)
    return time.perf_counter() - began


def leaving(path: Path, figures: Figures) -> None:
    """Measure how long those hold a stream who go away in the middle of their text."""
    figures.part("leaving", f"{LEFT} clients that go away in the middle, of each kind; {RESETS:,} that come and go")
    with running([path]) as server:
        name = server.model
        for kind, streamed, abruptly in (
            ("streams, closes", True, False),
            ("streams, resets", True, True),
            ("waits, closes", False, False),
        ):
            took, seen = [], 0
            for seed in range(LEFT):
                one = server.connect()
                one.sendall(completion(name, max_tokens=LONG, logprobs=2, stream=streamed, seed=seed))
                seen += eventually(lambda: server.gauge(GAUGE) == 1, 2, every=0.001)
                (reset if abruptly else socket.socket.close)(one)
                took.append(_until_free(server))
            figures.expect(f"{kind}: was being written", seen == LEFT, f"({seen} of {LEFT})")
            figures.tell(f"{kind}: its stream is free after", milliseconds(took))
            figures.hold(f"{kind}: the longest", max(took) * 1000, most=100, unit="ms")
        memory = [_come_and_go(server, name, count) for count in (RESETS // 5, RESETS)]
        figures.expect("every stream is free after resets", eventually(lambda: server.gauge(GAUGE) == 0, 5))
        figures.hold(f"memory of {RESETS:,} more resets", (memory[1] - memory[0]) / 1e6, most=8, unit="MB")


def _come_and_go(server: Server, name: str, count: int) -> int:
    """Connect, ask, and reset so often, now and then in the middle of the request; return the memory then."""
    for number in range(count):
        payload = completion(name, max_tokens=LONG, stream=True, seed=number)
        one = server.connect()
        one.sendall(payload if number % 3 else payload[: number % len(payload)])
        if number % 3 == 1:
            one.recv(1)
        reset(one)
    eventually(lambda: server.gauge(GAUGE) == 0, 10)
    return server.memory()
