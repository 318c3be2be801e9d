"""All that a server has: its models, the trainings it shows, its limits, and the threads for work that takes time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from longhand.config import ServingConfig
from longhand.model import Model
from longhand.serving.mailbox import Dispatcher
from longhand.serving.metrics import Metrics
from longhand.serving.problems import ApiError
from longhand.serving.room import Rooms
from longhand.serving.runs import RunFolder
from longhand.serving.sealing import Sealer
from longhand.serving.served import Served
from longhand.serving.threads import Aside, Gone, LongWork, Result, in_thread
from longhand.serving.turns import Turns

QUICK, MOST_QUICK = 2, 256  # threads for what takes a moment, and how much of it there may be at a time
SLOW, MOST_SLOW = 3, 32  # for scores and looking into networks, which take turns; each may need some 100 MB
WATCH_SECONDS = 0.1  # between two looks whether a client is still there
SLOW_SECONDS = 60.0  # of a thread that one of them may take


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
        self.rooms, self._turns = Rooms(self._speed), Turns()
        self._aside, self._slowly = Aside(QUICK, MOST_QUICK), Aside(SLOW, MOST_SLOW)
        self._closing: asyncio.Future[list[None]] | None = None

    def start(self) -> None:
        """Start writing; to be called in the loop that answers."""
        dispatcher = Dispatcher(asyncio.get_running_loop())
        self.served = {
            name: Served(name, model, self.limits, dispatcher, self._turns) for name, model in self._models.items()
        }

    def begin_to_close(self) -> None:
        """Take nothing new, and end all texts within the grace."""
        if self._closing is None:
            grace = self.limits.grace
            ending = [in_thread(partial(one.scheduler.close, grace)) for one in self.served.values()]
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

    def _speed(self) -> float:
        """Return how many tokens all models generate in a second."""
        return sum(one.scheduler.written.per_second() for one in self.served.values())

    async def aside(self, work: Callable[[], Result], client: str) -> Result:
        """Do what takes a moment, while others are answered.

        - client: the address that asks for it

        Raises `BusyError` if too much of that waits already, or the server ends.
        """
        return await self._aside.done(work, closing=self._closing is not None, client=client)

    async def slowly(self, work: Callable[[Callable[[], None]], Result], client: str, gone: Gone) -> Result:
        """Do what takes seconds, in pieces between which others have their turn, while others are answered.

        - work: is given what it has to call between two pieces
        - client: the address that asks for it
        - gone: returns whether the client has disconnected, which ends the work

        Raises `BusyError` and `ConnectionError` as `Aside.done` does, `ApiError` for what takes too long.
        """
        long_work = LongWork(self._turns, SLOW_SECONDS)
        watching = asyncio.ensure_future(_watch(long_work, gone))
        try:
            closing = self._closing is not None
            return await self._slowly.done(lambda: long_work.run(work), closing=closing, client=client, gone=gone)
        finally:
            long_work.cancelled = True
            watching.cancel()


async def _watch(work: LongWork, gone: Gone) -> None:
    """End work whose client has disconnected."""
    while not await gone():
        await asyncio.sleep(WATCH_SECONDS)
    work.cancelled = True
