"""The page and what belongs to it: files of this package, the same for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response

from longhand.serving.guard import OPEN_FOLDER
from longhand.serving.problems import ApiError

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
INDEX = "index.html"
FRESH = {"cache-control": "no-cache"}  # a newer server may have other ones


def page_files() -> Mapping[str, tuple[str, bytes]]:
    """Return the files of the page by name: their kinds, and what is in them."""
    here = Path(__file__).parent
    found = [here.parent / "pages" / "base.css", *sorted((here / "page").glob("*"))]
    return {one.name: (KINDS[one.suffix], one.read_bytes()) for one in found if one.suffix in KINDS}


def add_page(app: FastAPI) -> None:
    """Let an application give out the page."""
    known = page_files()

    def given(name: str) -> Response:
        if name not in known:
            raise ApiError(404, "there is no such file")
        kind, body = known[name]
        return Response(body, headers={"content-type": kind, **FRESH})

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> Response:
        return given(INDEX)

    @app.get(OPEN_FOLDER + "{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        return given(name)
