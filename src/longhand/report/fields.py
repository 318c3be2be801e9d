"""The fields of a record that may say anything: each is what it should be, or missing, and no number is infinite."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from longhand.modelfile import Card
from longhand.pages.letters import visible

Record: TypeAlias = Mapping[str, Any]

LARGEST = 1e15  # beyond it numbers say nothing about a training, and sums of them might be infinite
LONGEST_TEXT = 5_000  # characters
MOST_TEXTS = 200
WHOLE_DIGITS = 18
RECORD_BEGINS = '{"event"'  # inside a string the quotation marks would be escaped


def decoded(line: str) -> dict[str, Any] | None:
    """Return the record in a line of a log, or None.

    A process that was killed leaves half a line, and one that goes on writes its first record right behind it: what
    begins last is read then.
    """
    for text in (line, line[max(line.rfind(RECORD_BEGINS), 0) :]):
        try:
            record = json.loads(text, parse_constant=_none, parse_float=_finite, parse_int=_whole)
        except (ValueError, RecursionError):
            continue
        return record if isinstance(record, dict) else None
    return None


def number(record: Record, name: str) -> float | None:
    """Return a number of a record, or None."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        return None
    return float(value)


def whole(record: Record, name: str) -> int | None:
    """Return a whole number of a record, or None."""
    value = number(record, name)
    return None if value is None else int(value)


def text(record: Record, name: str) -> str:
    """Return a text of a record, safe to show; empty if there is none."""
    value = record.get(name)
    return shown(value) if isinstance(value, str) else ""


def texts(record: Record, name: str) -> list[str]:
    """Return a list of texts of a record, safe to show."""
    values = record.get(name)
    if not isinstance(values, list):
        return []
    return [shown(value) for value in values[:MOST_TEXTS] if isinstance(value, str)]


def settings(record: Record, name: str) -> dict[str, str]:
    """Return settings by name, with their values as one would type them."""
    values = record.get(name)
    if not isinstance(values, dict):
        return {}
    return {shown(key): as_typed(value) for key, value in list(values.items())[:MOST_TEXTS]}


def card(record: Record, name: str) -> Card:
    """Return a card with those fields that are what they should be."""
    found = record.get(name)
    fields = (
        {one.name: _converted(found, one) for one in msgspec.structs.fields(Card)} if isinstance(found, dict) else {}
    )
    fields = {field: value for field, value in fields.items() if value is not None}
    words = {field: shown(value) for field, value in fields.items() if isinstance(value, str)}
    return Card(**{**fields, **words, "corpus": texts(fields, "corpus")})


def _converted(found: Record, field: msgspec.structs.FieldInfo) -> Any:
    try:
        value = msgspec.convert(found.get(field.name), field.type)
    except msgspec.ValidationError:
        return None
    return value if not isinstance(value, int | float) or abs(value) <= LARGEST else None


def as_typed(value: object) -> str:
    """Return the value of a setting as one would type it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str | int):
        return shown(str(value))
    return shown(json.dumps(value, ensure_ascii=False))


def shown(words: str) -> str:
    """Return a text whose control characters can be seen and do nothing; a long text is cut."""
    if len(words) > LONGEST_TEXT:
        words = words[:LONGEST_TEXT] + " …"
    return visible(words)


def _none(literal: str) -> None:  # noqa: ARG001 (NaN and Infinity)
    return None


def _finite(literal: str) -> float | None:
    value = float(literal)
    return value if math.isfinite(value) else None


def _whole(literal: str) -> int | None:
    return int(literal) if len(literal) <= WHOLE_DIGITS else None
