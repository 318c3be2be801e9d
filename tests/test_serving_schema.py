"""The server keeps to its own description: what `/openapi.json` says is what it takes, refuses and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from serving import Server, running, tiny

schemathesis = pytest.importorskip("schemathesis", reason="needs the package schemathesis")

FEW, MANY = 60, 1500  # examples of each operation, as many again that are wrong
SHORT = 20  # tokens: nobody has to wait for a text that chance made long
OPERATIONS = {
    "/v1/completions": "POST",
    "/v1/score": "POST",
    "/v1/inspect": "POST",
    "/v1/models": "GET",
    "/v1/models/{name}": "GET",
    "/v1/runs": "GET",
    "/v1/runs/{name}": "GET",
    "/health": "GET",
    "/metrics": "GET",
}
REFUSED = {400, 404, 413}
SUPPRESSED = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

pytestmark = pytest.mark.filterwarnings("default")  # a warning of a package that others keep is no failure of ours


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tiny(tmp_path_factory.mktemp("models"))) as started:
        yield started


@pytest.fixture(scope="module")
def description(server: Server) -> Any:
    """Return what the server says of itself. A request that fits it may still ask for what cannot be: a 400 of ours."""
    config = schemathesis.Config.from_dict(
        {
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", *map(str, REFUSED)]},
                "negative_data_rejection": {"expected-statuses": [*map(str, REFUSED)]},
            },
            "generation": {"deterministic": True, "database": "none"},
        }
    )
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=config)


def validated(case: Any, server: Server) -> int:
    """Send it, with a model that there is and a short text where it would be a long one; return the answer's status."""
    body = case.body
    if isinstance(body, dict):
        if isinstance(body.get("model"), str):
            body["model"] = "tiny"
        if isinstance(body.get("max_tokens"), int) and body["max_tokens"] > SHORT:
            body["max_tokens"] = SHORT
    response = case.call_and_validate(base_url=server.url, timeout=20)
    if response.status_code >= 400 and case.method != "HEAD":
        error = json.loads(response.content)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
    status: int = response.status_code
    return status


def statuses(description: Any, path: str, server: Server, examples: int, *, right: bool) -> set[int]:
    """Send so many requests that fit the description of a path, or that do not; return the statuses of the answers."""
    mode = schemathesis.GenerationMode.POSITIVE if right else schemathesis.GenerationMode.NEGATIVE
    cases = description[path][OPERATIONS[path]].as_strategy(generation_mode=mode)
    found: set[int] = set()

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=SUPPRESSED)
    @given(case=cases)
    def ask(case: Any) -> None:
        found.add(validated(case, server))

    with suppress(Unsatisfiable):  # where nothing can be wrong, as in a path that takes nothing
        ask()
    return found


def ask_by_chance(description: Any, path: str, server: Server, examples: int) -> None:
    """Send requests of both kinds, and see that what is right is taken, and that what is wrong was not left out."""
    right = statuses(description, path, server, examples, right=True)
    wrong = statuses(description, path, server, examples, right=False)
    if OPERATIONS[path] == "POST":
        assert 200 in right
        assert {400} <= wrong <= REFUSED
    else:
        assert right
        assert wrong <= REFUSED


@pytest.mark.parametrize("path", OPERATIONS)
def test_requests_are_taken_refused_and_answered_as_described(description: Any, path: str, server: Server) -> None:
    ask_by_chance(description, path, server, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("path", OPERATIONS)
def test_many_requests_are_taken_refused_and_answered_as_described(description: Any, path: str, server: Server) -> None:
    ask_by_chance(description, path, server, MANY)


@pytest.mark.parametrize("more", [{}, {"logprobs": 3, "n": 2}, {"stream_options": {"include_usage": True}}])
def test_every_event_of_a_stream_is_as_described(description: Any, server: Server, more: dict[str, Any]) -> None:
    body = {"model": "tiny", "prompt": "a", "max_tokens": 9, "stream": True, **more}
    case = description["/v1/completions"]["POST"].Case(body=body, media_type="application/json")
    answer = case.call_and_validate(base_url=server.url, timeout=20)
    assert answer.headers["content-type"][0].startswith("text/event-stream")


def test_all_that_there_is_is_described(server: Server) -> None:
    paths = server.get("/openapi.json").json["paths"]
    assert {path: [method.upper() for method in methods] for path, methods in paths.items()} == {
        path: [method] for path, method in OPERATIONS.items()
    }
