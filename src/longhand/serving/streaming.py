"""Answers to completions: whole, or as server-sent events; who goes away frees the streams at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from longhand.serving.answering import Answer
from longhand.serving.metrics import Metrics
from longhand.serving.problems import ErrorAnswer, api_error
from longhand.serving.room import Room
from longhand.serving.wire import Completion

log = logging.getLogger("longhand.serving")
ENCODER = msgspec.json.Encoder()
DONE = b"data: [DONE]\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy (nginx) is not to collect them
]


class Answering(Response):
    """Has a completion written, and answers it.

    - room: of which it takes as much as it needs
    - stream: as it comes; if not, when it is whole
    - with_usage: whether a stream ends with how many tokens there were
    - send_seconds: after which who does not read is cut off
    """

    def __init__(
        self,
        answer: Answer,
        room: Room,
        metrics: Metrics,
        *,
        stream: bool,
        with_usage: bool,
        send_seconds: float,
    ) -> None:
        super().__init__()
        self._room = room
        self._answer, self._metrics, self._stream, self._with_usage = answer, metrics, stream, with_usage
        self._send_seconds, self._began, self._seen = send_seconds, time.monotonic(), False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `starlette.responses.Response`. Raises `ApiError` and `LonghandError` before anything is said."""
        with self._room.taken(self._answer.room):
            self._answer.submit()
            try:
                async with self._listening(receive):
                    await (self._streamed(scope, send) if self._stream else self._whole(send))
            finally:
                self._metrics.count(self._answer.model, self._answer.usage)
        if self._answer.done:
            self._metrics.whole.observe(time.monotonic() - self._began)

    @asynccontextmanager
    async def _listening(self, receive: Receive) -> AsyncIterator[None]:
        """Give up what was asked for when whoever asked goes away, and at the end whatever is left of it."""

        async def wait() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            self._answer.box.close()

        listener = asyncio.create_task(wait())
        try:
            yield
        finally:
            listener.cancel()
            self._answer.box.close()

    async def _whole(self, send: Send) -> None:
        box = self._answer.box
        while not self._answer.done and not box.gone:
            self._note_first(self._answer.take(await box.take()))
        if self._answer.done:
            body = ENCODER.encode(self._answer.whole())
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _streamed(self, scope: Scope, send: Send) -> None:
        box = self._answer.box
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        while not self._answer.done and not box.gone:
            letters = await box.take()
            try:
                changed = self._answer.take(letters)
            except Exception as error:  # whatever it is, it is told as the last event
                told_last = api_error(error)
                if told_last.status == 500:
                    log.exception("a defect: please report it")
                await self._send(scope, send, _event(ErrorAnswer(told_last.problem)))
                box.close()
                break
            self._note_first(changed)
            chunks = [self._answer.chunk(number) for number in changed]
            if told := b"".join(_event(chunk) for chunk in chunks if _says_something(chunk)):
                await self._send(scope, send, told)
        if self._answer.done:
            usage = _event(self._answer.last_chunk()) if self._with_usage else b""
            await self._send(scope, send, usage + DONE)
        if not box.gone or not self._answer.done:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, scope: Scope, send: Send, told: bytes) -> None:
        """Tell something; who does not read it in time is cut off."""
        too_late = asyncio.get_running_loop().call_later(self._send_seconds, scope["longhand.abort"])
        try:
            await send({"type": "http.response.body", "body": told, "more_body": True})
        finally:
            too_late.cancel()

    def _note_first(self, changed: list[int]) -> None:
        """Take note of when the first text came."""
        if changed and not self._seen:
            self._seen = True
            self._metrics.first.observe(time.monotonic() - self._began)


def _event(said: Completion | ErrorAnswer) -> bytes:
    return b"data: " + ENCODER.encode(said) + b"\n\n"


def _says_something(chunk: Completion) -> bool:
    """Whether a chunk tells more than that there are tokens whose text is not known yet."""
    return any(choice.text or choice.finish_reason or choice.logprobs for choice in chunk.choices)
