"""The compiled library that makes a training's steps: where it is, and its structures as ctypes knows them."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import ClassVar

from longhand.native import loading

INTERFACE = 4  # what learn.c calls itself; another number is another version's library
DONE, NOT_FINITE, BAD_TASK = 0, 1, 5
FILE = Path(__file__).with_name("_learn.so")  # on every platform: the name that setup.py gives it

_pointer, _count, _number = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
Fields = list[tuple[str, type]]


class Place(ctypes.Structure):
    """See learn.c, as for all structures here."""

    _fields_: ClassVar[Fields] = [(name, _count) for name in ("input", "recurrent", "bias")]


class Lesson(ctypes.Structure):
    """What one step is to do."""

    _fields_: ClassVar[Fields] = [
        *((name, _count) for name in ("vocabulary", "rows", "hidden", "layers", "inputs")),
        *((name, _count) for name in ("window", "batch", "scored")),
        ("place", ctypes.POINTER(Place)),
        *((name, _count) for name in ("head", "head_bias", "embedding", "learned", "start")),
        *((name, _pointer) for name in ("weights", "gradient", "moment", "square", "tokens", "targets")),
        *((name, _pointer) for name in ("hidden_state", "cell_state", "losses")),
        ("length", ctypes.c_double),
        ("dropout", _number),
        ("key", ctypes.c_uint32),
        *((name, _number) for name in ("rate", "decay", "beta1", "beta2", "epsilon")),
        *((name, _number) for name in ("correction1", "correction2", "longest")),
        *((name, _count) for name in ("threads", "instructions", "learn")),
    ]


class Library:
    """A loaded library.

    - instructions: the sets of instructions beyond the portable ones that it is to use, as bits
    """

    def __init__(self, path: Path, *, portable: bool = False) -> None:
        """Load it. Raises `OSError` or `AttributeError` if it is none of ours."""
        library = ctypes.CDLL(str(path))
        for name in ("longhand_interface", "longhand_instructions", "longhand_room", "longhand_step"):
            getattr(library, name).restype = _count
        if library.longhand_interface() != INTERFACE:
            raise OSError("it belongs to another version of Longhand")
        self._room, self._step = library.longhand_room, library.longhand_step
        self._room.argtypes = [ctypes.POINTER(Lesson)]
        self._step.argtypes = [ctypes.POINTER(Lesson), _pointer]
        self.instructions = 0 if portable else int(library.longhand_instructions())

    def room(self, lesson: Lesson) -> int:
        """Return how many bytes of memory a step takes; raises `ValueError` for sizes that do not fit each other."""
        if (size := int(self._room(ctypes.byref(lesson)))) < 0:
            raise ValueError("the sizes of a step are out of range, or do not fit each other")
        return size

    def step(self, lesson: Lesson, room: int) -> int:
        """Make a step in the memory at `room`; returns DONE or what went wrong."""
        lesson.instructions = self.instructions
        return int(self._step(ctypes.byref(lesson), room))


def found() -> tuple[Library | None, str]:
    """Return the library, or None and the reason why there is none.

    Raises `OptionError` if the environment says neither yes nor no.
    """
    if loading.switched_off():
        return None, loading.why_off()
    return _loaded(loading.portable())


@cache
def _loaded(portable: bool) -> tuple[Library | None, str]:
    return loading.loaded(FILE, lambda path: Library(path, portable=portable))
