"""`longhand bench`: that all run the same network, that the figures are of what they say, and its output."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from typing import Any

import numpy as np
import pytest
from conftest import Finished, assert_refused, needs_kernel

from longhand.benchmark import contestants as contestants_module
from longhand.benchmark import limits
from longhand.benchmark.cases import Case, cases, random_weights
from longhand.benchmark.contestants import OurLoop, contestants
from longhand.benchmark.measuring import measured
from longhand.config import BenchConfig
from longhand.native import loading
from longhand.runtime.native.packing import multiply_adds
from longhand.runtime.native.session import NativeSession
from longhand.runtime.reference import NumpySession

CASE = Case(hidden=24, layers=2, vocabulary=31, streams=3)
TINY = ["--rounds", 1, "--seconds", 0.001, "--shape", "16x1", "--vocabulary", 12]


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the machine's limits in a moment, whatever they then are."""
    monkeypatch.setattr(limits, "LEAST", 0.002)
    monkeypatch.setattr(limits, "PRODUCT", 128)


def logits_of_numpy(tokens: np.ndarray) -> np.ndarray:
    return NumpySession(CASE.config, random_weights(CASE.config), CASE.streams).feed(tokens)


@pytest.mark.parametrize("name", ["torch", "onnxruntime"])
def test_rivals_run_the_very_network_that_we_run(name: str) -> None:
    pytest.importorskip(name)
    if name == "torch":
        from longhand.benchmark.torch_loop import TorchLoop as Rival
    else:
        pytest.importorskip("onnx")
        from longhand.benchmark.onnx_loop import OnnxLoop as Rival  # type: ignore[assignment]
    tokens = np.random.default_rng(1).integers(0, CASE.vocabulary, (50, CASE.streams))
    loop = Rival(CASE, random_weights(CASE.config), 1, 0.8)
    stepped = np.stack([loop.step(row) for row in tokens])
    np.testing.assert_allclose(stepped, logits_of_numpy(tokens), rtol=0, atol=1e-5)


def test_every_loop_makes_as_many_steps_as_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    step = NumpySession.step
    monkeypatch.setattr(NumpySession, "step", lambda self, tokens: read.append(len(tokens)) or step(self, tokens))  # type: ignore[func-returns-value]
    OurLoop(NumpySession(CASE.config, random_weights(CASE.config), CASE.streams)).run(17)
    assert read == [CASE.streams] * 17


@needs_kernel
def test_the_runtimes_write_the_same_text() -> None:
    written: dict[str, np.ndarray] = {}
    for contestant in contestants():
        if contestant.runtime in ("numpy", "native-fp32"):
            loop = contestant.prepare(CASE, random_weights(CASE.config))
            assert isinstance(loop, OurLoop)
            pieces = list(itertools.islice(loop._pieces, 40))  # of a step or more each
            written[contestant.runtime] = np.concatenate(pieces)[:40]
    assert np.array_equal(written["numpy"], written["native-fp32"])


@needs_kernel
def test_a_loop_goes_on_with_its_texts_and_counts_what_it_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[np.ndarray] = []
    write = NativeSession.write

    def noted(*given: Any, **named: Any) -> np.ndarray:
        drawn.append(write(*given, **named))
        return drawn[-1]

    monkeypatch.setattr(NativeSession, "write", noted)
    (contestant,) = (each for each in contestants() if each.runtime == "native-fp32")
    loop = contestant.prepare(CASE, random_weights(CASE.config))
    counts = [loop.run(steps) for steps in (1, 30, 5)]
    assert all(count >= steps for count, steps in zip(counts, (1, 30, 5), strict=True))
    assert sum(counts) == sum(map(len, drawn))
    assert max(map(len, drawn)) > 1


@needs_kernel
def test_shares_follow_from_speeds_and_limits() -> None:
    for streams in (1, 300):
        case = Case(hidden=64, layers=1, vocabulary=20, streams=streams)
        (rows,) = measured([case], list(contestants()), BenchConfig(rounds=3, seconds=0.002))
        assert {"numpy", "native-fp32", "native-int8"} <= {row.runtime for row in rows}
        assert len({row.runtime for row in rows}) == len(rows)
        for row in rows:
            weights = multiply_adds(case.config)
            size = weights * (1 if row.runtime == "native-int8" else 4)
            assert row.read_gigabytes_per_second is not None
            limits = {"read": row.read_gigabytes_per_second * 1e9 / size * streams}
            if row.multiply_gigaflops_per_second is not None:
                limits["multiply"] = row.multiply_gigaflops_per_second * 1e9 / 2 / weights
            assert (streams > 1) == ("multiply" in limits)
            assert row.limit == min(limits, key=lambda name: limits[name])
            assert row.limit_share == pytest.approx(row.characters_per_second / limits[row.limit])


def test_json_is_a_list_of_rows(longhand: Callable[..., Finished]) -> None:
    done = longhand("bench", *TINY, "--streams", 1, "--streams", 2, "--json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert [row["streams"] for row in rows if row["runtime"] == "numpy"] == [1, 2]
    for row in rows:
        assert (row["hidden"], row["layers"], row["vocabulary"]) == (16, 1, 12)
        assert row["characters_per_second"] > 0
        assert row["threads"] >= 1


def test_the_table_has_a_row_a_case_and_every_row_all_cells(longhand: Callable[..., Finished]) -> None:
    done = longhand("bench", *TINY, "--streams", 1, "--streams", 2)
    table = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert len({line.count("|") for line in table}) == 1
    assert len({len(line) for line in table}) == 1


def test_without_rivals_and_without_the_kernel_numpy_is_measured(
    longhand: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contestants_module, "NEEDS", dict.fromkeys(contestants_module.NEEDS, ("no_such_module",)))
    monkeypatch.setenv(loading.SWITCH, loading.OFF)
    done = longhand("bench", *TINY, "--streams", 2, "--json")
    (row,) = json.loads(done.stdout)
    assert (row["runtime"], row["limit"], row["limit_share"]) == ("numpy", None, None)
    assert done.stderr.count("no_such_module not installed (pip install 'longhand[bench]')") == 2
    assert "without the kernel in C: LONGHAND_NATIVE=0 says so" in done.stderr


def test_a_runtime_whose_package_has_another_name_is_shown_without_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(module: str) -> str:
        raise PackageNotFoundError(module)

    monkeypatch.setattr(limits, "version", version)
    assert limits.machine().endswith("numpy" if contestants_module.missing("torch") else "numpy, torch, onnxruntime")


@needs_kernel
def test_even_the_smallest_network_s_weights_are_read() -> None:
    for size, threads in ((1, 1), (1216, 2), (5000, 3)):
        assert all(rate > 0 for rate in limits.Reader(size, threads).rates())
        assert limits.Reader(size, threads)._memory.size % (512 * threads) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shape", "big"], "shape: found 'big', expected units x layers, as in 512x2"),
        (["--shape", "0x1"], "hidden: found 0, expected 1 to 8,192"),
        (["--shape", "8x65"], "layers: found 65, expected 1 to 64"),
        (["--vocabulary", 0], "vocabulary: found 0"),
        (["--streams", 10**6], "streams: found 1000000, expected 1 to 65,536"),
        (["--rounds", 0], "rounds: found 0, expected a whole number >= 1"),
        (["--seconds", "nan"], "seconds: found nan, expected a number"),
    ],
)
def test_nonsense_is_refused_in_one_line(longhand: Callable[..., Finished], words: list[object], message: str) -> None:
    assert_refused(longhand("bench", *words), message)


def test_cases_of_one_network_stand_together() -> None:
    some = cases(("8x1", "9x2"), (5, 6), (1, 2))
    assert [(case.hidden, case.vocabulary, case.streams) for case in some[:4]] == [
        (8, 5, 1),
        (8, 5, 2),
        (8, 6, 1),
        (8, 6, 2),
    ]
    assert len(some) == 8
