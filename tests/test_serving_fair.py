"""However much somebody asks for, everybody else gets their share: of streams, of time, of places in the lines."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from conftest import VERSE, small_file
from test_scheduler import MODEL, Listener, scheduler, task

from longhand.config import NetworkConfig
from longhand.generation.loop import advance
from longhand.model import Model
from longhand.modelfile import ModelFile
from longhand.runtime.windowed import WindowedSession
from longhand.serving.fair import FRESH, Ask, Holdings, Pool, Shares
from longhand.serving.request import BusyError, Came, Request
from longhand.serving.rounds import Rounds
from longhand.serving.turns import Turns
from longhand.serving.windows import WindowScheduler

ENDLESS = 10**9  # tokens


def submit(
    to: Rounds, seeds: list[int], prompt: str = "the ", client: str = "", model: Model = MODEL, **sampling: Any
) -> tuple[Request, Listener]:
    listener = Listener()
    request = Request(task(model, **sampling), prompt, seeds, listener.events.put, ask=Ask(client))
    to.submit(request)
    return request, listener


def greedy(to: Rounds, count: int, texts: int, client: str = "") -> list[Request]:
    """Ask for endless texts, and wait until some of each request have come."""
    asked = [submit(to, list(range(texts)), client=client, length=ENDLESS) for _ in range(count)]
    for _, listener in asked:
        assert isinstance(listener.events.get(timeout=20), Came)
    return [request for request, _ in asked]


@pytest.mark.parametrize("client", ["", "other"])
def test_a_short_text_is_written_beside_requests_that_want_all_streams(client: str) -> None:
    with scheduler(streams=32) as running:
        greedy(running, 8, 128)
        assert running.writing >= 32
        _, short = submit(running, [3], client=client, length=50)
        assert short.wait(seconds=10) == [MODEL.generate("the ", seed=3, length=50)]


def test_an_address_of_many_requests_makes_room_for_another() -> None:
    with scheduler(streams=8) as running:
        greedy(running, 8, 1)
        _, other = submit(running, [3, 4], client="other", length=2000)
        assert other.wait(2, seconds=10) == [MODEL.generate("the ", seed=seed, length=2000) for seed in (3, 4)]


def test_where_every_request_has_one_stream_a_new_one_still_gets_its_first_tokens() -> None:
    with scheduler(streams=32) as running:
        greedy(running, 32, 1)
        _, short = submit(running, [3], length=FRESH)
        assert short.wait(seconds=10) == [MODEL.generate("the ", seed=3, length=FRESH)]


def test_a_text_that_gives_up_its_stream_is_the_one_that_it_would_have_been() -> None:
    with scheduler(streams=6) as running:
        _, long = submit(running, list(range(6)), length=20_000)
        others = [submit(running, [seed], client=str(seed), length=500)[1] for seed in range(20)]
        for seed, other in enumerate(others):
            assert other.wait() == [MODEL.generate("the ", seed=seed, length=500)]
        assert long.wait(6) == [MODEL.generate("the ", seed=seed, length=20_000) for seed in range(6)]
        assert sorted(running._free) == list(range(6))


def test_a_long_prompt_that_gives_up_its_stream_is_read_to_its_end() -> None:
    prompt = VERSE * 200
    with scheduler(streams=2) as running:
        asked = [submit(running, [seed], prompt, length=20)[1] for seed in range(2)]
        other = submit(running, [5], client="other", length=300)[1]
        assert other.wait() == [MODEL.generate("the ", seed=5, length=300)]
        for seed, listener in enumerate(asked):
            assert listener.wait() == [MODEL.generate(prompt, seed=seed, length=20)]


def test_texts_whose_client_does_not_read_hold_no_stream_that_others_want() -> None:
    with scheduler(streams=2) as running:
        deaf = greedy(running, 2, 1)
        for request in deaf:
            request.pause()
            request.paused_since = time.monotonic() - 3600
        assert submit(running, [3], length=2000)[1].wait(seconds=10) == [MODEL.generate("the ", seed=3, length=2000)]
        for request in deaf:
            request.resume()


def test_cancelling_frees_everything_that_was_put_aside() -> None:
    with scheduler(streams=4) as running:
        requests = greedy(running, 4, 16)
        submit(running, [1], client="other", length=10)[1].wait()
        for request in requests:
            request.cancel()
        submit(running, [1], length=10)[1].wait()
        assert (running.writing, running.queued, len(running._seats.claims)) == (0, 0, 0)
        assert sorted(running._free) == [0, 1, 2, 3]


class Item:
    def __init__(self, ask: Ask) -> None:
        self.ask = ask


def turns_of(pool: Pool[Item], rounds: int, count: int) -> Counter[Ask]:
    """Return how many turns each request gets."""
    return Counter(item.ask for _ in range(rounds) for item in pool.pick(lambda _: count))


def pool_of(*asks: tuple[Ask, int]) -> Pool[Item]:
    shares = Shares()
    shares.among([ask for ask, _ in asks])
    pool: Pool[Item] = Pool(shares)
    for ask, count in asks:
        for _ in range(count):
            pool.add(Item(ask))
    return pool


def test_a_request_for_many_texts_gets_no_more_time_than_one_for_few() -> None:
    large, small = Ask(), Ask()
    turns = turns_of(pool_of((large, 128), (small, 8)), 100, 4)
    assert abs(turns[large] - turns[small]) <= 4
    alone = turns_of(pool_of((large, 128), (Ask(), 1)), 100, 4)
    assert alone[large] >= 300  # a single text takes no more than one turn at a time


def test_addresses_get_the_same_time_and_users_of_one_address_share_it() -> None:
    many = [Ask("here", f"user {number % 2}") for number in range(6)]
    other = Ask("there")
    pool = pool_of(*((ask, 20) for ask in many), (other, 20))
    turns = turns_of(pool, 240, 4)
    assert abs(turns[other] - 480) <= 8
    assert all(abs(turns[ask] - 80) <= 8 for ask in many)


def test_who_comes_back_is_not_paid_for_the_time_away() -> None:
    staying, coming = Ask(), Ask()
    pool = pool_of((staying, 4))
    turns_of(pool, 100, 1)
    pool.add(Item(coming))
    turns = turns_of(pool, 20, 1)
    assert abs(turns[staying] - turns[coming]) <= 2


def test_texts_of_another_kind_wait_for_their_own_turn_and_are_not_forgotten() -> None:
    first, second = Ask(), Ask()
    pool = pool_of((first, 3), (second, 3))
    kinds = [{item.ask for item in pool.pick(lambda _: 6, kind=lambda item: item.ask)} for _ in range(4)]
    assert kinds in ([{first}, {second}] * 2, [{second}, {first}] * 2)


def test_what_advances_beside_others_takes_no_turn_from_another_kind() -> None:
    plain = [Ask("here", f"user {number}") for number in range(16)]
    listed = Ask("there")
    pool = pool_of(*((ask, 1) for ask in plain), (listed, 1))

    def kind(item: Item) -> str:
        return item.ask.client

    own, beside = 0, Counter[Ask]()
    for _ in range(1000):
        for item in pool.pick_least(lambda _: 4, lambda _: True, kind, only="here"):
            item.ask.tokens += 1
            beside[item.ask] += 1
        own += pool.pick(lambda _: 1, kind=kind)[0].ask is listed
    assert abs(own - 500) < 10
    assert set(beside.values()) == {250}


def test_nobody_gives_up_a_stream_that_holds_as_few_as_the_taker_would() -> None:
    holdings, first, second = Holdings(), Ask("a"), Ask("b")
    holdings.add(first, 2)
    assert holdings.giver(second, [first]) is first
    holdings.add(second)
    assert holdings.giver(second, [first, second]) is None
    assert holdings.giver(Ask("a", "other"), [first]) is first
    assert holdings.giver(first, [first]) is None


def test_an_address_that_fills_the_line_leaves_places_for_others() -> None:
    with scheduler(streams=1, waiting=4) as running:
        greedy(running, 1, 1)
        for _ in range(4):
            submit(running, [1], length=5)
        with pytest.raises(BusyError):
            submit(running, [1], length=5)
        for client in ("one", "other"):
            submit(running, [1], client=client, length=5)


def test_long_work_goes_on_after_others_short_work_whatever_the_order() -> None:
    turns = Turns(2)
    with scheduler(turns=turns) as one, scheduler(turns=turns) as other, scheduler(turns=turns) as third:
        long = [submit(running, [seed], length=3000)[1] for seed, running in enumerate((one, other, third))]
        for number in range(30):
            short = submit((one, other, third)[number % 3], [number], length=9)[1]
            assert short.wait() == [MODEL.generate("the ", seed=number, length=9)]
        for seed, listener in enumerate(long):
            assert listener.wait() == [MODEL.generate("the ", seed=seed, length=3000)]


class Racing(threading.Condition):
    """Does something at the moment at which waiting has taken too long, before it is known that it has."""

    meanwhile: Callable[[], None] | None = None

    def wait(self, timeout: float | None = None) -> bool:
        notified = super().wait(timeout)
        if not notified and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            self.release()
            meanwhile()
            self.acquire()
        return notified


def test_a_request_is_not_lost_that_comes_at_the_moment_at_which_waiting_for_a_turn_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("longhand.serving.rounds.threading.Condition", Racing)
    turns = Turns(1)
    busy = turns.of(lambda: None)
    assert busy.take()
    with scheduler(turns=turns) as running:
        greedy(running, 1, 1)  # it waits for a turn after its first tokens
        came: queue.Queue[Listener] = queue.Queue()
        assert isinstance(running._changed, Racing)

        def meanwhile() -> None:
            came.put(submit(running, [3], length=9)[1])
            busy.give_back()  # from now on the thread has always something to do

        running._changed.meanwhile = meanwhile
        short = came.get(timeout=20)
        assert short.wait(seconds=20) == [MODEL.generate("the ", seed=3, length=9)]


def windowed(window: int = 20) -> Model:
    """Return a model of the classic recipe, with random weights."""
    file = small_file()
    letters = list("\n abcdefghijklmnopqrstuvwxyz")
    config = NetworkConfig(vocabulary_size=len(letters) + 2, embedding=8, hidden=16, layers=2, window=window)
    return Model(ModelFile(config, file.tokenizer, file.weights))


def test_a_window_is_read_once_for_all_texts_and_each_is_the_one_it_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = windowed(), [0]
    step = WindowedSession.step

    def counted(self: WindowedSession, tokens: Any) -> Any:
        read[0] += 1
        return step(self, tokens)

    expected = [model.generate(VERSE, seed=seed, length=12) for seed in range(16)]
    monkeypatch.setattr(WindowedSession, "step", counted)
    running = WindowScheduler(model.session)
    try:
        assert submit(running, list(range(16)), VERSE, model=model, length=12)[1].wait(16) == expected
    finally:
        running.close(0)
    assert read[0] <= len(VERSE) + 16 * 12


def test_a_window_that_is_read_stops_at_once_for_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, read, requests = windowed(400), [0], list[Request]()
    step = WindowedSession.step

    def counted(self: WindowedSession, tokens: Any) -> Any:
        read[0] += 1
        if read[0] == 5:
            requests[0].cancel()
        return step(self, tokens)

    monkeypatch.setattr(WindowedSession, "step", counted)
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0  # every step is slow
        return now[0]

    running = WindowScheduler(model.session, clock=clock)
    try:
        requests.append(Request(task(model, length=5), VERSE * 9, list(range(64)), lambda _: None))
        running.submit(requests[0])
        assert submit(running, [1], "the cat", model=model, length=3)[1].wait()
    finally:
        running.close(0)
    assert read[0] < 30  # of 400 tokens of a prompt, and 64 texts


def test_sessions_of_windows_are_left_for_those_who_come() -> None:
    model = windowed()
    running = WindowScheduler(model.session, streams=16)
    try:
        for _ in range(8):
            submit(running, list(range(64)), model=model, length=ENDLESS)
        for client, length in (("", 30), ("other", 3000)):
            _, short = submit(running, [3], client=client, model=model, length=length)
            assert short.wait(seconds=10) == [model.generate("the ", seed=3, length=length)]
    finally:
        running.close(0)


def test_a_short_text_needs_few_pieces_of_work_beside_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = list[int]()

    def counted(session: Any, texts: Any, count: int, *args: Any, **options: Any) -> Any:
        pieces.append(len(texts) * count)
        return advance(session, texts, count, *args, **options)

    with scheduler(streams=256) as running:
        greedy(running, 4, 64)
        submit(running, [5], length=20)[1].wait()  # now nobody is new
        monkeypatch.setattr("longhand.serving.scheduler.advance", counted)
        before = len(pieces)
        submit(running, [3], length=20)[1].wait()
        assert len(pieces) - before < 30
