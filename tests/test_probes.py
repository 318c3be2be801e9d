"""Probes: the score is the share of pairs in the right order, and units that follow a property are found by it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import OptionError
from longhand.gates import properties as kinds
from longhand.gates.probes import FEWEST, areas, last_characters, probe, ranks
from longhand.gates.properties import PROPERTIES, Property, place_in_line, properties
from longhand.gates.trace import HalfArray, Reading, Trace

TEXT = 'Say (one [two]) \'it is\', "a \\" b" x=7 # Note\n\tend“so”\n'


def held(name: str, text: str) -> str:
    """Return the characters at which a property holds, a dot for every other one."""
    holds = PROPERTIES[name](text)
    return "".join(letter if here else "." for letter, here in zip(text, holds, strict=True))


def synthetic(time: int = 2000, seed: int = 0, text: str | None = None) -> tuple[Trace, Property]:
    """Return a trace of noise in which unit 2:3 follows a property well, its cell being small where that holds."""
    random = np.random.default_rng(seed)
    holds = random.random(time) < 0.3
    states = {name: random.standard_normal((2, time, 4)).astype(np.float16) for name in ("cell", "hidden")}
    states["cell"][1, :, 2] = np.where(holds, -1, 1) + 0.5 * random.standard_normal(time)
    return traced(time, states["cell"], states["hidden"], text), Property("it", holds)


def traced(time: int, cell: HalfArray, hidden: HalfArray, text: str | None = None) -> Trace:
    reading = Reading(np.zeros(time, np.int32), list(text or "x" * time), time)
    gates, nothing = np.full(cell.shape, 0.5, np.float16), np.zeros((time, 1))
    decay = np.full((cell.shape[0], cell.shape[2]), -0.1)
    surprise, likely = nothing[:, 0].astype(np.float32), nothing.astype(np.int32)
    return Trace(reading, gates, gates, gates, gates, cell, hidden, surprise, likely, nothing, decay)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40))
def test_the_score_is_the_share_of_pairs_in_the_right_order(places: list[tuple[int, bool]]) -> None:
    inside = [value for value, holds in places if holds]
    outside = [value for value, holds in places if not holds]
    if not inside or not outside:
        return
    pairs = [1.0 if one > other else 0.5 if one == other else 0.0 for one in inside for other in outside]
    values = np.array([value for value, _ in places], np.float32)
    found = areas(ranks(values)[:, None], np.array([[holds for _, holds in places]]))
    assert found[0, 0] == pytest.approx(np.mean(pairs))


def test_a_unit_that_follows_a_property_is_found_with_its_sign_and_scored_on_the_other_half() -> None:
    trace, wanted = synthetic()
    (found,) = probe(trace, [wanted])
    best = found.best[0]
    assert (best.layer, best.unit, best.state, best.sign) == (2, 3, "cell", -1)
    values, holds = trace.cell[1, 1000:, 2].astype(float), wanted.holds[1000:]
    above = (values[holds][:, None] < values[~holds]).mean() + 0.5 * (values[holds][:, None] == values[~holds]).mean()
    assert best.auc == pytest.approx(above)
    assert best.auc > 0.95
    assert found.scores is not None
    assert found.scores.shape == (2, 4)
    assert found.scores.argmax() == 6
    assert found.scores.min() >= 0.5
    assert [(each.layer, each.unit) for each in found.best].count((2, 3)) == 1


def test_noise_scores_as_chance_on_the_other_half() -> None:
    trace, wanted = synthetic(4000)
    trace.cell[1, :, 2] = np.random.default_rng(5).standard_normal(4000)
    (found,) = probe(trace, [wanted])
    assert found.auc is not None
    assert found.direction is not None
    assert abs(found.auc - 0.5) < 0.05
    assert abs(found.direction - 0.5) < 0.05


def test_a_direction_finds_what_no_unit_shows_alone() -> None:
    trace, wanted = synthetic(4000)
    random = np.random.default_rng(1)
    noise = 5 * random.standard_normal(4000)
    trace.cell[1, :, 2], trace.cell[1, :, 3] = noise, noise + wanted.holds
    (found,) = probe(trace, [wanted])
    assert found.auc is not None
    assert found.auc < 0.6
    assert found.direction is not None
    assert found.direction > 0.95
    assert found.layer == 2


def test_a_place_in_the_line_has_a_correlation_of_ranks() -> None:
    lengths = np.random.default_rng(2).integers(5, 60, 100)
    text = "\n".join("y" * length for length in lengths)
    trace, _ = synthetic(len(text), text=text)
    trace.hidden[0, :, 1] = -np.tanh(place_in_line(text) / 50)
    far = properties(text)[0]
    (found,) = probe(trace, [far])
    assert (found.best[0].layer, found.best[0].unit, found.best[0].sign) == (1, 2, -1)
    assert found.best[0].auc > 0.99
    assert found.best[0].correlation is not None
    assert found.best[0].correlation > 0.99


def test_where_a_property_is_rare_or_everywhere_that_is_said() -> None:
    trace, wanted = synthetic(400)
    few = wanted.holds.copy()
    few[200:] = False
    found = probe(trace, [Property("few", few), Property("all", np.ones(400, bool)), wanted])
    assert found[0].missing == f"holds at 0 places of the text's second half, expected at least {FEWEST}"
    assert "all but 0 places" in found[1].missing
    assert found[0].auc is found[1].auc is found[1].direction is None
    assert found[2].auc is not None
    short, one = synthetic(1)
    assert probe(short, [one])[0].missing


def test_tokens_have_the_property_of_their_last_character() -> None:
    trace, _ = synthetic(5)
    trace.reading.pieces[:] = ["the", "", " cat", "é", ""]
    assert last_characters(trace).tolist() == [2, 2, 6, 7, 7]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inside brackets", ["(one [two]"]),
        ("inside quotes", ["'it is", '"a \\" b', "“so"]),
        ("in a comment", ["# Note"]),
        ("in a capitalised word", ["Say", "Note"]),
        ("a digit", ["7"]),
        ("indentation", ["\t"]),
        ("a line break", ["\n", "\n"]),
        ("a line break is next", ["e", "”"]),
    ],
)
def test_properties_hold_once_a_character_has_been_read(name: str, expected: list[str]) -> None:
    found = held(name, TEXT)
    assert len(found) == len(TEXT)
    assert [run for run in found.split(".") if run] == expected


def test_places_in_lines_begin_after_each_break() -> None:
    assert place_in_line("ab\n\ncde").tolist() == [1, 2, 0, 0, 1, 2, 3]
    assert place_in_line("").tolist() == []
    assert held("far into the line", "abcd\nabcd") == "..cd...cd"


def test_brackets_without_a_partner_are_none() -> None:
    assert held("inside brackets", ":) (a\n\nb) (c]") == "." * 13
    assert held("inside brackets", "(a {b} ") == "...{b.."


def test_a_persons_own_property_is_what_an_expression_covers() -> None:
    found = properties("a cat, a dog", ["pet =cat|dog", "first==a"])
    assert [each.name for each in found[-2:]] == ["pet", "first"]
    assert found[-2].holds.nonzero()[0].tolist() == [2, 3, 4, 9, 10, 11]
    assert not found[-1].holds.any()


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("vowel", "expected NAME=REGEX"),
        ("=x", "expected NAME=REGEX"),
        ("x=", "expected NAME=REGEX"),
        ("x=(", "is no regular expression"),
        ("a digit=x", "is there already"),
    ],
)
def test_what_is_no_expression_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        properties("abc", [pattern])


def test_an_expression_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "SECONDS", 0.05)
    with pytest.raises(OptionError, match="write a simpler one"):
        properties("a" * 1000, ["slow=(.*)(.*)(.*)(.*)(.*)[yz]"])
