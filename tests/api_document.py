"""An OpenAPI document like that of `longhand serve`, its schemas as msgspec writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from longhand.gates.values import GateValues
from longhand.serving.runs import RunRecord

NOT_LESS = "how many answers are written, of which the best are given; not with `stream`"


class StreamOptions(msgspec.Struct):
    """What is streamed beside the text."""

    include_usage: Annotated[bool, Meta(description="tell in the end how many tokens there were")] = False


class CompletionRequest(msgspec.Struct, kw_only=True):
    """What is to be written."""

    model: Annotated[str, Meta(description="the name of a model that is served", examples=["verse"])]
    prompt: Annotated[
        str | list[str | int | list[int]],
        Meta(description="what the text goes on from; tokens by number too", examples=["Shall I compare thee"]),
    ] = ""
    max_tokens: Annotated[int, Meta(ge=0, le=1_000_000, description="how long it is", examples=[200])] | None = 16
    temperature: Annotated[float, Meta(ge=0, le=100, description="0: always the likeliest")] | None = None
    n: Annotated[int, Meta(ge=1, le=128, description="how many texts are written from each prompt")] = 1
    best_of: Annotated[int, Meta(ge=1, le=128, description=NOT_LESS)] | None = None
    stop: str | Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=16)] | None = None
    stream_options: StreamOptions | None = None
    until: Annotated[Literal["sentence", "line", "document"], Meta(description="where a text ends")] | None = None
    logit_bias: Annotated[dict[str, float], Meta(description="added to a token's logit, by its text or number")] = {}


class Choice(msgspec.Struct):
    """A text that was written."""

    index: int
    text: Annotated[str, Meta(description="without the prompt, unless `echo` asks for it")]
    finish_reason: Literal["stop", "length"]


class Completion(msgspec.Struct, kw_only=True):
    """What was written."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: Annotated[int, Meta(description="when, in seconds since 1970")]
    choices: list[Choice]
    seed: int


class Problem(msgspec.Struct):
    """What went wrong."""

    message: str
    type: Literal["invalid_request_error", "authentication_error", "rate_limit_error", "server_error"]
    param: str | None = None
    code: str | None = None


class Failure(msgspec.Struct):
    """The body of every answer that is an error."""

    error: Problem


class InspectRequest(msgspec.Struct, kw_only=True):
    """What is to be looked at."""

    model: Annotated[str, Meta(examples=["verse"])]
    input: Annotated[str, Meta(description="at most 4,000 tokens", min_length=1, examples=["It’s a rose"])]
    layer: Annotated[int, Meta(ge=1, description="the last if left out")] | None = None
    show: Literal["cell", "hidden", "input", "forget", "output", "candidate"] = "cell"


def of(kind: type, *others: str) -> dict[str, Any]:
    """Return the content of a body."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"content": {"application/json": {"schema": schema}} | {other: {} for other in others}}


def document() -> dict[str, Any]:
    """Return the document."""
    kinds = [CompletionRequest, Completion, Failure, InspectRequest, GateValues, RunRecord]
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    failure = of(Failure)
    failures = {
        "400": {"description": "malformed, unsupported or out of range", **failure},
        "401": {"description": "no key, or a wrong one", **failure},
        "404": {"description": "no such model", **failure},
        "429": {"description": "too many are waiting; `Retry-After` says when to try again", **failure},
    }
    complete = {
        "summary": "Go on from a text",
        "description": "OpenAI’s completions, for clients that speak it.\n\nWith `stream` each piece comes as soon "
        "as it is written, as server-sent events, until `data: [DONE]`.",
        "security": [{"key": []}],
        "requestBody": {"required": True, **of(CompletionRequest)},
        "responses": {"200": {"description": "", **of(Completion, "text/event-stream")}} | failures,
    }
    inspect = {
        "summary": "Look into the network as it reads",
        "description": "What one layer’s units do, token by token.",
        "security": [{"key": []}],
        "requestBody": {"required": True, **of(InspectRequest)},
        "responses": {"200": {"description": "", **of(GateValues)}} | failures,
    }
    named = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "examples": ["verse"]}}
    run = {
        "summary": "How far a training is",
        "security": [{"key": []}],
        "parameters": [named],
        "responses": {"200": {"description": "", **of(RunRecord)}, "404": failures["404"]},
    }
    healthy = {"200": {"description": "It runs.", "content": {"application/json": {"example": {"status": "ok"}}}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Longhand",
            "version": "0.1.0",
            "description": "Small models that write, over HTTP. A token is what a model’s tokens are: a character, for "
            'most.\n\nErrors have one shape: `{"error": {"message": …}}`.',
        },
        "servers": [{"url": "http://127.0.0.1:8000"}],
        "paths": {
            "/v1/completions": {"post": complete},
            "/v1/inspect": {"post": inspect},
            "/v1/runs/{id}": {"get": run},
            "/health": {"get": {"summary": "Whether it runs", "responses": healthy}},
        },
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }
