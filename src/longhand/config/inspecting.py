"""How a model is looked into."""

from __future__ import annotations

from typing import Annotated, Literal

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


class ValuesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of a network's numbers are shown, token by token."""

    layer: (
        Annotated[int, Meta(ge=1, description="the layer whose units are shown, from 1; the last if left out")] | None
    ) = None
    show: Annotated[
        Literal["cell", "hidden", "input", "forget", "output", "candidate"],
        Meta(description="what of each unit: its cell, what it says (hidden), a gate, or what it would write"),
    ] = "cell"
