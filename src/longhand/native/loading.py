"""Loading a compiled library, unless the environment says no."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from longhand.errors import OptionError

SWITCH = "LONGHAND_NATIVE"  # in the environment: 0 for none, portable for instructions that all processors have
OFF, ON, PLAIN = "0", "1", "portable"
Loaded = TypeVar("Loaded")


def switched_off() -> bool:
    """Whether the environment says that nothing in C is to run."""
    return _switch() == OFF


def portable() -> bool:
    """Whether the environment says that only instructions that all processors have are to be used."""
    return _switch() == PLAIN


def why_off() -> str:
    """Return why nothing in C runs where `switched_off` says so."""
    return f"{SWITCH}={OFF} says so"


def loaded(path: Path, load: Callable[[Path], Loaded]) -> tuple[Loaded | None, str]:
    """Return what `load` makes of the library at `path`, or None and the reason why there is none."""
    if not path.exists():
        return None, "it was not built when Longhand was installed, for want of a C compiler (gcc or clang)"
    try:
        return load(path), ""
    except (OSError, AttributeError) as error:
        return None, f"it cannot be loaded ({error})"


def instruction_set(instructions: int) -> str:
    """Return what the bits of a library's `longhand_instructions` are called."""
    if not instructions:
        return PLAIN
    return "avx2" if platform.machine().lower() in ("x86_64", "amd64") else "neon"


def _switch() -> str:
    value = os.environ.get(SWITCH) or ON
    if value not in (OFF, ON, PLAIN):
        raise OptionError(f"{SWITCH}: found {value!r} in the environment, expected {OFF}, {ON} or {PLAIN}")
    return value
