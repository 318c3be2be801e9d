"""How models are served over HTTP: where, to whom, and the limits of every size."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

COMPLETION_TOKENS = 16
"""How many tokens a completion has where nothing is said, as OpenAI's clients expect it."""


class ServingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How models are served."""

    host: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=255,
            description="the address to listen at; any but this machine's own needs --key-file",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="the port; 0 takes a free one")] = 8000
    allow_host: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...],
        Meta(
            max_length=100,
            description="another name that this server is called by, as behind a proxy; may be given several times",
        ),
    ] = ()
    streams: Annotated[
        int, Meta(ge=1, le=100_000, description="texts that are written at the same time, by each model")
    ] = 1024
    waiting: Annotated[
        int, Meta(ge=0, le=1_000_000, description="requests that may wait for a stream; more are told to come back")
    ] = 1024
    longest: Annotated[int, Meta(ge=1, le=10_000_000, description="the most tokens that a text may have")] = 100_000
    body: Annotated[int, Meta(ge=1024, le=1 << 30, description="the most bytes that a request may have")] = 4_000_000
    body_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="seconds in which a request has to come in whole")
    ] = 30.0
    send_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="seconds after which who does not read an answer is cut off")
    ] = 60.0
    grace: Annotated[
        float, Meta(ge=0, le=3600, description="seconds that texts have to come to their end when the server is ended")
    ] = 10.0
    state_hours: Annotated[
        float, Meta(gt=0, le=24 * 366, description="hours for which a text's state can be sent back")
    ] = 24.0
