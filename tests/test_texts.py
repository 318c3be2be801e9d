"""Texts of fresh requests and of long ones: how they advance together."""

from __future__ import annotations

import queue
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from test_scheduler import MODEL, Listener, scheduler, task
from test_serving_fair import ENDLESS, submit

from longhand.generation.loop import LARGEST_PIECE
from longhand.serving.fair import FRESH, Ask, Shares
from longhand.serving.request import Came, Request
from longhand.serving.scheduler import MIN_LONG_REQUESTS, Scheduler
from longhand.serving.texts import Texts
from longhand.serving.turns import Turn
from longhand.serving.writer import Writer


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return a list that gets, of each piece of work, how many fresh texts and how many others advance together."""
    pieces: list[tuple[int, int]] = []
    write = Scheduler._write

    def noted(running: Scheduler, writers: list[Writer], *most: int) -> None:
        fresh = sum(writer.ask.is_fresh for writer in writers)
        pieces.append((fresh, len(writers) - fresh))
        write(running, writers, *most)

    monkeypatch.setattr(Scheduler, "_write", noted)
    return pieces


def begin_long(running: Scheduler, requests: int, texts: int = 1) -> None:
    """Ask for endless texts, and wait until all requests are long work."""
    asked = [submit(running, list(range(texts)), client="other", length=ENDLESS) for _ in range(requests)]
    for request, listener in asked:
        while request.ask.is_fresh:
            assert isinstance(listener.events.get(timeout=30), Came)


@pytest.mark.parametrize(
    ("long", "texts", "together"), [(MIN_LONG_REQUESTS, 1, True), (MIN_LONG_REQUESTS - 1, 4, False)]
)
def test_where_many_requests_have_long_work_as_many_texts_of_it_advance_with_fresh_ones(
    long: int, texts: int, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scheduler(streams=128) as running:
        begin_long(running, long, texts)
        pieces = recorded(monkeypatch)
        for listener in [submit(running, [seed], length=FRESH - 1)[1] for seed in range(4)]:
            listener.wait()
    mixed = [piece for piece in pieces if all(piece)]
    assert bool(mixed) == together
    assert all(fresh == others for fresh, others in mixed)


@pytest.mark.parametrize("texts", [1, 2])
def test_the_first_token_of_each_of_many_texts_does_not_wait_for_a_piece_of_all(
    texts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[bool] = []  # of each piece of many requests, whether all its texts have begun
    write = Scheduler._write

    def noted(running: Scheduler, writers: list[Writer], max_tokens: int = LARGEST_PIECE) -> None:
        if running._many_fresh and max_tokens > 1:
            begun.append(all(writer.told for writer in writers))
        write(running, writers, max_tokens)

    monkeypatch.setattr(Scheduler, "_write", noted)
    with scheduler(streams=128) as running:
        listeners = [Listener() for _ in range(40)]
        seeds = list(range(texts))
        running.submit(*[Request(task(MODEL, length=FRESH - 1), "the ", seeds, one.events.put) for one in listeners])
        for one in listeners:
            one.wait(texts)
    assert len(begun) > 1
    assert all(begun)


def test_all_texts_of_a_request_advance_alike_beside_many_others() -> None:
    with scheduler(streams=128) as running:
        listeners = [Listener() for _ in range(40)]
        given = [Request(task(MODEL, length=ENDLESS), "the ", [1, 2], one.events.put) for one in listeners]
        running.submit(*given)
        counts = [Counter[int]() for _ in given]
        while not all(len(count) == 2 and min(count.values()) > 10 for count in counts):
            for count, one in zip(counts, listeners, strict=True):
                with suppress(queue.Empty):
                    event = one.events.get(timeout=0.1)
                    assert isinstance(event, Came)
                    count[event.number] += event.tokens
            assert all(max(count.values(), default=0) < FRESH for count in counts)


class Item:
    """A text whose tokens are letters."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    def deliver(self, piece: str) -> None:
        self.ask.tokens += len(piece)
        if "!" in piece:
            raise MemoryError


def item(ask: Ask) -> Any:
    return Item(ask)


def test_all_texts_of_a_request_become_long_work_at_once() -> None:
    ask, other = Ask(), Ask()
    texts = Texts(Shares())
    writers = [item(ask) for _ in range(3)]
    for writer in [*writers, item(other)]:
        texts.add(writer)
    assert not texts.deliver(writers[0], (FRESH - 1) * "a")
    assert len(texts.fresh) == 4
    assert texts.deliver(writers[1], "a")
    assert not texts.deliver(writers[1], "a")
    assert (len(texts.fresh), len(texts.long), len(texts)) == (1, 3, 4)
    assert list(texts.of(ask)) == writers
    assert texts.asks == [ask, other]
    texts.remove(writers[0])
    texts.add(writers[0])
    assert list(texts.long) == [*writers[1:], writers[0]]
    assert texts.drop(lambda writer: writer.ask is ask) == [*writers[1:], writers[0]]
    assert list(texts) == texts.heads()
    assert len(texts) == 1


def test_a_request_becomes_long_work_though_its_text_cannot_be_delivered() -> None:
    ask = Ask()
    texts = Texts(Shares())
    writers = [item(ask) for _ in range(2)]
    texts.add(writers[0])
    with pytest.raises(MemoryError):
        texts.deliver(writers[0], FRESH * "!")
    texts.add(writers[1])
    assert list(texts.long) == writers
    for writer in writers:
        texts.remove(writer)
    assert len(texts) == 0


class SeenTurns:
    """What a scheduler says of its short work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answered: list[bool] = []  # where there was some, and is none now
        had = [False]
        set_short = Turn.set_short

        def noted(turn: Turn, has_short_work: bool, *, answered: bool = True) -> None:
            if had[0] and not has_short_work:
                self.answered.append(answered)
            had[0] = has_short_work
            set_short(turn, has_short_work, answered=answered)

        monkeypatch.setattr(Turn, "set_short", noted)


@pytest.mark.parametrize(("length", "answered"), [(FRESH - 1, True), (FRESH, True), (40 * FRESH, False)])
def test_clients_may_go_on_asking_after_short_requests_but_not_after_one_that_becomes_long(
    length: int, answered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scheduler(streams=4) as running:
        seen = SeenTurns(monkeypatch)
        submit(running, [1], length=length)[1].wait()
    assert seen.answered[:1] == [answered]


def test_a_short_text_that_waits_for_its_reader_is_still_short_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with scheduler(streams=4) as running:
        seen = SeenTurns(monkeypatch)
        request, listener = submit(running, [1], length=FRESH - 1)
        listener.events.get(timeout=30)
        request.pause()
        while not seen.answered and running.writing:
            time.sleep(0.001)
        request.resume()
        listener.wait()
    assert all(seen.answered)
