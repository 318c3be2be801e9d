"""What a server can be asked for, from its OpenAPI document: each method of each path, with a command to try it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from longhand.serving.reference.schemas import Field, Schemas

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
SERVER = "http://127.0.0.1:8000"  # where the document names none
KEY = "$LONGHAND_KEY"
JSON_TYPE = "application/json"
SHORT = 60  # characters of a body that stay in a line


@dataclass(frozen=True)
class Answer:
    """An answer: its status, when it comes, which types its body has, and of a JSON object the fields."""

    status: str
    description: str
    types: list[str]
    kind: str
    fields: list[Field]
    example: str = ""

    @property
    def good(self) -> bool:
        """Whether it is what was asked for."""
        return self.status.startswith("2")


@dataclass(frozen=True)
class Operation:
    """Something that a server can be asked for.

    - anchor: its name within the page
    - parameters: of the path, the query and the headers, each with where it goes
    - body: which types the request's body may have; `kind` says what of JSON it is
    - commands: for a shell, one an example
    """

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    deprecated: bool
    parameters: list[tuple[str, Field]]
    body: list[str]
    kind: str
    fields: list[Field]
    answers: list[Answer]
    commands: list[str]


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return all that a document has, in its order."""
    found: list[Operation] = []
    for path, item in _mapping(document.get("paths")).items():
        for method in METHODS:
            if isinstance(one := _mapping(item).get(method), Mapping):
                anchor = re.sub(r"[^a-z0-9]+", "-", f"{method}{path}".lower()).strip("-")
                if any(anchor == other.anchor for other in found):
                    anchor += f"-{len(found) + 1}"
                found.append(_Reader(document, str(path), method, item, one).read(anchor))
    return found


class _Reader:
    """Reads one operation."""

    def __init__(
        self, document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any], one: Mapping[str, Any]
    ) -> None:
        self._schemas = Schemas(document)
        self._document, self._path, self._method, self._one = document, path, method, one
        given = [*_list(item.get("parameters")), *_list(one.get("parameters"))]  # what comes later goes before
        resolved = [self._schemas.resolved(parameter) for parameter in given]
        named = {(parameter.get("in"), parameter.get("name")): parameter for parameter in resolved}
        self._parameters = [one for one in named.values() if isinstance(one.get("name"), str)]
        self._content = _mapping(self._schemas.resolved(one.get("requestBody")).get("content"))

    def read(self, anchor: str) -> Operation:
        """Return the operation."""
        schema = _mapping(self._content.get(JSON_TYPE)).get("schema")
        return Operation(
            method=self._method.upper(),
            path=self._path,
            anchor=anchor,
            summary=_text(self._one, "summary"),
            description=_text(self._one, "description"),
            deprecated=self._one.get("deprecated") is True,
            parameters=[(str(one.get("in", "")), self._parameter(one)) for one in self._parameters],
            body=[str(media) for media in self._content],
            kind="" if schema is None else self._schemas.in_words(schema),
            fields=self._schemas.fields(schema),
            answers=[self._answer(str(status), one) for status, one in _mapping(self._one.get("responses")).items()],
            commands=self._commands(),
        )

    def _parameter(self, one: Mapping[str, Any]) -> Field:
        properties = {one["name"]: one.get("schema", {})}
        (field,) = self._schemas.fields({"properties": properties}, depth=99)
        described = _text(one, "description") or field.description
        return Field(
            name=field.name,
            kind=field.kind,
            limits=field.limits,
            required=one.get("required") is True,
            nullable=field.nullable,
            default=field.default,
            description=described,
            deprecated=one.get("deprecated") is True,
        )

    def _answer(self, status: str, one: object) -> Answer:
        found = self._schemas.resolved(one)
        content = _mapping(found.get("content"))
        schema = _mapping(content.get(JSON_TYPE)).get("schema")
        good = status.startswith("2")
        examples = self._examples(content) if good else []
        return Answer(
            status=status,
            description=_text(found, "description"),
            types=[str(media) for media in content],
            kind="" if schema is None else self._schemas.in_words(schema),
            fields=self._schemas.fields(schema) if good else [],
            example=_body(examples[0]) if examples else "",
        )

    def _examples(self, content: Mapping[str, Any]) -> list[Any]:
        """Return the examples of a body: of its media type, or of its schema."""
        media = _mapping(content.get(JSON_TYPE))
        if "example" in media:
            return [media["example"]]
        named = [self._schemas.resolved(one) for one in _mapping(media.get("examples")).values()]
        return [one["value"] for one in named if "value" in one] or self._schemas.examples(media.get("schema"))

    def _commands(self) -> list[str]:
        """Return a command for each example of a body; one where there is no body."""
        methods = {"get": [], "head": ["--head"], "post": [] if JSON_TYPE in self._content else ["-X POST"]}
        method = methods.get(self._method, [f"-X {self._method.upper()}"])
        bodies = self._examples(self._content) if JSON_TYPE in self._content else [None]
        return [self._command(method, body) for body in bodies]

    def _command(self, method: list[str], body: object) -> str:
        at_once = ["-N"] if isinstance(body, Mapping) and body.get("stream") is True else []  # each piece as it comes
        lines = [" ".join(["curl", *at_once, *method, shlex.quote(self._address())]), *self._headers()]
        if body is not None:
            lines += [f"-H 'Content-Type: {JSON_TYPE}'", f"-d {shlex.quote(_body(body))}"]
        return " \\\n  ".join(lines)

    def _address(self) -> str:
        servers = _list(self._document.get("servers"))
        server = _text(_mapping(servers[0]), "url") if servers else ""
        path = self._path
        for one in self._parameters:
            if one.get("in") == "path":
                examples = [one["example"]] if "example" in one else self._schemas.examples(one.get("schema"))
                value = str(examples[0]) if examples else one["name"].upper()
                path = path.replace(f"{{{one['name']}}}", value)
        return (server if "://" in server else SERVER + server.rstrip("/")).rstrip("/") + path

    def _headers(self) -> list[str]:
        wanted = self._one.get("security", self._document.get("security"))
        schemes = _mapping(_mapping(self._document.get("components")).get("securitySchemes"))
        for name in {name: None for one in _list(wanted) for name in _mapping(one)}:
            scheme = self._schemas.resolved(schemes.get(name))
            if scheme.get("type") == "http" and str(scheme.get("scheme")).lower() == "bearer":
                return [f'-H "Authorization: Bearer {KEY}"']
        return []


def _body(value: object) -> str:
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= SHORT else json.dumps(value, ensure_ascii=False, indent=2)


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return value.strip() if isinstance(value, str) else ""
