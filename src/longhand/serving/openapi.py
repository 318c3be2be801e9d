"""The API's description, made from what goes over the wire (OpenAPI 3.2, which knows server-sent events)."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from longhand.config import COMPLETION_TOKENS, SamplingConfig, ServingConfig
from longhand.gates.values import GateValues
from longhand.serving.problems import ErrorAnswer
from longhand.serving.runs import RunRecord
from longhand.serving.wire import (
    MOST_TEXTS,
    Completion,
    CompletionRequest,
    Health,
    InspectRequest,
    ModelEntry,
    ModelList,
    RunList,
    ScoreAnswer,
    ScoreRequest,
)
from longhand.version import VERSION

REFERENCE = "#/components/schemas/{name}"
DESCRIPTION = """Writes with LSTMs. Speaks the completions of OpenAI's API; fields that it does not know are refused.
A token is what the model's tokens are, a character for most models. Where the server has a key, send it as
Authorization: Bearer KEY."""
CHUNK = {"anyOf": [{"$ref": "#/components/schemas/Completion"}, {"$ref": "#/components/schemas/ErrorAnswer"}]}
SAID = {"type": "string", "contentMediaType": "application/json", "contentSchema": CHUNK}
STREAMED = {
    "itemSchema": {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"anyOf": [{"const": "[DONE]"}, SAID]}},
    },
    "example": 'data: {"id": "cmpl-1", "object": "text_completion", "choices": [{"index": 0, "text": "To be"}]}\n\n'
    "data: [DONE]\n\n",
}
ERRORS = {
    400: "The request is not understood, or asks for what cannot be.",
    401: "The key is missing or wrong.",
    403: "The Host header names another server.",
    404: "There is none of that name.",
    408: "The request took too long to come.",
    413: "The request is too large.",
    415: "The body is not said to be JSON.",
    429: "Too many are waiting: Retry-After says when to come back.",
    503: "The server is ending.",
}
OF_ALL, OF_NAMED, OF_POSTS = (401, 403), (404,), (400, 404, 408, 413, 415, 429, 503)
BODIES: dict[str, tuple[type[msgspec.Struct], dict[str, Any]]] = {
    "completions": (CompletionRequest, {"model": "MODEL", "prompt": "ROMEO:", "max_tokens": 200, "seed": 1}),
    "score": (ScoreRequest, {"model": "MODEL", "input": "To be, or not to be"}),
    "inspect": (InspectRequest, {"model": "MODEL", "input": "To be, or not to be", "show": "forget"}),
}
ANSWERS: dict[str, type[msgspec.Struct]] = {
    "completions": Completion,
    "score": ScoreAnswer,
    "inspect": GateValues,
    "models": ModelList,
    "model": ModelEntry,
    "runs": RunList,
    "run": RunRecord,
    "health": Health,
}
STRUCTS = [ErrorAnswer, *(kind for kind, _ in BODIES.values()), *ANSWERS.values()]


def described_as(name: str) -> dict[str, Any]:
    """Return the part of a path's description that FastAPI cannot know: what is sent and what is answered."""
    statuses = [*OF_ALL, *(OF_POSTS if name in BODIES else OF_NAMED if name in ("model", "run") else ())]
    if name == "health":
        statuses.remove(401)
    responses: dict[str, Any] = {
        str(status): {"description": ERRORS[status], "content": _json(ErrorAnswer)} for status in sorted(statuses)
    }
    if name in ANSWERS:
        responses["200"] = {"description": "Done.", "content": _json(ANSWERS[name])}
    else:
        responses["200"] = {"description": "Done.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    if name == "completions":
        responses["200"]["content"]["text/event-stream"] = STREAMED
    found: dict[str, Any] = {"responses": responses, "security": [] if name == "health" else [{}, {"key": []}]}
    if name in BODIES:
        kind, example = BODIES[name]
        found["requestBody"] = {"required": True, "content": _json(kind) | {}}
        found["requestBody"]["content"]["application/json"]["example"] = example
    return found


def described(app: FastAPI, limits: ServingConfig) -> dict[str, Any]:
    """Return the whole description."""
    found: dict[str, Any] = get_openapi(
        title="Longhand", version=VERSION, description=DESCRIPTION, routes=app.routes, openapi_version="3.2.0"
    )
    for path in found["paths"].values():
        for operation in path.values():
            operation["summary"] = operation.pop("description").rstrip(".")  # the function's docstring, not its name
            operation["responses"].pop("422", None)  # what FastAPI checks of a path cannot be wrong
            operation["responses"]["200"]["content"] = {
                kind: content
                for kind, content in operation["responses"]["200"]["content"].items()
                if content.get("schema") or "itemSchema" in content
            }
    _, schemas = msgspec.json.schema_components(STRUCTS, ref_template=REFERENCE)
    _complete(schemas["CompletionRequest"], limits)
    found["components"] = {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}
    return found


def _complete(request: dict[str, Any], limits: ServingConfig) -> None:
    """Give the settings that `longhand generate` has too its ranges and descriptions, and the prompt its kinds."""
    _, settings = msgspec.json.schema_components([SamplingConfig], ref_template=REFERENCE)
    known = settings["SamplingConfig"]["properties"]
    fields = request["properties"]
    for name in fields.keys() & known.keys() - {"stop", "logit_bias"}:
        schema = {key: value for key, value in known[name].items() if key != "default"}
        fields[name] = _or_null(schema) | {"default": None}
    tokens = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
    texts = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_TEXTS}
    several = {"type": "array", "items": tokens, "minItems": 1, "maxItems": MOST_TEXTS}
    kinds = [{"type": "string"}, texts, tokens, several, {"type": "null"}]
    fields["prompt"] = {"anyOf": kinds, "default": "", "description": fields["prompt"]["description"]}
    fields["max_tokens"] |= {"default": COMPLETION_TOKENS}
    for each in fields["max_tokens"]["anyOf"]:
        if each.get("type") == "integer":
            each |= {"minimum": 0, "maximum": limits.longest}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return (
            schema if {"type": "null"} in schema["anyOf"] else schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
        )
    described = {key: schema.pop(key) for key in ("description",) if key in schema}
    return described | {"anyOf": [schema, {"type": "null"}]}


def _json(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(name=kind.__name__)}}}
