"""Threads for what would keep the event loop from answering others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from longhand.serving.problems import ApiError
from longhand.serving.rate import Rate
from longhand.serving.request import BusyError
from longhand.serving.turns import GAP_SECONDS, LOOK_SECONDS, Turns

Result = TypeVar("Result")
Gone: TypeAlias = Callable[[], Awaitable[bool]]


async def stays() -> bool:
    """Default check: the client is never gone."""
    return False


class Aside:
    """Some threads, and a bounded line before them, in which addresses take turns.

    An address may have no more places than are free: one address alone gets half of them, so that the line is never
    full for the others.
    """

    def __init__(self, threads: int, most: int) -> None:
        self._free, self._most, self._count = threads, most, 0
        self._held: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._done = Rate()

    async def done(self, work: Callable[[], Result], *, closing: bool, client: str = "", gone: Gone = stays) -> Result:
        """Return what comes of some work.

        - client: for which address it is done
        - gone: returns, when its turn has come, whether the client has disconnected

        Raises `BusyError` if too much waits already, or for `closing`; `ConnectionError` if the client has
        disconnected.
        """
        held = self._held.get(client, 0)
        if closing or held >= self._most - self._count:
            raise BusyError(self._count, self._done.seconds_for(self._count + 1), closing=closing)
        self._held[client] = held + 1
        self._count += 1
        try:
            await self._turn(client)
            try:
                if await gone():
                    raise ConnectionError("the client has disconnected")
                return await in_thread(work)
            finally:
                self._done.add()
                self._pass_on()
        finally:
            self._count -= 1
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]

    async def _turn(self, client: str) -> None:
        """Wait for a thread."""
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had come
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a thread to the next address that waits."""
        while self._waiting:
            client = next(iter(self._waiting))
            turns = self._waiting.pop(client)
            turn = turns.popleft()
            if turns:
                self._waiting[client] = turns
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class LongWork:
    """Work in pieces, for a thread of its own; between two of them others have their turn.

    - turns: which threads may do long work
    - seconds: that all pieces together may take
    - clock: returns the seconds that the calling thread has worked
    """

    def __init__(self, turns: Turns, seconds: float, clock: Callable[[], float] = time.thread_time) -> None:
        self._seconds, self._clock = seconds, clock
        self._come = threading.Event()
        self._turn = turns.of(self._come.set)
        self._began, self._took = 0.0, 0.0
        self.cancelled = False

    def run(self, work: Callable[[Callable[[], None]], Result]) -> Result:
        """Do the work, which has to call `pause` between its pieces."""
        self._begin()
        try:
            return work(self.pause)
        finally:
            self._turn.give_back()

    def pause(self) -> None:
        """Let others have their turn.

        Raises `ConnectionError` once the client has disconnected, `ApiError` when the work has taken too long.
        """
        if self.cancelled:
            raise ConnectionError("the client has disconnected")
        piece = self._clock() - self._began
        if self._took + piece > self._seconds:
            raise ApiError(400, f"input: this takes over {self._seconds:g} s: send a shorter text", param="input")
        if piece >= self._turn.slice:
            self._took += piece
            self._turn.give_back(again=True)
            self._begin()

    def _begin(self) -> None:
        while not self._turn.take():
            self._come.wait(GAP_SECONDS if self._turn.must_look else LOOK_SECONDS)
            self._come.clear()
        self._began = self._clock()


async def in_thread(work: Callable[[], Result]) -> Result:
    """Do work in a thread that keeps no process from ending, as those of `concurrent.futures` do."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def tell(how: Callable[[Any], None], what: object) -> None:
        if not done.done():  # who waited for it may be gone
            how(what)

    def do() -> None:
        try:
            told: tuple[Callable[[Any], None], object] = done.set_result, work()
        except Exception as error:  # noqa: BLE001 (it is raised where the work was asked for)
            told = done.set_exception, error
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, *told)

    threading.Thread(target=do, name="longhand aside", daemon=True).start()
    return await done
