"""The compiled kernel: where it is, whether it may be used, and its structures as ctypes knows them.

See `longhand.native`; where there is no kernel NumPy does the work.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from longhand.native import loading

INTERFACE = 8  # what kernel.c calls itself; another number is another version's library
DONE, NOT_FINITE, NO_CHOICE, PAUSED, NO_MEMORY, BAD_TASK = range(6)  # what a call returns
FILE = Path(__file__).with_name("_kernel.so")  # on every platform: the name that setup.py gives it

_pointer, _count = ctypes.c_void_p, ctypes.c_int64
NUMBERS = ("temperature", "top_p", "min_p", "typical", "repetition", "frequency", "presence")
COUNTS = ("top_k", "memory", "first", "biases")
SAMPLING = np.dtype([(name, np.float64) for name in NUMBERS] + [(name, np.int64) for name in COUNTS])
Fields = list[tuple[str, type]]


class Matrix(ctypes.Structure):
    """See kernel.c, as for all structures here."""

    _fields_: ClassVar[Fields] = [("values", _pointer), ("scales", _pointer), ("groups", _count), ("inputs", _count)]


class Layer(ctypes.Structure):
    """A layer's matrices and bias."""

    _fields_: ClassVar[Fields] = [("input", Matrix), ("recurrent", Matrix), ("bias", _pointer)]


class Network(ctypes.Structure):
    """A network's shape and weights."""

    _fields_: ClassVar[Fields] = [
        *((name, _count) for name in ("vocabulary", "hidden", "layers", "inputs")),
        *((name, _pointer) for name in ("table", "embedding", "layer")),
        ("head", Matrix),
        ("head_bias", _pointer),
    ]


class States(ctypes.Structure):
    """Room for the states of streams."""

    _fields_: ClassVar[Fields] = [
        *((name, _pointer) for name in ("hidden", "shown", "cell", "place")),
        *((name, _count) for name in ("capacity", "width")),
    ]


class Task(ctypes.Structure):
    """What one call is to do."""

    _fields_: ClassVar[Fields] = [
        ("network", ctypes.POINTER(Network)),
        ("states", ctypes.POINTER(States)),
        ("slots", _pointer),
        ("streams", _count),
        ("steps", _count),
        *((name, _pointer) for name in ("given", "drawn", "outputs", "logits", "chance", "temperatures", "sampling")),
        *((name, _pointer) for name in ("biased", "bias", "recent", "guides", "known", "at")),
        *((name, _count) for name in ("remembered", "listed", "threads", "instructions", "done")),
    ]


class Library:
    """A loaded kernel.

    - instructions: the sets of instructions beyond the portable ones that it is to use, as bits
    """

    def __init__(self, path: Path, *, portable: bool = False) -> None:
        """Load it. Raises `OSError` or `AttributeError` if it is none of ours."""
        library = ctypes.CDLL(str(path))
        for name in ("longhand_interface", "longhand_instructions", "longhand_run", "longhand_read"):
            getattr(library, name).restype = _count
        if library.longhand_interface() != INTERFACE:
            raise OSError("it belongs to another version of Longhand")
        self._run = library.longhand_run
        self._run.argtypes = [ctypes.POINTER(Task)]
        self._read = library.longhand_read
        self._read.argtypes = [_pointer, *5 * [_count]]
        self.instructions = 0 if portable else int(library.longhand_instructions())

    @property
    def instruction_set(self) -> str:
        """What `instructions` are called."""
        return loading.instruction_set(self.instructions)

    def run(self, task: Task) -> int:
        """Carry out a task; returns DONE or what went wrong."""
        task.instructions = self.instructions
        return int(self._run(ctypes.byref(task)))

    def read(self, memory: npt.NDArray[np.uint8], times: int, runs: int, threads: int) -> int:
        """Read memory so many times over, for the time that it takes; returns the sum of its numbers as floats.

        Each thread reads a part of it, in so many runs side by side, 1 or 4; less than 512 bytes a thread are left.
        """
        return int(self._read(memory.ctypes.data, memory.size, times, runs, threads, self.instructions))


def found() -> tuple[Library | None, str]:
    """Return the kernel, or None and the reason why there is none.

    Raises `OptionError` if the environment says neither yes nor no.
    """
    if loading.switched_off():
        return None, loading.why_off()
    return _loaded(loading.portable())


@cache
def _loaded(portable: bool) -> tuple[Library | None, str]:
    return loading.loaded(FILE, lambda path: Library(path, portable=portable))
