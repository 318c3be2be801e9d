"""Many who write with one model at a time: each gets the text that it would get alone, and nobody disturbs another."""

from __future__ import annotations

import io
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from conftest import VERSE, small_file
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.api import train
from longhand.generation.writing import Task
from longhand.model import Model
from longhand.runtime.session import RecurrentSession
from longhand.serving.line import Line
from longhand.serving.request import BusyError, Came, Ended, Event, Failed, Request
from longhand.serving.scheduler import Scheduler

MODEL = Model(small_file(hidden=16))


def task(model: Model, **sampling: Any) -> Task:
    return model.task(**sampling)


TASK = task(MODEL, length=5)
WORDS = train(
    io.StringIO((VERSE + "größe 你好 🎵 ") * 12), tokens="word", epochs=1, hidden=16, embedding=8, window=16, batch=4
)


class Listener:
    """One who asked: what was told, and the texts that came."""

    def __init__(self) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.parts: dict[int, list[str]] = {}
        self.tokens: dict[int, int] = {}
        self.log_probabilities: dict[int, list[float]] = {}
        self.ended: dict[int, str] = {}

    def wait(self, texts: int = 1, seconds: float = 30) -> list[str]:
        """Return the texts, once all have ended. Raises what was told to have failed."""
        while len(self.ended) < texts:
            event = self.events.get(timeout=seconds)
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Ended):
                self.ended[event.number] = event.why
                continue
            self.parts.setdefault(event.number, []).append(event.text)
            self.tokens[event.number] = self.tokens.get(event.number, 0) + event.tokens
            said = [one.log_probability for one in event.drawn]
            self.log_probabilities.setdefault(event.number, []).extend(said)
        return ["".join(self.parts.get(number, [])) for number in range(texts)]


@contextmanager
def scheduler(model: Model = MODEL, **options: Any) -> Iterator[Scheduler]:
    open_session = cast("Callable[[int], RecurrentSession]", model.session)
    started = Scheduler(open_session, model.config.vocabulary_size, **options)
    try:
        yield started
    finally:
        started.close(0)


def ask(
    to: Scheduler, prompt: str, seeds: list[int], model: Model = MODEL, **sampling: Any
) -> tuple[Request, Listener]:
    listener = Listener()
    given = {name: sampling.pop(name) for name in ("likeliest", "before", "whose", "client") if name in sampling}
    request = Request(task(model, **sampling), prompt, seeds, listener.events.put, **given)
    to.submit(request)
    return request, listener


@pytest.mark.parametrize("streams", [1, 3, 64])
def test_each_gets_the_text_that_it_would_get_alone(streams: int) -> None:
    random = np.random.default_rng(streams)
    wanted: list[tuple[str, int, dict[str, Any]]] = [
        (VERSE[: random.integers(0, 60)], int(random.integers(1, 99)), {"length": int(random.integers(0, 300))})
        for _ in range(40)
    ]
    wanted += [("the ", 7, {"stop": ("e", "a"), "length": 500}), ("", 8, {"pattern": "[a-z]{3}( [a-z]{2}){4}"})]
    wanted += [("a", 9, {"temperature": 0.3, "top_k": 3, "length": 99}), ("b", 1, {"until": "line", "length": 900})]
    with scheduler(streams=streams) as running:
        asked = []
        for prompt, seed, sampling in wanted:
            asked.append(ask(running, prompt, [seed], **sampling)[1])
            time.sleep(float(random.random()) / 500)
        for (prompt, seed, sampling), listener in zip(wanted, asked, strict=True):
            assert listener.wait() == [MODEL.generate(prompt, seed=seed, **sampling)]


@pytest.mark.parametrize("tokens", ["word", "whitespace", "bpe:300", "byte"])
def test_words_that_a_prompt_begins_and_half_characters_come_out_right(tokens: str) -> None:
    text = (VERSE + "größe 你好 🎵 ") * 12
    model = train(io.StringIO(text), tokens=tokens, epochs=1, hidden=16, embedding=8, window=16, batch=4)
    with scheduler(model, streams=4) as running:
        prompts = ["the c", "grö", "the cat sat on th", "", "你"]
        asked = [ask(running, prompt, [3, 4], model, length=60)[1] for prompt in prompts]
        for prompt, listener in zip(prompts, asked, strict=True):
            assert listener.wait(2) == [model.generate(prompt, seed=seed, length=60) for seed in (3, 4)]
            assert listener.ended == {0: "length", 1: "length"}


def test_several_texts_of_one_prompt_are_those_of_their_seeds_even_with_one_stream() -> None:
    with scheduler(streams=1) as running:
        _, listener = ask(running, VERSE, [5, 6, 7], length=40)
        assert listener.wait(3) == [MODEL.generate(VERSE, seed=seed, length=40) for seed in (5, 6, 7)]
        assert listener.tokens == {0: 40, 1: 40, 2: 40}


def test_log_probabilities_are_told_to_who_asked_for_them() -> None:
    with scheduler(streams=4) as running:
        _, one = ask(running, "the ", [1], length=50, likeliest=0)
        _, other = ask(running, "the ", [1], length=50)
        (text,) = one.wait()
        other.wait()
        (alone,) = MODEL.texts("the ", count=1, seed=1, length=50, log_probabilities=True)
        assert text == alone.text
        assert one.log_probabilities[0] == pytest.approx(alone.log_probabilities, abs=1e-5)
        assert other.log_probabilities[0] == []


def test_who_gives_up_frees_a_stream_at_once() -> None:
    with scheduler(streams=1) as running:
        request, listener = ask(running, "the ", [1], length=10**9)
        assert isinstance(listener.events.get(timeout=10), Came)
        _, second = ask(running, "a", [2], length=10)
        began = time.monotonic()
        request.cancel()
        assert second.wait() == [MODEL.generate("a", seed=2, length=10)]
        assert time.monotonic() - began < 5  # and not 10**9 tokens
        assert not any(isinstance(event, Ended) for event in list(listener.events.queue))


def test_who_waits_too_long_in_line_is_told_when_to_come_back() -> None:
    with scheduler(streams=1, waiting=2) as running:
        requests = [ask(running, "the ", [1], length=10**9)]
        assert isinstance(requests[0][1].events.get(timeout=10), Came)
        requests += [ask(running, "the ", [1], length=5) for _ in range(2)]
        with pytest.raises(BusyError, match="2 requests are waiting") as refused:
            ask(running, "the ", [1])
        assert refused.value.retry_after >= 1
        assert running.queued == 2
        requests[0][0].cancel()
        for _, listener in requests[1:]:
            listener.wait()
        ask(running, "the ", [1], length=5)[1].wait()


def test_a_long_prompt_keeps_nobody_waiting() -> None:
    with scheduler(streams=8) as running:
        request, long = ask(running, VERSE * 20_000, [1], length=1)  # 1.8 million characters: seconds to read
        _, short = ask(running, "the ", [2], length=10)
        assert short.wait(seconds=5) == [MODEL.generate("the ", seed=2, length=10)]
        assert long.events.empty()
        request.cancel()


def test_a_short_prompt_does_not_wait_for_many_long_ones() -> None:
    with scheduler(streams=700) as running:
        asked = [ask(running, VERSE * 40, [1], length=1) for _ in range(600)]  # 3,600 tokens each: seconds for all
        _, short = ask(running, "the ", [2], length=5)
        assert short.wait(seconds=20) == [MODEL.generate("the ", seed=2, length=5)]
        assert sum(one.ended != {} or not one.events.empty() for _, one in asked) < 300
        for request, _ in asked:
            request.cancel()


def test_all_texts_become_longer_together() -> None:
    with scheduler(streams=50) as running:
        asked = [ask(running, "the ", [seed], length=4000) for seed in range(50)]
        for _, listener in asked:
            listener.wait()
        first, last = ([next(iter(one.parts.values()))[place] for _, one in asked] for place in (0, -1))
        assert all(first)
        assert all(last)


def test_one_who_fails_to_listen_disturbs_nobody() -> None:
    def deaf(event: Event) -> None:
        raise RuntimeError(str(event))

    with scheduler(streams=2) as running:
        running.submit(Request(task(MODEL, length=10**9), "the ", [1], deaf))
        _, listener = ask(running, "a", [2], length=300)
        assert listener.wait() == [MODEL.generate("a", seed=2, length=300)]
        deadline = time.monotonic() + 10
        while running.writing and time.monotonic() < deadline:
            time.sleep(0.01)
        assert running.writing == 0


def test_a_defect_is_told_to_whom_it_concerns_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with scheduler(streams=2) as running:
        broken = threading.Event()

        def advance(*_: Any, **__: Any) -> Any:
            broken.set()
            raise MemoryError("no room")

        with monkeypatch.context() as patched:
            patched.setattr("longhand.serving.scheduler.advance", advance)
            _, listener = ask(running, "the ", [1], length=10)
            with pytest.raises(MemoryError, match="no room"):
                listener.wait()
        assert broken.is_set()
        assert ask(running, "a", [2], length=20)[1].wait() == [MODEL.generate("a", seed=2, length=20)]


@pytest.mark.parametrize("what", ["Opening", "task.text", "begin", "advance"])
def test_whatever_fails_no_stream_is_lost_and_nobody_waits_for_ever(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise MemoryError("no room")

    places = {
        "Opening": "longhand.serving.scheduler.Opening",
        "task.text": "longhand.generation.writing.Task.text",
        "begin": "longhand.generation.opening.Opening.begin",
        "advance": "longhand.serving.scheduler.advance",
    }
    with scheduler(streams=2) as running:
        with monkeypatch.context() as patched:
            patched.setattr(places[what], fails)
            for _, listener in [ask(running, "the ", [1, 2, 3], length=10) for _ in range(6)]:
                with pytest.raises(MemoryError, match="no room"):
                    listener.wait(3)
        asked = [ask(running, "a", [2, 3], length=20)[1] for _ in range(3)]
        expected = [MODEL.generate("a", seed=seed, length=20) for seed in (2, 3)]
        assert [listener.wait(2) for listener in asked] == [expected] * 3
        deadline = time.monotonic() + 10
        while len(running._free) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sorted(running._free) == [0, 1]
        assert running.writing == running.queued == 0


def test_closing_lets_short_texts_end_and_tells_the_others() -> None:
    with scheduler(streams=2) as running:
        _, short = ask(running, "a", [2], length=200)
        _, endless = ask(running, "the ", [1], length=10**9)
        assert isinstance(endless.events.get(timeout=10), Came)
        running.close(grace=0.5)
        assert short.wait() == [MODEL.generate("a", seed=2, length=200)]
        with pytest.raises(TimeoutError, match="the server ends"):
            endless.wait()
        with pytest.raises(BusyError):
            ask(running, "a", [1])


class LineModel:
    """A line as one would describe it: a list, in which each client's next turn is after all others'."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.waiting: list[tuple[str, Request]] = []

    def add(self, request: Request) -> None:
        if request.client not in self.turns:
            self.turns.append(request.client)
        self.waiting.append((request.client, request))

    def next(self) -> Request:
        client = self.turns.pop(0)
        place = next(place for place, (whose, _) in enumerate(self.waiting) if whose == client)
        _, request = self.waiting.pop(place)
        if any(whose == client for whose, _ in self.waiting):
            self.turns.append(client)
        return request

    def leave(self) -> None:
        self.waiting = [each for each in self.waiting if not each[1].cancelled]
        self.turns = [client for client in self.turns if any(whose == client for whose, _ in self.waiting)]


STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from("abcd")),
    st.tuples(st.just("next"), st.none()),
    st.tuples(st.just("give up"), st.integers(0, 30)),
)


@settings(max_examples=100)
@given(st.lists(STEPS, max_size=60))
def test_turns_come_as_they_should_whoever_asks_and_gives_up(steps: list[tuple[str, Any]]) -> None:
    line, model, made = Line(), LineModel(), []
    for what, which in [*steps, *[("next", None)] * 60]:
        if what == "add":
            made.append(Request(TASK, "a", [1], print, client=which))
            line.add(made[-1])
            model.add(made[-1])
        elif what == "give up" and which < len(made):
            made[which].cancel()
            line.leave()
            model.leave()
        elif what == "next" and model.waiting:
            assert line.next() is model.next()
        assert len(line) == len(model.waiting)
        assert set(line) == {request for _, request in model.waiting}


def test_nobody_gets_more_turns_by_calling_themselves_many() -> None:
    line = Line()
    many = [Request(TASK, "a", [1], print, client="here", user=str(number)) for number in range(9)]
    other = [Request(TASK, "a", [1], print, client="there") for _ in range(3)]
    for request in [*many, *other]:
        line.add(request)
    assert [line.next() for _ in range(6)] == [many[0], other[0], many[1], other[1], many[2], other[2]]
    same = [Request(TASK, "a", [1], print, client="here", user="0") for _ in range(2)]
    for request in same:
        line.add(request)
    assert [line.next() for _ in range(8)] == [*many[3:], *same]


def test_turns_are_taken_however_many_somebody_asks_for() -> None:
    ended: list[str] = []
    with scheduler(streams=1) as running:
        request, endless = ask(running, "the ", [1], length=10**9)
        endless.events.get(timeout=10)

        def teller(name: str) -> Callable[[Event], None]:
            return lambda event: ended.append(name) if isinstance(event, Ended) else None

        for client, name in [("much", "much")] * 20 + [("little", "little")]:
            running.submit(Request(task(MODEL, length=5), "a", [1], teller(name), client=client))
        request.cancel()
        deadline = time.monotonic() + 10
        while len(ended) < 21 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(ended) == 21
    assert ended.index("little") <= 1


def test_who_finds_a_free_stream_does_not_wait_in_line() -> None:
    with scheduler(streams=64, waiting=0) as running:
        asked = [ask(running, "the ", [seed], length=20)[1] for seed in range(60)]
        for seed, listener in enumerate(asked):
            assert listener.wait() == [MODEL.generate("the ", seed=seed, length=20)]


def thread_seconds(running: Scheduler) -> float:
    """Return the processor's time that the thread of a scheduler has taken."""
    return time.clock_gettime(time.pthread_getcpuclockid(running._thread.ident or 0))


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="no clock of threads here")
def test_a_text_whose_reader_does_not_keep_up_waits_and_others_do_not() -> None:
    with scheduler(streams=3) as running:
        first, guided = Behind(), Behind()
        for one, sampling in ((first, {"length": 10**9}), (guided, {"length": 9000, "pattern": "[a-z ]{900}"})):
            one.request = Request(task(MODEL, **sampling), "", [1], one.tell)
            running.submit(one.request)
            assert isinstance(one.events.get(timeout=10), Came)
        assert ask(running, "a", [2], length=2000)[1].wait() == [MODEL.generate("a", seed=2, length=2000)]
        before = thread_seconds(running)
        time.sleep(0.25)
        assert thread_seconds(running) - before < 0.05  # nothing spins
        for one in (first, guided):
            assert one.events.empty()
            assert one.request is not None
            one.request.resume()
            assert isinstance(one.events.get(timeout=10), Came)
            one.request.cancel()


class Behind(Listener):
    """One who does not keep up: takes no more than one piece before the text has to wait."""

    request: Request | None = None

    def tell(self, event: Event) -> None:
        self.events.put(event)
        assert self.request is not None
        self.request.pause()


def test_a_text_that_was_paused_is_the_one_that_it_would_have_been() -> None:
    with scheduler(streams=4) as running:
        asked = [ask(running, "the ", [seed], length=20_000) for seed in range(4)]
        for round_ in range(6):
            for request, _ in asked[round_ % 2 :: 2]:
                request.pause()
            time.sleep(0.005)
            for request, _ in asked:
                request.resume()
        for seed, (_, listener) in enumerate(asked):
            assert listener.wait() == [MODEL.generate("the ", seed=seed, length=20_000)]


def test_a_text_whose_guide_fails_fails_alone() -> None:
    with scheduler(streams=4) as running:
        bad = Listener()
        wanted = task(MODEL, pattern="[a-z]{500}", length=900)
        broken = replace(wanted, guide=cast("Any", BrokenGuide(wanted.guide)))
        good = [ask(running, "the ", [seed], length=3000, likeliest=seed or None)[1] for seed in range(2)]
        also = ask(running, "", [3], pattern="[a-z]{300}", length=900)[1]
        running.submit(Request(broken, "", [1], bad.events.put))
        with pytest.raises(ZeroDivisionError):
            bad.wait()
        for seed, listener in enumerate(good):
            assert listener.wait() == [MODEL.generate("the ", seed=seed, length=3000)]
        assert also.wait() == [MODEL.generate("", seed=3, pattern="[a-z]{300}", length=900)]
        deadline = time.monotonic() + 10
        while len(running._free) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sorted(running._free) == [0, 1, 2, 3]


class BrokenGuide:
    """A guide that fails once it has led some tokens."""

    def __init__(self, guide: Any) -> None:
        self._guide, self._led = guide, 0

    def __getattr__(self, name: str) -> Any:
        if name not in ("bound", "start"):
            self._led += 1
        if self._led > 200:
            raise ZeroDivisionError
        return getattr(self._guide, name)


def test_log_probabilities_are_those_of_a_text_alone_whoever_writes_beside_it() -> None:
    with scheduler(streams=8) as running:
        asked = [
            ask(running, "the ", [seed], length=200 + 40 * seed, likeliest=None if seed % 2 else seed)[1]
            for seed in range(8)
        ]
        for seed, listener in enumerate(asked):
            length = 200 + 40 * seed
            (text,) = listener.wait()
            (alone,) = MODEL.texts("the ", count=1, seed=seed, length=length, log_probabilities=True)
            assert text == alone.text
            expected = [] if seed % 2 else alone.log_probabilities
            assert listener.log_probabilities[0] == pytest.approx(expected, abs=1e-5)


STATES: list[dict[str, Any]] = [
    {},
    {"temperature": 1.3, "top_k": 5},
    {"repetition_penalty": 1.4, "penalty_window": 20},
    {"stop": ("qz",)},
    {"until": "line"},
]


@pytest.mark.parametrize("streams", [1, 9])
@pytest.mark.parametrize("tokens", ["char", "word"])
def test_texts_go_on_from_states_as_they_do_alone(tokens: str, streams: int) -> None:
    model = MODEL if tokens == "char" else WORDS
    before = []
    for sampling in STATES:
        writing = model.pieces("the c", seed=1, length=23, **sampling)
        list(writing)
        before.append(model.state_of(writing))
    with scheduler(model, streams=streams) as running:
        asked = []
        for state in before:
            for prompt, seed, length in (("", None, 60), ("", 7, 40), (" a c", None, 30), ("", None, 0)):
                listener = Listener()
                request = Request(model.task(state, length=length), prompt, [seed], listener.events.put, before=state)
                running.submit(request)
                asked.append((state, prompt, seed, length, listener))
        for state, prompt, seed, length, listener in asked:
            given_seed = {} if seed is None else {"seed": seed}
            alone = "".join(piece.text for piece in model.pieces(prompt, state=state, length=length, **given_seed))
            assert listener.wait() == [alone], (state.facts.settings, prompt, seed, length)
