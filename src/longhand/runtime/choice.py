"""What a model runs on: the kernel in C where there is one, NumPy otherwise; with which precision and threads."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from longhand.config import NetworkConfig, RunConfig
from longhand.modelfile import Weights
from longhand.native import loading
from longhand.native.processors import processors
from longhand.runtime.native import library
from longhand.runtime.native.library import Library
from longhand.runtime.native.packing import Packed, Precision, multiply_adds
from longhand.runtime.native.session import NativeSession
from longhand.runtime.reference import NumpySession
from longhand.runtime.session import RecurrentSession, Session
from longhand.runtime.windowed import WindowedSession

SMALL = 8_000_000
"""Bytes of 32-bit weights that `auto` leaves as they are: from the caches they come fast enough."""

MOST_THREADS = 4  # of one call: more wait for each other at every layer longer than they compute
Name = Literal["native-fp32", "native-int8", "numpy"]


class Runtime:
    """A network made ready to run, once, for any number of sessions; reads the weights and never writes to them.

    - why_not_native: why NumPy runs it; empty where the kernel does
    - threads: the most that the kernel uses; None where NumPy decides
    """

    def __init__(self, config: NetworkConfig, weights: Weights, run: RunConfig | None = None) -> None:
        self._config, self._weights = config, weights
        run = run or RunConfig()
        self._kernel, self.why_not_native = library.found()
        self.wanted_threads = run.threads
        self.threads = None if self._kernel is None else run.threads or min(processors(), MOST_THREADS)
        self.wanted = run.precision
        self.precision: Precision = precision(config, run.precision, self._kernel)

    @property
    def name(self) -> Name:
        """What runs the network."""
        if self._kernel is None:
            return "numpy"
        return "native-int8" if self.precision == "int8" else "native-fp32"

    @property
    def instructions(self) -> str:
        """Which of the processor's instructions the kernel uses: "avx2", "neon", "portable"; empty without it."""
        return self._kernel.instruction_set if self._kernel else ""

    @property
    def why_precision(self) -> str:
        """Why the precision is what it is."""
        if self._kernel is None:
            return "NumPy knows no other"
        if self.wanted != "auto":
            return "as asked for"
        size = 4 * multiply_adds(self._config)
        if size <= SMALL:
            return f"auto: fp32 reads {size / 1e6:.1f} MB a token, int8 is for more than {SMALL / 1e6:.0f}"
        if self.precision == "fp32":
            return "auto: without AVX2 or NEON int8 is slower"
        return f"auto: fp32 would read {size / 1e6:.1f} MB a token, more than {SMALL / 1e6:.0f}"

    @property
    def switched_off(self) -> bool:
        """Whether somebody said that the kernel is not to run."""
        return loading.switched_off()

    def session(self, batch: int = 1) -> Session:
        """Return a session of `batch` streams that have read nothing yet."""
        window = self._config.window
        if window is None:
            return self.recurrent(batch)
        return WindowedSession(self.recurrent(batch * window), window)

    def recurrent(self, batch: int) -> RecurrentSession:
        """Return a session that carries its state, whatever the network's window."""
        if self._kernel is None:
            return NumpySession(self._config, self._weights, batch)
        return NativeSession(self._kernel, self._packed, batch, self.threads or 1)

    @cached_property
    def _packed(self) -> Packed:
        return Packed(self._config, self._weights, self.precision)


def precision(config: NetworkConfig, wanted: Literal["auto", "fp32", "int8"], kernel: Library | None) -> Precision:
    """Return what `wanted` means for a network.

    `auto` knows the network and what the processor can do, not how fast it is at the moment: the same seed is to write
    the same text tomorrow.
    """
    if kernel is None:
        return "fp32"
    if wanted == "auto":
        return "int8" if kernel.instructions and 4 * multiply_adds(config) > SMALL else "fp32"
    return wanted
