"""No request takes more than its share of memory, threads or minutes; one that is refused is told what would fit."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, small_file

from longhand.model import Model
from longhand.runtime.native.drawing import drawn_how
from longhand.serving.asking import MAX_ECHOED, asked, decoded
from longhand.serving.listing import of_prompt
from longhand.serving.problems import ApiError
from longhand.serving.rate import Rate
from longhand.serving.request import BusyError
from longhand.serving.room import OF_ALL_TEXTS, Room, Rooms
from longhand.serving.runs import QUICK_SECONDS, REST, RunFolder
from longhand.serving.scored import MAX_CACHE_WORK, scored
from longhand.serving.sealing import Sealer
from longhand.serving.threads import Aside, LongWork
from longhand.serving.turns import Turns
from longhand.serving.wire import CompletionRequest, ScoreRequest

MODEL = Model(small_file())
GIANT, SMALL = 12_800_000, 16  # tokens of unstreamed texts


# Memory


def filled(room: Room, wanted: int, client: str) -> int:
    """Let an address take as much as it gets, and return how often it got some."""
    taken = 0
    with suppress(BusyError):
        while True:
            room.take(wanted, client)
            taken += 1
    return taken


def test_a_small_answer_finds_room_beside_all_giants_that_one_address_may_have() -> None:
    room = Rooms().texts
    assert filled(room, GIANT, "greedy") >= 2
    for client in ("greedy", "other"):
        room.take(SMALL, client)
    room.take(GIANT, "other")  # and another address even for its own giant


def test_however_many_addresses_are_greedy_there_is_room_for_one_more() -> None:
    room = Rooms().texts
    for client in range(50):
        filled(room, OF_ALL_TEXTS // 1000, str(client))
        room.take(SMALL, f"small {client}")
    room.take(SMALL, "one more")


def test_room_is_given_back_by_address() -> None:
    room = Room(1000, "too much")
    for _ in range(5):
        with room.taken(400, "one"), room.taken(0, "other"):
            with pytest.raises(BusyError):
                room.take(400, "one")
            room.take(100, "other")
            room.give_back(100, "other")
    room.take(1000)


class Writing:
    def __init__(self, reserved: int, left: int) -> None:
        self.reserved, self.left = reserved, left


def test_who_finds_no_room_is_told_when_there_is_likely_to_be_some() -> None:
    rooms = Rooms(lambda: 1000.0)
    with rooms.held_by(Writing(50_000, 30_000)), rooms.held_by(Writing(50_000, 40_000)):
        assert rooms.seconds_until(50_000) == 60  # both get as much of 1,000 tokens a second
        assert rooms.seconds_until(100_000) == 70
        rooms.texts.take(OF_ALL_TEXTS)
        with pytest.raises(BusyError) as refused:
            rooms.texts.take(OF_ALL_TEXTS // 2)
        assert refused.value.retry_after == 70
    assert rooms.seconds_until(1) == 1


def test_a_rate_is_that_of_late_and_falls_while_nothing_happens() -> None:
    now = [0.0]
    rate = Rate(lambda: now[0])
    assert rate.seconds_for(10) == 1
    for _ in range(100):
        now[0] += 1
        rate.add(5)
    assert rate.per_second() == pytest.approx(5, rel=0.1)
    assert rate.seconds_for(50) == pytest.approx(10, rel=0.1)
    now[0] += 60
    assert rate.per_second() < 1
    assert rate.seconds_for(50) > 50


def ask(**fields: Any) -> Any:
    wanted = CompletionRequest(model="tiny", **fields)
    return asked(wanted, MODEL, Sealer(None, 60), 100_000)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": "a" * 1_000_000, "echo": True, "n": 128}, "echo"),
        ({"prompt": ["a" * 100_000] * 128, "echo": True}, "echo"),
        ({"n": 128, "return_state": True, "logit_bias": {str(one % 20): 1.0 for one in range(9)}}, None),
        ({"n": 128, "return_state": True, "logit_bias": {f"{one:09}": 1.0 for one in range(10_000)}}, "return_state"),
    ],
)
def test_an_answer_that_would_be_huge_is_refused_before_any_of_it_is_made(
    fields: dict[str, Any], param: str | None
) -> None:
    if param is None:
        ask(**fields)
        return
    with pytest.raises(ApiError, match=r"expected up to .*: ask for fewer") as refused:
        ask(**fields)
    assert (refused.value.status, refused.value.problem.param) == (400, param)


def test_one_prompt_may_be_echoed_however_long() -> None:
    assert ask(prompt="a" * (MAX_ECHOED + 1), echo=True).keep == 1


def test_texts_of_a_request_share_its_biases() -> None:
    task = MODEL.task(logit_bias=dict.fromkeys(range(2, 20), 1.0) | {"e": 2.0})
    opening: Any = type("Opening", (), {"prompt": "", "last": 1})
    drawings = [task.text(opening, seed).sampler.drawing for seed in range(64)]
    laid_out = drawn_how(drawings, [np.zeros(0, np.int64)] * 64, MODEL.tokenizer.size)
    assert len(laid_out["bias"]) < 2 * 24
    assert len(laid_out["sampling"]) == 64
    assert len(set(laid_out["sampling"]["first"].tolist())) == 1


# Scores, and other work in threads


def score(**fields: Any) -> Any:
    return scored("tiny", MODEL, ScoreRequest(model="tiny", **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "abc " * 250_000, "cache": True, "cache_size": 20_000},
        {"input": "abc " * 150_000, "per_token": True},
        {"input": "abc " * 50_000, "adapt": True},
    ],
    ids=["cache", "per_token", "adapt"],
)
def test_a_score_that_would_take_minutes_is_refused_and_told_what_would_fit(fields: dict[str, Any]) -> None:
    model = Model(small_file(hidden=64, layers=1))
    with pytest.raises(ApiError, match=r"found [\d,]+ characters, .* expected up to [\d,]+: send a shorter") as refused:
        scored("tiny", model, ScoreRequest(model="tiny", **fields))
    assert refused.value.status == 400


def test_a_cache_may_look_far_back_in_a_short_text() -> None:
    assert len(VERSE) ** 2 * 16 < MAX_CACHE_WORK
    assert score(input=VERSE, cache=True, cache_size=20_000).tokens == len(VERSE)


@pytest.mark.parametrize(
    "how",
    [{}, {"streams": 1}, {"cache": True}, {"adapt": True}, {"adapt": True, "adapt_layers": "all"}],
    ids=str,
)
def test_a_score_can_be_stopped_between_small_pieces_however_it_is_made(how: dict[str, Any]) -> None:
    pauses = [0]

    def pause() -> None:
        pauses[0] += 1

    text = VERSE * 25
    expected = MODEL.score(text, **how).bits
    assert MODEL.score(text, pause=pause, **how).bits == expected
    assert pauses[0] >= len(text) / 600

    def stop() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        MODEL.score(text, pause=stop, **how)


def test_what_is_told_of_a_prompt_and_of_gates_can_be_stopped_too() -> None:
    def stop(*_: object) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        of_prompt(MODEL, MODEL.tokenizer.encode(VERSE * 9), 3, stop)
    with pytest.raises(ConnectionError):
        MODEL.gate_values(VERSE * 9, tell=stop)


def test_long_work_gives_its_turn_to_others_and_ends_when_its_time_is_over() -> None:
    now = [0.0]
    turns = Turns(1, lambda: now[0])
    other = turns.of(lambda: None)
    work = LongWork(turns, 5.0, lambda: now[0])
    had, over, givers = [0], threading.Event(), list[threading.Thread]()

    def do(pause: Any) -> None:
        assert not other.take()
        while True:
            now[0] += 1
            if other.has_come:
                raise AssertionError("two have their turn")
            givers.append(threading.Thread(target=give))
            givers[-1].start()
            pause()

    def give() -> None:
        while not other.has_come:
            if over.wait(0.001):
                return
        had[0] += 1
        now[0] += 1
        other.give_back(again=True)

    with pytest.raises(ApiError, match=r"over 5 s: send a shorter text"):
        work.run(do)
    over.set()
    for giver in givers:
        giver.join()
    other.give_back()
    assert had[0] >= 4


def test_long_work_ends_when_its_client_disconnects() -> None:
    work = LongWork(Turns(1), 60.0)
    pieces = [0]

    def do(pause: Any) -> None:
        while True:
            pieces[0] += 1
            work.cancelled = pieces[0] == 3
            pause()

    with pytest.raises(ConnectionError):
        work.run(do)
    assert pieces[0] == 3


def test_an_address_cannot_fill_the_line_for_the_threads_and_others_have_the_next_turn() -> None:
    async def run() -> tuple[list[str], int]:
        aside, done, begin = Aside(1, 16), list[str](), threading.Event()

        def work(name: str) -> None:
            begin.wait(10)
            done.append(name)

        async def ask(name: str) -> None:
            await aside.done(lambda: work(name), closing=False, client=name)

        asking = [asyncio.ensure_future(ask("greedy")) for _ in range(16)]
        await asyncio.sleep(0)
        asking.append(asyncio.ensure_future(ask("other")))
        await asyncio.sleep(0)
        begin.set()
        found = await asyncio.gather(*asking, return_exceptions=True)
        return done, sum(isinstance(one, BusyError) for one in found)

    done, refused = asyncio.run(run())
    assert done.index("other") <= 2
    assert refused == 8


def test_whoever_gives_up_waiting_takes_no_thread_along() -> None:
    async def run() -> list[int]:
        aside, begin = Aside(1, 16), threading.Event()
        asking = [
            asyncio.ensure_future(aside.done(lambda: begin.wait(10), closing=False, client="one")) for _ in range(4)
        ]
        await asyncio.sleep(0)
        asking[1].cancel()
        begin.set()
        await asyncio.gather(*asking, return_exceptions=True)
        return [await aside.done(lambda number=number: number, closing=False) for number in range(3)]  # type: ignore[misc]

    assert asyncio.run(run()) == [0, 1, 2]


# Logs of trainings


def test_a_log_that_takes_long_to_read_is_read_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, reads = [0.0], [0]
    folder = tmp_path / "a.run"
    folder.mkdir()
    log = folder / "log.jsonl"
    run = RunFolder(folder, lambda: now[0])
    read = run._read

    def slowly() -> Any:
        reads[0] += 1
        now[0] += 2 * QUICK_SECONDS
        return read()

    monkeypatch.setattr(run, "_read", slowly)
    for number in range(100):
        log.write_text('{"event": "started"}\n' * (number + 1))
        run.record()
        now[0] += QUICK_SECONDS
    assert reads[0] <= 1 + 100 / (2 * REST)
    now[0] += 100
    run.record()
    assert reads[0] <= 2 + 100 / (2 * REST)


def test_more_biases_than_a_request_may_have_are_refused() -> None:
    biases = ",".join(f'"{one}":1' for one in range(10_001))
    with pytest.raises(ApiError, match="logit_bias"):
        decoded(f'{{"model":"tiny","logit_bias":{{{biases}}}}}'.encode(), CompletionRequest)
