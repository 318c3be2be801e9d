"""Running the server: where it listens, what it says when it is ready, how it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn
from threadpoolctl import threadpool_limits

from longhand.config import ServingConfig
from longhand.errors import OptionError
from longhand.model import Model
from longhand.serving.addresses import is_any, is_loopback
from longhand.serving.connections import Connections
from longhand.serving.protocol import limited
from longhand.serving.routes import application
from longhand.serving.runs import RunFolder
from longhand.serving.sealing import FEWEST
from longhand.serving.service import Service

BACKLOG = 4096  # connections that wait to be taken
SEND_BUFFER = 32_768  # bytes of an answer that the kernel keeps for a client that does not read
SPARE_CONNECTIONS = 8192  # beside those that a text is written for
RESERVED_FILES = 64  # that are no connections: models, trainings, and connections that are taken and dropped at once
SWITCH = 0.0005  # seconds after which a thread that writes lets the one that answers run
MARGIN = 1.0  # seconds beyond the grace, in which answers that are written are also read; up to one more
LAST = 0.5  # seconds in which those are told whose requests or answers are not done then


class _Server(uvicorn.Server):
    """A server that ends its texts as soon as it is told to end, so that all answers end in time."""

    def __init__(
        self, config: uvicorn.Config, service: Service, ready: Callable[[str], None], ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ending = ending
        self._service, self._ready = service, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`; says where it listens once it does."""
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            every = " and every other address of this machine" if is_any(host) else ""
            host = "127.0.0.1" if every else f"[{host}]" if ":" in host else host
            self._ready(f"http://{host}:{port}{every}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`; those whose time is over are told so before all ends."""
        self._ending()
        self._service.begin_to_close()
        await super().shutdown(sockets)
        if tasks := set(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=LAST)


def serve(
    models: Mapping[str, Model],
    runs: Mapping[str, RunFolder],
    config: ServingConfig,
    *,
    keys: Sequence[bytes] = (),
    state_key: bytes | None = None,
    ready: Callable[[str], None] = lambda _: None,
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Serve models until a signal ends it (SIGINT, SIGTERM); it ends within `config.grace` and some seconds.

    - models, runs: by name
    - keys: one of which is demanded
    - state_key: what signs states; the same one for servers that are to understand each other's
    - ready: is told the address as soon as it can be asked
    - ending: is called when it begins to end

    Raises `OptionError` for an address that cannot be listened at, or that others can reach without a key.
    """
    if not keys and not is_loopback(config.host):
        raise OptionError(
            f"host: found {config.host} without a key, so that anybody who reaches this machine could ask: add "
            "--key-file FILE, or listen at 127.0.0.1"
        )
    listening = _listening(config)
    service = Service(models, runs, config, state_key)
    connections = Connections(_max_connections(len(models) * (config.streams + config.waiting)))
    sys.setswitchinterval(SWITCH)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # who sends no HTTP is told so; nobody else is
    settings = uvicorn.Config(
        application(service, keys),
        http=limited(config.send_seconds, connections),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=math.ceil(config.grace + MARGIN),
        timeout_keep_alive=15,
    )
    server = _Server(settings, service, ready, ending)
    gc.collect()
    gc.freeze()  # what lives as long as the server need not be looked through again, for hundredths of a second
    with listening, threadpool_limits(1):  # NumPy's threads would take the processors that others wait for
        server.run([listening])


def read_keys(path: Path) -> list[bytes]:
    """Return the keys in a file, one a line; lines that begin with # are none.

    Raises `OptionError` where there is none, or one that can be guessed.
    """
    lines = [line.strip() for line in _bytes_of(path).splitlines()]
    keys = [line for line in lines if line and not line.startswith(b"#")]
    if not keys:
        raise OptionError(f"{path}: found no key, expected one a line")
    for number, key in enumerate(keys, 1):
        if len(key) < FEWEST or not all(0x21 <= byte < 0x7F for byte in key):
            raise OptionError(
                f"{path}: key {number} has {len(key)} bytes, expected at least {FEWEST}, of visible ASCII, such as "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))' writes"
            )
    return keys


def read_state_key(path: Path) -> bytes:
    """Return the key that signs states, a file's content. Raises `OptionError` for one that can be guessed."""
    key = _bytes_of(path).strip()
    if len(key) < FEWEST:
        raise OptionError(f"{path}: found {len(key)} bytes, expected at least {FEWEST}")
    return key


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OptionError(f"{path}: cannot be read ({error.strerror or error})") from None


def _listening(config: ServingConfig) -> socket.socket:
    """Return a socket at the address."""
    try:
        found = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        opened = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        why = (isinstance(error, OSError) and error.strerror) or "no name has such parts"
        raise OptionError(f"host: found {config.host!r}, which is no address ({why})") from None
    try:
        if os.name != "nt":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # connections inherit it
        opened.bind(address)
    except OSError as error:
        opened.close()
        raise OptionError(
            f"port: cannot listen at {config.host}, port {config.port} ({error.strerror or error}): choose another one "
            "with --port"
        ) from None
    return opened


def _max_connections(num_texts: int) -> int:
    """Return how many connections there may be, after raising the limit of files, which they are, as far as it goes.

    - num_texts: how many texts may be written or wait at the same time
    """
    wanted = num_texts + SPARE_CONNECTIONS
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    if soft == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(soft - RESERVED_FILES, soft // 2))
