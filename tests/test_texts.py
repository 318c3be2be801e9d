"""Texts of fresh requests and of long ones: how they advance together."""

from __future__ import annotations

from typing import Any

import pytest
from test_scheduler import MODEL, Listener, scheduler, task
from test_serving_fair import ENDLESS, submit

from longhand.serving.fair import FRESH, Ask, Shares
from longhand.serving.request import Came, Request
from longhand.serving.scheduler import MIN_LONG_REQUESTS, Scheduler
from longhand.serving.texts import Texts
from longhand.serving.turns import SLICE_SECONDS
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


def test_the_first_token_of_each_of_many_requests_does_not_wait_for_the_others_next_ones() -> None:
    many = 40
    with scheduler(streams=64) as running:
        for _ in range(8):  # until the pieces of all have their size
            listeners = [Listener() for _ in range(many)]
            given = [Request(task(MODEL, length=FRESH), "the ", [1], one.events.put) for one in listeners]
            running.submit(*given)
            firsts = [one.events.get(timeout=30) for one in listeners]
            for one in listeners:
                one.wait()
        (pace,) = [pace for kind, pace in running._paces.items() if kind[1:] == (True, SLICE_SECONDS)]  # type: ignore[index]
    assert pace.size > many, "several tokens of each"
    assert all(isinstance(event, Came) and event.tokens == 1 for event in firsts)


class Item:
    """A text whose tokens are letters."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    def deliver(self, piece: str) -> None:
        self.ask.tokens += len(piece)


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
    assert texts.asks == [other, ask]
    texts.remove(writers[0])
    texts.add(writers[0])
    assert list(texts.long) == [*writers[1:], writers[0]]
    assert texts.drop(lambda writer: writer.ask is ask) == [*writers[1:], writers[0]]
    assert list(texts) == texts.heads()
    assert len(texts) == 1
