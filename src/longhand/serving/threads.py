"""Threads for what would keep the loop from answering others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from longhand.serving.request import BusyError

Result = TypeVar("Result")
Gone: TypeAlias = Callable[[], Awaitable[bool]]


async def stays() -> bool:
    """Return that nobody has gone."""
    return False


class Aside:
    """Some threads, and a bounded line before them."""

    def __init__(self, threads: int, most: int) -> None:
        self._threads, self._most, self._waiting = asyncio.Semaphore(threads), most, 0

    async def done(self, work: Callable[[], Result], *, closing: bool, gone: Gone = stays) -> Result:
        """Return what comes of some work.

        - gone: says, when its turn has come, whether whoever asked for it is not there any more

        Raises `BusyError` if too much of that waits already, or for `closing`; `ConnectionError` for who has gone.
        """
        if closing or self._waiting >= self._most:
            raise BusyError(self._waiting, 1.0, closing=closing)
        self._waiting += 1
        try:
            async with self._threads:
                if await gone():
                    raise ConnectionError("whoever asked has gone")
                return await in_thread(work)
        finally:
            self._waiting -= 1


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
