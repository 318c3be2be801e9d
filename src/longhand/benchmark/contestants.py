"""Who runs a case: a loop that draws tokens for all streams, one step after another, with so many threads."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from longhand.benchmark.cases import Case
from longhand.config import TEMPERATURE, RunConfig, SamplingConfig
from longhand.generation.loop import drawn_pieces
from longhand.generation.sampler import Sampler
from longhand.modelfile import Weights
from longhand.native.processors import processors
from longhand.runtime.choice import Runtime
from longhand.runtime.native import library
from longhand.runtime.native.packing import Precision
from longhand.runtime.native.session import NativeSession
from longhand.runtime.reference import NumpySession
from longhand.runtime.session import RecurrentSession

ENDLESS = 2**53  # tokens
NEEDS = {"torch": ("torch",), "onnxruntime": ("onnxruntime", "onnx")}  # what others than ours have to have installed


class Loop(Protocol):
    """Writes with a network, on and on."""

    def run(self, steps: int) -> int:
        """Draw `steps` more tokens for every stream, or as many as come together; return how many."""
        ...

    def threads(self, steps: int) -> int:
        """Return how many threads that takes."""
        ...


class Contestant(NamedTuple):
    """A runtime, and how to make its loop for a case."""

    runtime: str
    prepare: Callable[[Case, Weights], Loop]


class OurLoop:
    """Longhand's own generation loop."""

    def __init__(self, session: RecurrentSession) -> None:
        sampling = [SamplingConfig(temperature=TEMPERATURE, seed=stream) for stream in range(session.batch)]
        self._session = session
        start = np.zeros(session.batch, np.int64)
        self._pieces = drawn_pieces(session, start, [Sampler(each) for each in sampling], ENDLESS)

    def run(self, steps: int) -> int:
        """Go on with the same texts: one that begins anew would come in short pieces, on one thread, at first."""
        drawn = 0
        while drawn < steps:
            drawn += len(next(self._pieces))
        return drawn

    def threads(self, steps: int) -> int:
        """Return how many threads that takes."""
        if isinstance(self._session, NativeSession):
            return self._session.threads_for(self._session.batch, steps)
        return processors()


def contestants() -> Iterator[Contestant]:
    """Yield all that are here. Others than ours come with one thread and with all: some are better with one."""
    counts = sorted({1, processors()})
    if not missing("torch"):
        from longhand.benchmark.torch_loop import TorchLoop

        for count in counts:
            yield Contestant("torch", _with(TorchLoop, count))
    if not missing("onnxruntime"):
        from longhand.benchmark.onnx_loop import OnnxLoop

        for count in counts:
            yield Contestant("onnxruntime", _with(OnnxLoop, count))
    yield Contestant("numpy", lambda case, w: OurLoop(NumpySession(case.config, w, case.streams)))
    if library.found()[0] is not None:
        yield Contestant("native-fp32", _native("fp32"))
        yield Contestant("native-int8", _native("int8"))


def missing(runtime: str) -> list[str]:
    """Return the modules that are not installed and that a runtime needs."""
    return [module for module in NEEDS[runtime] if importlib.util.find_spec(module) is None]


def _with(loop: Callable[[Case, Weights, int, float], Loop], threads: int) -> Callable[[Case, Weights], Loop]:
    return lambda case, weights: loop(case, weights, threads, TEMPERATURE)


def _native(precision: Precision) -> Callable[[Case, Weights], Loop]:
    run = RunConfig(precision=precision)
    return lambda case, weights: OurLoop(Runtime(case.config, weights, run).recurrent(case.streams))
