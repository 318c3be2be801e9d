"""A server that is treated badly: it refuses in its own words, forgets nobody's text, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
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
    assert {400, 403, 404, 405, 415} <= set(statuses), statuses
    assert len(struck) == 600 > len(KINDS)
    assert reference(server) == before
    assert eventually(lambda: server.gauge(WRITING) == 0)


@pytest.mark.slow
def test_ten_thousand_of_it_take_no_memory(server: Server) -> None:
    before = reference(server)
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
    with running(tiny(tmp_path), "--body-seconds", 0.5) as server:
        whole = request("POST", "/v1/completions", {"model": "tiny", "prompt": "a" * 100})
        with server.connect(timeout=10) as connection:
            connection.sendall(whole[:-90])
            began = time.monotonic()
            for byte in whole[-90:-2]:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)
                if time.monotonic() - began > 1:
                    break
            came = b""
            while part := connection.recv(65_536):  # until the connection is closed
                came += part
        (answer,) = responses(came)
        assert answer[0] == 408
        assert json.loads(answer[2])["error"]["type"] == "invalid_request_error"


def test_who_never_reads_takes_little_memory_and_keeps_nobody_waiting(server: Server) -> None:
    before, expected = server.memory(), reference(server)
    fields = {"model": server.model, "max_tokens": LONG, "logprobs": 20, "stream": True}
    deaf = [server.connect(receive=4096) for _ in range(8)]
    for connection in deaf:
        connection.sendall(request("POST", "/v1/completions", fields))
    time.sleep(1.5)  # in which they would fill some 50 MB
    assert server.memory() - before < 24 * MEGABYTE
    began = time.monotonic()
    assert reference(server) == expected
    assert time.monotonic() - began < 2
    for connection in deaf:
        reset(connection)
    assert eventually(lambda: server.gauge(WRITING) == 0)
