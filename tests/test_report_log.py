"""Reading a log: what was taken back is gone, what is damaged is passed over, nothing is taken for what it is not."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import BITS, epoch, evaluated, finished, standing, started, step, whole_training, write_log

from longhand.errors import OptionError
from longhand.report.history import MOST_STEPS, History, read_history
from longhand.report.page import report_page

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
EVENTS = [
    *("started", "step", "evaluated", "epoch", "resumed", "checkpoint"),
    *("no checkpoint", "rolled back", "finished", "of tomorrow"),
]
FIELDS = sorted({*started(), *step(1, 1), *evaluated(1, 1, 1), *epoch(1, 1), "to_step", "problem", "problems", "card"})
CARD = st.dictionaries(st.sampled_from(sorted(finished()["card"])), JSON, max_size=6)
PLAUSIBLE = st.floats(0, 9) | st.integers(-5, 2000) | st.text(max_size=20)
RECORD = st.builds(
    lambda event, fields, plausible: {**fields, **plausible, "event": event},
    st.sampled_from(EVENTS),
    st.dictionaries(st.sampled_from(FIELDS), JSON | CARD, max_size=6),
    st.dictionaries(st.sampled_from(FIELDS), PLAUSIBLE, max_size=6),
)
LINE = st.builds(json.dumps, RECORD) | st.builds(json.dumps, JSON) | st.text()


def history(tmp_path: Path, *records: dict[str, Any] | str) -> History:
    return read_history(write_log(tmp_path / "verse.run", records) / "log.jsonl")


def test_a_whole_training_is_read_as_it_was_written(tmp_path: Path) -> None:
    read = history(tmp_path, *whole_training())
    assert (read.state, read.unread, len(read.steps), len(read.scores)) == ("finished", 0, 149, 4)
    assert read.plan == started()["plan"]
    assert [(choice.name, choice.value, choice.why) for choice in read.choices] == [
        ("hidden", "256", "what two minutes can teach")
    ]
    assert read.settings == {"hidden": "256", "learning_rate": "0.006", "epochs": ""}
    assert read.card is not None
    assert read.card.corpus == ["verse.txt"]


def test_the_best_score_is_the_number_in_the_card_where_the_log_has_fewer_decimals(tmp_path: Path) -> None:
    read = history(tmp_path, evaluated(1, 1, 2.1644), evaluated(2, 2, 2.1645), finished(2.16446))
    assert [score.held_out_bits for score in read.scores] == [2.1644, 2.16446]


def test_what_was_learned_after_the_checkpoint_that_a_training_goes_on_from_is_void(tmp_path: Path) -> None:
    before = [step(100, 10), evaluated(110, 11, 3.0), step(120, 12), step(130, 13), evaluated(140, 14, 2.0)]
    again = started(choices=[{"name": "hidden", "value": 256, "why": "as it began"}])
    after = [{"event": "resumed", "step": 120, "problems": ["torn"]}, again, step(125, 12.4)]
    read = history(tmp_path, started(), *before, *after)
    assert [standing.step for standing in read.steps] == [100, 120, 125]
    assert [score.held_out_bits for score in read.scores] == [3.0]
    (incident,) = read.incidents
    assert (incident.kind, incident.step, incident.seconds, incident.problems) == ("resumed", 120, 12, ["torn"])
    assert read.notes == started()["notes"]  # told twice, kept once
    assert read.choices[0].why == "what two minutes can teach"


def test_what_was_learned_before_a_way_back_is_void(tmp_path: Path) -> None:
    back = {
        "event": "rolled back",
        "step": 150,
        "to_step": 120,
        "problem": "the loss became nan",
        "learning_rate": 3e-3,
    }
    read = history(tmp_path, step(120, 12), step(149, 15), evaluated(149, 15, 1.0), back, step(121, 12.1))
    assert [standing.step for standing in read.steps] == [120, 121]
    assert read.best is None
    (incident,) = read.incidents
    assert (incident.step, incident.to_step, incident.seconds, incident.learning_rate) == (150, 120, 12, 3e-3)


def test_an_incident_that_was_itself_taken_back_has_no_time(tmp_path: Path) -> None:
    back = {"event": "rolled back", "step": 150, "to_step": 120, "problem": "nan"}
    read = history(tmp_path, step(90, 9), step(120, 12), back, {"event": "resumed", "step": 90})
    assert [(incident.kind, incident.seconds) for incident in read.incidents] == [("rolled back", None), ("resumed", 9)]


def test_a_training_that_ended_early_and_goes_on_has_not_ended(tmp_path: Path) -> None:
    early = finished(stopped_by="SIGINT")
    assert history(tmp_path, step(1, 1), early).state == "ended early"
    read = history(tmp_path, step(1, 1), early, {"event": "resumed", "step": 1}, started())
    assert (read.state, read.card) == ("running or stopped", None)


def test_an_epoch_is_a_score(tmp_path: Path) -> None:
    read = history(tmp_path, epoch(1, 2.9), epoch(2, 2.5, 3.7, "it writes"))
    assert read.classic
    assert [(score.epoch, score.loss, score.held_out_bits, score.sample) for score in read.scores] == [
        (1, 2.9, None, ""),
        (2, 2.5, 3.7, "it writes"),
    ]


def test_fields_may_be_missing_or_of_another_kind(tmp_path: Path) -> None:
    odd = {"event": "evaluated", "step": "ten", "seconds": [], "validation_bits_per_character": True, "sample": 3}
    read = history(tmp_path, {"event": "started", "plan": "none", "settings": 3}, step(7, 1), {"event": "step"}, odd)
    assert (read.plan, read.settings, read.choices) == ([], {}, [])
    assert [standing.step for standing in read.steps] == [7, 7]
    (score,) = read.scores
    assert (score.step, score.seconds, score.held_out_bits, score.sample) == (7, None, None, "")


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "-1e300"])
def test_a_number_that_is_not_finite_is_missing(tmp_path: Path, literal: str) -> None:
    line = json.dumps({"event": "step", "step": 3, "seconds": 1, "training_bits_per_character": "?"})
    read = history(tmp_path, line.replace('"?"', literal))
    assert (read.steps[0].seconds, read.steps[0].training_bits) == (1, None)
    line = json.dumps({"event": "finished", "card": {"validation_bits_per_character": "?", "trained_seconds": 5}})
    ended = history(tmp_path, line.replace('"?"', literal)).card
    assert ended is not None
    assert (ended.validation_bits_per_character, ended.trained_seconds) == (None, 5)


def test_half_a_line_is_passed_over_and_what_follows_on_it_is_read(tmp_path: Path) -> None:
    half = json.dumps(step(130, 13))[:40]
    assert history(tmp_path, step(120, 12), half).unread == 1
    read = history(tmp_path, step(120, 12), step(125, 12.5), half + json.dumps({"event": "resumed", "step": 120}))
    assert [standing.step for standing in read.steps] == [120]
    assert read.incidents[0].kind == "resumed"


def test_damaged_lines_are_counted_and_unknown_events_are_not(tmp_path: Path) -> None:
    lines = ["", "   ", "\0\0\0", "[1]", "[" * 100_000, '{"no": "event"}', "é\ud800", '{"event": "of tomorrow"}']
    assert history(tmp_path, step(1, 1), *lines).unread == 5


def test_a_line_without_end_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longhand.report.history.LONGEST_LINE", 300)
    read = history(tmp_path, step(1, 1), json.dumps({"event": "step", "step": "x" * 1000}), step(2, 2))
    assert [standing.step for standing in read.steps] == [1, 2]
    assert read.unread == 1


def test_of_very_many_steps_those_are_remembered_that_are_equally_far_apart(tmp_path: Path) -> None:
    total = 2 * MOST_STEPS + 5000
    steps = [standing.step for standing in history(tmp_path, *(step(one, one) for one in range(1, total))).steps]
    assert MOST_STEPS / 4 < len(steps) <= MOST_STEPS
    assert {later - earlier for earlier, later in pairwise(steps)} == {4}


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("\x00\x1b[31m", "␀␛[31m"),
        ("\x7f\x9b\u202e\u2066\ud800\u2028", "\ufffd" * 6),
        ("a\tb\n唐\u3000詩\xa0👩\u200d🚀 a\u0301", "a\tb\n唐\u3000詩\xa0👩\u200d🚀 a\u0301"),
        ("\r\n", "␍\n"),
    ],
)
def test_control_characters_can_be_seen_and_text_is_left_alone(tmp_path: Path, letters: str, expected: str) -> None:
    read = history(tmp_path, json.dumps(evaluated(1, 1, 2.0, sample=letters)))
    assert read.scores[0].sample == expected


def test_of_a_text_that_is_very_long_the_beginning_is_kept(tmp_path: Path) -> None:
    assert len(history(tmp_path, evaluated(1, 1, 2.0, sample="a" * 100_000)).scores[0].sample) < 6000


@given(lines=st.lists(LINE, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_whatever_a_log_holds_there_is_a_page_or_a_refusal(lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    try:
        read = read_history(path)
    except OptionError:
        return
    page = report_page(read, "verse")
    page.encode("utf-8")
    assert page.endswith("</html>")
    numbers = [number for score in read.scores for number in (score.seconds, score.held_out_bits, score.loss)]
    assert all(number is None or math.isfinite(number) for number in numbers)


@given(cut=st.integers(1, 5000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_log_that_is_cut_anywhere_is_read_up_to_there(cut: int, tmp_path: Path) -> None:
    path = write_log(tmp_path / "verse.run", [started(), evaluated(1, 1, 3.0), standing(2, 2) | {"event": "step"}])
    log = path / "log.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole[:cut])
    complete = whole[:cut].count(b"\n")
    if complete:
        assert len(read_history(log).scores) >= (complete >= 2)
    log.write_bytes(whole)


def test_what_is_no_log_is_refused_with_what_was_found(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with pytest.raises(OptionError, match=r"not found; expected the log"):
        read_history(log)
    log.write_text("")
    with pytest.raises(OptionError, match=r"empty; expected records"):
        read_history(log)
    log.write_text("Once upon a time\n")
    with pytest.raises(OptionError, match=r"no line of it tells of a training"):
        read_history(log)
    log.write_bytes(bytes(range(256)) * 50)
    with pytest.raises(OptionError, match=r"no line of it tells of a training"):
        read_history(log)
    with pytest.raises(OptionError, match=r"is no regular file"):
        read_history(tmp_path)


def test_the_best_is_the_first_of_the_lowest_scores(tmp_path: Path) -> None:
    read = history(tmp_path, *(evaluated(one, one, bits) for one, bits in enumerate([3.0, BITS, BITS, 2.5])))
    assert read.best is read.scores[1]
