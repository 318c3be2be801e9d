"""Stop work on a thread when the client that asked for it disconnects."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.requests import Request

POLL_SECONDS = 0.1


@asynccontextmanager
async def until_disconnected(request: Request) -> AsyncIterator[Callable[[], None]]:
    """Provide a check for work on another thread: it raises `ConnectionError` once nobody waits for the result."""
    over = threading.Event()

    def check() -> None:
        if over.is_set():
            raise ConnectionError("the client disconnected")

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(POLL_SECONDS)
        over.set()

    watcher = asyncio.create_task(watch())
    try:
        yield check
    finally:
        watcher.cancel()
        over.set()
