"""Between the thread that writes and the loop that answers: who is woken when, and who reads too slowly."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

import pytest

from longhand.serving.mailbox import MIN_EVENTS_TO_WAKE, WAKE_SECONDS, WAKES_PER_SECOND, Dispatcher, Mailbox, Postman
from longhand.serving.metrics import Metrics
from longhand.serving.request import Came, Ended, Failed
from longhand.serving.room import Rooms
from longhand.serving.streaming import Answering
from longhand.serving.threads import in_thread
from longhand.serving.wire import Choice, Completion, Usage


class Clock:
    """A loop whose time is set, and that does at once what other threads want."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> object:
        self.timers.append((self.now + delay, callback))
        return callback

    def call_soon_threadsafe(self, callback: Callable[..., None], *args: Any) -> None:
        callback(*args)

    def run_for(self, seconds: float) -> None:
        until = self.now + seconds
        while self.timers and min(self.timers)[0] <= until:
            self.timers.sort(key=lambda timer: timer[0])
            self.now, callback = self.timers.pop(0)
            callback()
        self.now = until


def postman_of(clock: Clock) -> Postman:
    return Postman(Dispatcher(cast("Any", clock)))


def woken(boxes: list[Mailbox]) -> int:
    """Return how many mailboxes were woken since the last call; they take what came."""
    ready = [box for box in boxes if box.ready.is_set()]
    for box in ready:
        box.ready.clear()
        box._letters.clear()
    return len(ready)


# Who is woken when


def test_however_many_texts_are_streamed_so_many_are_sent_in_a_second_and_each_in_its_turn() -> None:
    clock = Clock()
    postman = postman_of(clock)
    boxes = [Mailbox(bounded=True) for _ in range(1000)]
    tells = [box.teller(0, postman) for box in boxes]
    for tell in tells:
        tell(Came(0, "a", 1))
    postman.deliver()
    assert woken(boxes) == 1000, "the first characters at once"
    counts, total = Counter[int](), 0
    for _ in range(200):
        for tell in tells:
            tell(Came(0, "a", 1))
        postman.deliver()
        clock.run_for(0.01)
        counts.update(number for number, box in enumerate(boxes) if box.ready.is_set())
        total += woken(boxes)
    assert 0.9 * WAKES_PER_SECOND < total / 2.0 < 1.1 * WAKES_PER_SECOND
    assert max(counts.values()) - min(counts[number] for number in range(1000)) <= 1
    clock.run_for(10)
    woken(boxes)
    assert not any(box._letters for box in boxes), "nothing is left lying"
    assert not clock.timers


def test_a_stream_is_sent_at_intervals_and_what_came_last_is_not_left_lying() -> None:
    clock = Clock()
    postman = postman_of(clock)
    box = Mailbox(bounded=True)
    tell = box.teller(0, postman)
    at = []
    for number in range(1000):
        tell(Came(0, "a", 1))
        postman.deliver()
        if woken([box]):
            at.append(number)
        clock.run_for(0.001)
    assert at[:2] == [0, round(WAKE_SECONDS * 1000)]
    assert 1.0 / WAKE_SECONDS - 2 < len(at) < 1.0 / WAKE_SECONDS + 2
    clock.run_for(2 * WAKE_SECONDS)
    assert woken([box])


def test_a_text_that_ends_makes_no_other_of_its_request_come_more_often() -> None:
    clock = Clock()
    postman = postman_of(clock)
    box = Mailbox(bounded=True)
    tell = box.teller(0, postman)
    wakes = 0
    for number in range(2000):
        for text in range(number // 30, 20):
            tell(Ended(text, "length") if number % 30 == 29 and text == number // 30 else Came(text, "a", 1))
        tell(Came(20, "a", 1))
        postman.deliver()
        wakes += woken([box]) * (number >= 1000)
        clock.run_for(0.001)
    assert wakes <= 1.0 / WAKE_SECONDS + 2


@pytest.mark.parametrize("event", [Ended(0, "length"), Failed(ValueError("no"))])
def test_an_end_overtakes_what_is_not_urgent(event: Any) -> None:
    clock = Clock()
    postman = postman_of(clock)
    boxes = [Mailbox(bounded=True) for _ in range(100)]
    tells = [box.teller(0, postman) for box in boxes]
    for _ in range(2):
        for tell in tells:
            tell(Came(0, "a", 1))
    postman.deliver()
    for tell in tells:
        tell(Came(0, "a", 1))
    woken(boxes)
    tells[-1](event)
    postman.deliver()
    assert boxes[-1].ready.is_set()
    assert woken(boxes) == 1
    clock.run_for(1)
    assert woken(boxes) == 99
    assert not boxes[-1].ready.is_set(), "woken once"


# Answers that are sent whole


class Counting(Postman):
    """Counts how often somebody is to be woken."""

    def __init__(self) -> None:
        super().__init__(Dispatcher(cast("Any", Clock())))
        self.noted = 0

    def note(self, box: Mailbox, *, urgent: bool) -> None:  # noqa: ARG002 (as the other)
        self.noted += 1


def test_who_waits_for_a_whole_answer_is_not_woken_by_each_piece_of_it() -> None:
    async def run() -> None:
        box, postman = Mailbox(bounded=False), Counting()
        tell = box.teller(0, postman)
        for _ in range(MIN_EVENTS_TO_WAKE - 1):
            tell(Came(0, "a", 1))
        assert postman.noted == 1, "the first, which is timed"
        tell(Came(0, "a", 1))
        assert postman.noted == 2
        box.ready.set()
        assert len(await box.take()) == MIN_EVENTS_TO_WAKE
        tell(Came(0, "a", 1))
        assert postman.noted == 2
        tell(Ended(0, "length"))
        assert postman.noted == 3
        tell(Failed(ValueError("no")))
        assert postman.noted == 4
        box.ready.set()
        assert len(await box.take()) == 3

    asyncio.run(run())


def test_who_reads_a_stream_is_woken_by_each_piece_of_it() -> None:
    async def run() -> None:
        box, postman = Mailbox(bounded=True), Counting()
        tell = box.teller(0, postman)
        for _ in range(5):
            tell(Came(0, "a", 1))
        assert postman.noted == 5

    asyncio.run(run())


def test_the_first_text_is_told_at_once_though_tokens_without_text_came_before_it() -> None:
    async def run() -> None:
        box, postman = Mailbox(bounded=False), Counting()
        tell = box.teller(0, postman)
        for text in ("", "", "a", "b"):
            tell(Came(0, text, 1))
        assert postman.noted == 3

    asyncio.run(run())


# Slow readers


class Unread:
    """An answer of which there is always more."""

    done, is_long, model, usage = False, False, "tiny", Usage(1, 0, 1)

    def __init__(self) -> None:
        self.box = Mailbox(bounded=True)

    def submit(self) -> None:
        self.box.ready.set()

    def room_in(self, _: Rooms) -> Any:
        return nullcontext()

    def take(self, _: Any) -> list[int]:
        self.box.ready.set()
        return [0]

    def has_text(self, _: int) -> bool:
        return True

    def chunk(self, _: int) -> Any:
        return Completion(id="", created=0, model="tiny", choices=[Choice(0, "a" * 100)])


def test_a_client_that_reads_too_slowly_is_disconnected_and_its_text_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("longhand.serving.streaming.MIN_BYTES_PER_SECOND", 100_000)
    answer: Any = Unread()
    chunks = [0]

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            chunks[0] += 1
            if chunks[0] > 3:
                await asyncio.sleep(60)

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def run() -> None:
        answering = Answering(
            answer, Rooms(), in_thread, Metrics(list), stream=True, with_usage=False, began=0.0, send_seconds=0.01
        )
        await answering({"type": "http"}, receive, send)

    with pytest.raises(ConnectionError, match="reads too slowly"):
        asyncio.run(run())
    assert answer.box.gone
    assert chunks[0] == 4
