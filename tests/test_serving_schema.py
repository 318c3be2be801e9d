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

FEW, MANY = 30, 1000  # examples of each operation, as many again that are wrong
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
SUPPRESSED = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

pytestmark = pytest.mark.filterwarnings("default")  # a warning of a package that others keep is no failure of ours


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tiny(tmp_path_factory.mktemp("models"))) as started:
        yield started


@pytest.fixture(scope="module")
def description(server: Server) -> Any:
    """Return what the server says of itself. A request that fits it may still ask for what cannot be: a 400 of ours."""
    accepted = ["2xx", "400", "403", "404", "413", "415", "429"]
    config = schemathesis.Config.from_dict(
        {
            "checks": {"positive_data_acceptance": {"expected-statuses": accepted}},
            "generation": {"deterministic": True, "database": "none"},
        }
    )
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=config)


def validated(case: Any, server: Server) -> None:
    """Send it, with a model that there is and a short text where it would be a long one, and look at the answer."""
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


def ask_by_chance(description: Any, path: str, server: Server, examples: int) -> None:
    """Send so many requests that fit the description of a path, and as many that do not."""
    operation = description[path][OPERATIONS[path]]
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

        @settings(
            max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=SUPPRESSED
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            validated(case, server)

        with suppress(Unsatisfiable):  # where nothing can be wrong, as in a path that takes nothing
            ask()


@pytest.mark.parametrize("path", OPERATIONS)
def test_requests_are_taken_refused_and_answered_as_described(description: Any, path: str, server: Server) -> None:
    ask_by_chance(description, path, server, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("path", OPERATIONS)
def test_many_requests_are_taken_refused_and_answered_as_described(description: Any, path: str, server: Server) -> None:
    ask_by_chance(description, path, server, MANY)


def test_all_that_there_is_is_described(server: Server) -> None:
    paths = server.get("/openapi.json").json["paths"]
    assert {path: [method.upper() for method in methods] for path, methods in paths.items()} == {
        path: [method] for path, method in OPERATIONS.items()
    }
