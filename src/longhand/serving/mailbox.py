"""From the thread that writes to the loop that answers: what came, for whom, without either waiting for the other."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

from longhand.serving.request import Came, Event, Request

MIN_EVENTS_TO_WAKE = 64  # of an unstreamed answer: nobody waits for single events
WAKES_PER_SECOND = 2500  # of all mailboxes together, but for urgent ones
MAX_WAKES_AT_ONCE = 10.0
WAKE_SECONDS = 0.03  # between two wake-ups of a mailbox, but for urgent ones
MOST_HELD = 16_384  # characters that may wait to be sent, before their texts wait too
OF_A_TOKEN = 100  # characters that a listed token counts as, and each of those that were likely in its place
Letter: TypeAlias = tuple[int, Event]
"""The first number of a request's texts among all that were asked for together, and what happened to one of them."""


class Dispatcher:
    """Wake mailboxes in the loop: urgent ones at once, others at intervals. Belongs to the loop.

    Each wake-up costs the loop some time, mostly for sending, and takes a processor from the texts. So more tokens are
    sent at a time instead, and the more, the more texts are streamed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[Mailbox, float] = {}  # when those are to be woken that wait for it
        self._heap: list[tuple[float, int, Mailbox]] = []  # the same in order, with some that wait no more
        self._count = count()
        self._left, self._seen = MAX_WAKES_AT_ONCE, loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def wake_soon(self, noted: Mapping[Mailbox, bool]) -> None:
        """Have the loop wake mailboxes: from another thread."""
        with suppress(RuntimeError):  # the loop has ended, and with it all who listened
            self._loop.call_soon_threadsafe(self.wake, noted)

    def wake(self, noted: Mapping[Mailbox, bool]) -> None:
        """Wake mailboxes: those that are urgent now, others now or soon."""
        now = self._loop.time()
        for box, urgent in noted.items():
            if urgent:
                self._wake(box, now)
            elif box not in self._due:
                self._due[box] = box.woken + WAKE_SECONDS
                heappush(self._heap, (self._due[box], next(self._count), box))
        self._wake_some()

    def _wake(self, box: Mailbox, now: float) -> None:
        self._due.pop(box, None)
        box.woken = now
        box.ready.set()

    def _wake_some(self) -> None:
        """Wake those that are due, as many as may be now, and come back for the others."""
        now = self._loop.time()
        self._left = min(MAX_WAKES_AT_ONCE, self._left + (now - self._seen) * WAKES_PER_SECOND)
        self._seen = now
        while self._heap and self._left >= 1 and self._heap[0][0] <= now:
            due, _, box = heappop(self._heap)
            if self._due.get(box) == due:
                self._wake(box, now)
                self._left -= 1
        if self._heap and self._timer is None:
            wait = max(self._heap[0][0] - now, MAX_WAKES_AT_ONCE / WAKES_PER_SECOND)
            self._timer = self._loop.call_later(wait, self._wake_more)

    def _wake_more(self) -> None:
        self._timer = None
        self._wake_some()


class Postman:
    """Note which mailboxes got something, and pass them on after each round. Belongs to a scheduler's thread."""

    def __init__(self, dispatcher: Dispatcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._dispatcher, self._clock = dispatcher, clock
        self._noted: dict[Mailbox, bool] = {}
        self._has_urgent, self._due = False, -math.inf

    def note(self, box: Mailbox, *, urgent: bool) -> None:
        """Note a mailbox that got something; an urgent one is to be woken at once."""
        self._noted[box] = urgent or self._noted.get(box, False)
        self._has_urgent |= urgent

    def deliver(self, all_of_it: bool = True) -> None:
        """Pass the noted mailboxes to the dispatcher, once every `WAKE_SECONDS` if none is urgent.

        - all_of_it: in any case, since no next call is certain
        """
        now = self._clock()
        if self._noted and (all_of_it or self._has_urgent or now >= self._due):
            noted, self._noted = self._noted, {}
            self._has_urgent, self._due = False, now + WAKE_SECONDS
            self._dispatcher.wake_soon(noted)


class Mailbox:
    """What came for one HTTP request; `take` it in the loop.

    - bounded: whether texts are to wait while much of them lies here, because nobody fetches it
    """

    def __init__(self, *, bounded: bool) -> None:
        self.ready, self.woken = asyncio.Event(), -math.inf
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
                urgent = not self._begun or not isinstance(event, Came)
                self._begun |= isinstance(event, Came) and bool(event.text)  # whose time is measured
                if self._bounded and isinstance(event, Came):
                    listed = sum(1 + len(one.likeliest) for one in event.drawn)
                    self._held += len(event.text) + OF_A_TOKEN * listed
                    if self._held > MOST_HELD:
                        self._pause()
                        urgent = True
            if urgent or self._bounded or len(self._letters) >= MIN_EVENTS_TO_WAKE:
                postman.note(self, urgent=urgent)

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
