"""Answers to completions: whole, or as server-sent events; who goes away frees the streams at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from longhand.serving.answering import Answer
from longhand.serving.metrics import Metrics
from longhand.serving.problems import ErrorAnswer, api_error
from longhand.serving.room import Rooms
from longhand.serving.wire import Completion

log = logging.getLogger("longhand.serving")
ENCODER = msgspec.json.Encoder()
MIN_BYTES_PER_SECOND = 240  # at which an answer has to be read; a telephone modem is ten times faster
DONE = b"data: [DONE]\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy (nginx) is not to collect them
]


class Answering(Response):
    """Has a completion written, and answers it.

    - rooms: of which it takes as much as it needs
    - aside: does what takes a moment, while others are answered
    - stream: as it comes; if not, when it is whole
    - with_usage: whether a stream ends with how many tokens there were
    - began: when it was asked for, by `time.monotonic`
    - send_seconds: after which a client is disconnected that does not read an answer, or reads it too slowly
    """

    def __init__(
        self,
        answer: Answer,
        rooms: Rooms,
        aside: Callable[[Callable[[], bytes]], Awaitable[bytes]],
        metrics: Metrics,
        *,
        stream: bool,
        with_usage: bool,
        began: float,
        send_seconds: float = 60.0,
    ) -> None:
        super().__init__()
        self._rooms, self._aside = rooms, aside
        self._answer, self._metrics, self._stream, self._with_usage = answer, metrics, stream, with_usage
        self._began, self._seen, self._send_seconds, self._unread = began, False, send_seconds, 0

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """See `starlette.responses.Response`. Raises `ApiError` and `LonghandError` before anything is said."""
        with self._answer.room_in(self._rooms):
            self._answer.submit()
            try:
                async with self._listening(receive):
                    await (self._streamed(send) if self._stream else self._whole(send))
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
            body = await self._aside(self._encoded) if self._answer.is_long else self._encoded()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send(send, body[:-1])
            # Once most of it is read: a client that has all of it may send its next request, so that must be the end.
            await self._send(send, body[-1:], more=False)

    def _encoded(self) -> bytes:
        return ENCODER.encode(self._answer.whole())

    async def _streamed(self, send: Send) -> None:
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
                await self._send(send, _event(ErrorAnswer(told_last.problem)))
                box.close()
                break
            self._note_first(changed)
            chunks = [self._answer.chunk(number) for number in changed]
            if told := b"".join(_event(chunk) for chunk in chunks if _says_something(chunk)):
                await self._send(send, told)
        if self._answer.done:
            usage = _event(self._answer.last_chunk()) if self._with_usage else b""
            await self._send(send, usage + DONE)
        if not box.gone or not self._answer.done:
            await self._send(send, b"", more=False)

    async def _send(self, send: Send, told: bytes, *, more: bool = True) -> None:
        """Send a part of the answer, once most of the one before it is read.

        A client that reads more slowly than `MIN_BYTES_PER_SECOND` for `send_seconds` is disconnected.
        """
        task, is_slow = asyncio.current_task(), False
        assert task is not None

        def give_up() -> None:
            nonlocal is_slow
            is_slow = True
            task.cancel()

        seconds = self._send_seconds + self._unread / MIN_BYTES_PER_SECOND
        timer = asyncio.get_running_loop().call_later(seconds, give_up)
        try:
            await send({"type": "http.response.body", "body": told, "more_body": more})
            self._unread = len(told)
        except asyncio.CancelledError:
            if not is_slow:
                raise
            self._answer.box.close()
            raise ConnectionError("the client reads too slowly") from None
        finally:
            timer.cancel()

    def _note_first(self, changed: list[int]) -> None:
        """Take note of when the first text came."""
        if not self._seen and any(self._answer.has_text(number) for number in changed):
            self._seen = True
            self._metrics.first.observe(time.monotonic() - self._began)


def _event(said: Completion | ErrorAnswer) -> bytes:
    return b"data: " + ENCODER.encode(said) + b"\n\n"


def _says_something(chunk: Completion) -> bool:
    """Whether a chunk tells more than that there are tokens whose text is not known yet."""
    return any(choice.text or choice.finish_reason or choice.logprobs for choice in chunk.choices)
