"""Ten thousand requests that nobody should send."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path

from clients import run
from figures import Figures, milliseconds
from hostile import odd_field
from hostile_http import attacks
from serving import Server, eventually, running, tiny
from striking import Struck, problems, reference, strikes, target

FIRST, ALL = 2000, 10_000
LARGEST = 300  # requests that take the most memory, before it is measured
SHOWN = 20  # problems


def _slowest(struck: list[Struck]) -> str:
    waited = [one for one in struck if one.attack.patience is None]
    one = max(waited, key=lambda one: one.seconds)
    return f"{one.seconds:.2f} s ({one.attack.name})"


def rubbish(path: Path, figures: Figures) -> None:
    """Measure what is left of a server after ten thousand hostile requests."""
    figures.part("rubbish", f"{ALL:,} hostile requests")
    with tempfile.TemporaryDirectory() as folder, running([path, *tiny(Path(folder))]) as server:
        before, began = reference(server), time.monotonic()
        aim, chance = target(server), random.Random(1)
        stream = attacks(aim)
        run(strikes(server, [odd_field(chance, aim) for _ in range(LARGEST)]))  # what takes most of it has had it
        struck = run(strikes(server, islice(stream, FIRST)))
        early = _settled(server)
        struck += run(strikes(server, islice(stream, ALL - FIRST)))
        late, took = _settled(server), time.monotonic() - began
        same, most = reference(server) == before, server.memory("VmHWM")
    wrong = Counter(f"{one.attack.name}: {problem}" for one in struck for problem in problems(one))
    for line, times in wrong.most_common(SHOWN):
        print(f"      {times} x {line[:600]}")
    figures.hold("requests with a wrong answer", wrong.total(), most=1)
    figures.tell("took", f"{took:.0f} s; each {milliseconds([one.seconds for one in struck])}")
    figures.tell("the slowest answer", _slowest(struck))
    figures.hold(f"memory after {ALL:,} against after {FIRST:,}", (late - early) / 1e6, most=16, unit="MB")
    figures.tell("the server's memory at most", f"{most / 1e6:,.0f} MB")
    figures.expect("a text of a fixed seed is what it was", same)


def _settled(server: Server) -> int:
    """Return the memory once nothing is being written."""
    eventually(lambda: server.gauge("longhand_streams_writing") == 0, 30)
    return server.memory()
