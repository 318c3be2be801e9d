"""From the thread that writes to the loop that answers: what came, for whom, without either waiting for the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from longhand.serving.request import Came, Event, Request

MIN_EVENTS_TO_WAKE = 64  # of an unstreamed answer: nobody waits for single events
MOST_HELD = 16_384  # characters that may wait to be sent, before their texts wait too
OF_A_TOKEN = 100  # characters that a listed token counts as, and each of those that were likely in its place
Letter: TypeAlias = tuple[int, Event]
"""The first number of a request's texts among all that were asked for together, and what happened to one of them."""


class Postman:
    """Wakes those who got something, once for each round of a scheduler's. Belongs to its thread, but for `_wake`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._boxes: set[Mailbox] = set()

    def note(self, box: Mailbox) -> None:
        """Remember one who got something."""
        self._boxes.add(box)

    def deliver(self) -> None:
        """Wake them."""
        if self._boxes:
            boxes, self._boxes = self._boxes, set()
            with suppress(RuntimeError):  # the loop has ended, and with it all who listened
                self._loop.call_soon_threadsafe(_wake, boxes)


def _wake(boxes: set[Mailbox]) -> None:
    for box in boxes:
        box.ready.set()


class Mailbox:
    """What came for one HTTP request; `take` it in the loop.

    - bounded: whether texts are to wait while much of them lies here, because nobody fetches it
    """

    def __init__(self, *, bounded: bool) -> None:
        self.ready = asyncio.Event()
        self.gone = False  # whoever asked
        self._bounded, self._begun = bounded, False
        self._letters: list[Letter] = []
        self._held = 0
        self._waiting: set[Request] = set()
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    def teller(self, first: int, postman: Postman) -> Callable[[Event], None]:
        """Return what a scheduler tells events by, of texts numbered from `first`."""

        def tell(event: Event) -> None:
            with self._lock:
                self._letters.append((first, event))
                can_wait = not self._bounded and self._begun and isinstance(event, Came)
                self._begun |= isinstance(event, Came) and bool(event.text)  # whose time is measured
                if self._bounded and isinstance(event, Came):
                    listed = sum(1 + len(one.likeliest) for one in event.drawn)
                    self._held += len(event.text) + OF_A_TOKEN * listed
                    if self._held > MOST_HELD:
                        self._pause()
            if not can_wait or len(self._letters) >= MIN_EVENTS_TO_WAKE:
                postman.note(self)

        return tell

    def watch(self, requests: list[Request]) -> None:
        """Take note of the requests whose events come here."""
        self._requests = requests

    async def take(self) -> list[Letter]:
        """Wait for something, and return all that came; nothing once whoever asked is gone."""
        await self.ready.wait()
        self.ready.clear()
        with self._lock:
            letters, self._letters, self._held = self._letters, [], 0
            waiting, self._waiting = self._waiting, set()
        for request in waiting:
            request.resume()
        return letters

    def close(self) -> None:
        """Give up all that was asked for."""
        self.gone = True
        for request in self._requests:
            request.cancel()
        with self._lock:  # what refers to one another would stay until all memory is looked through
            self._requests, self._letters, self._waiting = [], [], set()
        self.ready.set()

    def _pause(self) -> None:
        for request in self._requests:
            request.pause()
            self._waiting.add(request)
