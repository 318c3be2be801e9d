"""Request bodies: how fast they have to come, and how much memory all of them may take until they are parsed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

from starlette.types import Receive, Scope

from longhand.config import ServingConfig
from longhand.serving.addresses import client_network
from longhand.serving.problems import ApiError
from longhand.serving.request import BusyError

BODY = "longhand.body"  # where a scope has a request's body
TOTAL_BYTES = 256_000_000  # of all bodies; with a large --body, four times that
SMALL_BYTES = 65_536  # up to which bodies have a reserve, a quarter of the total, that larger ones cannot fill
MIN_BYTES_PER_SECOND = 240  # the limit of ASP.NET Core's server; a telephone modem is ten times faster
WINDOW_SECONDS = 10.0  # in each of which a body has to come at that rate

STALLED_SECONDS = 1.0  # without a byte, after which a body is not expected to end
SAMPLE = 64  # bodies that are looked at to tell a client when to come back


class SharedRoom:
    """Memory that addresses share: none may hold more than what is still free.

    So one address alone gets half of it, two get a third each, and some is always left for the next one. Network
    switches share their packet buffers in this way (dynamic thresholds).
    """

    def __init__(self, total: int) -> None:
        self._free = total
        self._held: dict[str, int] = {}

    def take(self, address: str, count: int) -> bool:
        """Take some bytes; return whether there was room."""
        if not count:
            return True
        held = self._held.get(address, 0) + count
        if held > self._free:
            return False
        self._held[address] = held
        self._free -= count
        return True

    def give_back(self, address: str, count: int) -> None:
        """Give some bytes back."""
        if count:
            self._free += count
            self._held[address] -= count
            if not self._held[address]:
                del self._held[address]


class Body:
    """A request's body. It holds its memory until it is released.

    - small, large: the room that it takes while it is small, and after that
    - expected: its length in bytes, or the most that it may be
    """

    def __init__(self, small: SharedRoom, large: SharedRoom, address: str, expected: int, began: float) -> None:
        self._small, self._large, self.address, self._expected = small, large, address, expected
        self.began = self.window_began = self.last_came = began
        self.data, self.size, self.window_size = b"", 0, 0
        self._held_small, self._held_large = 0, 0

    @property
    def holds_room(self) -> bool:
        """Whether others may get room when this one ends."""
        return bool(self._held_small or self._held_large)

    def take_room(self) -> bool:
        """Take room for as many bytes as there are now; return whether there was any."""
        if self.size <= SMALL_BYTES:
            if not self._small.take(self.address, self.size - self._held_small):
                return False
            self._held_small = self.size
            return True
        if not self._large.take(self.address, self.size - self._held_large):
            return False
        self._held_large = self.size
        self._small.give_back(self.address, self._held_small)
        self._held_small = 0
        return True

    def release(self) -> None:
        """Give the room back, and forget the bytes."""
        self._small.give_back(self.address, self._held_small)
        self._large.give_back(self.address, self._held_large)
        self._held_small, self._held_large, self.data = 0, 0, b""

    def seconds_left(self, now: float, limit: float) -> float:
        """Estimate when the body is whole, or cut off."""
        if now > self.last_came + STALLED_SECONDS:
            return self.window_began + WINDOW_SECONDS - now
        rate = self.size / max(now - self.began, 0.001)
        return min(self.began + limit - now, (self._expected - self.size) / rate)


class Bodies:
    """Reads bodies, and keeps account of the memory that they take."""

    def __init__(
        self, limits: ServingConfig, clock: Callable[[], float] = time.monotonic, total: int = TOTAL_BYTES
    ) -> None:
        total = max(total, 4 * limits.body)
        self._small, self._large = SharedRoom(total // 4), SharedRoom(total - total // 4)
        self._max_bytes, self._seconds, self._clock = limits.body, limits.body_seconds, clock
        self._coming: dict[str, dict[Body, None]] = {}  # by address: those that are not complete

    async def read(self, scope: Scope, receive: Receive) -> Body:
        """Read a request's body; the caller has to release it.

        Raises `ApiError` if it is too large or too slow, or if the client disconnects; `BusyError` if there is no room.
        """
        length = _content_length(scope)
        if length is not None and length > self._max_bytes:
            raise self._too_large()
        address = client_address(scope)
        expected = self._max_bytes if length is None else length
        body = Body(self._small, self._large, address, expected, self._clock())
        if length is None and not any(name == b"transfer-encoding" for name, _ in scope["headers"]):
            return body
        self._coming.setdefault(address, {})[body] = None
        try:
            await self._fill(body, receive)
        except BaseException:
            body.release()
            raise
        finally:
            del self._coming[address][body]
            if not self._coming[address]:
                del self._coming[address]
        return body

    async def _fill(self, body: Body, receive: Receive) -> None:
        data, more = bytearray(), True
        while more:
            patience = min(body.window_began + WINDOW_SECONDS, body.began + self._seconds) - self._clock()
            with suppress(asyncio.TimeoutError):
                message = await asyncio.wait_for(receive(), max(patience, 0.001))
                if message["type"] == "http.disconnect":
                    raise ApiError(400, "the request was not finished")
                part, more = message.get("body", b""), message.get("more_body", False)
                body.size += len(part)
                body.last_came = self._clock() if part else body.last_came
                if body.size > self._max_bytes:
                    raise self._too_large()
                small_and_whole = not more and body.size <= SMALL_BYTES  # it is parsed at once, and needs no room
                if not small_and_whole and not body.take_room():
                    raise BusyError(0, self._seconds_until_room(body.address), why="too many large requests come in")
                data += part
            if more:
                self._check_rate(body)
        body.data = bytes(data)

    def _seconds_until_room(self, address: str) -> float:
        """Estimate when a body ends that holds room: one of the same address, if it has any."""
        own = list(islice(self._coming[address], SAMPLE))
        others = [body for bodies in self._coming.values() for body in islice(bodies, 1)]
        now = self._clock()
        for bodies in (own, others):
            if ends := [body.seconds_left(now, self._seconds) for body in bodies if body.holds_room]:
                return float(max(1, math.ceil(min(ends))))
        return 1.0

    def _check_rate(self, body: Body) -> None:
        """Raise `ApiError` if a body comes too slowly."""
        now = self._clock()
        if now >= body.began + self._seconds:
            raise ApiError(408, f"the body took over {self._seconds:g} s to come", code="slow")
        if now >= body.window_began + WINDOW_SECONDS:
            if body.size - body.window_size < MIN_BYTES_PER_SECOND * WINDOW_SECONDS:
                raise ApiError(408, f"the body came at less than {MIN_BYTES_PER_SECOND} bytes a second", code="slow")
            body.window_began, body.window_size = now, body.size

    def _too_large(self) -> ApiError:
        return ApiError(413, f"a request has {self._max_bytes:,} bytes at most", code="too_large")


def client_address(scope: Scope) -> str:
    """Return the address that a request comes from, as far as a trusted proxy says; an IPv6 client's network."""
    return client_network(scope["client"][0]) if scope.get("client") else ""


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return None
