"""Sends hostile requests, many at a time, and judges what comes back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from hostile import Attack, Target
from serving import Server

PATIENCE = 20.0  # seconds within which everything is answered


@dataclass(frozen=True)
class Struck:
    """What came back: all bytes, whether the connection was closed from over there, and after how many seconds."""

    attack: Attack
    data: bytes
    closed: bool
    seconds: float


async def strike(server: Server, attack: Attack) -> Struck:
    """Send it, and wait for the end of what comes back, or as long as this client stays."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(server.host, server.port)
    came, closed = bytearray(), False

    async def send() -> None:
        with suppress(OSError):
            writer.write(attack.payload)
            await writer.drain()

    async def receive() -> bool:
        with suppress(OSError):
            while data := await reader.read(65_536):
                came.extend(data)
        return True

    sending = asyncio.ensure_future(send())
    with suppress(asyncio.TimeoutError):
        closed = await asyncio.wait_for(receive(), PATIENCE if attack.patience is None else attack.patience)
    sending.cancel()
    writer.transport.abort()
    return Struck(attack, bytes(came), closed, time.monotonic() - began)


async def strikes(server: Server, attacks: Iterable[Attack], at_once: int = 16) -> list[Struck]:
    """Send all of them, so many at the same time."""
    left = iter(attacks)

    async def client() -> list[Struck]:
        return [await strike(server, attack) for attack in left]

    return [struck for each in await asyncio.gather(*(client() for _ in range(at_once))) for struck in each]


def problems(struck: Struck) -> list[str]:
    """Return what is wrong with what came back."""
    attack, wrong = struck.attack, []
    if attack.patience is None and not struck.closed:
        wrong.append(f"still waiting after {struck.seconds:.0f} s; came: {struck.data[-200:]!r}")
    answers = responses(struck.data)
    if attack.http and not answers and attack.patience is None:
        wrong.append("closed without an answer")
    if len(answers) > attack.answers:
        wrong.append(f"{len(answers)} answers to {attack.answers}: {struck.data[:2000]!r}")
    for status, kind, body in answers:
        said = f"{status} {body[:300]!r}"
        if status >= 500 or b'"server_error"' in body or b"Traceback" in body:
            wrong.append(f"the server's failure: {said}")
        elif attack.refused and not 400 <= status < 500:
            wrong.append(f"not refused: {said}")
        elif status >= 400 and attack.http and not _is_error(kind, body):
            wrong.append(f"an error of another shape: {said} ({kind})")
    return wrong


def responses(data: bytes) -> list[tuple[int, str, bytes]]:
    """Return status, type and body of each response in what came over one connection, but those of 1xx."""
    found = []
    while data.startswith(b"HTTP/"):
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        status = int(lines[0].split(" ")[1])
        if status < 200:
            continue
        if headers.get("transfer-encoding") == "chunked":
            body, data = _unchunked(data)
        else:
            length = int(headers.get("content-length", len(data)))
            body, data = data[:length], data[length:]
        found.append((status, headers.get("content-type", ""), body))
    return found


def _unchunked(data: bytes) -> tuple[bytes, bytes]:
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        body, data = body + data[:count], data[count + 2 :]
        if not count:
            break
    return body, data


def _is_error(kind: str, body: bytes) -> bool:
    """Return whether it is an error as all of ours are."""
    try:
        error = json.loads(body)["error"]
        whole = {"message": error["message"], "type": error["type"], "param": error["param"], "code": error["code"]}
    except (ValueError, KeyError, TypeError):
        return False
    return kind.startswith("application/json") and whole == error and isinstance(error["message"], str)


def target(server: Server) -> Target:
    """Return what to strike: the first model, with a state of it, and one of the second if there is one."""
    names = [one["id"] for one in server.get("/v1/models").json["data"]]
    states = [
        server.complete(model=name, prompt="a", max_tokens=3, seed=1, return_state=True)["choices"][0]["state"]
        for name in names[:2]
    ]
    return Target(names[0], *states)


def reference(server: Server) -> str:
    """Return a text that is the same as long as nothing is broken."""
    text: str = server.complete(prompt="a", max_tokens=300, seed=7)["choices"][0]["text"]
    return text
