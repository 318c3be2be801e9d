"""The kernel where Python is not: on ARM, on a processor without AVX2, and under sanitizers (`make sanitize`).

`tests/native/replay.c` is built for each and carries out tasks that NumPy has done before. Skipped where a compiler or
an emulator is missing; on Debian: apt-get install gcc-aarch64-linux-gnu qemu-user
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from networks import network
from records import write_record

from longhand.runtime.native import packing
from longhand.runtime.native.packing import Precision
from longhand.runtime.session import Drawing
from longhand.state import State

SOURCE = Path(__file__).parent / "native" / "replay.c"
FLAGS = ["-std=c11", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-pthread"]
LINE = re.compile(r"instructions (\d+), returned (\d+), (\S+), (\d+)\n")


class Target(NamedTuple):
    """What the kernel is built with and run by."""

    compiler: str
    flags: list[str]
    emulator: list[str]


class Outcome(NamedTuple):
    """What a replay printed."""

    instructions: int
    returned: int
    difference: float
    other_draws: int


TARGETS = {
    "gcc": Target("gcc", ["-O3"], []),
    "clang": Target("clang", ["-O3"], []),
    "arm": Target("aarch64-linux-gnu-gcc", ["-O3", "-static"], ["qemu-aarch64"]),
    "x86-without-avx": Target("gcc", ["-O3", "-static"], ["qemu-x86_64", "-cpu", "Nehalem"]),
    "address-sanitizer": Target("gcc", ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"], []),
    "thread-sanitizer": Target("gcc", ["-O1", "-g", "-fsanitize=thread"], ["setarch", "-R"]),
}
SLOW = ("clang", "address-sanitizer", "thread-sanitizer")
Shape = tuple[int, int, int, int]  # layers, units, vocabulary, streams
SHAPES: list[Shape] = [(1, 8, 31, 1), (2, 33, 5, 2), (3, 48, 130, 7), (2, 100, 65, 20), (1, 300, 31, 7), (1, 1, 1, 3)]


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in TARGETS]
)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """Return the name of a target, and the command that replays on it."""
    name: str = request.param
    compiler, flags, emulator = TARGETS[name]
    for tool in (compiler, *emulator[:1]):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not here")
    program = tmp_path_factory.mktemp("replay") / name
    subprocess.run([compiler, *FLAGS, *flags, SOURCE, "-o", program, "-lm"], check=True)
    return name, [*emulator, str(program)]


def replay(command: list[str], record: Path, threads: int, instructions: int) -> Outcome:
    done = subprocess.run(
        [*command, record, str(threads), str(instructions)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    match = LINE.fullmatch(done.stdout)
    assert match is not None
    return Outcome(int(match[1]), int(match[2]), float(match[3]), int(match[4]))


def sets(name: str) -> tuple[int, ...]:
    """Return the instructions to ask for: one set where the processor has no other, whatever it is asked for."""
    return (1,) if name == "x86-without-avx" else (0, 1)


def check_logits(
    target: tuple[str, list[str]], folder: Path, precision: Precision, tolerance: float, shapes: list[Shape] = SHAPES
) -> None:
    emulated = bool(TARGETS[target[0]].emulator)
    for layers, hidden, vocabulary, streams in shapes:
        config, weights = network(layers, hidden, vocabulary)
        record = folder / "record"
        steps = 5 if emulated and hidden >= 100 else 12 if precision == "int8" else 40
        write_record(record, config, weights, precision, State.zeros(config, streams), steps)
        for instructions in sets(target[0]):
            for threads in (3,) if emulated else (1, 3):
                outcome = replay(target[1], record, threads, instructions)
                assert outcome.returned == 0
                assert outcome.difference < tolerance, (layers, hidden, vocabulary, streams, threads, instructions)


def test_logits_are_those_of_numpy(target: tuple[str, list[str]], tmp_path: Path) -> None:
    check_logits(target, tmp_path, "fp32", 1e-5)
    check_logits(target, tmp_path, "int8", 0.25)


def test_an_embedding_too_large_for_a_table_is_multiplied(
    target: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "LARGEST_TABLE", 0)
    check_logits(target, tmp_path, "fp32", 1e-5, [(1, 8, 31, 1), (2, 33, 5, 2), (3, 48, 130, 7), (1, 1, 1, 3)])


def test_what_is_drawn_is_what_numpy_draws(target: tuple[str, list[str]], tmp_path: Path) -> None:
    config, weights = network(2, 20, 70)
    for drawing in (
        Drawing(never=(0, 1)),
        Drawing(temperature=0),
        Drawing(temperature=1e-300),
        Drawing(top_k=5, never=(3,)),
        Drawing(temperature=2, top_k=10, top_p=0.8, min_p=0.05, never=(69,)),
        Drawing(top_p=0.5),
        Drawing(typical=0.6, bias=((4, 1.5), (69, -1000.0))),
        Drawing(repetition=1.5, frequency=0.2, presence=-0.3, memory=11, never=(0, 1)),
    ):
        record = tmp_path / "record"
        write_record(record, config, weights, "fp32", State.zeros(config, 5), 60, drawing)
        for instructions in sets(target[0]):
            outcome = replay(target[1], record, 2, instructions)
            assert (outcome.returned, outcome.other_draws) == (0, 0), drawing


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_states_of_any_size_end_well(target: tuple[str, list[str]], precision: Precision, tmp_path: Path) -> None:
    config, weights = network(2, 40)
    for value in (1e-45, 1e-38, 1e4, 3e38, np.inf, -np.inf, np.nan):
        state = State.zeros(config, 3)
        state.cell[1, 2, 3:] = value
        record = tmp_path / "record"
        # what integers draw may differ from what NumPy draws: there, both read the same tokens
        write_record(record, config, weights, precision, state, 20, Drawing() if precision == "fp32" else None)
        for instructions in sets(target[0]):
            outcome = replay(target[1], record, 2, instructions)
            assert outcome.returned == (1 if np.isnan(value) else 0)
            if np.isfinite(value):
                assert outcome.difference < (1e-5 if precision == "fp32" else 0.25)


def test_the_processor_is_asked_what_it_can(target: tuple[str, list[str]], tmp_path: Path) -> None:
    config, weights = network(1, 8)
    write_record(tmp_path / "record", config, weights, "fp32", State.zeros(config, 1), 1)
    outcome = replay(target[1], tmp_path / "record", 1, 1)
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    here = int(("avx2" in flags and "fma" in flags) or platform.machine() == "aarch64")
    assert outcome.instructions == {"arm": 1, "x86-without-avx": 0}.get(target[0], here)
