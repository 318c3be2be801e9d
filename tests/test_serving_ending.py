"""How a server ends, and how it shares what it has: nobody is left without an answer, or waits for all others."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import VERSE, small_file
from serving import Answer, Server, eventually, request, running, tiny

from longhand.errors import OptionError
from longhand.modelfile import write_model
from longhand.serving.mailbox import Mailbox
from longhand.serving.metrics import Metrics
from longhand.serving.room import Rooms
from longhand.serving.streaming import Answering
from longhand.serving.threads import in_thread
from longhand.serving.wire import Usage

GRACE = 1.0
ENDLESS = 10_000_000  # tokens
WRITING, WAITING = "longhand_streams_writing", "longhand_requests_waiting"


class Asking:
    """Somebody who asks in a thread of their own, and what they are answered."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask, self._answer = ask, Answer(0, {}, b"")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._answer = self._ask()
        self.at = time.monotonic()

    @property
    def answer(self) -> Answer:
        self._thread.join(20)
        assert self._answer.status, "no answer"
        return self._answer


def asks(server: Server, **fields: Any) -> Asking:
    """Let somebody ask for a completion."""
    return Asking(lambda: server.post("/v1/completions", {"model": "tiny", **fields}))


def begins(server: Server, body: bytes, rest: threading.Event | None) -> Asking:
    """Let somebody begin to ask, and finish when `rest` is set, or never."""

    def ask() -> Answer:
        with server.connect(timeout=20) as connection:
            whole = request("POST", "/v1/completions", body)
            connection.sendall(whole[:-5])
            if rest is not None:
                rest.wait(20)
                connection.sendall(whole[-5:])
            with http.client.HTTPResponse(connection) as said:
                said.begin()
                return Answer(said.status, {name.lower(): value for name, value in said.getheaders()}, said.read())

    return Asking(ask)


def stream(server: Server) -> Any:
    """Return a connection on which a text comes that does not end."""
    connection = server.connect()
    connection.sendall(request("POST", "/v1/completions", {"model": "tiny", "max_tokens": ENDLESS, "stream": True}))
    assert connection.recv(10)
    return connection


class Ended(NamedTuple):
    seconds: float
    returncode: int | None
    asked: dict[str, Asking]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """Tell a server to end that is asked for all kinds of things."""
    folder = tmp_path_factory.mktemp("ending")
    write_model(small_file(hidden=512), folder / "large.safetensors")
    paths = [*tiny(folder), folder / "large.safetensors"]
    with running(paths, "--streams", 3, "--grace", GRACE, "--longest", ENDLESS) as server:
        began = time.monotonic()
        server.complete(model="tiny", max_tokens=20_000)
        a_moment = int(5000 / (time.monotonic() - began))
        fields = {"model": "tiny", "max_tokens": 5}
        rest = threading.Event()
        asking = {
            "score": Asking(
                lambda: server.post("/v1/score", {"model": "large", "input": (VERSE * 12_000)[:1_000_000]})
            ),
            "begun": begins(server, json.dumps(fields).encode(), rest),
            "unfinished": begins(server, json.dumps(fields).encode(), None),
            "stream": asks(server, max_tokens=ENDLESS, stream=True),
            "whole": asks(server, max_tokens=ENDLESS),
        }
        assert eventually(lambda: server.gauge(WRITING) == 2)
        deaf = server.connect(receive=4096)
        asking["short"] = asks(server, max_tokens=a_moment, seed=1, stream=True)
        assert eventually(lambda: server.gauge(WRITING) == 3)
        asking |= {f"queued {number}": asks(server, max_tokens=ENDLESS, stream=number == 2) for number in range(3)}
        deaf.sendall(
            request("POST", "/v1/completions", fields | {"max_tokens": ENDLESS, "stream": True, "logprobs": 5})
        )
        assert eventually(lambda: server.gauge(WAITING) == 4)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        rest.set()
        returncode = server.process.wait(20)
        seconds = time.monotonic() - began
        deaf.close()
        yield Ended(seconds, returncode, asking)


def test_a_server_ends_soon_after_its_grace_whatever_it_is_asked(ended: Ended) -> None:
    assert ended.seconds < GRACE + 3
    assert ended.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)


def test_a_text_that_is_almost_written_comes_to_its_end(ended: Ended) -> None:
    answer = ended.asked["short"].answer
    assert answer.events[-1] is None
    assert answer.events[-2]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("name", ["stream", "queued 2"])
def test_a_stream_that_would_go_on_ends_with_an_error(name: str, ended: Ended) -> None:
    answer = ended.asked[name].answer
    assert answer.status == 200
    assert answer.events[-1]["error"]["type"] == "server_error"
    assert "the server ends" in answer.events[-1]["error"]["message"]


@pytest.mark.parametrize("name", ["whole", "queued 0", "queued 1", "begun", "unfinished", "score"])
def test_who_gets_no_text_is_told_to_come_back(name: str, ended: Ended) -> None:
    answer = ended.asked[name].answer
    assert answer.status == 503
    assert answer.error["type"] == "server_error"
    assert int(answer.headers["retry-after"]) >= 1


def test_a_second_interrupt_ends_a_server_at_once_though_it_has_work(tmp_path: Path) -> None:
    write_model(small_file(hidden=512), tmp_path / "large.safetensors")
    paths = [*tiny(tmp_path), tmp_path / "large.safetensors"]
    with running(paths, "--grace", 60, "--longest", ENDLESS) as server, stream(server):
        connection = server.connect()
        connection.sendall(request("POST", "/v1/score", {"model": "large", "input": (VERSE * 12_000)[:1_000_000]}))
        time.sleep(0.1)
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(3) == 130
        connection.close()


@pytest.mark.parametrize(("error", "logged"), [(MemoryError("no room"), True), (OptionError("seed: none"), False)])
def test_a_stream_that_fails_says_so_and_a_defect_is_logged(
    error: Exception, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing:
        done, model, usage = False, "tiny", Usage(1, 0, 1)

        def __init__(self) -> None:
            self.box = Mailbox(bounded=True)
            self.box.ready.set()

        def submit(self) -> None:
            pass

        def room_in(self, _: Rooms) -> Any:
            return nullcontext()

        def take(self, _: Any) -> None:
            raise error

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def answer() -> None:
        failing: Any = Failing()
        answering = Answering(failing, Rooms(), in_thread, Metrics(list), stream=True, with_usage=False, began=0.0)
        await answering({"type": "http"}, receive, send)

    asyncio.run(answer())
    told = json.loads(sent[1]["body"].removeprefix(b"data: "))["error"]
    assert told["type"] == ("server_error" if logged else "invalid_request_error")
    assert "no room" not in told["message"]
    assert sent[-1]["more_body"] is False
    assert ("no room" in caplog.text) == logged


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve one text at a time, while 21 requests may wait."""
    folder = tmp_path_factory.mktemp("narrow")
    with running(tiny(folder), "--streams", 1, "--waiting", 21, "--longest", ENDLESS) as started:
        yield started


def test_who_finds_too_many_waiting_is_told_when_to_come_back(narrow: Server) -> None:
    with stream(narrow):
        assert eventually(lambda: narrow.gauge(WRITING) == 1)
        second = asks(narrow, prompt=["a"] * 21, max_tokens=5)
        assert eventually(lambda: narrow.gauge(WAITING) == 21)
        for streamed in (False, True):
            answer = narrow.post("/v1/completions", {"model": "tiny", "stream": streamed})
            assert answer.status == 429
            assert (answer.error["type"], answer.error["code"]) == ("rate_limit_error", "busy")
            assert int(answer.headers["retry-after"]) >= 1
    assert second.answer.status == 200
    assert asks(narrow, max_tokens=5).answer.status == 200


def test_several_texts_are_all_taken_or_none_of_them(narrow: Server) -> None:
    expected = narrow.complete(model="tiny", prompt=["a", "b", "c"], n=4, seed=1, max_tokens=9)["choices"]
    assert [choice["index"] for choice in expected] == list(range(12))
    with stream(narrow):
        assert eventually(lambda: narrow.gauge(WRITING) == 1)
        several = asks(narrow, prompt=["a", "b", "c"], n=4, seed=1, max_tokens=9)
        assert eventually(lambda: narrow.gauge(WAITING) == 3)
        for prompt in (["a"] * 19, ["a"] * 100):
            assert narrow.post("/v1/completions", {"model": "tiny", "prompt": prompt}).status == 429
        assert narrow.gauge(WAITING) == 3
    assert several.answer.json["choices"] == expected


def test_who_asks_for_much_does_not_keep_another_waiting(narrow: Server) -> None:
    with stream(narrow):
        assert eventually(lambda: narrow.gauge(WRITING) == 1)
        much = [asks(narrow, user="much", max_tokens=2000) for _ in range(20)]
        assert eventually(lambda: narrow.gauge(WAITING) == 20)
        little = asks(narrow, user="little", max_tokens=2000)
        assert eventually(lambda: narrow.gauge(WAITING) == 21)
    assert {one.answer.status for one in [little, *much]} == {200}
    assert sum(one.at < little.at for one in much) < 16  # 1, if all threads here are as quick; 20 in their order
