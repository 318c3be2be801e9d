"""How a model is looked into."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class InspectConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for in a network as it reads a text."""

    probe: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=10_000)], ...],
        Meta(
            max_length=100,
            description="NAME=REGEX: find the units that follow what a regular expression covers; may be given several "
            "times",
        ),
    ] = ()
    reach: Annotated[
        int, Meta(ge=1, le=4096, description="how many tokens later a token's influence is looked for, at most")
    ] = 256
    places: Annotated[
        int, Meta(ge=1, le=4096, description="tokens that are replaced to measure their influence, one at a time")
    ] = 256
    seed: Annotated[
        int,
        Meta(ge=0, le=2**63 - 1, description="of the tokens that are replaced, and of the text that --generate writes"),
    ] = 0
