"""What a part of a training has to remember, so that another process can go on exactly where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=2**53)]
Positive = Annotated[int, Meta(ge=1, le=2**53)]
Amount = Annotated[float, Meta(ge=0, le=1e300)]  # seconds, bits, characters a second: finite, and so are sums of them
Facts = TypeVar("Facts", bound=msgspec.Struct)


@dataclass(frozen=True)
class Saved:
    """What one part of a training remembers; shares no memory with it.

    - arrays: numbers in plenty, by name
    - facts: all else, as JSON has it
    """

    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


class Part(Protocol):
    """A part of a training that changes while it learns."""

    def saved(self) -> Saved:
        """Return what is needed to go on from here."""
        ...

    def restore(self, saved: Saved) -> None:
        """Go on from there."""
        ...


def checked_facts(saved: Saved, kind: type[Facts]) -> Facts:
    """Return the facts of a part, each of its type and in its range. Raises `ValueError`."""
    return msgspec.convert(saved.facts, kind)


def checked_array(saved: Saved, name: str, kind: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return a copy of an array of a part. Raises `ValueError` if it is missing, of another type or shape."""
    array = saved.arrays.get(name)
    if array is None or array.dtype != kind or array.shape != shape:
        found = "missing" if array is None else f"{array.dtype} {array.shape}"
        raise ValueError(f"{name} is {found}, expected {np.dtype(kind)} {shape}")
    return array.copy()


class _Position(msgspec.Struct):
    state: int
    inc: int

    def __post_init__(self) -> None:
        if not (0 <= self.state < 2**128 and 0 <= self.inc < 2**128):
            raise ValueError("a generator's state has 128 bits")


class GeneratorFacts(msgspec.Struct):
    """The state of a PCG64 generator, as NumPy has it."""

    bit_generator: Literal["PCG64"]
    state: _Position
    has_uint32: Annotated[int, Meta(ge=0, le=1)]
    uinteger: Annotated[int, Meta(ge=0, lt=2**32)]


def generator_facts(random: np.random.Generator) -> dict[str, Any]:
    """Return the state of a PCG64 generator."""
    return dict(random.bit_generator.state)


def restore_generator(random: np.random.Generator, facts: GeneratorFacts) -> None:
    """Put a PCG64 generator back to a state."""
    random.bit_generator.state = msgspec.structs.asdict(facts) | {"state": msgspec.structs.asdict(facts.state)}


def joined(parts: Mapping[str, Saved]) -> Saved:
    """Return what several parts remember as one, by the parts' names."""
    arrays = {f"{part}/{name}": array for part, saved in parts.items() for name, array in saved.arrays.items()}
    return Saved(arrays, {part: saved.facts for part, saved in parts.items()})


def part_of(saved: Saved, part: str) -> Saved:
    """Return what one of several parts remembers."""
    prefix = f"{part}/"
    arrays = {name.removeprefix(prefix): array for name, array in saved.arrays.items() if name.startswith(prefix)}
    return Saved(arrays, saved.facts[part])
