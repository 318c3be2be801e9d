"""Files that are damaged in any way are used or refused: no crash, no other error, no memory or work without bounds.

Each kind of file is damaged a few times here, and thousands of times in the slow test. LONGHAND_MUTATIONS in the
environment sets another number of damages of each kind, LONGHAND_MUTATION_SEED another seed.
"""

from __future__ import annotations

import os
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import mutation_targets
import pytest
from mutation_targets import TARGETS, Target
from mutations import Mutator

from longhand.errors import LonghandError

FEW = {"model": 40, "state": 80, "checkpoint": 20, "index": 40, "cache": 20, "log": 8, "hdf5": 3}
MANY = {
    "model": 25_000,
    "state": 8_000,
    "checkpoint": 3_000,
    "index": 3_000,
    "cache": 3_000,
    "log": 3_000,
    "hdf5": 3_000,
}
SEED = int(os.environ.get("LONGHAND_MUTATION_SEED", "0"))
MOST_MEMORY = 128 << 20  # bytes that using one small file may take
MOST_CALLS = 400_000  # of Python functions, which using one small file may take: what is endless makes more


class TooMuchWork(BaseException):
    """More function calls than using a file may take."""


@contextmanager
def limited_work() -> Iterator[None]:
    """Raise `TooMuchWork` after too many calls. Calls are counted, not seconds: machines are shared."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:  # noqa: ARG001 (what Python calls it with)
        nonlocal calls
        calls += event == "call"
        if calls > MOST_CALLS:
            raise TooMuchWork

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


def damage(target: Target, seed: int, count: int) -> Counter[str]:
    """Use so many damaged files, one after another, and return how many were used and refused."""
    outcomes: Counter[str] = Counter()
    tracemalloc.start()
    try:
        for number in range(count):
            mutator = Mutator(seed * 1_000_003 + number)
            target.damage(mutator)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                with limited_work():
                    target.use(mutator.random)
                outcomes["used"] += 1
            except LonghandError:
                outcomes["refused"] += 1
            except BaseException as error:
                raise AssertionError(f"seed {seed}, number {number}: {error!r}") from error
            assert tracemalloc.get_traced_memory()[1] - before < MOST_MEMORY, f"seed {seed}, number {number}"
    finally:
        tracemalloc.stop()
    return outcomes


@pytest.fixture(scope="module", params=TARGETS)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    kind: str = request.param
    if kind == "index":
        pytest.importorskip("pydivsufsort")
    if kind == "hdf5" and "LONGHAND_SANITIZED" in os.environ:
        pytest.skip("it is read in a process with little memory, which the sanitizers need much of")
    with pytest.MonkeyPatch.context() as patch:
        yield TARGETS[kind](tmp_path_factory.mktemp(kind), patch)


def test_what_is_not_damaged_is_used(target: Target) -> None:
    target.restore()
    target.use(Mutator(SEED).random)


def test_damaged_files_are_used_or_refused(target: Target) -> None:
    kind = target.kind
    outcomes = damage(target, SEED, int(os.environ.get("LONGHAND_MUTATIONS", FEW[kind])))
    assert outcomes.total() > 0


@pytest.mark.slow
def test_thousands_of_damaged_files_are_used_or_refused(target: Target) -> None:
    kind = target.kind
    outcomes = damage(target, SEED + 1, int(os.environ.get("LONGHAND_MUTATIONS", MANY[kind])))
    assert outcomes["refused"] > 0 or kind in mutation_targets.ALWAYS_USED
