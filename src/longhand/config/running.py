"""What a model is run with, how speeds are measured, and what is shown of a source whose entropy is known."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class RunConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model is run with."""

    precision: Annotated[
        Literal["auto", "fp32", "int8"],
        Meta(
            description="of the weights: fp32, int8 (several times as fast, a little less exact), or auto: int8 "
            "where fp32 would read more than 8 MB a token"
        ),
    ] = "auto"
    threads: (
        Annotated[int, Meta(ge=1, le=64, description="processor threads; up to 4, where that pays, if left out")] | None
    ) = None


class BenchConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How speeds are measured."""

    rounds: Annotated[
        int, Meta(ge=1, le=1000, description="times that are taken of everybody; their median counts")
    ] = 5
    seconds: Annotated[float, Meta(ge=0.001, le=60, description="about how long each of these is")] = 0.2


class DemoConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `longhand demo weather` learns, and how."""

    language: Annotated[Literal["en", "zh"], Meta(description="of the weather bulletins: English or Chinese")] = "en"
    tokens: Annotated[
        Literal["both", "char", "word"], Meta(description="what is read and written at a time, by a model each")
    ] = "both"
    seed: Annotated[
        int, Meta(ge=0, le=2**62, description="of the weather, of the trainings and of what the models write")
    ] = 0
