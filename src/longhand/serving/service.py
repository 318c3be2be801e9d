"""All that a server has: its models, the trainings it shows, its limits, and the threads for work that takes time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from longhand.config import ServingConfig
from longhand.model import Model
from longhand.serving.metrics import Metrics
from longhand.serving.problems import ApiError
from longhand.serving.room import Rooms
from longhand.serving.runs import RunFolder
from longhand.serving.sealing import Sealer
from longhand.serving.served import Served
from longhand.serving.threads import Aside, Gone, Result, in_thread

QUICK, MOST_QUICK = 2, 256  # threads for what takes a moment, and what may wait for them
SLOW, MOST_SLOW = 1, 32  # for scores and looking into networks


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
        self.rooms = Rooms()
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

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do what takes a moment, while others are answered.

        Raises `BusyError` if too much of that waits already, or the server ends.
        """
        return await self._aside.done(work, closing=self._closing is not None)

    async def slowly(self, work: Callable[[], Result], gone: Gone) -> Result:
        """Do what takes seconds, one after another, while others are answered; nothing for who has gone.

        Raises `BusyError` and `ConnectionError` as `Aside.done` does.
        """
        return await self._slowly.done(work, closing=self._closing is not None, gone=gone)
