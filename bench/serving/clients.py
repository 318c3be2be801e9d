"""Clients that cost little: they share the machine with the server that they measure.

A connection keeps what comes with the time at which it came; it is taken apart and counted when all is over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec
from serving import Server, request

T = TypeVar("T")
END = b"\r\n0\r\n\r\n"  # of a body in chunks


class Choice(msgspec.Struct):
    """What of a chunk is counted."""

    text: str = ""
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    """One event of a stream."""

    choices: list[Choice] = []
    error: dict[str, Any] | None = None


@dataclass
class Said:
    """What came of a request: when it was sent, and how many characters were there at which times (seconds)."""

    began: float
    status: int
    times: list[float]
    counts: list[int]
    text: str
    finish: str | None
    error: str | None = None

    @property
    def first(self) -> float:
        """Seconds until the first character."""
        return self.times[0] - self.began if self.times else float("inf")

    @property
    def speed(self) -> float:
        """Characters a second, from the moment of asking."""
        return self.counts[-1] / (self.times[-1] - self.began) if self.counts else 0.0

    @property
    def pause(self) -> float:
        """The longest time between two pieces, in seconds."""
        return max((b - a for a, b in zip(self.times, self.times[1:], strict=False)), default=0.0)


class Connection(asyncio.Protocol):
    """Sends a request as soon as it is connected, and keeps what comes."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self.began = time.perf_counter()
        self.parts: list[tuple[float, bytes]] = []
        self.over = asyncio.get_running_loop().create_future()
        self.begun = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._payload)

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.parts.append((time.perf_counter(), data))
        if not self.begun.done():
            self.begun.set_result(None)
        if data.endswith(END[2:]) and b"".join(data for _, data in self.parts[-3:]).endswith(END):
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        """Nothing more comes."""
        self._finish()

    def _finish(self) -> None:
        for future in (self.over, self.begun):
            if not future.done():
                future.set_result(None)

    def close(self) -> None:
        """Go away."""
        if self.transport is not None:
            self.transport.close()

    def said(self) -> Said:
        """Take apart what came."""
        head, pieces = _body(self.parts)
        status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/") else 0
        said = Said(self.began, status, [], [], "", None)
        texts: list[str] = []
        for when, line in _lines(pieces):
            if not line.startswith(b"data: {"):
                continue
            chunk = msgspec.json.decode(line[6:], type=Chunk)
            said.error = str(chunk.error) if chunk.error else said.error
            for choice in chunk.choices:
                said.finish = choice.finish_reason or said.finish
                if choice.text:
                    texts.append(choice.text)
                    said.times.append(when)
                    said.counts.append(len(choice.text) + (said.counts[-1] if said.counts else 0))
        said.text = "".join(texts)
        return said


def _body(parts: list[tuple[float, bytes]]) -> tuple[bytes, Iterator[tuple[float, bytes]]]:
    """Return a response's head, and its body as it came, out of its chunks."""
    whole, rest = b"", iter(parts)
    for when, data in rest:
        whole += data
        if b"\r\n\r\n" in whole:
            head, body = whole.split(b"\r\n\r\n", 1)
            if b"transfer-encoding: chunked" in head.lower():
                return head, _chunks(when, body, rest)
            return head, iter([(when, body), *rest])
    return whole, iter(())


def _chunks(when: float, buffer: bytes, rest: Iterator[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    while True:
        size, found, after = buffer.partition(b"\r\n")
        if found and (count := int(size, 16)) + 2 <= len(after):
            if not count:
                return
            yield when, after[:count]
            buffer = after[count + 2 :]
        elif (came := next(rest, None)) is not None:
            when, buffer = came[0], buffer + came[1]
        else:
            return


def _lines(pieces: Iterator[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    left = b""
    for when, data in pieces:
        *lines, left = (left + data).split(b"\n")
        for line in lines:
            yield when, line


def completion(model: str, **fields: Any) -> bytes:
    """Return the bytes of a request for a completion."""
    return request("POST", "/v1/completions", {"model": model, **fields}, close=True)


async def connect(server: Server, payload: bytes) -> Connection:
    """Send a request; the time counts from before the connection."""
    loop = asyncio.get_running_loop()
    connection = Connection(payload)
    await loop.create_connection(lambda: connection, server.host, server.port)
    return connection


async def whole(server: Server, payload: bytes) -> Connection:
    """Send a request, and wait for all of a streamed answer."""
    connection = await connect(server, payload)
    await connection.over
    connection.close()
    return connection


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it on the quicker event loop where that is there."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)
