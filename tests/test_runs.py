"""What a server tells of a training: as the report does, while it goes on, and whatever its log says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import BITS, SAMPLE, epoch, evaluated, finished, started, step, whole_training, write_log
from test_report_log import LINE

from longhand.errors import OptionError
from longhand.report.history import History, read_history
from longhand.serving import runs
from longhand.serving.runs import NOTHING_YET, RunFolder, RunRecord

NOTHING = RunRecord(id="verse", notes=[NOTHING_YET])


def record(tmp_path: Path, *records: dict[str, Any] | str) -> RunRecord:
    return RunFolder(write_log(tmp_path / "verse.run", records)).record()


def test_a_whole_training_is_told_as_the_server_answers(tmp_path: Path) -> None:
    found = json.loads(msgspec.json.encode(record(tmp_path, *whole_training())))
    assert list(found) == [
        *("id", "state", "progress", "step", "seconds", "characters_per_second", "learning_rate", "best_bits"),
        *("training", "held_out", "samples", "plan", "notes", "incidents"),
    ]
    assert (found["id"], found["state"], found["progress"]) == ("verse", "finished", 1)
    assert (found["step"], found["seconds"], found["characters_per_second"]) == (1842, 119.7, 18_000)
    assert (found["learning_rate"], found["best_bits"]) == (0.006, BITS)
    assert found["held_out"] == [[16.7, 2.7344], [48.3, 2.4313], [91.5, 2.2187], [119.7, round(BITS, 4)]]
    assert len(found["training"]) == 149 + 4
    assert [sample["step"] for sample in found["samples"]] == [174, 682, 1403, 1842]
    assert found["samples"][0] | {"text": SAMPLE} == found["samples"][0]
    assert (found["plan"], found["notes"]) == (started()["plan"], started()["notes"])


def test_one_that_goes_on_has_its_progress_and_the_best_score_so_far(tmp_path: Path) -> None:
    found = record(tmp_path, started(), step(10, 30), evaluated(20, 60, 2.5), evaluated(30, 90, 2.6))
    assert (found.state, found.progress, found.step, found.best_bits) == ("running or stopped", 0.25, 30, 2.5)


def test_one_that_ended_early_is_not_done(tmp_path: Path) -> None:
    found = record(tmp_path, started(), step(10, 30), evaluated(20, 60, 2.5), finished(2.5, stopped_by="SIGINT"))
    assert (found.state, found.progress, found.best_bits) == ("ended early", 0.25, 2.5)


def test_what_was_taken_back_is_gone_and_told_of(tmp_path: Path) -> None:
    before = [step(100, 10), evaluated(110, 11, 3.0), step(120, 12), step(130, 13), evaluated(140, 14, 2.0)]
    back = {"event": "rolled back", "step": 150, "to_step": 130, "problem": "the loss became nan"}
    after = [{"event": "resumed", "step": 120, "problems": ["torn"]}, started(), step(125, 12.4)]
    found = record(tmp_path, started(), *before, back, *after)
    assert found.held_out == [(11, 3.0)]
    assert [seconds for seconds, _ in found.training] == [10, 11, 12, 12.4]
    assert found.best_bits == 3.0
    assert [(one.kind, one.step, one.to_step, one.seconds, one.problems) for one in found.incidents] == [
        ("rolled back", 150, 130, None, ["the loss became nan"]),
        ("resumed", 120, 120, 12, ["torn"]),
    ]


def test_the_classic_recipe_has_epochs_and_losses(tmp_path: Path) -> None:
    plain = [{**epoch(number, loss, None, f"epoch {number}")} for number, loss in ((1, 2.0794), (2, 1.3863))]
    for one in plain:
        del one["training_bits_per_character"]
    found = record(tmp_path, *plain, finished(None, stopped_by="epochs"))
    assert (found.best_bits, found.held_out) == (None, [])
    assert found.training == [(30.0, 2.9999), (60.0, 2.0)]  # a bit is 0.6931 nats
    assert [(one.epoch, one.loss, one.bits, one.text) for one in found.samples] == [
        (1, 2.0794, None, "epoch 1"),
        (2, 1.3863, None, "epoch 2"),
    ]


def test_the_latest_samples_are_kept_and_long_ones_cut(tmp_path: Path) -> None:
    many = [evaluated(one, one, 3.0, f"{one} " + "x" * 3_000) for one in range(1, 121)]
    found = record(tmp_path, *many, evaluated(121, 121, 3.0, " \n "))
    assert [sample.step for sample in found.samples] == list(range(71, 121))
    assert {len(sample.text) for sample in found.samples} == {2_000}
    assert found.samples[-1].text.startswith("120 xxx")


def test_curves_are_thinned_and_keep_their_ends_and_their_extremes(tmp_path: Path) -> None:
    steps = [step(one, one / 10, training_bits_per_character=3.0) for one in range(1, 5_001)]
    steps[2_345]["training_bits_per_character"] = 9.0
    training = record(tmp_path, *steps).training
    held_out = record(tmp_path, *(evaluated(one, one / 10, 4 - one / 5_000) for one in range(1, 5_001))).held_out
    for curve in (training, held_out):
        assert 250 < len(curve) <= 500  # of even stretches one point, of others two
        assert (curve[0][0], curve[-1][0]) == (0.1, 500)
        assert curve == sorted(curve)
    assert max(bits for _, bits in training) == 9.0


def test_a_folder_whose_training_has_not_begun_has_nothing_yet(tmp_path: Path) -> None:
    folder = tmp_path / "verse.run"
    folder.mkdir()
    assert RunFolder(folder).record() == NOTHING
    for lines in ([], ["Once upon a time"], ['{"event": "sta'], ["[]", "3", "null"]):
        assert RunFolder(write_log(folder, lines)).record() == NOTHING
    (folder / "log.jsonl").write_bytes(bytes(range(256)) * 40)
    assert RunFolder(folder).record() == NOTHING
    (folder / "log.jsonl").unlink()
    (folder / "log.jsonl").mkdir()
    assert RunFolder(folder).record() == NOTHING
    (folder / "log.jsonl").rmdir()
    (folder / "log.jsonl").symlink_to(folder / "log.jsonl")
    assert RunFolder(folder).record() == NOTHING
    (folder / "log.jsonl").unlink()
    os.mkfifo(folder / "log.jsonl")
    assert RunFolder(folder).record() == NOTHING


def test_a_training_is_followed_from_its_beginning_to_the_end_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "verse.run"
    folder.mkdir()
    watched, seen = RunFolder(folder), []
    for each in (started(), step(10, 30), '{"event": "step", "st', evaluated(20, 60, 2.5), finished(2.5)):
        with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(each if isinstance(each, str) else json.dumps(each) + "\n")
        found = watched.record()
        seen.append((found.state, found.step, len(found.held_out)))
    so_far = "running or stopped"
    assert seen == [(so_far, None, 0), (so_far, 10, 0), (so_far, 10, 0), (so_far, 20, 1), ("finished", 20, 1)]
    write_log(folder, [started(), step(3, 1)])  # begun again, with --overwrite
    assert (watched.record().state, watched.record().step) == (so_far, 3)
    (folder / "log.jsonl").unlink()
    folder.rmdir()
    assert watched.record() == NOTHING


def test_a_log_is_read_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_log(tmp_path / "verse.run", whole_training())
    read: list[Path] = []

    def reading(path: Path) -> History:
        read.append(path)
        return read_history(path)

    monkeypatch.setattr(runs, "read_history", reading)
    watched = RunFolder(folder)
    first = watched.record()
    assert watched.record() is first
    assert len(read) == 1
    with (folder / "log.jsonl").open("a") as log:
        log.write("\n")
    assert watched.record() == first
    os.utime(folder / "log.jsonl", (1, 1))
    watched.record()
    assert len(read) == 3


def test_a_file_that_may_not_be_read_is_nothing_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = RunFolder(write_log(tmp_path / "verse.run", whole_training()))

    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(runs, "read_history", forbidden)
    assert watched.record() == NOTHING


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINE, max_size=12))
def test_whatever_a_log_says_becomes_finite_json(tmp_path: Path, lines: list[str]) -> None:
    def refuse(literal: str) -> None:
        raise AssertionError(literal)

    found = json.loads(msgspec.json.encode(record(tmp_path, *lines)), parse_constant=refuse)
    assert found["progress"] is None or 0 <= found["progress"] <= 1
    assert all(len(point) == 2 for point in found["training"] + found["held_out"])
    assert "\x1b" not in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize("name", ["none", "none.run", "file.run", "plain", "a\0b.run", "x" * 300 + ".run"])
def test_what_is_no_folder_of_a_training_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.run").touch()
    (tmp_path / "plain").mkdir()
    with pytest.raises(OptionError, match=r"expected the folder NAME\.run of a training") as refused:
        RunFolder(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_a_folder_of_another_name_that_has_a_log_is_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_log(tmp_path / "\x1bkept.v1", whole_training())
    assert RunFolder(folder).id == RunFolder(folder).record().id == "␛kept.v1"
    monkeypatch.chdir(folder)
    assert RunFolder(".").id == "␛kept.v1"
