"""Who may ask, and for how much: everything that is refused before anything looks into a request.

A server on this machine can be reached by every page that its browser shows. So requests have to name a host that is
ours (or a page whose name is made to point here could ask), bodies have to be JSON (which no page can send elsewhere
without being asked for leave, and none is given), and a key is demanded wherever others may come.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import socket
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longhand.config import ServingConfig
from longhand.serving.addresses import is_address, is_any
from longhand.serving.bodies import BODY, Bodies, Body, client_address
from longhand.serving.metrics import Metrics
from longhand.serving.pacing import Turns
from longhand.serving.problems import UNKNOWN_KEY, ApiError, api_error

OPEN = ("/", "/health", "/docs", "/openapi.json", "/favicon.ico")  # what is the same for everybody
OPEN_FOLDER = "/assets/"
COUNTED = (*OPEN, "/v1/completions", "/v1/models", "/v1/score", "/v1/inspect", "/v1/runs", "/metrics")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
LINGER_SECONDS = 2.0  # for which the rest of a refused request is read
LINGER_BYTES = 16_000_000  # of it that are read
REFUSAL_DELAY_SECONDS = 1.0  # before a 429 is sent: clients that ask again at once would cost others time
MAX_DELAYED_REFUSALS = 256  # more are sent at once
log = logging.getLogger("longhand.serving")


class Guard:
    """Stands before the application.

    - keys: one of which is demanded; everybody may ask where there are none
    - limits: also those of bodies, which are read here
    """

    def __init__(self, app: ASGIApp, limits: ServingConfig, keys: Sequence[bytes], metrics: Metrics) -> None:
        self._app, self._metrics, self._bodies = app, metrics, Bodies(limits)
        self._turns, self._num_delayed = Turns(), 0
        self._keys = [sha256(key).digest() for key in keys]
        self._hosts = _hosts(limits)
        self._any_address = is_any(limits.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, reading, body = 0, _Reading(receive), None

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*_unless_given(message["headers"]), *message["headers"]]}
            await send(message)

        refusal: ApiError | None = None
        try:
            try:
                self._admit(scope)
                body = scope[BODY] = await self._bodies.read(scope, reading)
                await self._turns.take(client_address(scope))
                await self._app(scope, reading, sent)
            except Exception as error:
                if status:
                    raise
                refusal = _refusal(error)
            if refusal is not None:  # outside `except`, which would keep all that the request has made in memory
                if refusal.status == 429 and self._num_delayed < MAX_DELAYED_REFUSALS:
                    await self._delay_refusal(body)
                await _refuse(refusal, sent, reading)
        except asyncio.CancelledError:  # the server ends
            if status:
                raise
            await _refuse(api_error(TimeoutError("the server ends")), sent)
        finally:
            if body is not None:
                body.release()
            self._metrics.requests.labels(_route(scope), str(status)).inc()

    async def _delay_refusal(self, body: Body | None) -> None:
        """Wait before a 429 is sent, with the body's memory given back."""
        if body is not None:
            body.release()
        self._num_delayed += 1
        try:
            await asyncio.sleep(REFUSAL_DELAY_SECONDS)
        finally:
            self._num_delayed -= 1

    def _admit(self, scope: Scope) -> None:
        """Raise `ApiError` for who may not ask, or asks in another way than is understood."""
        headers = dict(reversed(scope["headers"]))  # the first of a name counts
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            raise ApiError(400, "expected one Host header")
        if not self._is_ours(headers.get(b"host", b"").decode("latin-1")):
            raise ApiError(
                403,
                "the Host header names another server: if it is this one's name, start it with --allow-host NAME",
                code="host_not_allowed",
            )
        path = scope["path"]
        if self._keys and path not in OPEN and not path.startswith(OPEN_FOLDER):
            self._check_key(headers.get(b"authorization", b""))
        if scope["method"] == "POST":
            kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
            if kind != b"application/json":
                raise ApiError(
                    415,
                    "expected Content-Type: application/json (curl: -H 'Content-Type: application/json')",
                    code="content_type",
                )

    def _check_key(self, header: bytes) -> None:
        scheme, _, key = header.partition(b" ")
        given = sha256(key.strip()).digest()
        right = [hmac.compare_digest(given, known) for known in self._keys]  # all of them, in the same time
        if scheme.lower() != b"bearer" or not any(right):
            raise ApiError(
                401,
                "expected Authorization: Bearer KEY, with a key of this server",
                type=UNKNOWN_KEY,
                code="invalid_api_key",
            )

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host)
        if "*" in self._hosts or name in self._hosts:
            return True
        return self._any_address and is_address(name)  # no page's name can be an address


class _Reading:
    """Receives a request; `more` of it is to come."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self.more = receive, True

    async def __call__(self) -> Message:
        message = await self._receive()
        self.more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def pass_over(self, most: int) -> None:
        """Receive the rest for nothing, up to so many bytes."""
        while self.more and most > 0:
            most -= len((await self()).get("body", b""))


def _refusal(error: Exception) -> ApiError:
    """Return what is answered to an error, without the frames in which it was raised. Log defects."""
    answer = api_error(error)
    if answer.status == 500:
        log.exception("a defect: please report it")
    answer.__traceback__ = answer.__context__ = answer.__cause__ = None
    return answer


async def _refuse(error: ApiError, send: Send, reading: _Reading | None = None) -> None:
    """Answer an error; the rest of the request is read before the connection may be closed.

    A client that still sends would find it reset, and never read why. The last byte comes when that is done: a client
    that has all of an answer may send its next request.
    """
    body = error.body
    headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    if error.status == 408:  # what follows on the connection is the rest of the body
        headers["connection"] = "close"
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": listed})
    if reading is not None and reading.more and error.status != 408:  # who is too slow is not waited for
        await send({"type": "http.response.body", "body": body[:-1], "more_body": True})
        body = body[-1:]
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(reading.pass_over(LINGER_BYTES), LINGER_SECONDS)
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _unless_given(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name for name, _ in headers}
    return [(name, value) for name, value in HEADERS if name not in given]


def _route(scope: Scope) -> str:
    """Return the path that a request is counted under: one of ours, so that nobody can make up millions."""
    route: Any = scope.get("route")
    if route is not None:
        return str(route.path)
    return scope["path"] if scope["path"] in COUNTED else "other"  # it was refused before it came there


def _hosts(limits: ServingConfig) -> set[str]:
    named = {*limits.allow_host, limits.host}
    if is_any(limits.host):
        named |= {socket.gethostname()}
    return {*LOOPBACK, *map(_name_of, named)}


def _name_of(host: str) -> str:
    """Return the name in a Host header, or one that was given, as it is compared: without port, brackets and case."""
    name, colon, port = host.rpartition(":")
    if not colon or (port and not port.isdigit()) or is_address(host):
        name = host
    name = name.strip("[]").lower().rstrip(".")
    return str(ipaddress.ip_address(name)) if is_address(name) else name
