"""The page of an OpenAPI document: what it says of it, that nothing in it is missed or runs, and how it looks."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from api_document import document
from browser import Browser
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta
from test_report import Outline, words
from test_report_browser import ATTACK
from test_report_log import JSON

from longhand.serving.reference.operations import Operation, operations
from longhand.serving.reference.page import documentation
from longhand.serving.reference.schemas import Field, Schemas

KEYWORDS = (
    "$ref allOf anyOf oneOf type enum const properties required items prefixItems minimum maxLength minItems pattern "
    "default description examples additionalProperties"
)
ANYWHERE = st.sampled_from(KEYWORDS.split())
WORDS = st.sampled_from(["#/components/schemas/A", "#/components/schemas/B", "string", "array", "object", "null", "x"])
LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | WORDS | st.floats()
SCHEMA = st.recursive(
    st.dictionaries(ANYWHERE, LEAVES, max_size=4),
    lambda inner: st.dictionaries(ANYWHERE | WORDS, inner | st.lists(inner | LEAVES, max_size=3), max_size=4),
    max_leaves=12,
)


def written(schema: Any) -> Field:
    """Return the field that a type becomes, as msgspec writes its schema."""
    whole, named = msgspec.json.schema_components([schema], ref_template="#/components/schemas/{name}")
    properties = {"properties": {"x": whole[0]}}
    return Schemas({"components": {"schemas": named}}).fields(properties)[0]


def operation(path: str, changed: dict[str, Any] | None = None) -> Operation:
    return next(one for one in operations(changed or document()) if one.path == path)


def posted(command: str) -> Any:
    """Return the body that a command posts."""
    arguments = shlex.split(command.replace("\\\n", " "))
    return json.loads(arguments[arguments.index("-d") + 1])


class Asked(pydantic.BaseModel):
    text: str = pydantic.Field(description="what to read", min_length=1, examples=["Once"])
    some: list[int] | None = None


class Inner(msgspec.Struct):
    deep: Annotated[int, Meta(le=5)] = 2


@pytest.mark.parametrize(
    ("schema", "kind", "limits"),
    [
        (str, "text", ""),
        (Annotated[int, Meta(ge=1, le=128)], "whole number", "1 to 128"),
        (Annotated[int, Meta(ge=0)] | None, "whole number", "from 0"),
        (Annotated[float, Meta(gt=0, lt=1)], "number", "above 0, below 1"),
        (Annotated[float, Meta(le=2.5)], "number", "up to 2.5"),
        (Annotated[str, Meta(max_length=4000)], "text", "up to 4,000 characters"),
        (Annotated[str, Meta(min_length=1, pattern="^a")], "text", "from 1 character; like ^a"),
        (str | list[str | int], "text or list of texts or whole numbers", ""),
        (str | int | bool | None, "true or false, whole number, or text", ""),
        (
            Annotated[list[Annotated[str, Meta(min_length=2)]], Meta(max_length=1)],
            "list of texts",
            "up to 1 element; each from 2 characters",
        ),
        (list[list[float]], "list of lists of numbers", ""),
        (tuple[float, float], "list (number, number)", ""),
        (dict[str, float], "object, numbers by name", ""),
        (Any, "anything", ""),
        (None, "null", ""),
        (Inner | None, "object", ""),
    ],
)
def test_types_are_told_in_words(schema: Any, kind: str, limits: str) -> None:
    found = written(schema)
    assert sorted(re.split(r",? or |, ", found.kind)) == sorted(re.split(r",? or |, ", kind))
    assert found.limits == limits


def test_enumerations_and_constants_are_listed() -> None:
    shown = Schemas({}).in_words
    assert shown({"enum": ["cell", "hidden"]}) == 'one of "cell", "hidden"'
    assert shown({"enum": [1, None]}) == "1"
    assert shown({"const": "list"}) == '"list"'
    assert shown({"type": ["string", "null"]}) == "text"
    assert Schemas({}).options({"type": ["string", "null"]})[1]


def test_the_fields_of_a_request_have_all_that_their_schema_says() -> None:
    fields = {field.name: field for field in operation("/v1/completions").fields}
    assert list(fields) == [
        *("model", "prompt", "max_tokens", "temperature", "n", "best_of", "stop", "stream_options"),
        *("stream_options.include_usage", "until", "logit_bias"),
    ]
    assert (fields["model"].required, fields["model"].default) == (True, None)
    length = fields["max_tokens"]
    assert (length.kind, length.limits, length.default) == ("whole number", "0 to 1,000,000", "16")
    assert (length.nullable, length.description) == (True, "how long it is")
    assert (fields["temperature"].default, fields["temperature"].required) == (None, False)
    assert fields["stream_options.include_usage"].default == "false"


def test_the_fields_of_an_answer_are_listed_with_those_within() -> None:
    good = operation("/v1/completions").answers[0]
    assert [field.name for field in good.fields if field.name.startswith("choices")] == [
        *("choices", "choices[].index", "choices[].text", "choices[].finish_reason"),
    ]
    assert good.types == ["application/json", "text/event-stream"]
    points = next(field for field in operation("/v1/runs/{id}").answers[0].fields if field.name == "training")
    assert points.kind == "list of lists (number, number)"


def test_a_reference_with_something_beside_it_keeps_both() -> None:
    schemas = Schemas({"components": {"schemas": {"a/b": {"type": "integer", "description": "far"}}}})
    assert schemas.resolved({"$ref": "#/components/schemas/a~1b", "description": "near"}) == {
        "type": "integer",
        "description": "near",
    }
    both = {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {"type": "string"}}}]}
    assert [(field.name, field.required) for field in schemas.fields(both)] == [("a", True), ("b", False)]


def test_what_goes_in_circles_comes_to_an_end() -> None:
    tree = {"properties": {"more": {"$ref": "#/components/schemas/tree"}, "all": {"items": {"$ref": "#/x"}}}}
    circle = {"anyOf": [{"$ref": "#/components/schemas/circle"}, {"type": "array", "items": {"$ref": "#/x"}}]}
    schemas = Schemas({"components": {"schemas": {"tree": tree, "circle": circle}}, "x": {"$ref": "#/x"}})
    assert [field.name for field in schemas.fields(tree)][:2] == ["more", "more.more"]
    assert schemas.in_words(circle) == "list of anything"
    lists = {"type": "array", "items": {"$ref": "#/lists"}}
    assert Schemas({"lists": lists}).in_words(lists).startswith("list of lists of lists")


def test_commands_are_made_of_the_examples() -> None:
    command = operation("/v1/completions").commands[0]
    assert command.startswith("curl http://127.0.0.1:8000/v1/completions \\\n")
    assert '-H "Authorization: Bearer $LONGHAND_KEY"' in command
    assert posted(command) == {"model": "verse", "prompt": "Shall I compare thee", "max_tokens": 200}
    (look,) = operation("/v1/runs/{id}").commands
    assert look.startswith("curl http://127.0.0.1:8000/v1/runs/verse")
    assert operation("/health").commands == ["curl http://127.0.0.1:8000/health"]
    assert operation("/health").answers[0].example == '{"status": "ok"}'


def test_examples_of_the_body_go_before_those_of_its_fields() -> None:
    changed = document()
    whole = [{"model": "a", "prompt": 'it\'s $HOME `x` "y"\n'}, {"model": "b", "stream": True}]
    changed["components"]["schemas"]["CompletionRequest"]["examples"] = whole
    commands = operation("/v1/completions", changed).commands
    assert [posted(command) for command in commands] == whole
    assert [command.startswith("curl -N ") for command in commands] == [False, True]


def test_a_path_without_a_name_for_a_server_or_an_example_is_still_asked_for() -> None:
    named = {"name": "id", "in": "path", "required": True}
    paths = {"/a/{id}": {"parameters": [named], "delete": {}, "post": {}}, "/a-id": {"get": {}}, "/a/id": {"get": {}}}
    found = operations({"servers": [{"url": "/base/"}], "paths": paths})
    assert [one.commands[0] for one in found[:2]] == [
        "curl -X POST http://127.0.0.1:8000/base/a/ID",
        "curl -X DELETE http://127.0.0.1:8000/base/a/ID",
    ]
    assert len({one.anchor for one in found}) == 4


def test_the_page_says_all_of_it_and_is_well_formed() -> None:
    html = documentation(document())
    outline = Outline()
    outline.feed(html.replace("<wbr>", ""))
    assert outline.open == []
    assert {load for load in outline.loads if load != "a href"} == set()
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', html))
    assert set(re.findall(r'href="#([^"]*)"', html)) <= set(re.findall(r'id="([^"]*)"', html))
    assert "<script" not in html
    assert "script-src" not in html
    shown = words(html)
    for said in (
        "How to ask this server, version 0.1.0",
        "POST /v1/completions",
        "The request application/json",
        "max_tokens whole number0 to 1,000,000 16 how long it is",
        "model text required the name of a model that is served",
        "401no key, or a wrong one",
        '-d \'{"model": "verse", "input": "It’s a rose"}\'',
        "best_bits number or null",
    ):
        assert said in shown
    assert html == documentation(document())


def test_what_fastapi_makes_is_shown() -> None:
    app = FastAPI(title="Another", version="9")

    @app.post("/ask/{name}", summary="Ask it")
    def ask(name: str, asked: Asked, often: int = 3) -> dict[str, float]:
        """Say `something`."""
        raise NotImplementedError((name, asked, often))

    (found,) = operations(app.openapi())
    assert posted(found.commands[0]) == {"text": "Once"}
    assert [(place, field.name, field.default) for place, field in found.parameters] == [
        ("path", "name", None),
        ("query", "often", "3"),
    ]
    assert [field.kind for field in found.fields] == ["text", "list of whole numbers"]
    assert "Say something. curl" in words(documentation(app.openapi()))


@pytest.mark.parametrize("empty", [{}, {"paths": None}, {"paths": {"/x": None, "/y": {"get": 3}}, "info": []}])
def test_a_document_of_nothing_is_a_page(empty: dict[str, Any]) -> None:
    assert "The document names no path." in words(documentation(empty))


@given(st.dictionaries(st.sampled_from("AB"), SCHEMA | JSON), SCHEMA | JSON)
def test_whatever_a_schema_is_there_is_a_page(named: dict[str, Any], schema: Any) -> None:
    body = {"content": {"application/json": {"schema": schema}}}
    found = {"requestBody": body, "responses": {"200": body, "default": schema}, "parameters": [schema]}
    changed = {"paths": {"/a": {"post": found, "parameters": schema}}, "components": {"schemas": named}}
    assert "/<wbr>a" in documentation(changed)


def attacked(value: Any) -> Any:
    """Return a document all of whose texts are attacks, but for those that say what a schema is."""
    if isinstance(value, dict):
        kept = ("$ref", "type", "in", "scheme")
        return {name: each if name in kept else attacked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [attacked(each) for each in value]
    return ATTACK if isinstance(value, str) else value


def hostile() -> dict[str, Any]:
    found: dict[str, Any] = attacked(document())
    post = found["paths"]["/v1/completions"]["post"]
    found["paths"] = {f"/{ATTACK}": {"post": post}, **found["paths"]}
    properties = found["components"]["schemas"]["CompletionRequest"]["properties"]
    properties[ATTACK] = {"type": "string", "pattern": ATTACK, "enum": [ATTACK], "default": ATTACK}
    post["responses"][ATTACK] = {"description": ATTACK, "content": {ATTACK: {}}}
    return found


def test_nothing_that_a_document_says_runs(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "docs.html"
    path.write_text(documentation(hostile()), encoding="utf-8")
    browser.open(path)
    assert browser.ask("return window.ran") is None
    foreign = "return document.querySelectorAll('img, link, script, style:not(head style), a:not(nav a)').length"
    assert browser.ask(foreign) == 0
    assert browser.text().count("<img src=x onerror='window.ran=1'>") >= 20
    assert not set("\u202e\u2028\x00\x1b\x07") & set(path.read_text(encoding="utf-8"))
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1000])
def test_it_can_be_read_on_every_screen(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    path = tmp_path / "docs.html"
    long = document()
    long["paths"]["/" + "p" * 200] = {"get": {"summary": "s" * 200, "description": "d" * 300}}
    long["components"]["schemas"]["CompletionRequest"]["properties"]["f" * 200] = {"default": "e" * 200}
    path.write_text(documentation(long), encoding="utf-8")
    browser.open(path, width=width, dark=dark)
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    ratio, text = browser.lowest_contrast()
    assert ratio >= 4.5, text
    headings = browser.ask("return [...document.querySelectorAll('section h2')].map((one) => one.innerText)")
    assert headings[:4] == ["POST /v1/completions", "POST /v1/inspect", "GET /v1/runs/{id}", "GET /health"]
    browser.ask("document.querySelector('nav a[href=\"#get-health\"]').click()")
    assert abs(browser.ask("return document.getElementById('get-health').getBoundingClientRect().top") - 450) < 450
    assert browser.complaints() == []
