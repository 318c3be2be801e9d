"""HTTP as no client should send it: what it costs the server, and what the others notice of it."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from serving import Server, eventually, request, running, tiny
from striking import responses

from longhand.config import ServingConfig
from longhand.serving.routes import application
from longhand.serving.service import Service

MEGABYTE = 1 << 20
CHUNKED = (
    b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tiny(tmp_path_factory.mktemp("models"))) as started:
        yield started


def answer_of(server: Server, *parts: bytes) -> list[tuple[int, str, bytes]]:
    """Send parts one after another, and return the answers that come until the connection closes."""
    with server.connect(timeout=10) as connection:
        with suppress(OSError):  # it may be closed before everything is sent
            for part in parts:
                connection.sendall(part)
        data = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                data += part
    return responses(data)


ENDLESS = {
    "trailers": (CHUNKED + b"0\r\n", b"A: b\r\n" * 10_000),
    "one trailer": (CHUNKED + b"0\r\nA: ", b"a" * 65_536),
    "trailers of a GET": (GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n" * 10_000),
    "a chunk extension": (CHUNKED + b"1;", b"a" * 65_536),
    "extensions of chunks": (CHUNKED, (b"1;" + b"a" * 100 + b"\r\n \r\n") * 1000),
    "tiny chunks": (CHUNKED, b"1\r\n \r\n" * 10_000),
    "empty lines": (b"", b"\r\n" * 30_000),
    "empty lines after an answer": (GET, b"\r\n" * 30_000),
    "further requests": (GET, GET * 2000),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_connection_with_endless_bytes_that_are_not_body_is_cut_off(kind: str, server: Server) -> None:
    first, more = ENDLESS[kind]
    before, sent, cut = server.memory(), 0, False
    with server.connect(timeout=10) as connection:
        connection.sendall(first)
        try:
            while sent < 48 * MEGABYTE:  # the kernels' buffers take some megabytes
                connection.sendall(more)
                sent += len(more)
        except OSError:
            cut = True
    assert cut
    assert server.memory() - before < 16 * MEGABYTE


@pytest.mark.parametrize("kind", ["trailers", "a chunk extension", "tiny chunks"])
def test_a_client_that_sends_too_much_that_is_not_body_is_told_so(kind: str, server: Server) -> None:
    first, more = ENDLESS[kind]
    ((status, _, body),) = answer_of(server, first, more * 8)
    assert status == 400
    assert "larger chunks" in json.loads(body)["error"]["message"]


def test_a_request_with_too_many_headers_is_refused(server: Server) -> None:
    ((status, _, body),) = answer_of(server, GET[:-2], b"A: b\r\n" * 5000 + b"\r\n")
    assert status == 431
    assert "headers" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_body_may_come_in_small_chunks_with_extensions_and_trailers(size: int, server: Server) -> None:
    body = json.dumps({"model": "tiny", "prompt": "a" * 5000, "max_tokens": 1}).encode()
    parts = [body[place : place + size] for place in range(0, len(body), size)]
    chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nHost: evil\r\nA: b\r\n\r\n"
    ((status, _, _),) = answer_of(server, CHUNKED[:-2] + b"Connection: close\r\n\r\n" + chunks)
    assert status == 200


def test_what_follows_a_request_does_not_disturb_its_answer(server: Server) -> None:
    asked = request("POST", "/v1/completions", {"model": "tiny", "max_tokens": 3000, "stream": True})
    for junk in (b"\0\1\2\3", b"GET / HTTP/9.9\r\n\r\n", GET * 3):
        with server.connect(timeout=20) as connection:
            connection.sendall(asked)
            data = connection.recv(100)
            connection.sendall(junk)
            while part := connection.recv(65_536):
                data += part
        status, _, body = responses(data)[0]  # on a busy machine it may be over before the junk comes
        assert status == 200
        assert body.endswith(b"data: [DONE]\n\n")


def test_a_body_does_not_stay_in_memory_while_its_text_is_written(server: Server) -> None:
    fields = json.dumps({"model": "tiny", "max_tokens": 100_000, "stream": True, "logprobs": 5}).encode()
    asked = request("POST", "/v1/completions", fields.ljust(3_900_000))
    before = server.memory()
    with ExitStack() as stack:
        for _ in range(12):
            connection = stack.enter_context(server.connect(receive=4096))
            connection.sendall(asked)
            assert connection.recv(10)
        assert server.memory() - before < 24 * MEGABYTE
    assert eventually(lambda: server.gauge("longhand_streams_writing") == 0)


def test_connections_that_ask_for_nothing_keep_nobody_out(tmp_path: Path) -> None:
    with running(tiny(tmp_path), files=128) as server, ExitStack() as stack:
        silent = [stack.enter_context(server.connect()) for _ in range(200)]
        for connection in silent:
            with suppress(OSError):
                connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(20):
            assert server.get("/health").status == 200
        kept = http.client.HTTPConnection(server.host, server.port, timeout=10)
        with closing(kept):
            for _ in range(3):
                kept.request("GET", "/health")
                assert kept.getresponse().read().startswith(b'{"status":"ok"')


async def status_of(app: Any, body: list[bytes], client: str) -> int:
    """Return the status of a POST whose body ends with the last part; b"" never comes."""
    statuses: list[int] = []
    left = list(body)

    async def receive() -> Any:
        part = left.pop(0)
        if not part:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": headers, "client": (client, 1)}
    await app({**scope, "query_string": b"", "root_path": "", "app": app}, receive, send)
    return statuses[0]


def test_bodies_that_do_not_end_keep_no_other_request_out() -> None:
    async def ask() -> list[int]:
        app = application(Service({}, {}, ServingConfig()))
        part = b" " * 3_999_999
        stalled = [asyncio.create_task(status_of(app, [part, b""], "10.0.0.1")) for _ in range(64)]
        await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        statuses = [
            await status_of(app, [b"x"], "10.0.0.1"),
            await status_of(app, [b"x" * 30_000, b"x"], "10.0.0.1"),
            await status_of(app, [b"x" * 3_000_000, b"x" * 900_000], "10.0.0.2"),
        ]
        for task in stalled:
            task.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)
        return statuses

    assert asyncio.run(ask()) == [400, 400, 400]  # no JSON: they were read
