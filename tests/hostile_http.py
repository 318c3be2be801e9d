"""Requests that nobody should send: what is wrong with them is how they are sent. And all kinds, mixed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from hostile import Attack, Maker, Target, encoded, odd_field, other_routes, tampered_state, wrong_body, wrong_field
from serving import request

MEGABYTE = 1 << 20
BROKEN_CHUNKS = (
    b"zz\r\n{}\r\n0\r\n\r\n",
    b"-2\r\n{}\r\n0\r\n\r\n",
    b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    b"2\r\n{}XX0\r\n\r\n",
    b"\r\n{}\r\n0\r\n\r\n",
    b"0x2\r\n{}\r\n0\r\n\r\n",
    b"2;" + b"a" * 200_000 + b"\r\n{}\r\n0\r\n\r\n",
)
LENGTHS = ("+2", "-1", "0x2", "2, 3", "2 2", "", "two", "9" * 30, "2\r\nContent-Length: 3", "3\r\nContent-Length: 2")
CODINGS = ("chunked", "Chunked\r\nTransfer-Encoding: identity", "identity, chunked", "\x0bchunked", "xchunked", "gzip")
NOT_HTTP = (
    b"\r\n" * 1000 + b"x\r\n\r\n",
    b"\0" * 5000 + b"\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"G\xc3\x8bT / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nNo colon here\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\0c\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
)
PATHS = (
    "/assets/../../../../etc/passwd",
    "/assets/%2e%2e/%2e%2e/etc/passwd",
    "/assets/..%2f..%2fetc%2fpasswd",
    "/assets/%00",
    "/assets//etc/passwd",
    "/v1/models/%2e%2e%2fetc",
    "/v1/models/%ff%fe",
    "/v1/models/" + "a" * 5000,
    "/v1/runs/..%2f..%2fetc",
    "/v1/runs/%00",
    "/v1/completions/",
    "/v1/completions/x",
    "//",
    "/../",
    "/%",
    "/.git/config",
    "/wp-login.php",
)


TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=a",
    "application/xml",
    "json",
    "",
)
HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
HIDDEN = b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
HOSTS = (
    "evil.example",
    "127.0.0.1.evil.example",
    "evil.example:80",
    "[::2]",
    "127.0.0.1@evil.example",
    "",
    "\xff",
    "a" * 5000,
)


def wrong_method_or_path(chance: random.Random, _: Target) -> Attack:
    """Make a request for what is not there, or not by this method."""
    if chance.random() < 0.5:
        path = chance.choice(PATHS)
        return Attack(f"GET {path[:60]}", request("GET", path, close=True))
    method = chance.choice(["DELETE", "PUT", "PATCH", "TRACE", "PROPFIND", "GET", "OPTIONS"])
    path = chance.choice(["/v1/completions", "/v1/score", "/v1/inspect"])
    return Attack(f"{method} {path}", request(method, path, b"{}", close=True))


def wrong_type(chance: random.Random, target: Target) -> Attack:
    """Make a completion with a body that is said to be something else."""
    body = encoded({"model": target.model, "prompt": "a", "max_tokens": 4})
    said = chance.choice(TYPES)
    header = b"Content-Type: " + said.encode() + b"\r\n" if said else b""
    head = HEAD.replace(b"Content-Type: application/json\r\n", header)
    length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    return Attack(f"type {said!r}", head + length + body)


def wrong_host(chance: random.Random, _: Target) -> Attack:
    """Make a request in the name of another host, as a page of another site does once its name leads here."""
    host = chance.choice(HOSTS)
    lines = [b"GET /v1/models HTTP/1.1", b"Host: " + host.encode("latin-1"), b"Connection: close"]
    if chance.random() < 0.2:
        host, lines = "none", [lines[0], lines[2]]
    return Attack(f"host {host[:40]!r}", b"\r\n".join([*lines, b"", b""]), http=False)


def large(chance: random.Random, target: Target) -> Attack:
    """Make something that is too large: a header, an address, a body."""
    kind = chance.choice(["header", "headers", "name", "path", "query", "stop", "body", "token ids"])
    head = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    if kind == "header":
        return Attack("a header of 1 MB", head + b"A: " + b"a" * MEGABYTE + b"\r\n\r\n", http=False)
    if kind == "headers":
        return Attack(
            "5,000 headers",
            head + b"".join(b"A%d: " % n + b"a" * 200 + b"\r\n" for n in range(5000)) + b"\r\n",
            http=False,
        )
    if kind == "name":
        return Attack("a header's name of 1 MB", head + b"a" * MEGABYTE + b": a\r\n\r\n", http=False)
    if kind in ("path", "query"):
        path = "/" + ("?" if kind == "query" else "") + "a" * chance.choice([100_000, MEGABYTE])
        return Attack(f"a {kind} of {len(path):,}", request("GET", path, close=True), http=False)
    sizes: dict[str, dict[str, Any]] = {
        "stop": {"stop": ["a" * 90] * 110_000},
        "body": {"prompt": "a" * (chance.choice([9, 30]) * MEGABYTE)},
        "token ids": {"prompt": [[1] * 2000] * 2000},
    }
    body = encoded({"model": target.model, "max_tokens": 1, **sizes[kind]})
    return Attack(f"{kind} of {len(body):,}", request("POST", "/v1/completions", body, close=True))


def broken_chunks(chance: random.Random, _: Target) -> Attack:
    """Make a body in chunks that are none."""
    body = chance.choice(BROKEN_CHUNKS)
    patience = 1.0 if body.startswith(b"2;") else None  # which is odd, and no mistake: the connection stays open
    return Attack(
        f"chunks {body[:30]!r}", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body, http=False, patience=patience
    )


def smuggled(chance: random.Random, _: Target) -> Attack:
    """Make one request that two readers could take for different ones."""
    if chance.random() < 0.5:
        length = chance.choice(LENGTHS)
        head = HEAD + f"Content-Length: {length}\r\n\r\n".encode()
        return Attack(f"length {length[:40]!r}", head + b"{}" + HIDDEN, http=False, patience=1.0)
    coding = chance.choice(CODINGS)
    both = f"Content-Length: {chance.choice([2, 5, 6])}\r\nTransfer-Encoding: {coding}\r\n"
    lines = both if chance.random() < 0.5 else "\r\n".join(reversed(both.strip().split("\r\n"))) + "\r\n"
    return Attack(
        f"both, {coding!r}", HEAD + lines.encode("latin-1") + b"\r\n0\r\n\r\n" + HIDDEN, http=False, patience=1.0
    )


def not_http(chance: random.Random, _: Target) -> Attack:
    """Make something that is no HTTP."""
    payload = chance.choice([*NOT_HTTP, chance.randbytes(chance.randrange(1, 5000)) + b"\r\n\r\n"])
    return Attack(f"no HTTP {payload[:30]!r}", payload, http=False, patience=1.0)


def pipelined(chance: random.Random, target: Target) -> Attack:
    """Make many requests on one connection, none of which waits for an answer."""
    count = chance.choice([2, 20])
    one = chance.choice(
        [
            request("GET", "/health"),
            request("GET", "/nothing"),
            request("POST", "/v1/completions", {"model": target.model, "max_tokens": 3, "stream": True}),
            request("POST", "/v1/completions", {"model": "none"}),
        ]
    )
    if chance.random() < 0.3:
        return Attack(
            "pipelined, then rubbish", one * count + b"\0\r\n\r\n", False, count + 1, http=False, patience=1.0
        )
    return Attack(f"pipelined x {count}", one * count + request("GET", "/health", close=True), False, count + 1)


def left_half_way(chance: random.Random, target: Target) -> Attack:
    """Make a part of a request, whose sender then goes away."""
    body = encoded({"model": target.model, "prompt": "a" * 500, "max_tokens": 4000, "stream": chance.random() < 0.5})
    whole = request("POST", "/v1/completions", body)
    part = whole[: chance.randrange(1, len(whole) + 1)]
    return Attack(f"left after {len(part)} of {len(whole)}", part, False, http=False, patience=chance.choice([0, 0.02]))


def mutated(chance: random.Random, target: Target) -> Attack:
    """Make a good request of which some bytes are changed, left out or doubled."""
    body = encoded({"model": target.model, "prompt": "the ", "max_tokens": 4, "temperature": 0.5, "stop": ["a"]})
    data = bytearray(request("POST", "/v1/completions", body, close=True))
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        place = chance.randrange(len(data))
        data[place : place + 1] = chance.choice([b"", chance.randbytes(1), bytes(data[place : place + 1]) * 2, b"\r\n"])
    return Attack(f"mutated {bytes(data)!r}", bytes(data), False, 9, http=False, patience=0.05)


def odd_headers(chance: random.Random, target: Target) -> Attack:
    """Make a good request with headers that ask for more than there is."""
    line = chance.choice(
        [
            "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13",
            "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
            "Expect: 100-continue",
            "Expect: a miracle",
            "Authorization: " + "a" * 5000,
            "Authorization: Bearer \xff\xfe",
            "Authorization: Basic Og==",
            "Range: bytes=5-2,0-999999999999999",
            "If-None-Match: *",
            "Accept-Encoding: br;q=NaN, *;q=2",
            "Accept: application/xml",
            "Origin: http://evil.example",
            "X-Forwarded-For: evil\r\nForwarded: for=evil\r\nX-Forwarded-Proto: gopher",
            "Cookie: " + "a=b; " * 1000,
        ]
    )
    upgrade = "Connection: Upgrade\r\n" if line.startswith("Upgrade") else ""
    if chance.random() < 0.5:
        whole = request("GET", chance.choice(["/", "/v1/models", "/health", "/metrics", "/docs"]), close=not upgrade)
    else:
        fields = {"model": target.model, "max_tokens": 2}
        whole = request("POST", "/v1/completions", fields, close=not upgrade)
    payload = whole.replace(b"\r\n", b"\r\n" + (upgrade + line).encode("latin-1") + b"\r\n", 1)
    return Attack(f"header {line[:40]!r}", payload, False, 2, http=False, patience=0.5 if upgrade else None)


KINDS: dict[Maker, float] = {
    wrong_field: 40,
    odd_field: 6,
    tampered_state: 4,
    wrong_body: 10,
    other_routes: 6,
    wrong_method_or_path: 6,
    wrong_type: 2,
    wrong_host: 2,
    large: 0.5,
    broken_chunks: 2,
    smuggled: 4,
    not_http: 3,
    pipelined: 2,
    left_half_way: 5,
    mutated: 8,
    odd_headers: 4,
}
"""What is mixed, and how much of it."""


def attacks(target: Target, seed: int = 0) -> Iterator[Attack]:
    """Go on for ever, the same for the same seed; the first ones are one of each kind."""
    chance = random.Random(seed)
    for maker in KINDS:
        yield maker(chance, target)
    while True:
        (maker,) = chance.choices(list(KINDS), list(KINDS.values()))
        yield maker(chance, target)
