"""uvicorn's HTTP/1.1 protocol on httptools, with limits on what a client may send and how long it may take."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from longhand.serving.addresses import client_network
from longhand.serving.connections import Connections
from longhand.serving.guard import HEADERS
from longhand.serving.pacing import PacedFlow, Pacing
from longhand.serving.problems import BROKEN, ApiError

MAX_FRAMING_BYTES = 65_536  # of a request that are not body: its head, chunk sizes and extensions, trailers
MAX_HEADERS = 128
MAX_DISCARDED_BYTES = 1_000_000  # that are read and ignored before a connection is cut
HEAD_SECONDS = 15.0  # in which a request's head has to come
LINGER_SECONDS = 2.0  # for which a refused client may still send, so that it can read the answer
FLOOD_BYTES = 16_384  # that come at once, from which on an address is paced
MAX_PAUSED_CONNECTIONS = 1000  # of an address that is paced; it gets no further ones until it may be read
HIGH_WATER = 16_384  # bytes of an answer that are kept for a client that does not read, beside the kernel's


def limited(send_seconds: float, connections: Connections) -> type[LimitedProtocol]:
    """Return the protocol class of a server.

    - send_seconds: after which clients that read nothing are cut off
    - connections: the registry of all open connections
    """
    own = {"send_seconds": send_seconds, "registry": connections, "pacing": Pacing()}
    return type("LimitedProtocol", (LimitedProtocol,), own)


class _RequestError(Exception):
    """Stops the parser."""


class LimitedProtocol(HttpToolsProtocol):
    """A connection."""

    send_seconds: float
    registry: Connections
    pacing: Pacing
    flow: PacedFlow
    _framing = 0  # bytes that were not body, less the bytes of body that came since
    _discarded = 0
    _discarding, _upgrading, _in_head = False, False, True
    _deadline: asyncio.TimerHandle | None = None
    _cutting: asyncio.TimerHandle | None = None
    _pausing: asyncio.TimerHandle | None = None
    _unread = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        # The parser calls `on_body` for each chunk, of which a client may send a hundred thousand: it is a C function.
        self._parts: list[bytes] = []
        self.on_body = self._parts.append  # type: ignore[assignment]
        super().__init__(*args, **options)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._address = client_network(self.client[0]) if self.client else ""
        self.flow = PacedFlow(transport)
        if self.pacing.pause(self._address) and self.registry.count(self._address) >= MAX_PAUSED_CONNECTIONS:
            transport.abort()
            return
        self._await_head()
        self._pause_reading()
        self.registry.add(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self.registry.remove(self, self._address)
        self._stop_waiting()
        self._stop_cutting()
        if self._pausing is not None:
            self._pausing.cancel()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close in favour of other connections."""
        if self.cycle is None:
            self._write_error(ApiError(503, "too many connections", type=BROKEN, code="busy", retry_after=1))
            self.transport.close()
        else:
            self.transport.abort()
        self._discarding = True

    # Sending

    def pause_writing(self) -> None:
        """Stop sending until the client has read; cut it off if it never does."""
        super().pause_writing()
        self._cut_off_later()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._stop_cutting()
        super().resume_writing()

    def _cut_off_later(self) -> None:
        self._stop_cutting()
        self._unread = self.transport.get_write_buffer_size()
        self._cutting = self.loop.call_later(self.send_seconds, self._cut_off)

    def _cut_off(self) -> None:
        """Close the connection of a client that has read nothing since the last look."""
        if self.transport.get_write_buffer_size() < self._unread:
            self._cut_off_later()
        else:
            self.transport.abort()

    def _stop_cutting(self) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
            self._cutting = None

    # Receiving

    def data_received(self, data: bytes) -> None:
        """Take what came; if it is a lot, read the address's connections less often."""
        began = time.perf_counter()
        self._receive(data)
        if len(data) > FLOOD_BYTES:
            self.pacing.charge(self._address, time.perf_counter() - began)
            self._pause_reading()

    def _pause_reading(self) -> None:
        pause = self.pacing.pause(self._address)
        if pause and self._pausing is None:
            self.flow.hold(True)
            self._pausing = self.loop.call_later(pause, self._read_on)

    def _read_on(self) -> None:
        self._pausing = None
        self.flow.hold(False)

    def _receive(self, data: bytes) -> None:
        """Parse, up to the limit of what is not body."""
        self._unset_keepalive_if_required()
        if self._in_head and self._deadline is None:
            self._await_head()
        place = 0
        while place < len(data) and not self._discarding and not self.transport.is_closing():
            end = place + MAX_FRAMING_BYTES + 1 - self._framing
            self._parse(data[place:end])
            place = end
            if self._framing > MAX_FRAMING_BYTES:
                self._refuse_framing()
        if self._discarding:
            self._discard(max(0, len(data) - place))
        elif self._in_head and not self.transport.is_closing():
            self.registry.set_idle(self, self._address, self._framing)

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > MAX_DISCARDED_BYTES:
            self.transport.abort()

    def _parse(self, data: bytes) -> None:
        """Let the parser read, and pass on what it found of a body."""
        left, self._body_bytes = data, 0
        try:
            while left:
                left = self._rest_after(left)
        except httptools.HttpParserError as error:
            reason = error.__context__
            limited = isinstance(reason, _RequestError)
            self._refuse(*((431, str(reason)) if limited else (400, "this is no HTTP request")))
            return
        self._pass_on_body()
        self._framing = max(0, self._framing + len(data) - 2 * self._body_bytes)

    def _rest_after(self, data: bytes) -> bytes:
        """Let the parser read, and return what it has to read next (`_without_upgrade`)."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade() + data[upgrade.args[0] :] if self._upgrading else b""
        return b""

    def _without_upgrade(self) -> bytes:
        """Return a request's head without its wish for another protocol, and begin to read it again.

        Clients of Java, and curl --http2, ask for h2c; a server that does not speak it answers as if they had not
        (RFC 9110, 7.8). The parser would take what follows the head for that protocol, where it is the body.
        """
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join([*lines, b"", b""])

    def _pass_on_body(self) -> None:
        if self._parts:
            body = b"".join(self._parts)
            self._parts.clear()
            self._body_bytes += len(body)
            super().on_body(body)

    # What the parser finds

    def on_message_begin(self) -> None:
        """Begin a request; one that does not wait for the answer to the one before is not answered.

        While it lay here nothing would be read, so that the server would not see the client disconnect. Clients may
        have to ask again on another connection (RFC 9112, 9.3.2).
        """
        if self._is_answering() and not self._upgrading:
            raise _RequestError("one request at a time")
        super().on_message_begin()
        self._in_head, self._framing = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are dropped (RFC 9110, 6.5.1)."""
        if self._in_head:
            if len(self.headers) >= MAX_HEADERS:
                raise _RequestError(f"a request has at most {MAX_HEADERS} headers")
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin a request's body."""
        self._upgrading = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if not self._upgrading:
            self._in_head = False
            self._stop_waiting()
            self.registry.set_busy(self, self._address)
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request's body."""
        if not self._upgrading:
            self._pass_on_body()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request after an answer, or close if the rest of a refused body is still to come."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():  # the client reads slowly, and may stop
            self._cut_off_later()
        if self.transport.is_closing():
            return
        if self.cycle.more_body:
            self._linger()
        else:
            self._in_head, self._framing = True, 0
            self.registry.set_idle(self, self._address)

    # Refusing

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse_slow_head)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse_slow_head(self) -> None:
        self._refuse(408, f"the headers took over {HEAD_SECONDS:g} s to come")

    def _refuse_framing(self) -> None:
        if self._in_head:
            self._refuse(431, f"a request's line and headers have {MAX_FRAMING_BYTES:,} bytes at most")
        else:
            self._refuse(400, f"over {MAX_FRAMING_BYTES:,} bytes of chunk sizes or trailers: send larger chunks")

    def _refuse(self, status: int, message: str) -> None:
        """Answer what cannot be given to the application, and close the connection.

        If an answer has begun, or the request before is whole, that answer comes to its end first.
        """
        self._discarding = True
        self._stop_waiting()
        if self._is_answering():
            whole = not self.cycle.more_body
            self.cycle.more_body = self.cycle.keep_alive = False
            self.cycle.message_event.set()
            if whole or self.cycle.response_started:
                return
            self.cycle.disconnected = True
        if not self.transport.is_closing():
            self._write_error(ApiError(status, message))
            self._linger()

    def _write_error(self, error: ApiError) -> None:
        headers = {"content-type": "application/json", "content-length": str(len(error.body)), **error.headers}
        lines = [f"HTTP/1.1 {error.status} Refused", *(f"{name}: {value}" for name, value in headers.items())]
        lines += [f"{name.decode()}: {value.decode()}" for name, value in HEADERS]
        self.transport.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + error.body)

    def _linger(self) -> None:
        """Close once the client has closed, or soon: a client that still sends would find its answer reset."""
        self._discarding = True
        self._stop_waiting()
        self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
