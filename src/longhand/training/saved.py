"""What a part of a training has to remember, so that another process can go on exactly where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


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


def generator_facts(random: np.random.Generator) -> dict[str, Any]:
    """Return the state of a PCG64 generator."""
    return dict(random.bit_generator.state)


def restore_generator(random: np.random.Generator, facts: Mapping[str, Any]) -> None:
    """Put a PCG64 generator back to a state."""
    random.bit_generator.state = dict(facts)


def joined(parts: Mapping[str, Saved]) -> Saved:
    """Return what several parts remember as one, by the parts' names."""
    arrays = {f"{part}/{name}": array for part, saved in parts.items() for name, array in saved.arrays.items()}
    return Saved(arrays, {part: saved.facts for part, saved in parts.items()})


def part_of(saved: Saved, part: str) -> Saved:
    """Return what one of several parts remembers."""
    prefix = f"{part}/"
    arrays = {name.removeprefix(prefix): array for name, array in saved.arrays.items() if name.startswith(prefix)}
    return Saved(arrays, saved.facts[part])
