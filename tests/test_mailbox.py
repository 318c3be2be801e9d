"""Between the thread that writes and the loop that answers: who is woken when, and who reads too slowly."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from longhand.serving.mailbox import MIN_EVENTS_TO_WAKE, Mailbox, Postman
from longhand.serving.metrics import Metrics
from longhand.serving.request import Came, Ended, Failed
from longhand.serving.room import Rooms
from longhand.serving.streaming import Answering
from longhand.serving.threads import in_thread
from longhand.serving.wire import Choice, Completion, Usage

# Answers that are sent whole


class Counting(Postman):
    """Counts how often somebody is to be woken."""

    def __init__(self) -> None:
        self.noted = 0

    def note(self, box: Mailbox) -> None:  # noqa: ARG002 (as the other)
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
