"""All that a server has: its models, the trainings it shows, its limits, and the threads for work that takes time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from longhand.config import ServingConfig
from longhand.model import Model
from longhand.serving.metrics import Metrics
from longhand.serving.problems import ApiError
from longhand.serving.request import BusyError
from longhand.serving.room import Room
from longhand.serving.runs import RunFolder
from longhand.serving.sealing import Sealer
from longhand.serving.served import Served

QUICK, MOST_QUICK = 2, 256  # threads for what takes a moment, and what may wait for them
SLOW, MOST_SLOW = 1, 32  # for scores and looking into networks
Result = TypeVar("Result")


class Service:
    """What a server has.

    - models, runs: by name
    - state_key: what signs states
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        runs: Mapping[str, RunFolder],
        limits: ServingConfig,
        state_key: bytes | None = None,
    ) -> None:
        self.limits, self._models, self.runs = limits, models, runs
        self.served: dict[str, Served] = {}
        self.sealer = Sealer(state_key, limits.state_hours * 3600)
        self.metrics = Metrics(lambda: self.served.values())
        self.room = Room()
        self._aside, self._slowly = Aside(QUICK, MOST_QUICK), Aside(SLOW, MOST_SLOW)
        self._closing: asyncio.Future[list[None]] | None = None

    def start(self) -> None:
        """Start writing; to be called in the loop that answers."""
        loop = asyncio.get_running_loop()
        self.served = {name: Served(name, model, self.limits, loop) for name, model in self._models.items()}

    def begin_to_close(self) -> None:
        """Take nothing new, and end all texts within the grace."""
        if self._closing is None:
            grace = self.limits.grace
            ending = [_in_thread(partial(one.scheduler.close, grace)) for one in self.served.values()]
            self._closing = asyncio.gather(*ending)

    async def close(self) -> None:
        """End all that runs."""
        self.begin_to_close()
        assert self._closing is not None
        await self._closing

    def find(self, name: str) -> Served:
        """Return a model; raises `ApiError` if there is none of that name."""
        if name not in self.served:
            listed = ", ".join(self.served) or "none"
            raise ApiError(
                404, f"model: found {name[:100]!r}, there are {listed}", param="model", code="model_not_found"
            )
        return self.served[name]

    def run(self, name: str) -> RunFolder:
        """Return a training; raises `ApiError` if there is none of that name."""
        if name not in self.runs:
            listed = ", ".join(self.runs) or "none"
            raise ApiError(404, f"found no training {name[:100]!r}, there are {listed}", code="run_not_found")
        return self.runs[name]

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do what takes a moment, while others are answered.

        Raises `BusyError` if too much of that waits already, or the server ends.
        """
        return await self._aside.done(work, closing=self._closing is not None)

    async def slowly(self, work: Callable[[], Result]) -> Result:
        """Do what takes seconds, one after another, while others are answered. Raises `BusyError` likewise."""
        return await self._slowly.done(work, closing=self._closing is not None)


class Aside:
    """Threads for what would keep the loop from answering others, and a bounded line before them."""

    def __init__(self, threads: int, most: int) -> None:
        self._threads, self._most, self._waiting = asyncio.Semaphore(threads), most, 0

    async def done(self, work: Callable[[], Result], *, closing: bool) -> Result:
        """Return what comes of some work. Raises `BusyError` if too much of that waits already, or for `closing`."""
        if closing or self._waiting >= self._most:
            raise BusyError(self._waiting, 1.0, closing=closing)
        self._waiting += 1
        try:
            async with self._threads:
                return await _in_thread(work)
        finally:
            self._waiting -= 1


async def _in_thread(work: Callable[[], Result]) -> Result:
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
