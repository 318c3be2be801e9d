"""Hostile shapes: whatever a request describes, preparing it stays within its memory, its time, and can be stopped."""

from __future__ import annotations

import asyncio
import re
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
import pytest

from longhand.config import SamplingConfig
from longhand.errors import OptionError
from longhand.generation.constraints import pattern as pattern_module
from longhand.generation.constraints.alphabet import writable
from longhand.generation.constraints.automaton import Automaton
from longhand.generation.constraints.bounds import Bounds, Budget
from longhand.generation.constraints.build import guide_for
from longhand.generation.constraints.guide import BEGIN, ENDED, Guide
from longhand.generation.constraints.pattern import Pattern
from longhand.generation.constraints.ranges import LAST, Ranges, ranges_of_item
from longhand.generation.constraints.shapes import Banned, Lines
from longhand.serving.asking import BOUNDS
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer

BYTES = ByteTokenizer()
CHINESE = "".join(map(chr, range(0x4E00, 0x4E00 + 9000)))
SERVED_BYTES = 64 << 20
CHECKS = 2000  # looks at the clock before time is over, in place of seconds

HOSTILE: dict[str, dict[str, Any]] = {
    "acrostic": {"acrostic": CHINESE[:400]},
    "long acrostic": {"acrostic": CHINESE[:1000], "line_length": "1-9999"},
    "long bans": {"ban": tuple(f"{n:03}" + "x" * 997 for n in range(100))},
    "bans that overlap": {"ban": tuple("a" * n + "b" for n in range(200)), "lines": 3},
    "bans of all letters": {"ban": tuple(CHINESE[n : n + 9] for n in range(0, 4500, 9))},
    "lines": {"lines": 10_000, "line_length": "9999"},
    "letters": {"without": CHINESE, "ban": tuple(CHINESE[:1000]), "lines": 2},
    "wide repeat": {"pattern": f"[{CHINESE[:900]}a-z]{{1,1900}}"},
    "deep repeat": {"pattern": "(?:" * 12 + "ab" + "){1,2}" * 12},
    "nothing, often": {"pattern": "(?:" + "()" * 4000 + "a){1,1900}"},
    "any case": {"pattern": "(?i)" + "".join(f"[{chr(n)}-\uffff]" for n in range(0x100, 0x100 + 200))},
    "many sets": {"pattern": "".join(f"[{chr(n)}-{chr(2 * n)}]?" for n in range(0x100, 0x100 + 300))},
    "many places and lines": {"pattern": r"[\s\S]{1,1900}", "lines": 99, "ban": ("ab", "bcd")},
}


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Provide the most bytes that were allocated inside at one time."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def prepared(settings: dict[str, Any], budget: Budget, tokenizer: Any = BYTES) -> Guide | None:
    """Return a guide, or None where the shape is refused."""
    try:
        return guide_for(tokenizer, SamplingConfig(length=100_000, **settings), None, budget)
    except OptionError:
        return None


def counting_budget(bounds: Bounds = BOUNDS, **others: Any) -> Budget:
    """Return a budget whose clock goes on only where it is looked at."""
    ticks = count()
    return Budget(bounds, clock=lambda: next(ticks) * bounds.max_seconds / CHECKS, **others)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_shape_stays_within_what_the_server_gives_it(name: str) -> None:
    budget = counting_budget()
    guide = prepared(HOSTILE[name], budget)
    for _ in range(3 if guide else 0):
        guide.row(BEGIN)  # type: ignore[union-attr]
    assert budget.used_bytes <= SERVED_BYTES
    assert budget.clock() < 4 * BOUNDS.max_seconds  # once more for the row


@pytest.mark.parametrize(
    "settings",
    [
        {"acrostic": CHINESE[:60]},
        {"pattern": "".join(f"[{chr(n)}-{chr(2 * n)}]?" for n in range(0x100, 0x100 + 60))},
        {"pattern": r"[\s\S]{1,60}", "lines": 9, "ban": ("ab", "bcd")},
    ],
    ids=["acrostic", "sets", "combinations"],
)
def test_what_is_charged_is_about_what_is_allocated(settings: dict[str, Any]) -> None:
    writable(BYTES)  # once a process
    prepared({"pattern": r"\s"}, Budget())
    budget = Budget()
    with traced() as peak:
        prepared(settings, budget)
        assert peak() < 2 * budget.used_bytes + (2 << 20)


def test_banned_strings_cost_what_is_met_of_them() -> None:
    budget = counting_budget()
    guide = guide_for(BYTES, SamplingConfig(**HOSTILE["long bans"]), None, budget)
    assert guide is not None
    at = BEGIN
    for byte in b"042" + b"x" * 100:
        at = int(guide.row(at)[byte])
        assert at > ENDED
    assert budget.used_bytes < 4 << 20  # a tenth of what the strings' beginnings alone would take


def test_equal_sets_are_read_once_and_tables_are_made_for_what_is_different(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def reading(item: Any, flags: int) -> Ranges:
        read.append(item)
        return ranges_of_item(item, flags)

    monkeypatch.setattr(pattern_module, "ranges_of_item", reading)
    found = Pattern(f"ab[{CHINESE}]{{1,1900}}[{CHINESE}]b")
    assert len(read) == 5
    assert len(found.sets) == 3
    shape = Lines(None, 1, None, "abab" * 100)
    assert len(Automaton(writable(BYTES), None, [shape]).alphabet.examples) == 4  # a, b, the line end, all others


def test_nested_options_are_read_once_a_level() -> None:
    checks: list[int] = []
    budget = Budget(interrupt=lambda: checks.append(1))
    assert Pattern("(?:" * 14 + "a" + ")?" * 14, budget=budget).size == 2
    assert len(checks) < 10  # of 64 steps each, and not of two to the 14th


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "long bans"])  # which take too few steps
def test_preparing_is_interrupted_wherever_it_is(name: str) -> None:
    class StoppedError(Exception):
        pass

    def checks_until(last: float) -> int:
        done = count(1)

        def interrupt() -> None:
            if next(done) >= last:
                raise StoppedError

        guide = prepared(HOSTILE[name], counting_budget(interrupt=interrupt))
        if guide is not None:
            guide.row(BEGIN)  # which nobody interrupts any more
        return next(done) - 1

    total = checks_until(float("inf"))
    for last in {1, max(1, total // 2)}:
        with pytest.raises(StoppedError):
            checks_until(last)


def test_a_shape_is_refused_at_its_deadline() -> None:
    budget = Budget(BOUNDS, clock=count(0, 0.5).__next__)
    with pytest.raises(OptionError, match=r"more than 2 seconds to prepare: ask for a simpler one .*--pattern '.*'"):
        guide_for(BYTES, SamplingConfig(pattern="([a-z] ?){900}"), None, budget)
    with pytest.raises(OptionError, match=r"more than 1 MB: .*--lines 500"):
        guide_for(BYTES, SamplingConfig(lines=500, line_length="40"), None, Budget(Bounds(max_bytes=1 << 20)))
    with pytest.raises(OptionError, match="more than 99 different characters") as raised:
        guide_for(BYTES, SamplingConfig(ban=(CHINESE[:1000],)), None, Budget(Bounds(sets=99)))
    assert len(str(raised.value)) < 300  # without all that was asked for


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(OptionError, match="pattern: found 'a\\{9999"):
        Pattern("a{" + "9" * 5000 + "}")


def sliced(guide: Guide, state: int) -> int:
    """Make a row in the shortest slices; return how many."""
    slices = 1
    while not guide.prepare(state, 0):
        slices += 1
    return slices


def test_a_row_made_in_slices_is_the_same_row() -> None:
    settings = SamplingConfig(pattern=r"(\w+ ){2}[一-龥é]+", ban=("ab", "bcd"))
    whole, parts = (guide_for(BYTES, settings, None) for _ in range(2))
    assert whole is not None
    assert parts is not None
    at = BEGIN
    for byte in "ca ef 中".encode():
        assert sliced(parts, at) > 5
        assert np.array_equal(whole.row(at), parts.row(at))
        assert sliced(parts, at) == 1
        at = int(whole.row(at)[byte])


def test_time_between_slices_does_not_count_and_a_row_has_a_deadline() -> None:
    now = [0.0]
    guide = guide_for(BYTES, SamplingConfig(pattern="[a-z中]+"), None, Budget(BOUNDS, clock=lambda: now[0]))
    assert guide is not None
    while not guide.prepare(BEGIN, 0):
        now[0] += 10  # others are served
    slow = Budget(BOUNDS, clock=lambda: now[0])
    guide = guide_for(BYTES, SamplingConfig(pattern="[a-z中]+"), None, slow)
    assert guide is not None
    ticking = count(0, 0.5)
    slow.clock = ticking.__next__
    with pytest.raises(OptionError, match="more than 2 seconds"):
        guide.row(BEGIN)


def test_lengths_left_are_those_of_the_automaton() -> None:
    guide = guide_for(CharacterTokenizer("abcé中"), SamplingConfig(pattern="a{2}(中|é)b?c"), None)
    assert guide is not None
    at = BEGIN
    for left in (4, 3, 2):
        assert guide.needed(at) == left
        assert (guide.row_within(at, left) > ENDED).any()
        with pytest.raises(OptionError, match="may not be complete"):
            guide.row_within(at, left - 1)
        at = int(guide.row(at).max())


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i)[k-s\u017f]",
        "(?i)K",
        "(?i)[^\\Wß]",
        "(?a:\\w)",
        "(?ai)[k-s]",
        "[^\\d_]",
        "\\W",
        ".",
        "(?s).",
        "[^é]",
        "(?i)[Σ一-龥İ]",
    ],
)
def test_a_set_has_the_characters_that_python_matches(pattern: str) -> None:
    text = np.arange(LAST + 1, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    expected = [match.span() for match in re.finditer(f"{pattern}+", text)]
    assert Pattern(pattern).sets[0].tolist() == [list(span) for span in expected]


def test_banned_strings_are_followed_through_all_their_ends() -> None:
    rule, state = Banned(["abcd", "bce", "cf", "c\U0010ffff"]), 0
    for letter in "abc":
        after = rule.step(state, letter)
        assert after is not None
        state = after
    assert [rule.step(state, letter) for letter in "def\U0010ffff"] == [None] * 4
    assert rule.step(state, "g") == 0


def test_who_disconnects_stops_what_is_prepared_for_them() -> None:
    from starlette.requests import Request

    from longhand.serving.disconnecting import POLL_SECONDS, until_disconnected

    async def run() -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async with until_disconnected(Request({"type": "http"}, receive)) as interrupt:
            await asyncio.sleep(0)
            interrupt()
            gone.set()
            await asyncio.sleep(5 * POLL_SECONDS)
            with pytest.raises(ConnectionError):
                interrupt()

    asyncio.run(run())
