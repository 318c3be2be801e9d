"""uvicorn's protocol on httptools, with limits to what it lets pass: headers of any size, sent in any time."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from longhand.serving.guard import HEADERS
from longhand.serving.problems import ApiError

MOST_HEAD = 65_536  # bytes of a request line and headers
HEAD_SECONDS = 15.0  # in which they have to come
SEND_BUFFER = 32_768  # bytes of an answer that the system keeps for who does not read it
HIGH_WATER = 16_384  # the same, here


def limited(send_seconds: float) -> type[LimitedProtocol]:
    """Return the protocol that cuts off who reads nothing for so long."""
    return type("LimitedProtocol", (LimitedProtocol,), {"send_seconds": send_seconds})


class LimitedProtocol(HttpToolsProtocol):
    """A connection."""

    send_seconds = 60.0
    _head, _in_head, _upgrading, _ignoring = 0, True, False, False
    _deadline: asyncio.TimerHandle | None = None
    _cutting: asyncio.TimerHandle | None = None
    _unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=HIGH_WATER)
        found: Any = transport.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._stop_waiting()
        self._stop_cutting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait until what has been sent is read, if that happens at all."""
        super().pause_writing()
        self._cut_off_later()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._stop_cutting()
        super().resume_writing()

    def _cut_off_later(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._cutting = self.loop.call_later(self.send_seconds, self._cut_off)

    def _cut_off(self) -> None:
        """Close the connection of who has read nothing for so long."""
        if self.transport.get_write_buffer_size() < self._unread:
            self._cut_off_later()
        else:
            self.transport.abort()

    def _stop_cutting(self) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
            self._cutting = None

    def data_received(self, data: bytes) -> None:
        """Take what came, if it is not too much before anything is known of the request."""
        if self._ignoring:
            return
        if self._in_head:
            self._head += len(data)
            if self._head > MOST_HEAD and not self.transport.is_closing():
                self._parse(data[:MOST_HEAD])
                if self._in_head and not self.transport.is_closing():
                    self._refuse(431, f"a request's line and headers have {MOST_HEAD:,} bytes at most")
                    return
                data = data[MOST_HEAD:]
        if self.parser is not None and not self.transport.is_closing():
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Let the parser read on."""
        self._unset_keepalive_if_required()
        while data:
            data = self._parsed(data)

    def _parsed(self, data: bytes) -> bytes:
        """Let the parser read on, and return what it is to read then (`_without_upgrade`)."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade() + data[upgrade.args[0] :] if self._upgrading else b""
        except httptools.HttpParserError:
            self.send_400_response("this is no HTTP request")
        return b""

    def _without_upgrade(self) -> bytes:
        """Return the head of a request without its wish for another protocol, and begin to read it anew.

        Clients of Java, and curl --http2, ask for h2c; who does not speak it answers as if they had not (RFC 9110,
        7.8). The parser would take what follows the head for that protocol, where it is the body.
        """
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join([*lines, b"", b""])

    def on_message_begin(self) -> None:
        """Begin a request; one that does not wait for the answer to the one before is not answered.

        While it lay here nobody would read on, and so not see the client go away (clients may have to ask again on
        another connection: RFC 9112, 9.3.2).
        """
        if self.cycle is not None and not self.cycle.response_complete and not self._upgrading:
            self._ignoring, self.cycle.keep_alive = True, False
            return
        super().on_message_begin()
        self._in_head = True
        if self._deadline is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Begin a request's body."""
        if self._ignoring:
            return
        self._head, self._in_head = 0, False
        self._stop_waiting()
        self._upgrading = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if not self._upgrading:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request's body."""
        if self._ignoring:
            return
        self._stop_waiting()
        if not self._upgrading:
            super().on_message_complete()

    def on_url(self, url: bytes) -> None:
        """Take a part of a request's line."""
        if not self._ignoring:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if not self._ignoring:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        if not self._ignoring:
            super().on_body(body)

    def on_response_complete(self) -> None:
        """Go on after an answer; of a body that was refused the rest is passed over, if it comes in time."""
        super().on_response_complete()
        if self.cycle.more_body and self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(408, f"the headers took over {HEAD_SECONDS:g} s to come")

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is no request that could be given to the application, and close the connection."""
        body = ApiError(status, message).body
        lines = [f"HTTP/1.1 {status} Refused", "content-type: application/json", f"content-length: {len(body)}"]
        lines += [f"{name.decode()}: {value.decode()}" for name, value in HEADERS]
        self.transport.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + body)
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, msg)
