"""The paths of the API, and what is done where."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from longhand.generation.constraints.bounds import never_interrupt
from longhand.generation.constraints.build import SHAPES
from longhand.serving.addresses import client_network
from longhand.serving.answering import Answer
from longhand.serving.asking import asked, decoded
from longhand.serving.bodies import BODY, Body
from longhand.serving.disconnecting import until_disconnected
from longhand.serving.guard import Guard
from longhand.serving.mailbox import Mailbox
from longhand.serving.openapi import described, described_as
from longhand.serving.problems import ApiError
from longhand.serving.reference.page import documentation
from longhand.serving.scored import scored
from longhand.serving.service import Service
from longhand.serving.static import add_page
from longhand.serving.streaming import Answering
from longhand.serving.wire import (
    CompletionRequest,
    Health,
    InspectRequest,
    ModelList,
    RunEntry,
    RunList,
    ScoreRequest,
)
from longhand.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from longhand.serving.runs import RunFolder

OWN_POLICY = {"content-security-policy": "frame-ancestors 'none'"}  # the page has the rest of it in itself
LONG = 20_000  # bytes of a request whose prompt takes its time to be cut into tokens


class Json(Response):
    """An answer in JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """See `starlette.responses.Response`."""
        return msgspec.json.encode(content)


def application(service: Service, keys: Sequence[bytes] = ()) -> FastAPI:
    """Return the application that answers for a service; one of the `keys` is demanded, if there are any."""

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await service.close()

    app = FastAPI(
        title="Longhand",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=running,
    )
    app.include_router(_router(service))
    add_page(app)
    description = described(app, service.limits)
    app.openapi = lambda: description  # type: ignore[method-assign]
    page, encoded = documentation(description), msgspec.json.encode(description)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(encoded, media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return Response(page, media_type="text/html; charset=utf-8", headers=OWN_POLICY)

    app.add_exception_handler(HTTPException, _told)
    app.add_middleware(Guard, limits=service.limits, keys=keys, metrics=service.metrics)
    return app


async def _told(request: Request, error: Exception) -> Response:
    """Say what the router refuses: paths and methods that there are not."""
    assert isinstance(error, HTTPException)
    message, path = str(error.detail), request.url.path[:100]
    if error.status_code == 404:
        message = f"{path}: nothing is here; texts are written at /v1/completions, and /docs says what else there is"
    if error.status_code == 405:
        message = f"{path}: found {request.method}, expected {(error.headers or {}).get('allow', 'another method')}"
    problem = ApiError(error.status_code, message)
    return Response(problem.body, error.status_code, dict(error.headers or {}), "application/json")


def _router(service: Service) -> APIRouter:
    router = APIRouter()
    _add_completions(router, service)
    _add_models(router, service)
    _add_what_is_seen(router, service)
    return router


def _add_completions(router: APIRouter, service: Service) -> None:
    """Add where texts are written."""

    @router.post("/v1/completions", openapi_extra=described_as("completions"))
    async def completions(request: Request) -> Response:
        """Write texts that go on from a prompt, as OpenAI's clients ask for them."""
        body, began, client = request.scope[BODY], time.monotonic(), _address(request)
        wanted = await _read(service, body, CompletionRequest, client)
        served = service.find(wanted.model)
        box = Mailbox(bounded=bool(wanted.stream))

        def begin(pause: Callable[[], None] = lambda: None, interrupt: Callable[[], None] = never_interrupt) -> Answer:
            interrupt()
            what = asked(wanted, served.model, service.sealer, service.limits.longest, interrupt)
            return Answer(served, wanted, what, service.sealer, box, client, pause)

        if wanted.echo and wanted.logprobs is not None:
            answer = await service.slowly(lambda pause: begin(pause, pause), client, request.is_disconnected)
        elif body.size > LONG or any(getattr(wanted, name) is not None for name in SHAPES):
            async with until_disconnected(request) as interrupt:
                answer = await service.aside(lambda: begin(interrupt=interrupt), client)
        else:
            answer = begin()
        body.release()  # the prompt is accounted for by the answer from here
        with_usage = bool(wanted.stream_options and wanted.stream_options.include_usage)
        return Answering(
            answer,
            service.rooms,
            lambda work: service.aside(work, client),
            service.metrics,
            stream=bool(wanted.stream),
            with_usage=with_usage,
            began=began,
            send_seconds=service.limits.send_seconds,
        )


def _add_models(router: APIRouter, service: Service) -> None:
    """Add what there is of models, and what they do with a text that they read."""

    @router.get("/v1/models", openapi_extra=described_as("models"))
    async def models() -> Response:
        """List the models that can be asked."""
        return Json(ModelList([each.entry() for each in service.served.values()]))

    @router.get("/v1/models/{name}", openapi_extra=described_as("model"))
    async def model(name: str) -> Response:
        """Say what a model is."""
        return Json(service.find(name).entry())

    @router.post("/v1/score", openapi_extra=described_as("score"))
    async def score(request: Request) -> Response:
        """Say how well a model predicts a text."""
        client = _address(request)
        wanted = await _read_all(service, request.scope[BODY], ScoreRequest, client)
        served = service.find(wanted.model)

        def work(pause: Callable[[], None]) -> Response:
            return Json(scored(served.name, served.model, wanted, pause))

        return await service.slowly(work, client, request.is_disconnected)

    @router.post("/v1/inspect", openapi_extra=described_as("inspect"))
    async def inspect(request: Request) -> Response:
        """Look at a network's gates and cells as it reads a text."""
        client = _address(request)
        wanted = await _read_all(service, request.scope[BODY], InspectRequest, client)
        served = service.find(wanted.model)

        def work(pause: Callable[[], None]) -> Response:
            found = served.model.gate_values(wanted.input, wanted.layer, wanted.show, tell=lambda *_: pause())
            return Json(msgspec.structs.replace(found, model=served.name))

        return await service.slowly(work, client, request.is_disconnected)


def _add_what_is_seen(router: APIRouter, service: Service) -> None:
    """Add what is to be seen of trainings, and of the server itself."""

    @router.get("/v1/runs", openapi_extra=described_as("runs"))
    async def runs(request: Request) -> Response:
        """List the trainings that can be followed."""
        return Json(await service.aside(lambda: RunList(_entries(service.runs)), _address(request)))

    @router.get("/v1/runs/{name}", openapi_extra=described_as("run"))
    async def run(request: Request, name: str) -> Response:
        """Say how far a training is, and what it writes."""
        return Json(await service.aside(service.run(name).record, _address(request)))

    @router.head("/health", include_in_schema=False)
    @router.get("/health", openapi_extra=described_as("health"))
    async def health() -> Response:
        """Say that the server is there."""
        return Json(Health("ok", VERSION))

    @router.get("/metrics", openapi_extra=described_as("metrics"))
    async def metrics() -> Response:
        """Give the figures of this server, as Prometheus reads them."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


def _address(request: Request) -> str:
    """Return the address that a request comes from: what it may use is shared out by these."""
    return client_network(request.client.host) if request.client else ""


async def _read(service: Service, body: Body, kind: type[msgspec.Struct], client: str) -> Any:
    """Return what a request says; its body keeps its room."""
    data, body.data = body.data, b""
    return await service.aside(lambda: decoded(data, kind), client) if len(data) > LONG else decoded(data, kind)


async def _read_all(service: Service, body: Body, kind: type[msgspec.Struct], client: str) -> Any:
    """Return what a request says, and give back the room of its body."""
    wanted = await _read(service, body, kind, client)
    body.release()
    return wanted


def _entries(runs: Mapping[str, RunFolder]) -> list[RunEntry]:
    return [RunEntry(name, run.record().state) for name, run in runs.items()]
