"""What goes wrong, in the shape in which OpenAI's clients expect to be told."""

from __future__ import annotations

import math

import msgspec

from longhand.errors import LonghandError
from longhand.serving.request import BusyError
from longhand.text.utf8 import without_surrogates

INVALID, UNKNOWN_KEY, LIMITED, BROKEN = (
    "invalid_request_error",
    "authentication_error",
    "rate_limit_error",
    "server_error",
)
LONGEST_MESSAGE = 2000  # characters
OUR_NAMES = {"length": "max_tokens"}  # settings that the API calls otherwise


class Problem(msgspec.Struct):
    """What is told of an error."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorAnswer(msgspec.Struct):
    """An error."""

    error: Problem


class ApiError(Exception):
    """A request that is answered by an error.

    - status: the HTTP status
    - param: the field that it is about
    - code: which error it is, for programs
    - retry_after: seconds after which it is worth to try again
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = INVALID,  # noqa: A002 (what the API calls it)
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after
        message = without_surrogates(message)  # as in the names of files, which may be any bytes
        shown = message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "…"
        self.problem = Problem(shown, type, param, code)

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return msgspec.json.encode(ErrorAnswer(self.problem))

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        return {} if self.retry_after is None else {"retry-after": str(max(1, math.ceil(self.retry_after)))}


def api_error(error: Exception) -> ApiError:
    """Return what is told of an error; of one that is nobody's fault but ours, nothing but that."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, BusyError):
        status, kind = (503, BROKEN) if error.closing else (429, LIMITED)
        return ApiError(status, str(error), type=kind, code="busy", retry_after=error.retry_after)
    if isinstance(error, LonghandError):
        return ApiError(400, str(error), param=_param(str(error)))
    if isinstance(error, ConnectionError):
        return ApiError(400, str(error), code="gone")  # for the figures alone: nobody reads it
    if isinstance(error, TimeoutError):
        return ApiError(503, str(error), type=BROKEN, code="ending", retry_after=5)
    return ApiError(500, "something went wrong in the server; its log says what", type=BROKEN)


def _param(message: str) -> str | None:
    """Return the field that a message is about, as settings' messages begin with it."""
    name, colon, _ = message.partition(":")
    name = name.strip().replace(" ", "_")
    return OUR_NAMES.get(name, name) if colon and name.isidentifier() else None
