"""A server that is treated badly: it refuses in its own words, forgets nobody's text, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hostile import odd_field
from hostile_http import KINDS, attacks
from serving import Server, eventually, request, reset, running, tiny
from striking import Struck, problems, reference, responses, strikes, target

WRITING = "longhand_streams_writing"
LONG = 100_000  # tokens that nobody waits for
MEGABYTE = 1 << 20

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process takes is Linux's to say")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tiny(tmp_path_factory.mktemp("models"), "one", "other")) as started:
        yield started


@pytest.fixture(scope="module")
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for requests that it may still be at work on when they are given up."""
    with running(tiny(tmp_path_factory.mktemp("models"))) as started:
        yield started


def strike_with(server: Server, count: int, seed: int = 0) -> list[Struck]:
    """Send so many hostile requests, and assert that each was answered as it should be."""
    struck = asyncio.run(strikes(server, islice(attacks(target(server), seed), count)))
    wrong = Counter(f"{one.attack.name}: {problem}" for one in struck for problem in problems(one))
    assert not wrong, "\n".join(f"{times} x {line[:500]}" for line, times in wrong.most_common(20))
    return struck


def test_rubbish_is_refused_and_changes_nothing(server: Server) -> None:
    before = reference(server)
    struck = strike_with(server, 600)
    statuses = Counter(status for one in struck for status, _, _ in responses(one.data))
    assert {200, 400, 403, 404, 405, 413, 415} <= set(statuses), statuses
    assert len(struck) == 600 > len(KINDS)
    assert reference(server) == before
    assert eventually(lambda: server.gauge(WRITING) == 0)


@pytest.mark.slow
def test_ten_thousand_of_it_take_no_memory(server: Server) -> None:
    before = reference(server)
    aim, chance = target(server), random.Random(1)
    asyncio.run(strikes(server, [odd_field(chance, aim) for _ in range(300)]))  # what takes most of it has had it
    strike_with(server, 2000, seed=1)
    assert eventually(lambda: server.gauge(WRITING) == 0, 30)
    early = server.memory()
    strike_with(server, 8000, seed=2)
    assert eventually(lambda: server.gauge(WRITING) == 0, 30)
    assert server.memory() - early < 16 * MEGABYTE
    assert reference(server) == before


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("abruptly", [True, False])
def test_who_goes_away_frees_a_stream_at_once(server: Server, streamed: bool, abruptly: bool) -> None:
    connection = server.connect()
    fields = {"model": server.model, "max_tokens": LONG, "logprobs": 5, "stream": streamed}
    connection.sendall(request("POST", "/v1/completions", fields))
    assert eventually(lambda: server.gauge(WRITING) == 1)
    (reset if abruptly else type(connection).close)(connection)
    began = time.monotonic()
    assert eventually(lambda: server.gauge(WRITING) == 0, 30, every=0.001)
    assert time.monotonic() - began < 1  # a tenth of it on a quiet machine, and not as long as the text


def test_who_goes_away_frees_a_stream_whatever_else_was_sent(server: Server) -> None:
    with server.connect() as connection:
        fields = {"model": server.model, "max_tokens": LONG, "n": 8}
        connection.sendall(request("POST", "/v1/completions", fields) + request("GET", "/health"))
        assert eventually(lambda: server.gauge(WRITING) == 8)
    began = time.monotonic()
    assert eventually(lambda: server.gauge(WRITING) == 0, 30, every=0.001)
    assert time.monotonic() - began < 1


def test_nothing_is_scored_for_who_has_gone(server: Server) -> None:
    fields = {"model": server.model, "input": "the cat " * 10_000, "adapt": True, "adapt_layers": "all"}
    for _ in range(6):  # each takes seconds
        with server.connect() as connection:
            connection.sendall(request("POST", "/v1/score", fields))
            time.sleep(0.1)
    began = time.monotonic()
    assert server.post("/v1/score", {"model": server.model, "input": "the cat"}).status == 200
    waited = time.monotonic() - began
    began = time.monotonic()
    assert server.post("/v1/score", fields).status == 200
    assert waited < 3 * (time.monotonic() - began) + 1  # the one that had begun, and not all six


def test_who_never_reads_a_whole_answer_is_cut_off(tmp_path: Path) -> None:
    with running(tiny(tmp_path), "--send-seconds", 0.5) as server, server.connect(receive=4096) as connection:
        fields = {"model": "tiny", "input": "the cat " * 40_000, "per_token": True}  # megabytes of answer
        connection.sendall(request("POST", "/v1/score", fields))
        time.sleep(2)
        came = connection.recv(1 << 16)
        length = int(came.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        with suppress(ConnectionResetError):
            while part := connection.recv(1 << 20):
                came += part
        assert len(came) < length / 2


def test_long_prompts_are_forgotten_with_their_requests(other_server: Server) -> None:
    server = other_server
    fields = {"model": server.model, "prompt": "the cat " * 100_000, "max_tokens": 0}

    def ask(times: int) -> int:
        for _ in range(times):
            assert server.post("/v1/completions", fields).status == 200
        return server.memory()

    early = ask(3)
    assert ask(6) - early < 20 * MEGABYTE  # each takes 15


def test_who_comes_and_goes_leaves_nothing_behind(server: Server) -> None:
    payload = request("POST", "/v1/completions", {"model": server.model, "max_tokens": LONG, "stream": True})

    def come_and_go(count: int) -> int:
        for number in range(count):
            connection = server.connect()
            connection.sendall(payload if number % 3 else payload[: number % len(payload)])
            if number % 3 == 1:
                connection.recv(1)
            reset(connection)
        assert eventually(lambda: server.gauge(WRITING) == 0)
        return server.memory()

    early = come_and_go(60)
    assert come_and_go(200) - early < 8 * MEGABYTE


def test_who_sends_a_body_too_slowly_is_told_so(tmp_path: Path) -> None:
    with running(tiny(tmp_path), limits={"body_seconds": 0.5}) as server:
        whole = request("POST", "/v1/completions", {"model": "tiny", "prompt": "a" * 100})
        with server.connect(timeout=10) as connection:
            connection.sendall(whole[:-90])
            began = time.monotonic()
            with suppress(OSError):  # it may have been closed already
                while time.monotonic() - began < 1:
                    connection.sendall(b"a")
                    time.sleep(0.05)
            (answer,) = responses(connection.recv(65_536))
        assert answer[0] == 408
        assert json.loads(answer[2])["error"]["type"] == "invalid_request_error"


HEAVY: list[dict[str, Any]] = [
    {"max_tokens": LONG, "n": 128, "logprobs": 20},
    {"max_tokens": LONG, "n": 128, "logprobs": 20, "stream": True},
    {"max_tokens": 0, "echo": True, "logprobs": 20, "prompt": "the cat " * 60_000},
    {"max_tokens": 1, "echo": True, "logprobs": 20, "n": 128, "prompt": "the cat " * 10_000},
    {"pattern": "(?i)" + "a?" * 2000, "max_tokens": 2000, "n": 20},
]


@pytest.mark.parametrize("fields", HEAVY, ids=lambda fields: ",".join(fields))
def test_no_request_alone_takes_the_memory_or_the_time_of_others(other_server: Server, fields: dict[str, Any]) -> None:
    server = other_server
    before, began = server.memory(), time.monotonic()
    with server.connect() as connection:
        connection.sendall(request("POST", "/v1/completions", {"model": server.model, **fields}))
        connection.settimeout(0.05)
        waited, answered = [], False
        while time.monotonic() - began < 2 and not answered:
            asked = time.monotonic()
            reference(server)
            waited.append(time.monotonic() - asked)
            with suppress(TimeoutError):
                answered = b"\r\n0\r\n" in connection.recv(1 << 20) or "stream" not in fields
    assert max(waited) < 3  # a few hundredths on a quiet machine
    assert server.memory() - before < 160 * MEGABYTE
    assert eventually(lambda: server.gauge(WRITING) == 0)


def test_who_never_reads_takes_little_memory_and_keeps_nobody_waiting(server: Server) -> None:
    before, expected = server.memory(), reference(server)
    fields = {"model": server.model, "max_tokens": LONG, "logprobs": 20, "stream": True}
    with ExitStack() as stack:
        deaf = [stack.enter_context(server.connect(receive=4096)) for _ in range(8)]
        for connection in deaf:
            connection.sendall(request("POST", "/v1/completions", fields))
        time.sleep(1.5)  # in which they would fill some 50 MB
        assert server.memory() - before < 24 * MEGABYTE
        began = time.monotonic()
        assert reference(server) == expected
        assert time.monotonic() - began < 3
    assert eventually(lambda: server.gauge(WRITING) == 0)
