"""Taking the times: in rounds, in each of which everybody runs once, so that a slow moment of the machine is shared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from longhand.benchmark.cases import Case, random_weights
from longhand.benchmark.contestants import Contestant, Loop
from longhand.benchmark.limits import Multiplier, Reader
from longhand.config import BenchConfig
from longhand.runtime.native import library
from longhand.runtime.native.packing import multiply_adds


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one runtime in one case: medians of the rounds.

    - threads: those it used; where a runtime ran with one and with all, the better of both
    - limit: what bounds it: "read", the weights once a step, at the rate that memory of their size is read with so
      many threads; or "multiply", at the rate of large products of 32-bit matrices. None if it could not be measured
    - limit_share: characters_per_second as a share of what the limit allows; of "multiply", int8 may reach more than 1
    """

    runtime: str
    threads: int
    layers: int
    hidden: int
    vocabulary: int
    streams: int
    characters_per_second: float
    limit: str | None
    limit_share: float | None
    read_gigabytes_per_second: float | None
    multiply_gigaflops_per_second: float | None


class Timed:
    """A loop, the times taken of it, and how many steps take about `seconds`."""

    def __init__(self, contestant: Contestant, loop: Loop, seconds: float) -> None:
        self.contestant = contestant
        self.rates: list[float] = []  # steps a second
        self._loop, self._seconds, self._steps = loop, seconds, 1
        while self._rate() * seconds > 2 * self._steps:
            self._steps *= 2
        self.threads = loop.threads(self._steps)

    def measure(self) -> None:
        """Take one more time, after a warm-up of the same length.

        Others' idle threads may still keep a core busy; and a virtual machine that was idle gets its cores back, each
        a whole one, only after a tenth of a second or two.
        """
        for _ in range(2):
            rate = self._rate()
            self._steps = max(1, round(rate * self._seconds))
        self.rates.append(rate)

    def _rate(self) -> float:
        began = time.perf_counter()
        steps = self._loop.run(self._steps)
        return steps / (time.perf_counter() - began)


def measured(cases: Sequence[Case], contestants: Sequence[Contestant], config: BenchConfig) -> Iterator[list[Row]]:
    """Yield the rows of each case as soon as it is measured."""
    multiplier = Multiplier() if any(case.streams > 1 for case in cases) else None
    for network, group in groupby(cases, lambda case: case.config):
        weights = random_weights(network)
        for case in group:
            timed = [Timed(each, each.prepare(case, weights), config.seconds) for each in contestants]
            yield _rows(case, timed, _Limits(case, timed, multiplier), config.rounds)


class _Limits:
    """The machine's limits for one case, measured in the same rounds."""

    def __init__(self, case: Case, timed: Sequence[Timed], multiplier: Multiplier | None) -> None:
        self._weights = multiply_adds(case.config)
        self._multiplier = multiplier if case.streams > 1 else None
        self._products: list[list[float]] = []  # of each round, of each library
        wanted = {(self._size(each), each.threads) for each in timed}
        self._readers = {key: Reader(*key) for key in wanted} if library.found()[0] is not None else {}
        self._reads: dict[tuple[int, int], list[list[float]]] = {key: [] for key in self._readers}

    def measure(self) -> None:
        """Measure each limit once more."""
        for key, reader in self._readers.items():
            self._reads[key].append(reader.rates())
        if self._multiplier is not None:
            self._products.append(self._multiplier.rates())

    def row(self, case: Case, timed: Timed) -> Row:
        """Return what was measured of one runtime, beside the lower of the limits."""
        steps = statistics.median(timed.rates)
        read = _best(self._reads.get((self._size(timed), timed.threads), []))
        product = _best(self._products)
        limits = {} if read is None else {"read": read / self._size(timed)}
        if product is not None:
            limits["multiply"] = product / self._weights / case.streams
        limit = min(limits, key=lambda name: limits[name]) if read is not None else None
        return Row(
            runtime=timed.contestant.runtime,
            threads=timed.threads,
            layers=case.layers,
            hidden=case.hidden,
            vocabulary=case.vocabulary,
            streams=case.streams,
            characters_per_second=steps * case.streams,
            limit=limit,
            limit_share=None if limit is None else steps / limits[limit],
            read_gigabytes_per_second=None if read is None else read / 1e9,
            multiply_gigaflops_per_second=None if product is None else 2 * product / 1e9,
        )

    def _size(self, timed: Timed) -> int:
        """Return the bytes of weights that a step reads."""
        return self._weights * (1 if timed.contestant.runtime == "native-int8" else 4)


def _best(rounds: list[list[float]]) -> float | None:
    """Return the best median of several ways, each of which was measured in every round."""
    return max(map(statistics.median, zip(*rounds, strict=True)), default=None)


def _rows(case: Case, timed: Sequence[Timed], limits: _Limits, rounds: int) -> list[Row]:
    for _ in range(rounds):
        limits.measure()
        for each in timed:
            each.measure()
    rows = [limits.row(case, each) for each in timed]
    best: dict[str, Row] = {}
    for row in rows:
        if row.runtime not in best or row.characters_per_second > best[row.runtime].characters_per_second:
            best[row.runtime] = row
    return list(best.values())
