"""What no program on this machine can exceed: how fast weights are read, and how fast they are multiplied."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from longhand.benchmark.contestants import NEEDS, missing
from longhand.native.memory import aligned
from longhand.native.processors import processors
from longhand.runtime.native import library

PRODUCT = 2048  # rows and columns of the matrices that are multiplied
RUNS = 4  # in which a part of the memory is read
LEAST = 0.05  # seconds of a reading


class Reader:
    """Reads memory of a size as fast as this machine can: in parts, a thread each, over and over.

    - size: bytes
    """

    def __init__(self, size: int, threads: int) -> None:
        kernel, _ = library.found()
        assert kernel is not None
        self._kernel, self._threads = kernel, threads
        self._memory = aligned((-(-size // (512 * threads)) * 512 * threads,), np.uint8)  # what is read is no more
        self._memory[:] = 1  # memory never written to is one page of zeros, which stays in the first cache
        self._times = 1
        while self._seconds(1) < LEAST:
            self._times *= 2

    def rates(self) -> list[float]:
        """Return bytes a second, read in one run and in several side by side: either may be the faster one."""
        self._seconds(1)  # wakes the cores
        return [self._memory.size * self._times / self._seconds(runs) for runs in (1, RUNS)]

    def _seconds(self, runs: int) -> float:
        began = time.perf_counter()
        self._kernel.read(self._memory, self._times, runs, self._threads)
        return time.perf_counter() - began


class Multiplier:
    """Multiplies large matrices with NumPy's library, and with torch's where it is installed."""

    def __init__(self) -> None:
        matrix = np.random.default_rng(0).random((PRODUCT, PRODUCT), np.float32)
        self._products: list[Callable[[], object]] = [lambda: matrix @ matrix]
        if not missing("torch"):
            from longhand.benchmark.torch_loop import product

            self._products.append(product(matrix, processors()))

    def rates(self) -> list[float]:
        """Return multiply-adds a second of each library."""
        return [PRODUCT**3 / _seconds(each) for each in self._products]


def _seconds(work: Callable[[], object]) -> float:
    work()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def machine() -> str:
    """Return the machine's processor, and the versions of what runs on it."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    versions = [_version(module) for module in ("numpy", *(other for other in NEEDS if not missing(other)))]
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{name}, {processors()} cores; {system}, {', '.join(versions)}"


def _version(module: str) -> str:
    try:
        return f"{module} {version(module)}"
    except PackageNotFoundError:  # the package is called otherwise, as ONNX Runtime's for a GPU is
        return module
