"""The page: one HTML file without a script, complete in itself, that says how to ask a server for what it can do.

All text comes from the OpenAPI document, and Jinja2 escapes it; the page's policy lets nothing run, and nothing load,
but the style that is in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from longhand.pages.letters import visible
from longhand.pages.rendering import rendered
from longhand.serving.reference.operations import operations

CODE = re.compile(r"`([^`\n]+)`")


def documentation(openapi: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI 3.1 document, as `FastAPI.openapi()` makes it.

    It shows of each path its methods: what it is for, the fields of its request and of its answer, the statuses, and a
    command to try it, from the schemas' examples. What it does not know in the document is passed over.
    """
    info = openapi.get("info")
    info = info if isinstance(info, Mapping) else {}
    return rendered(
        "serving/reference",
        {"visible": visible},
        scripts=(),
        title=str(info.get("title", "")) or "API",
        api_version=str(info.get("version", "")),
        about=paragraphs(str(info.get("description", ""))),
        operations=operations(openapi),
        paragraphs=paragraphs,
    )


def paragraphs(text: str) -> list[list[tuple[bool, str]]]:
    """Return a text's paragraphs, each in pieces, and of every piece whether it is code: what stands in `backticks`."""
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return [_pieces(part) for part in parts if part]


def _pieces(text: str) -> list[tuple[bool, str]]:
    return [(bool(place % 2), piece) for place, piece in enumerate(CODE.split(text)) if piece]
