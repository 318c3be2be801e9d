"""One connection, without a network: what it may make the server do, and when it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from striking import responses
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from longhand.serving.connections import Connections
from longhand.serving.protocol import (
    HEAD_SECONDS,
    LINGER_SECONDS,
    MAX_DISCARDED_BYTES,
    MAX_FRAMING_BYTES,
    MAX_HEADERS,
    limited,
)

SEND_SECONDS = 60.0
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


class Transport:
    """What a protocol writes to, and how it was closed."""

    def __init__(self) -> None:
        self.written, self.unread = b"", 0
        self.closed = self.aborted = self.ended = False
        self.reading = True

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.unread

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("10.0.0.1", 1), "sockname": ("10.0.0.2", 80)}.get(name)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer GET at once, and anything else when all of it is here."""
    while scope["method"] != "GET" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok", "more_body": False})


class Connected:
    """A connection with a protocol, and the timers that this has set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, registry: Connections) -> None:
        self.timers: list[tuple[float, Callable[[], None]]] = []
        loop = asyncio.get_running_loop()

        def call_later(seconds: float, callback: Callable[[], None], *_: Any) -> Any:
            self.timers.append((seconds, callback))
            return loop.call_at(loop.time() + 3600, lambda: None)

        monkeypatch.setattr(loop, "call_later", call_later)
        config = uvicorn.Config(app, http=limited(SEND_SECONDS, registry), ws="none", log_config=None)
        config.load()
        state = ServerState()
        self.protocol: Any = config.http_protocol_class(config=config, server_state=state, app_state={}, _loop=loop)  # type: ignore[call-arg]
        self.transport = Transport()
        transport: Any = self.transport
        self.protocol.connection_made(transport)

    async def send(self, data: bytes) -> None:
        self.protocol.data_received(data)
        for _ in range(10):
            await asyncio.sleep(0)

    def statuses(self) -> list[int]:
        return [status for status, _, _ in responses(self.transport.written)]


Test = Callable[[Connected], Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Test], None]:
    def runner(test: Test) -> None:
        async def start() -> None:
            await test(Connected(monkeypatch, Connections(100)))

        asyncio.run(start())

    return runner


def test_a_head_may_have_so_many_bytes_and_headers_and_no_more(run: Callable[[Test], None]) -> None:
    async def fits(connected: Connected) -> None:
        for _ in range(2):
            head = GET[:-2] + b"A: " + b"a" * (MAX_FRAMING_BYTES - len(GET) - 5) + b"\r\n\r\n"
            assert len(head) == MAX_FRAMING_BYTES
            await connected.send(head)
        assert connected.statuses() == [200, 200]

    async def more(connected: Connected) -> None:
        await connected.send(GET[:-2] + b"A: " + b"a" * (MAX_FRAMING_BYTES - len(GET) - 3) + b"\r\n\r\n")
        assert connected.statuses() == [431]

    async def headers(connected: Connected) -> None:
        await connected.send(GET[:-2] + b"A: b\r\n" * (MAX_HEADERS - 1) + b"\r\n")
        await connected.send(GET[:-2] + b"A: b\r\n" * MAX_HEADERS + b"\r\n")
        assert connected.statuses() == [200, 431]

    for test in (fits, more, headers):
        run(test)


def test_a_refused_client_may_read_the_answer_and_send_no_more_than_a_little(run: Callable[[Test], None]) -> None:
    async def test(connected: Connected) -> None:
        await connected.send(POST + b"1;" + b"a" * 70_000)
        assert connected.statuses() == [400]
        assert connected.transport.ended
        assert not connected.transport.closed
        assert LINGER_SECONDS in [seconds for seconds, _ in connected.timers]
        for _ in range(MAX_DISCARDED_BYTES // 250_000):
            assert not connected.transport.closed
            await connected.send(b"a" * 250_000)
        assert connected.transport.aborted
        assert connected.statuses() == [400]

    run(test)


def test_what_comes_behind_a_request_is_not_read_without_end(run: Callable[[Test], None]) -> None:
    async def test(connected: Connected) -> None:
        await connected.send(POST + b"1\r\n{\r\n")  # it waits for the rest
        connected.protocol.data_received(b"0\r\n\r\n" + GET * 1000)
        for _ in range(MAX_DISCARDED_BYTES // 250_000 + 1):
            connected.protocol.data_received(b"a" * 250_000)
        assert connected.transport.aborted

    run(test)


def test_chunks_are_put_together_before_anything_is_done_with_them(
    run: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def on_body(_: Any, body: bytes) -> None:
        seen.append(len(body))

    async def test(connected: Connected) -> None:
        monkeypatch.setattr(HttpToolsProtocol, "on_body", on_body)
        await connected.send(POST)
        await connected.send(b"5\r\n     \r\n" * 25_000)
        assert sum(seen) == 5 * 25_000
        assert len(seen) < 8

    run(test)


def test_an_address_that_floods_is_read_less_often(run: Callable[[Test], None]) -> None:
    async def test(connected: Connected) -> None:
        await connected.send(POST)
        connected.protocol.pacing.charge("10.0.0.1", 0.1)
        await connected.send(b"5\r\n     \r\n" * 10)
        assert connected.transport.reading  # that was not much
        await connected.send(b"5\r\n     \r\n" * 10_000)
        assert not connected.transport.reading
        seconds, read_on = connected.timers[-1]
        assert 0.3 < seconds < 5
        connected.protocol.flow.resume_reading()  # as uvicorn does when the body is taken
        assert not connected.transport.reading
        read_on()
        assert connected.transport.reading

    run(test)


def test_an_address_that_floods_gets_no_connections_without_end(
    run: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longhand.serving.protocol.MAX_PAUSED_CONNECTIONS", 1)

    async def test(connected: Connected) -> None:
        first = connected.protocol

        def connect() -> Transport:
            transport: Any = Transport()
            type(first)(config=first.config, server_state=ServerState(), app_state={}).connection_made(transport)
            return transport  # type: ignore[no-any-return]

        assert not connect().aborted
        first.pacing.charge("10.0.0.1", 1.0)
        assert connect().aborted
        assert not connected.transport.aborted

    run(test)


def test_bytes_between_requests_start_the_time_of_a_head(run: Callable[[Test], None]) -> None:
    async def test(connected: Connected) -> None:
        await connected.send(GET)
        before = len(connected.timers)
        await connected.send(b"\r\n")
        await connected.send(b"\r\n")
        ((seconds, refuse),) = connected.timers[before:]
        assert seconds == HEAD_SECONDS
        refuse()
        assert connected.statuses() == [200, 408]
        assert connected.transport.ended

    run(test)


def test_a_client_that_leaves_the_end_of_an_answer_unread_is_cut_off(run: Callable[[Test], None]) -> None:
    async def test(connected: Connected) -> None:
        connected.transport.unread = 100  # less than stops the server from writing
        await connected.send(GET[:-2] + b"Connection: close\r\n\r\n")
        assert connected.transport.closed
        assert not connected.transport.aborted
        cut_off = next(callback for seconds, callback in connected.timers if seconds == SEND_SECONDS)
        cut_off()
        assert connected.transport.aborted

    run(test)


def test_a_connection_is_idle_until_a_head_is_complete(run: Callable[[Test], None]) -> None:
    async def test(connected: Connected) -> None:
        def idle() -> Any:
            (client,) = connected.protocol.registry._clients.values()
            return client.idle.get(connected.protocol)

        assert idle() == 0
        await connected.send(GET[:10])
        assert idle() == 10
        connected.protocol.data_received(GET[10:])
        assert idle() is None
        await connected.send(b"")
        assert idle() == 0
        connected.protocol.connection_lost(None)
        assert len(connected.protocol.registry) == 0

    run(test)
