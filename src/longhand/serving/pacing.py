"""Fairness between addresses: one that floods the server with bytes or requests does not delay the others."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl

PAUSE_FACTOR = 4  # seconds of pause for each second of work: one address takes at most a fifth of the loop's time
MIN_PAUSE_SECONDS = 0.001  # shorter ones are added up
MAX_PAUSE_SECONDS = 5.0  # half the time in which some of a body has to come, for others at the same address
MAX_DEBTORS = 1024  # addresses that are remembered before those without a debt are forgotten


class Pacing:
    """Remembers until when each address has to pause."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def charge(self, address: str, seconds: float) -> None:
        """Charge an address for work that its bytes made."""
        now = self._clock()
        if len(self._until) > MAX_DEBTORS:
            self._until = {one: until for one, until in self._until.items() if until > now}
        until = max(self._until.get(address, now), now) + PAUSE_FACTOR * seconds
        self._until[address] = min(until, now + MAX_PAUSE_SECONDS)

    def pause(self, address: str) -> float:
        """Return for how many seconds the address is not to be read; 0 if it may be."""
        pause = self._until.get(address, 0.0) - self._clock()
        return pause if pause >= MIN_PAUSE_SECONDS else 0.0


class Turns:
    """Begins one request of each address in a turn of the event loop.

    So a request waits for at most one request of each other address, however many of them have come.
    """

    def __init__(self) -> None:
        self._served: set[str] = set()  # in this turn of the loop
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._scheduled = False

    async def take(self, address: str) -> None:
        """Wait for the address's turn."""
        if address in self._served or address in self._waiting:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(address, deque()).append(turn)
            self._schedule()
            await turn
        else:
            self._served.add(address)
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._scheduled = False
        self._served = set(self._waiting)
        for address in self._served:
            turns = self._waiting[address]
            turn = turns.popleft()
            if not turn.done():  # its request may be cancelled
                turn.set_result(None)
            if not turns:
                del self._waiting[address]
        if self._served:
            self._schedule()


class PacedFlow(FlowControl):
    """uvicorn's flow control of a connection, in which reading can also be held back."""

    _wanted, _held = False, False  # to pause, by uvicorn and by `hold`

    def pause_reading(self) -> None:
        """Stop reading, since a body is not taken."""
        self._wanted = True
        self._update()

    def resume_reading(self) -> None:
        """Read on, unless reading is held back."""
        self._wanted = False
        self._update()

    def hold(self, held: bool) -> None:
        """Hold reading back, or stop doing so."""
        self._held = held
        self._update()

    def _update(self) -> None:
        if self._transport.is_closing():
            return
        if self._wanted or self._held:
            super().pause_reading()
        else:
            super().resume_reading()
