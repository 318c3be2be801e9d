"""Who may ask a server, and for how much: keys, names, kinds and sizes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hmac
import html
import http.client
import json
import os
import re
import socket
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import Answer, Server, eventually, request, running, tiny
from striking import responses

from longhand.config import ServingConfig
from longhand.serving.bodies import BODY, Body
from longhand.serving.guard import POLICY, REFUSAL_DELAY_SECONDS, Guard
from longhand.serving.metrics import Metrics
from longhand.serving.request import BusyError
from longhand.serving.static import page_files

KEYS = ("first-key-0123456789abcdef", "second-key-0123456789abcdef")
BEARER = {"Authorization": f"Bearer {KEYS[0]}"}
MOST_BODY = 20_000
EVERYWHERE = "0.0.0.0"  # noqa: S104 (it is what a key is for)
OPEN = ["/", "/docs", "/openapi.json", "/health", *(f"/assets/{name}" for name in page_files())]
ODD_NAME = b"a b%2f\xe4\xbd\xa0\xff.safetensors"


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve at all addresses, with two keys, also a model whose file's name is no UTF-8, and a training."""
    folder = tmp_path_factory.mktemp("keyed")
    (folder / "keys").write_text(f"\n{KEYS[0]}\r\n  {KEYS[1]}  \n\n", encoding="ascii")
    limits = ("--body", MOST_BODY, "--body-seconds", 0.5, "--allow-host", "Names.Example")
    (folder / "tiny.run").mkdir()
    first, second = tiny(folder, "tiny", "other")
    odd = second.rename(folder / os.fsdecode(ODD_NAME))
    served = [first, odd, folder / "tiny.run"]
    with running(served, "--host", EVERYWHERE, "--key-file", folder / "keys", *limits) as started:
        yield started


def asked(server: Server, payload: bytes, timeout: float = 10) -> list[tuple[int, str, bytes]]:
    """Send bytes, and return the answers that come until the server closes the connection."""
    with server.connect(timeout=timeout) as connection:
        connection.sendall(payload)
        data = bytearray()
        while part := connection.recv(65_536):
            data += part
    return responses(bytes(data))


def first_of(connection: socket.socket) -> tuple[int, bytes]:
    """Return the status and body of an answer, while the connection stays open."""
    with http.client.HTTPResponse(connection) as said:
        said.begin()
        return said.status, said.read()


def described(server: Server) -> list[tuple[str, str]]:
    """Return the methods and paths that a server says it has, with names in the place of names."""
    paths = server.get("/openapi.json").json["paths"]
    return [(method.upper(), path.replace("{name}", "tiny")) for path, methods in paths.items() for method in methods]


def ask_all(server: Server, headers: dict[str, str]) -> dict[tuple[str, str], Answer]:
    return {
        (method, path): server.ask(method, path, {"model": "tiny"} if method == "POST" else None, headers=headers)
        for method, path in described(server)
    }


WRONG = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": f"Bearer {KEYS[0][:-1]}"},
    {"Authorization": f"Bearer {KEYS[0]}x"},
    {"Authorization": f"Bearer {KEYS[0].upper()}"},
    {"Authorization": f"Bearer {KEYS[0]}\n{KEYS[1]}".replace("\n", " ")},
    {"Authorization": f"Basic {KEYS[0]}"},
    {"Authorization": KEYS[0]},
    {"X-Api-Key": KEYS[0]},
]


@pytest.mark.parametrize("headers", WRONG, ids=str)
def test_without_a_key_of_the_server_nothing_of_the_api_is_told(headers: dict[str, str], keyed: Server) -> None:
    for (method, path), answer in ask_all(keyed, headers).items():
        if path == "/health":
            assert answer.status == 200
            continue
        assert answer.status == 401, (method, path)
        assert (answer.error["type"], answer.error["code"]) == ("authentication_error", "invalid_api_key")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert KEYS[0] not in answer.body.decode()


def test_any_of_the_keys_opens_the_whole_api(keyed: Server) -> None:
    for header in (f"Bearer {KEYS[0]}", f"bearer {KEYS[1]}", f"Bearer   {KEYS[1]}"):
        for place, answer in ask_all(keyed, {"Authorization": header}).items():
            assert answer.status in (200, 400, 404), place  # where the body lacks an input, or there is no such run


def test_what_is_the_same_for_everybody_needs_no_key(keyed: Server) -> None:
    for path in OPEN:
        assert keyed.get(path).status == 200, path
    for path in ("/assets", "/docs/", "/nothing", "/v1/models?x=/assets/", "//v1/models"):
        assert keyed.get(path).status == 401, path
    for path in ("/assets/../v1/models", "/assets/%2e%2e%2fv1%2fmodels"):
        assert keyed.get(path).status == 404, path


def test_a_key_is_demanded_by_every_method(keyed: Server) -> None:
    for method in ("OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"):
        assert keyed.ask(method, "/v1/models").status == 401, method


@pytest.mark.parametrize("trailer", ["Host: localhost", f"Authorization: Bearer {KEYS[0]}"])
def test_trailers_are_no_headers(trailer: str, keyed: Server) -> None:
    given = {f"Authorization: Bearer {KEYS[0]}", "Host: localhost"} - {trailer}
    head = "\r\n".join(["GET /v1/models HTTP/1.1", *given, "Connection: close", "Transfer-Encoding: chunked", "", ""])
    ((status, _, _),) = asked(keyed, f"{head}0\r\n{trailer}\r\n\r\n".encode())
    assert status in (401, 403)


def test_who_is_told_to_come_back_is_told_so_after_a_moment_in_which_the_body_takes_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[tuple[float, bytes, bool]] = []
    bodies: list[Body] = []
    made: list[weakref.ref[Any]] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        bodies.append(scope[BODY])
        large = {"what a request has made"}
        made.append(weakref.ref(large))
        raise BusyError(3, 2.0)

    async def sleep(seconds: float) -> None:
        gc.collect()
        waited.append((seconds, bodies[0].data, made[-1]() is None))

    monkeypatch.setattr("longhand.serving.guard.asyncio.sleep", sleep)
    monkeypatch.setattr("longhand.serving.guard.MAX_DELAYED_REFUSALS", 1)
    guard = Guard(app, ServingConfig(), [], Metrics(list))
    assert asyncio.run(guarded(guard, {"Host": "localhost"})) == 429
    assert waited == [(REFUSAL_DELAY_SECONDS, b"", True)]
    guard._num_delayed = 1  # as many as may be
    assert asyncio.run(guarded(guard, {"Host": "localhost"})) == 429
    assert len(waited) == 1


async def lets_in(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def guard_of(keys: list[str], limits: ServingConfig | None = None) -> Guard:
    """Return a guard of an application that answers everything."""
    return Guard(lets_in, limits or ServingConfig(), [key.encode() for key in keys], Metrics(list))


async def guarded(guard: Guard, headers: dict[str, str]) -> int:
    """Return the status with which a guard lets a request in, or refuses it."""
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    listed = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/v1/models", "headers": listed}
    await guard(scope, receive, send)
    (status,) = statuses
    return status


@pytest.mark.parametrize("right", [0, 3, 6, None])
def test_all_keys_are_compared_in_constant_time_whichever_is_right(
    right: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr("longhand.serving.guard.hmac.compare_digest", compare)
    keys = [f"{number}" * (16 + number) for number in range(7)]
    key = "x" if right is None else keys[right]
    status = asyncio.run(guarded(guard_of(keys), {"Host": "localhost", "Authorization": f"Bearer {key}"}))
    assert status == (401 if right is None else 200)
    assert len(compared) == 7
    assert len(set(compared)) == 1  # and of one length: nobody learns a key's


def allowed(host: str, *names: str, at: str = "127.0.0.1") -> bool:
    """Return whether a request that names a host is let in by a server that listens at an address."""
    limits = ServingConfig(host=at, allow_host=names)
    status = asyncio.run(guarded(guard_of([], limits), {"Host": host}))
    assert status in (200, 403)
    return status == 200


OURS = [
    "localhost",
    "LOCALHOST:80",
    "localhost.",
    "localhost.:8000",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]",
    "[::1]:8000",
    "localhost:",
]
FOREIGN = [
    "",
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example:8000",
    "10.0.0.1",
    "[::2]:80",
    "evil@localhost",
]
FOREIGN += ["localhost:80:80", "127.0.0.2", "2130706433", "0x7f.1", ":8000", "*", "localhost:a", "local host"]


@pytest.mark.parametrize("host", OURS)
def test_a_server_answers_to_the_names_of_this_machine_itself(host: str) -> None:
    assert allowed(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_a_server_does_not_answer_to_other_names(host: str) -> None:
    assert not allowed(host)


def test_names_can_be_allowed_and_all_of_them_with_a_star() -> None:
    for name in ("names.example", "NAMES.example", "names.example."):
        for host in ("names.example", "Names.Example:8000", "names.example.:80"):
            assert allowed(host, "other.example", name), (name, host)
        assert not allowed("sub.names.example", name)
    assert allowed("[fd00::7]:8000", "[fd00::7]")
    assert allowed("[fd00::7]", "fd00::7")
    assert allowed("whatever.example:99", "*")


def test_addresses_are_ours_only_where_the_server_listens_at_all_of_them() -> None:
    for at in (EVERYWHERE, "::"):
        for host in ("10.1.2.3", "10.1.2.3:8000", "[fd00::7]:8000", f"{socket.gethostname().upper()}:1"):
            assert allowed(host, at=at), (at, host)
        assert not allowed("evil.example", at=at)
    assert allowed("10.1.2.3:8000", at="10.1.2.3")
    assert not allowed("10.1.2.4:8000", at="10.1.2.3")
    assert allowed("[fd00::7]:80", at="fd00:0::7")


@settings(max_examples=50)
@given(name=st.from_regex(r"[a-z0-9-]{1,9}(\.[a-z0-9-]{1,9}){0,3}", fullmatch=True), port=st.integers(1, 65535))
def test_no_name_is_ours_that_a_page_could_come_from(name: str, port: int) -> None:
    ours = name == "localhost" or re.fullmatch(r"\d+(\.\d+){3}", name)
    assert bool(ours) or not allowed(f"{name}:{port}", at=EVERYWHERE)
    assert allowed(f"{name.upper()}.:{port}", name)


def test_a_foreign_name_is_told_what_to_do(keyed: Server) -> None:
    for path in (*OPEN, "/v1/models"):
        answer = keyed.get(path, headers={"Host": "evil.example", **BEARER})
        assert (answer.status, answer.error["code"]) == (403, "host_not_allowed")
        assert "--allow-host" in answer.error["message"]
    assert keyed.get("/v1/models", headers={"Host": "names.example:80", **BEARER}).status == 200
    twice = b"GET /health HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert asked(keyed, twice)[0][0] in (400, 403)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "application/jsonx",
        "",
        "json",
    ],
)
def test_a_body_that_is_not_said_to_be_json_is_refused(kind: str, keyed: Server) -> None:
    for path in ("/v1/completions", "/v1/score", "/v1/inspect"):
        answer = keyed.post(path, {"model": "tiny"}, headers={**BEARER, "Content-Type": kind})
        assert answer.status == 415
        assert "application/json" in answer.error["message"]


def test_json_may_be_said_with_a_character_set(keyed: Server) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        answer = keyed.post("/v1/completions", {"model": "tiny"}, headers={**BEARER, "Content-Type": kind})
        assert answer.status == 200


def test_no_other_site_is_given_leave_to_ask(keyed: Server) -> None:
    headers = {
        **BEARER,
        "Origin": "http://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, authorization",
        "Access-Control-Request-Private-Network": "true",
    }
    for method in ("OPTIONS", "GET", "HEAD", "POST"):
        for path in (*OPEN, "/v1/completions", "/v1/models", "/nothing"):
            answer = keyed.ask(method, path, {"model": "tiny"} if method == "POST" else None, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control-")], (method, path)
            assert method != "OPTIONS" or answer.status in (404, 405)


def test_every_answer_says_what_may_be_done_with_it(keyed: Server) -> None:
    paths = [*OPEN, "/v1/models", "/v1/models/none", "/metrics", "/nothing"]
    answers = [keyed.get(path, headers=BEARER) for path in paths] + [keyed.get("/v1/models")]
    answers += [
        keyed.post("/v1/completions", {"model": "tiny", "stream": stream}, headers=BEARER) for stream in (0, True)
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers
    for path in (*OPEN, "/v1/models"):
        if path != "/docs":
            assert keyed.get(path, headers=BEARER).headers["content-security-policy"] == POLICY, path
    reference = html.unescape(keyed.get("/docs").body.decode())
    assert re.search(r"<meta http-equiv=\"?content-security-policy\"? content=\"default-src 'none'", reference, re.I)


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(keyed: Server) -> None:
    fitting = b'{"model": "tiny", "max_tokens": 1}'.ljust(MOST_BODY)
    assert keyed.post("/v1/completions", fitting, headers=BEARER).status == 200
    answer = keyed.post("/v1/completions", fitting + b" ", headers=BEARER)
    assert (answer.status, answer.error["code"]) == (413, "too_large")
    assert f"{MOST_BODY:,} bytes" in answer.error["message"]
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {KEYS[0]}\r\nConnection: close\r\n".encode()
    with keyed.connect(timeout=10) as connection:
        connection.sendall(head + b"Content-Length: 1000000000000000000\r\n\r\n{")
        assert first_of(connection)[0] == 413  # before it comes
    for size, status in ((MOST_BODY, 200), (MOST_BODY + 1, 413)):
        body = fitting[:MOST_BODY].ljust(size)
        parts = [body[place : place + 999] for place in range(0, size, 999)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
        ((got, _, _),) = asked(keyed, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert got == status, size


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({**BEARER, "Host": "evil.example"}, 403),
        ({**BEARER, "Content-Type": "text/plain"}, 415),
        (BEARER, 413),
    ],
    ids=str,
)
def test_who_sends_much_that_is_refused_reads_why(headers: dict[str, str], status: int, keyed: Server) -> None:
    for _ in range(3):  # http.client reads nothing before it has sent everything
        answer = keyed.post("/v1/completions", b" " * 8_000_000, headers={"Connection": "close", **headers})
        assert answer.status == status
        assert answer.error["message"]


def test_a_connection_is_kept_after_what_is_refused(keyed: Server) -> None:
    connection = http.client.HTTPConnection(keyed.host, keyed.port, timeout=10)
    body = b'{"model": "none"}'
    with contextlib.closing(connection):
        for number in range(600):  # whoever has all of an answer asks for the next thing at once
            headers = {"Content-Type": "application/json", **(BEARER if number % 2 else {})}
            connection.request("POST", "/v1/completions", body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == (404 if number % 2 else 401)


def test_a_body_that_does_not_come_is_not_waited_for(keyed: Server) -> None:
    head = request("POST", "/v1/completions", b"{" + b" " * 99, f"Authorization: Bearer {KEYS[0]}")
    began = time.monotonic()
    with keyed.connect(timeout=10) as connection:
        connection.sendall(head[:-50])
        status, body = first_of(connection)
    assert 0.4 < time.monotonic() - began < 5
    assert status == 408
    assert json.loads(body)["error"]["code"] == "slow"


@pytest.mark.parametrize("where", ["header", "headers", "path"])
def test_headers_that_are_too_large_are_refused(where: str, keyed: Server) -> None:
    fill = b"a" * 70_000
    lines = {
        "header": b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: " + fill,
        "headers": b"GET /health HTTP/1.1\r\nHost: localhost"
        + b"".join(b"\r\nA%d: b" % number for number in range(9000)),
        "path": b"GET /" + fill + b" HTTP/1.1\r\nHost: localhost",
    }[where]
    ((status, _, body),) = asked(keyed, lines)
    assert status == 431
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    small = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nA: " + fill[:60_000] + b"\r\n\r\n"
    assert asked(keyed, small)[0][0] == 200


def test_headers_that_go_on_for_ever_are_refused_in_a_second_request_too(keyed: Server) -> None:
    with keyed.connect(timeout=10) as connection:
        connection.sendall(request("GET", "/health"))
        assert first_of(connection)[0] == 200
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 70_000)
        time.sleep(0.1)
        connection.sendall(b"a" * 70_000)
        assert first_of(connection)[0] == 431


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0"])
def test_who_would_rather_speak_another_protocol_is_answered_in_this_one(protocol: str, keyed: Server) -> None:
    upgrade = (
        "Connection: Upgrade, HTTP2-Settings",
        f"Upgrade: {protocol}",
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    )
    fields = {"model": "tiny", "max_tokens": 3, "seed": 1}
    one = request("POST", "/v1/completions", fields, f"Authorization: Bearer {KEYS[0]}", *upgrade)
    last = request("GET", "/health", close=True)
    answers = asked(keyed, one + last)  # what comes before an answer is there is not answered
    assert [status for status, _, _ in answers] == [200]
    assert json.loads(answers[0][2])["usage"]["completion_tokens"] == 3


PLACES: list[tuple[str, Callable[[str], dict[Any, Any]]]] = [
    ("completions", lambda odd: {"prompt": odd}),
    ("completions", lambda odd: {"prompt": ["a", odd]}),
    ("completions", lambda odd: {"prompt": [[odd]]}),
    ("completions", lambda odd: {"model": odd}),
    ("completions", lambda odd: {"stop": odd}),
    ("completions", lambda odd: {"stop": ["a", odd]}),
    ("completions", lambda odd: {"ban": [odd]}),
    ("completions", lambda odd: {"pattern": odd}),
    ("completions", lambda odd: {"acrostic": odd}),
    ("completions", lambda odd: {"without": odd}),
    ("completions", lambda odd: {"line_length": odd}),
    ("completions", lambda odd: {"until": odd}),
    ("completions", lambda odd: {"user": odd}),
    ("completions", lambda odd: {"state": odd}),
    ("completions", lambda odd: {"logit_bias": {odd: 1}}),
    ("completions", lambda odd: {odd: 1}),
    ("completions", lambda odd: {"stream_options": {odd: True}}),
    ("score", lambda odd: {"input": odd}),
    ("score", lambda odd: {"model": odd, "input": "a"}),
    ("inspect", lambda odd: {"input": odd}),
    ("inspect", lambda odd: {"input": "a", "show": odd}),
]


@settings(max_examples=100)
@given(
    place=st.sampled_from(PLACES),
    before=st.text("ab\U0001f3b5", max_size=3),
    odd=st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"]),
    after=st.text("ab\ud800\udc00\udfff", max_size=3).filter(lambda text: not ("\udc00" <= text[:1] <= "\udfff")),
    escaped=st.booleans(),
)
def test_half_characters_are_refused_wherever_they_stand(
    keyed: Server, place: tuple[str, Callable[[str], dict[Any, Any]]], before: str, odd: str, after: str, escaped: bool
) -> None:
    route, fields = place
    body = json.dumps({"model": "tiny", **fields(before + odd + after)}, ensure_ascii=escaped)
    answer = keyed.post(f"/v1/{route}", body.encode("utf-8", "surrogatepass"), headers=BEARER)
    assert answer.status == 400, answer
    assert answer.error["type"] == "invalid_request_error"


def figures(server: Server) -> list[str]:
    """Return what `/metrics` has figures of."""
    said = server.get("/metrics", headers=BEARER).body.decode()
    return [line.rpartition(" ")[0] for line in said.splitlines() if not line.startswith("#")]


def figure(server: Server, name: str) -> float:
    said = server.get("/metrics", headers=BEARER).body.decode()
    return sum(map(float, re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", said, re.MULTILINE)))


def test_nobody_can_make_up_figures(keyed: Server) -> None:
    def make_up(first: int) -> None:
        for number in range(first, first + 40):
            keyed.get(f"/made/up/{number}", headers=BEARER)
            keyed.get(f"/v1/models/made-up-{number}", headers=BEARER)
            keyed.get(f"/assets/made-up-{number}", headers=BEARER)
            keyed.get(f"/v1/models/{number}")
            keyed.ask(["PUT", "DELETE", "PATCH"][number % 3], "/v1/models", headers=BEARER)
            keyed.post("/v1/completions", {"model": f"made-up-{number}"}, headers=BEARER)
            keyed.post("/v1/completions", {"model": "tiny", "user": f"{number}", "max_tokens": 1}, headers=BEARER)

    make_up(0)
    before, counted = figures(keyed), figure(keyed, "longhand_requests_total")
    make_up(1000)
    assert figures(keyed) == before
    assert figure(keyed, "longhand_requests_total") - counted == 7 * 40 + 2  # and those that asked for the figures
    assert len(before) < 200


def test_tokens_that_are_read_and_written_are_counted(keyed: Server) -> None:
    def counted() -> tuple[float, float]:
        return figure(keyed, "longhand_prompt_tokens_total"), figure(keyed, "longhand_completion_tokens_total")

    for stream in (False, True):
        read, written = counted()
        fields = {"model": "tiny", "prompt": ["abcde", "f"], "max_tokens": 30, "n": 2, "stream": stream}
        assert keyed.post("/v1/completions", fields, headers=BEARER).status == 200
        assert eventually(lambda before=(read + 6, written + 120): counted() == before)  # type: ignore[misc]
    read, written = counted()
    with keyed.connect() as connection:
        fields = {"model": "tiny", "prompt": "abc", "max_tokens": 100_000, "stream": True}
        connection.sendall(request("POST", "/v1/completions", fields, f"Authorization: Bearer {KEYS[0]}"))
        came = b""
        while b'"text":"' not in came:
            came += connection.recv(1000)
    assert eventually(lambda: counted()[0] == read + 3)  # who goes away has had some of it written
    assert written < counted()[1] < written + 100_000


def test_a_model_and_a_training_may_have_one_name(keyed: Server) -> None:
    assert keyed.get("/v1/models", headers=BEARER).json["data"][0]["id"] == "tiny"
    assert [each["id"] for each in keyed.get("/v1/runs", headers=BEARER).json["data"]] == ["tiny"]
    for kind in ("models", "runs"):
        assert keyed.get(f"/v1/{kind}/tiny", headers=BEARER).json["id"] == "tiny"


def test_a_file_of_any_name_can_be_asked(keyed: Server) -> None:
    name = keyed.get("/v1/models", headers=BEARER).json["data"][1]["id"]
    assert name == "a b%2f你\ufffd"
    assert keyed.get(f"/v1/models/{quote(name)}", headers=BEARER).json["id"] == name
    fields = {"model": name, "max_tokens": 2, "return_state": True}
    answer = keyed.post("/v1/completions", fields, headers=BEARER)
    assert answer.json["model"] == name
    other = keyed.post(
        "/v1/completions", {"model": "tiny", "state": answer.json["choices"][0]["state"]}, headers=BEARER
    )
    assert name in other.error["message"]
