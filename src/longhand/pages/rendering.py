"""Making a page from a template: all text in it is escaped, and a policy of its own lets nothing else run or load."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from longhand.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE, STYLE, SCRIPT, BASE = "page.html.j2", "page.css", "page.js", "pages/base.css"
Filters = Mapping[str, Callable[..., str]]


def rendered(
    part: str, filters: Filters, *, policy: str = "", scripts: Sequence[str] = (SCRIPT,), **values: Any
) -> str:
    """Return the page of a part of Longhand: its template with its style and script, which it finds in its folder.

    - part: the folder's name, such as "report", within Longhand's
    - filters: functions that the template writes values with
    - policy: what its Content-Security-Policy allows beyond that style and script
    - scripts: the files that the script is, one after another; none where nothing is to run
    - values: what the template shows; `style`, `script`, `policy` and `version` are added
    """
    pages = _pages(part)
    pages.filters.update(filters)
    style = _source(pages, BASE) + _source(pages, f"{part}/{STYLE}")
    script = "\n".join(_source(pages, f"{part}/{name}") for name in scripts)
    allowed = f"default-src 'none'; style-src 'sha256-{_hashed(style)}'"
    allowed += f"; script-src 'sha256-{_hashed(script)}'" if scripts else ""
    allowed += f"; base-uri 'none'; form-action 'none'{policy and '; ' + policy}"
    template = pages.get_template(f"{part}/{TEMPLATE}")
    return template.render(style=style, script=script, policy=allowed, version=VERSION, **values)


@functools.cache
def _pages(part: str) -> Environment:  # noqa: ARG001 (each part has filters of its own)
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("longhand", "")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _source(pages: Environment, name: str) -> str:
    assert pages.loader is not None
    return pages.loader.get_source(pages, name)[0]


def _hashed(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")
