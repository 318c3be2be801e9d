"""How a text is scored."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class AdaptConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model learns from a text as it reads."""

    adapt_layers: Annotated[
        Literal["output", "all"],
        Meta(description="what learns: the output layer, or all, which is better and slower"),
    ] = "output"
    adapt_rate: (
        Annotated[
            float,
            Meta(
                gt=0, le=1, description="how far an update goes [default: 0.0015 for the output layer, 0.0003 for all]"
            ),
        ]
        | None
    ) = None


class ScoringConfig(AdaptConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a text is scored."""

    adapt: Annotated[
        bool, Meta(description="let the model learn from the text as it reads (dynamic evaluation); its file stays")
    ] = False
    cache: Annotated[bool, Meta(description="let what followed alike moments before count too (a neural cache)")] = (
        False
    )
    cache_size: Annotated[int, Meta(ge=1, le=20_000, description="tokens that the cache looks back at")] = 2000
    streams: Annotated[
        int, Meta(ge=1, le=1024, description="parts of the text that are read side by side; 1 reads it in order")
    ] = 64
