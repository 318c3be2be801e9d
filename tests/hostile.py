"""Requests that nobody should send: what is wrong with them is what they ask.

Each function makes one by chance. `hostile_http` makes those that are wrong as HTTP, and mixes both; `striking` sends
them and judges what comes back.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serving import request

NUMBERS: tuple[Any, ...] = (
    float("nan"),
    float("inf"),
    -float("inf"),
    -1,
    -1e9,
    10**30,
    b"1e999",
    b"-1e999",
    b"1" * 400,
    "7",
    [],
    {},
)
NO_TEXTS: tuple[Any, ...] = (7, 0.5, True, [], {}, [None], [[]])

# What each field of a completion must not be: everywhere a 400. Bytes are JSON as they stand.
WRONG: dict[str, tuple[Any, ...]] = {
    "model": (None, "", "no-such-model", "../../etc/passwd", "a" * 10_000, "\0", "\udcff", *NO_TEXTS),
    "prompt": (7, True, {}, [None], [[["a"]]], [-1], [10**9], [2**70], [0.5], [True], [[1], "a"], [[10**9]], b"[1e3]"),
    "max_tokens": (1.5, True, 2**63, *NUMBERS),
    "temperature": (1e9, True, *NUMBERS),
    "top_p": (1.5, True, *NUMBERS),
    "top_k": (1.5, True, 2**63, *NUMBERS),
    "min_p": (2, *NUMBERS),
    "typical": (2, *NUMBERS),
    "temperature_end": (1e9, *NUMBERS),
    "n": (0, 129, 10**9, 1.5, True, *NUMBERS),
    "best_of": (0, 10**9, 1.5, *NUMBERS),
    "seed": (2**63, 2**64, 1.5, True, *NUMBERS),
    "logprobs": (21, 10**9, 1.5, *NUMBERS),
    "presence_penalty": (1e9, *(number for number in NUMBERS if number != -1)),
    "frequency_penalty": (1e9, *(number for number in NUMBERS if number != -1)),
    "repetition_penalty": (0, 1e9, *NUMBERS),
    "penalty_window": (0, 10**9, 1.5, *NUMBERS),
    "stop": (7, True, {}, [7], [None], [[]], [""], ["a"] * 101, ["a" * 1001]),
    "ban": (7, {}, [7], [None], [""], ["a"] * 1001, ["a" * 1001]),
    "logit_bias": ("a", [], [1], {"a": float("nan")}, {"a": 1e9}, {"a": "b"}, {"999999": 1}, {"-7": 1}, {"a": None}),
    "stream": ("yes", 1, 0, [], {}),
    "stream_options": (7, "a", [], {"include_usage": "yes"}, {"no_such": 1}),
    "echo": ("yes", 1, [], {}),
    "greedy": ("yes", 1, [], {}),
    "return_state": ("yes", 1, [], {}),
    "until": ("", "chapter", 7, [], {}),
    "length_in": ("", "miles", 7, [], {}),
    "pattern": (7, [], "(", ")", "[z-a]", "a{2,1}", "*", "\\", "(?P<a>b)(?P=a)", "(?<=a)b", "a" * 10_001, "(" * 5000),
    "lines": (0, 10**9, 1.5, *NUMBERS),
    "line_length": (7, [], "60-30", "a-b", "-", "0", "9" * 400),
    "acrostic": (7, [], {}, "a" * 10_001),
    "without": (7, [], {}, "a" * 10_001),
    "max_copy": (0, 10**9, 1.5, *NUMBERS),
    "state": (7, [], {}, "a", "\0", "\ud800", "a" * 100_000, "eyJhbGciOiJub25lIn0.e30."),
    "suffix": ("a",),
    "user": (7, [], {}),
    "no_such_field": (None, 1, "a"),
    "__proto__": ({},),
    "": ("a",),
    "documents": (1,),
    "beam": (10**9,),
}

# The same for score and inspect, which also demand a model and an input.
OTHERS: dict[str, dict[str, tuple[Any, ...]]] = {
    "/v1/score": {"input": (7, None, [], {}, ["a"]), "per_token": (7, "a"), "no_such": (1,), "adapt": ("a", -1)},
    "/v1/inspect": {
        "input": (7, None, [], {}, "a" * 4001),
        "layer": (0, -1, 10**9, 1.5, "1", True, []),
        "show": ("", "nothing", 7, [], {}),
        "no_such": (1,),
    },
}

# Patterns that are large inside: refused or written by, but neither for long.
EXPLODING = (
    "((a{1,100}){1,100}){1,100}",
    "(((((a{10}){10}){10}){10}){10}){10}",
    "[ab]*a[ab]{30}",
    "[ab]*a[ab]{300}",
    "(a?){1000}a{1000}",
    "(a|aa)+(b|bb)+(c|cc)+$",
    "(.*a){25}",
    "(a|b|ab)*c{0,9999}",
    "((((a*)*)*)*)*b",
    "(?i)" + "a?" * 2000,
    "|".join(f"{letter}{'.' * 50}" for letter in "abcdefghij") + "|.{500}",
    "(" * 200 + "a" + ")*" * 200,
    "[\\s\\S]{9999}",
    "\\w{5000}",
)


@dataclass(frozen=True)
class Attack:
    """What is sent, and what may come of it.

    - refused: an answer that is no 4xx is wrong
    - answers: how many there may be; two to what is one request would be a request smuggled in
    - http: it is HTTP, so that it is answered, and a refusal is one of ours; otherwise the connection may be closed
    - patience: seconds until this client goes away, if that is part of it
    """

    name: str
    payload: bytes
    refused: bool = True
    answers: int = 1
    http: bool = True
    patience: float | None = None


@dataclass(frozen=True)
class Target:
    """Which model is asked, and a state of a text of it and of one of another, if there are any."""

    model: str
    state: str = ""
    other_state: str = ""


Maker = Callable[[random.Random, Target], Attack]


def encoded(fields: dict[str, Any]) -> bytes:
    """Return fields as JSON; values that are bytes are it already."""
    values = (value.decode() if isinstance(value, bytes) else json.dumps(value) for value in fields.values())
    return (
        "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in zip(fields, values, strict=True)) + "}"
    ).encode()


def _completion(name: str, target: Target, fields: dict[str, Any], **options: Any) -> Attack:
    body = encoded({"model": target.model, "prompt": "a", "max_tokens": 4, "seed": 1, **fields})
    return Attack(name, request("POST", "/v1/completions", body, close=True), **options)


def wrong_field(chance: random.Random, target: Target) -> Attack:
    """Make a completion with a field that cannot be."""
    name = chance.choice(list(WRONG))
    value = chance.choice(WRONG[name])
    more = {"stream": True} if chance.random() < 0.3 and name != "stream" else {}
    said = value if isinstance(value, bytes) else json.dumps(value)
    return _completion(f"{name}={said[:60]!r}", target, {**more, name: value})


def odd_field(chance: random.Random, target: Target) -> Attack:
    """Make a completion that is odd, and may be written or not."""
    fields: dict[str, Any] = chance.choice(
        [
            {"pattern": chance.choice(EXPLODING)},
            {"seed": 2**63 - 1, "n": 8},
            {"prompt": "\ud800"},
            {"prompt": "\0\u202e\U0010ffff" * 300},
            {"prompt": "é\u0301" * 3000},
            {"prompt": []},
            {"prompt": ["a"] * 500},
            {"prompt": [0]},
            {"prompt": [1, 1, 1]},
            {"max_tokens": 0, "echo": True, "logprobs": 5},
            {"max_tokens": 0, "n": 3},
            {"best_of": 20, "n": 20, "logprobs": 20},
            {"without": "abcdefghijklmnopqrstuvwxyz"},
            {"ban": ["a", "b", "c", " ", "\n"] * 100},
            {"stop": ["\ud800"]},
            {"lines": 3, "line_length": "5-9", "acrostic": "abc", "max_tokens": 60},
            {"acrostic": "öäü"},
            {"logit_bias": dict.fromkeys("abcdefghijklmnopqrstuvwxyz \n", -1000)},
            {"top_k": 2**31 - 1, "top_p": 0, "min_p": 1, "typical": 0},
            {"temperature": 0, "temperature_end": 1000, "repetition_penalty": 100},
            {"user": "a" * 300_000},
            {"suffix": None},
        ]
    )
    name = ", ".join(f"{name}={str(value)[:40]!r}" for name, value in fields.items())
    return _completion(f"odd: {name}", target, fields, refused=False)


def tampered_state(chance: random.Random, target: Target) -> Attack:
    """Make a completion that goes on from a state that was changed, or is another model's."""
    if not target.state or chance.random() < 0.2:
        unsigned = base64.urlsafe_b64encode(chance.randbytes(chance.choice([1, 100, 20_000]))).decode()
        return _completion("state: other or none", target, {"state": target.other_state or unsigned})
    state, place = target.state, chance.randrange(len(target.state) - 1)
    kind = chance.choice(["changed", "cut", "longer", "twice"])
    changed = {
        "changed": state[:place] + ("A" if state[place] != "A" else "B") + state[place + 1 :],
        "cut": state[:place],
        "longer": state + "A",
        "twice": state + state,
    }[kind]
    return _completion(f"state: {kind}", target, {"state": changed})


def wrong_body(chance: random.Random, target: Target) -> Attack:
    """Make a body that is no JSON, or not what was promised."""
    good = encoded({"model": target.model, "prompt": "a", "max_tokens": 4})
    depth = chance.choice([1000, 100_000])
    kinds: dict[str, bytes] = {
        "empty": b"",
        "cut": good[: chance.randrange(1, len(good))],
        "more behind it": good + b"{}",
        "no object": chance.choice([b"[]", b"7", b'"a"', b"null", b"true", b"NaN", b"[" + good + b"]"]),
        "bad UTF-8": good.replace(
            b'"a"', chance.choice([b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"'])
        ),
        "UTF-16": good.decode().encode("utf-16"),
        "nested": b"[" * depth,
        "nested and closed": b"[" * depth + b"]" * depth,
        "nested objects": b'{"a":' * depth + b"1" + b"}" * depth,
        "a nested prompt": good.replace(b'"a"', b"[" * depth + b"]" * depth),
        "gzip": gzip.compress(good),
        "a bare control character": good.replace(b'"a"', b'"\x01"'),
        "single quotes": good.replace(b'"', b"'"),
        "comments": b"/* a */" + good,
        "random bytes": chance.randbytes(chance.randrange(1, 3000)),
        "many fields": encoded({"model": target.model, **{f"field{number}": 1 for number in range(5000)}}),
    }
    kind = chance.choice(list(kinds))
    path = chance.choice(["/v1/completions", "/v1/completions", "/v1/score", "/v1/inspect"])
    return Attack(f"body: {kind} to {path}", request("POST", path, kinds[kind], close=True))


def other_routes(chance: random.Random, target: Target) -> Attack:
    """Make a wrong request to score or to inspect."""
    path = chance.choice(list(OTHERS))
    name = chance.choice(list(OTHERS[path]))
    fields: dict[str, Any] = {"model": target.model, "input": "abc", name: chance.choice(OTHERS[path][name])}
    if chance.random() < 0.1:
        del fields[chance.choice(["model", "input"])]
    body = encoded(fields)
    return Attack(f"{path} {body[:70]!r}", request("POST", path, body, close=True))
