"""A server in a process of its own, and what the tests and measurements of serving ask it.

`running` starts `longhand serve` with the models that it is given, and ends it as a person would. Nothing here knows
how the server is made: all goes through its port, its signals and what Linux tells of a process.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_WITHIN = 60.0  # seconds that a server may take to start on a busy machine
ENDS_WITHIN = 15.0  # and to end
ADDRESS = re.compile(r"http://(127\.0\.0\.1|0\.0\.0\.0|\[::1\]|localhost):(\d+)")

WITH_LIMITS = """
import json, sys
from longhand.config import ServingConfig
from longhand.model import load
from longhand.serving.server import serve

models = {model.name.removesuffix(".safetensors"): model for model in map(load, sys.argv[2:])}
serve(models, {}, ServingConfig(**json.loads(sys.argv[1])), ready=lambda address: print(address, file=sys.stderr))
"""


@dataclass(frozen=True)
class Answer:
    """What a server says to one request; the names of headers are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """What a stream says, the `[DONE]` at its end as None."""
        said = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
        return [None if line == "[DONE]" else json.loads(line) for line in said]

    @property
    def error(self) -> dict[str, Any]:
        """What an error says of itself, once it is seen to have the one shape that errors have."""
        said = self.json
        assert set(said) == {"error"}, said
        assert set(said["error"]) == {"message", "type", "param", "code"}, said
        error: dict[str, Any] = said["error"]
        assert isinstance(error["message"], str), said
        return error


@dataclass(frozen=True)
class Server:
    """A server that runs: where, and as which process."""

    port: int
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)  # lines of stderr, as they come
    host: str = "127.0.0.1"

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        timeout: float = 60,
    ) -> Answer:
        """Ask something on a connection of its own; a body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None else {}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, data, {**sent, **(headers or {})})
            said = connection.getresponse()
            return Answer(said.status, {name.lower(): value for name, value in said.getheaders()}, said.read())
        finally:
            connection.close()

    def get(self, path: str, **options: Any) -> Answer:
        """Ask for what is at a path."""
        return self.ask("GET", path, **options)

    def post(self, path: str, fields: Any, **options: Any) -> Answer:
        """Ask with a body."""
        return self.ask("POST", path, fields, **options)

    def complete(self, **fields: Any) -> Any:
        """Return what a completion says, once it is seen to be one; without a model's name, that of the first."""
        answer = self.post("/v1/completions", {"model": self.model, **fields})
        assert answer.status == 200, answer
        return answer.json

    @property
    def model(self) -> str:
        """The name of the first model."""
        name: str = self.get("/v1/models").json["data"][0]["id"]
        return name

    def gauge(self, name: str) -> float:
        """Return a figure of `/metrics`, added up over its labels."""
        said = self.get("/metrics").body.decode()
        found = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", said, re.MULTILINE)
        assert found, f"/metrics has no {name}: {said[:2000]}"
        return sum(map(float, found))

    def connect(self, *, receive: int | None = None, timeout: float = 60) -> socket.socket:
        """Return a connection with nothing sent yet; `receive`: bytes that this side's system keeps unread."""
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive is not None:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        one.settimeout(timeout)
        one.connect((self.host, self.port))
        return one

    def memory(self, what: str = "VmRSS") -> int:
        """Return bytes of memory that it has now (VmRSS), or had at most (VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{what}:\s+(\d+) kB$", status, re.MULTILINE)
        assert found, what
        return int(found[1]) * 1024


def request(method: str, path: str, fields: Any = None, *headers: str, close: bool = False) -> bytes:
    """Return the bytes of a request; fields that are not bytes are sent as JSON."""
    body = b"" if fields is None else fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if fields is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += ["Connection: close"] if close else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def reset(connection: socket.socket) -> None:
    """Go away in such a way that the other side's next packet is answered by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def eventually(holds: Callable[[], bool], seconds: float = 10.0, every: float = 0.01) -> bool:
    """Return whether something holds before so many seconds are over."""
    deadline = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(every)
    return found


@contextmanager
def running(
    models: Sequence[Path | str],
    *options: object,
    limits: dict[str, float] | None = None,
    files: int | None = None,
    ready_within: float = READY_WITHIN,
    ends_within: float = ENDS_WITHIN,
) -> Iterator[Server]:
    """Start `longhand serve` on a port that is free, and end it with SIGTERM.

    - options: of the command line
    - limits: fields of `ServingConfig` instead, those too that are no options
    - files: how many files it may have open (`ulimit -n`)

    Asserts that it says where it listens, that it ends in time, and that it said nothing of a traceback.
    """
    words = [sys.executable, "-m", "longhand", "serve", *map(str, models), "--port", "0", *map(str, options)]
    if limits is not None:
        assert not options
        words = [sys.executable, "-c", WITH_LIMITS, json.dumps({**limits, "port": 0}), *map(str, models)]
    if files is not None:
        words = ["sh", "-c", f'ulimit -n {files} && exec "$@"', "sh", *words]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        said: list[str] = []
        found: list[int] = []
        ready = threading.Event()
        listener = threading.Thread(target=_listen, args=(process, said, found, ready), daemon=True)
        listener.start()
        try:
            ready.wait(ready_within)
            assert found, f"no address within {ready_within:g} s: {''.join(said)[-2000:]}"
            yield Server(found[0], process, said)
        finally:
            ended = process.poll() is not None  # by the test, which knows how it should end
            if not ended:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(ends_within)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"the server does not end within {ends_within:g} s of SIGTERM") from None
            finally:
                listener.join(5)
        assert ended or process.returncode in (0, -signal.SIGTERM, 128 + signal.SIGTERM), (
            process.returncode,
            said[-50:],
        )
        assert "Traceback" not in "".join(said), "".join(said)[-4000:]


def _listen(process: subprocess.Popen[str], said: list[str], found: list[int], ready: threading.Event) -> None:
    """Keep what a server says, and find the port that it names first."""
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        del said[:-10_000]
        if not found and (address := ADDRESS.search(line)):
            found.append(int(address[2]))
            ready.set()
    ready.set()


def tiny(folder: Path, *names: str) -> list[Path]:
    """Write untrained models of these names (of one, `tiny`, where none is given), and return their files."""
    from conftest import small_file  # only where there are tests

    from longhand.modelfile import write_model

    paths = [folder / f"{name}.safetensors" for name in names or ("tiny",)]
    for number, path in enumerate(paths):
        write_model(small_file(seed=number), path)
    return paths
