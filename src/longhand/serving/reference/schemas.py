"""JSON Schema in words: what a value may be, within which limits, and which fields an object has.

It reads what OpenAPI 3.1 documents have (JSON Schema 2020-12), as FastAPI and msgspec write it. What it does not know
is passed over, never refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

DEEPEST = 24  # references behind one another, and options within options: beyond it a document goes in circles
NESTED = 3  # objects within objects whose fields are listed
NAMES = {
    "string": ("text", "texts"),
    "integer": ("whole number", "whole numbers"),
    "number": ("number", "numbers"),
    "boolean": ("true or false", "true or false"),
    "object": ("object", "objects"),
    "array": ("list", "lists"),
}
"""What a value of a type is called, one and several."""
ANYTHING = "anything"
MISSING = object()


@dataclass(frozen=True)
class Field:
    """A field of an object.

    - name: with the names of the objects that it lies in; a list's elements are called [], as in choices[].text
    - kind, limits: what its value may be, in words
    - nullable: whether it may be null
    - default: as JSON; None where there is none
    """

    name: str
    kind: str
    limits: str
    required: bool
    nullable: bool
    default: str | None
    description: str
    deprecated: bool = False


class Schemas:
    """The schemas of a document, whose references lead to its own parts."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolved(self, schema: object) -> Schema:
        """Return a schema without references at its top; what stands beside one goes before what it leads to."""
        found = _mapping(schema)
        for _ in range(DEEPEST):
            if "$ref" in found:
                reference = found.pop("$ref")
                found = {**self._target(reference), **found}
            elif isinstance(found.get("allOf"), list):
                found = self._together(found)
            else:
                return found
        return {}

    def _target(self, reference: object) -> Schema:
        place: Any = self._document
        for step in str(reference).removeprefix("#/").split("/"):
            place = _mapping(place).get(step.replace("~1", "/").replace("~0", "~"))
        return _mapping(place)

    def _together(self, schema: Schema) -> Schema:
        """Return one schema for several that hold together."""
        parts = [_mapping(part) for part in schema.pop("allOf")]
        if len(parts) == 1:
            return {**parts[0], **schema}
        parts = [self.resolved(part) for part in parts if "allOf" not in part]
        merged = {name: value for part in [*parts, schema] for name, value in part.items()}
        properties = [_mapping(part.get("properties")) for part in [*parts, schema]]
        required = [name for part in [*parts, schema] for name in _sequence(part.get("required"))]
        return merged | {
            "properties": {name: value for some in properties for name, value in some.items()},
            "required": required,
        }

    def options(self, schema: object, depth: int = 0) -> tuple[list[Schema], bool]:
        """Return the schemas of which a value has one, null left out, and whether it may be null."""
        found = self.resolved(schema)
        several = found.get("anyOf", found.get("oneOf"))
        if isinstance(several, list):
            inner = [self.options(option, depth + 1) for option in several] if depth < DEEPEST else []
            return [option for options, _ in inner for option in options], any(nullable for _, nullable in inner)
        if isinstance(kinds := found.get("type"), list):
            return [{**found, "type": kind} for kind in kinds if kind != "null"], "null" in kinds
        if found.get("type") == "null" or found.get("const", MISSING) is None:
            return [], True
        values = _sequence(found.get("enum"))
        if None in values:
            return [{**found, "enum": [value for value in values if value is not None]}], True
        return [found], False

    def in_words(self, schema: object, *, several: bool = False, depth: int = 0) -> str:
        """Return what a value may be: "list of whole numbers", "text or number"; null is not told of."""
        if depth > DEEPEST:
            return ANYTHING
        options, nullable = self.options(schema)
        words = list(dict.fromkeys(self._kind(option, several, depth) for option in options))
        if not words:
            return "null" if nullable else ANYTHING
        listed = ", ".join(words[:-1])
        return words[0] if len(words) == 1 else f"{listed}{',' if len(words) > 2 else ''} or {words[-1]}"

    def _kind(self, schema: Schema, several: bool, depth: int) -> str:
        if "const" in schema:
            return as_json(schema["const"])
        if values := _sequence(schema.get("enum")):
            return ("one of " if len(values) > 1 else "") + ", ".join(map(as_json, values))
        kind = schema.get("type")
        name = NAMES[kind][several] if isinstance(kind, str) and kind in NAMES else ANYTHING
        if kind == "array":
            if places := _sequence(schema.get("prefixItems")):
                return f"{name} ({', '.join(self.in_words(one, depth=depth + 1) for one in places)})"
            return f"{name} of {self.in_words(schema.get('items'), several=True, depth=depth + 1)}"
        if kind == "object" and isinstance(values_of := schema.get("additionalProperties"), dict):
            return f"{name}, {self.in_words(values_of, several=True, depth=depth + 1)} by name"
        return name

    def limits(self, schema: object, depth: int = 0) -> str:
        """Return within which limits a value is: "1 to 128", "up to 20 characters"; empty where there are none."""
        if depth > DEEPEST:
            return ""
        found = []
        for option in self.options(schema)[0]:
            found += [_range(option), _size(option, "Length", "character")]
            if "prefixItems" not in option:  # which say how many there are
                found.append(_size(option, "Items", "element"))
            if isinstance(pattern := option.get("pattern"), str):
                found.append(f"like {pattern}")
            if "items" in option and (each := self.limits(option["items"], depth + 1)):
                found.append(f"each {each}")
        return "; ".join(dict.fromkeys(filter(None, found)))

    def fields(self, schema: object, within: str = "", depth: int = 0) -> list[Field]:
        """Return the fields of an object, and of the objects within it up to a depth."""
        found = []
        for one in self.options(schema)[0]:
            required = _sequence(one.get("required"))
            for name, value in _mapping(one.get("properties")).items():
                path = f"{within}{name}"
                found.append(self._field(path, value, name in required))
                if depth < NESTED:
                    found += self._inner(value, path, depth + 1)
        return list({field.name: field for field in reversed(found)}.values())[::-1]

    def _inner(self, schema: object, path: str, depth: int) -> list[Field]:
        """Return the fields of the objects that a field holds, by itself or in lists."""
        for _ in range(NESTED):
            options, _ = self.options(schema)
            if len(options) != 1 or "items" not in options[0]:
                return self.fields(schema, f"{path}.", depth)
            schema, path = options[0]["items"], f"{path}[]"
        return []

    def _field(self, path: str, schema: object, required: bool) -> Field:
        whole = self.resolved(schema)
        options, nullable = self.options(whole)
        described = [one["description"] for one in [whole, *options] if isinstance(one.get("description"), str)]
        default = whole.get("default")
        return Field(
            name=path,
            kind=self.in_words(whole),
            limits=self.limits(whole),
            required=required,
            nullable=nullable,
            default=None if default is None else as_json(default),
            description=described[0] if described else "",
            deprecated=whole.get("deprecated") is True,
        )

    def examples(self, schema: object) -> list[Any]:
        """Return the examples of a schema; of an object without any, one made of its fields' examples."""
        whole = self.resolved(schema)
        options, _ = self.options(whole)
        for one in [whole, *options]:
            if found := _sequence(one.get("examples")) or ([one["example"]] if "example" in one else []):
                return list(found)
        fields = {name: value for one in options for name, value in _mapping(one.get("properties")).items()}
        made = {name: some[0] for name, value in fields.items() if (some := self._examples_of_field(value))}
        return [made] if made else []

    def _examples_of_field(self, schema: object) -> list[Any]:
        whole = self.resolved(schema)
        found = [example for one in [whole, *self.options(whole)[0]] for example in _sequence(one.get("examples"))]
        return found or ([whole["const"]] if "const" in whole else [])


def as_json(value: object) -> str:
    """Return a value as JSON has it."""
    return json.dumps(value, ensure_ascii=False)


def _mapping(value: object) -> Schema:
    return dict(value) if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else []


def _range(schema: Schema) -> str:
    low, high = _number(schema.get("minimum")), _number(schema.get("maximum"))
    above, below = _number(schema.get("exclusiveMinimum")), _number(schema.get("exclusiveMaximum"))
    if low and high:
        return f"{low} to {high}"
    ends = [("from", low), ("above", above), ("up to", high), ("below", below)]
    return ", ".join(f"{word} {number}" for word, number in ends if number)


def _size(schema: Schema, what: str, unit: str) -> str:
    low, high = schema.get(f"min{what}"), schema.get(f"max{what}")
    numbers = [value for value in (low, high) if value not in (None, 0)]
    if not numbers:
        return ""
    unit += "" if numbers[-1] == 1 else "s"
    if len(numbers) == 2:
        return f"{_number(low)} {unit}" if low == high else f"{_number(low)} to {_number(high)} {unit}"
    return f"up to {_number(high)} {unit}" if high else f"from {_number(low)} {unit}"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
