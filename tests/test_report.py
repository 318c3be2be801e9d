"""The report: one page with one score, written where it was asked for, and `longhand report` that makes it anew."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, assert_refused
from logs import BITS, epoch, evaluated, finished, started, step, whole_training, write_log

from longhand.report.history import read_history
from longhand.report.page import duration, report_page, write_report
from longhand.version import VERSION

VOID = {"meta", "link", "br", "img", "hr", "input"}
SVG_EMPTY = {"path", "line", "circle"}  # written <path/>


class Outline(HTMLParser):
    """Checks that all that is opened is closed, and collects attributes that would load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "xlink:href", "srcset", "style")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        assert tag in SVG_EMPTY

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(tmp_path: Path, *records: dict[str, Any] | str) -> str:
    return report_page(read_history(write_log(tmp_path / "verse.run", records) / "log.jsonl"), "verse")


def words(html: str) -> str:
    """Return the page's text in one line, without its style and script."""
    html = re.sub(r"<(style|script)[ >].*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", re.sub(r"</t[hd]>", " ", html))).split())


def test_the_page_is_well_formed_and_loads_nothing(tmp_path: Path) -> None:
    html = page(tmp_path, *whole_training(), {"event": "resumed", "step": 900}, epoch(20, 2.0), finished())
    outline = Outline()
    outline.feed(html)
    assert (outline.open, outline.loads) == ([], [])
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_the_score_is_the_cards_and_the_same_everywhere(tmp_path: Path) -> None:
    bits = 2.16449  # a log has 2.1645, which would be shown as 2.165 or 2.164
    records = [evaluated(1, 10, 2.5), evaluated(2, 20, round(bits, 4)), finished(bits)]
    html = page(tmp_path, started(), *records)
    shown = words(html)
    assert f"2.164 bits per character on held-out text {bits * math.log(2):.3f} nats" in shown
    assert "best 2.164" in shown
    assert "bits per character 2.164" in shown
    assert "verse: 2.164 bits per character · Longhand" in html
    assert "2.165" not in html


@pytest.mark.parametrize(
    ("stopped_by", "expected"),
    [
        ("time", "Finished: its time was up."),
        ("epochs", "Finished: all epochs were done."),
        ("no improvement", "Ended early: the held-out score no longer improved."),
        ("SIGINT", "Ended early: Ctrl-C."),
        ("", "Finished."),
    ],
)
def test_it_says_how_the_training_ended(tmp_path: Path, stopped_by: str, expected: str) -> None:
    assert expected in words(page(tmp_path, evaluated(1, 1, BITS), finished(stopped_by=stopped_by)))


def test_a_training_without_an_end_has_its_best_score_so_far(tmp_path: Path) -> None:
    so_far = [started(), step(10, 30), evaluated(20, 60, 2.5), evaluated(30, 90, 2.6)]
    shown = words(page(tmp_path, *so_far, {"event": "checkpoint", "step": 30, "file": "checkpoint"}))
    assert "Running or stopped: its log has no end yet, 25 % done." in shown
    assert "A checkpoint was written at step 30: if it stopped, the same command with --resume goes on." in shown
    assert "2.500 bits per character on held-out text, the best so far" in shown
    assert "The card" not in shown


def test_it_names_the_longhand_that_wrote_the_log_where_that_is_another(tmp_path: Path) -> None:
    assert "log.jsonl, which Longhand 0.0.9 wrote." in words(page(tmp_path, started(longhand_version="0.0.9")))
    assert "from log.jsonl. This page" in words(page(tmp_path, started(longhand_version=VERSION)))


def test_a_training_that_has_only_begun_is_a_page(tmp_path: Path) -> None:
    shown = words(page(tmp_path, {"event": "started"}))
    assert "No score the held-out text has not been scored" in shown
    assert "Nothing to draw yet" in shown


def test_the_classic_recipe_without_held_out_text_has_losses_and_no_score(tmp_path: Path) -> None:
    ended = finished(None, held_out_characters=0, stopped_by="epochs")
    shown = words(page(tmp_path, started(), epoch(1, 2.9, sample="one"), epoch(2, 2.5, sample="two"), ended))
    assert "No score nothing was held out to score it on" in shown
    assert "The classic recipe keeps the weights with the lowest loss in training." in shown
    assert "Epoch 2, after 1 min: loss 2.5000 two" in shown
    assert "best" not in shown


def test_weights_that_were_kept_but_did_not_score_best_are_marked(tmp_path: Path) -> None:
    shown = words(page(tmp_path, epoch(1, 2.9, 3.1), epoch(2, 2.5, 3.3), finished(3.3)))
    assert "best 3.100" in shown
    assert "kept 3.300" in shown


def test_the_plan_has_the_reason_for_each_choice(tmp_path: Path) -> None:
    shown = words(page(tmp_path, *whole_training()))
    assert "hidden 256 what two minutes can teach" in shown
    assert "learning rate 0.006 epochs none" in shown
    assert "verse.txt: 1,115,394 characters, 65 different, 111,539 held out" in shown


def test_samples_come_newest_first_and_their_first_line_is_kept(tmp_path: Path) -> None:
    html = page(tmp_path, *(evaluated(one, one, 4 - one / 10, f"\n  sample {one}") for one in range(1, 5)))
    assert re.findall(r"<pre [^>]*>\n\n  sample (\d)</pre>", html) == ["4", "3", "2", "1"]
    assert html.count("<details>") == 1 + 3  # the scores in figures, and the older samples


def test_of_very_many_samples_the_newest_the_first_and_some_between_are_shown(tmp_path: Path) -> None:
    html = page(tmp_path, *(evaluated(one, one, 3.0, f"sample {one}.") for one in range(1, 3001)))
    shown = [int(number) for number in re.findall(r"sample (\d+)\.", html)]
    assert (shown[0], shown[-1], len(shown)) == (3000, 1, 40)
    assert len(html) < 300_000


def test_problems_are_told_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    back = {"event": "rolled back", "step": 9, "to_step": 5, "problem": "the loss became nan", "learning_rate": 0.003}
    trouble = [{"event": "no checkpoint", "step": 5, "problem": "no space left"}, back, {"event": "resumed", "step": 7}]
    shown = words(page(tmp_path, step(5, 5), *trouble, step(8, 8), '{"event": "st'))
    told = [
        "No checkpoint at step 5, the earlier one was kept: no space left",
        "Rolled back at step 9 to step 5: the loss became nan; on with a learning rate of 0.003",
        "Resumed from step 7",
        "1 line of the log could not be read and was passed over",
    ]
    assert sorted(told, key=shown.index) == told


def test_a_disk_that_stays_full_is_told_of_once(tmp_path: Path) -> None:
    full = ({"event": "no checkpoint", "step": one, "problem": "no space left"} for one in range(1, 500))
    assert words(page(tmp_path, step(1, 1), *full)).count("no space left") == 1


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(3.21, "3.2 s"), (45, "45 s"), (59.7, "1 min"), (82, "1 min 22 s"), (3599.9, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_times_are_as_people_say_them(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_the_same_log_makes_the_same_page(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "verse.run", whole_training())
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first
    assert write_report(folder, tmp_path / "other.html").read_bytes() == first


@pytest.mark.parametrize("name", ["verse.run", "verse.run/", "verse", "verse.safetensors"])
def test_report_finds_the_training_and_prints_where_the_page_is(longhand: Run, tmp_path: Path, name: str) -> None:
    folder = write_log(tmp_path / "verse.run", whole_training())
    for _ in range(2):  # what it has made itself it makes anew
        done = longhand("report", f"{tmp_path}/{name}")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder / 'report.html'}\n", "")
    assert "<h1><bdi>verse</bdi></h1>" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_name_may_have_dots_and_a_folder_of_that_name_is_no_hindrance(longhand: Run, tmp_path: Path) -> None:
    folder = write_log(tmp_path / "verse.v1.run", whole_training())
    (tmp_path / "verse.v1").mkdir()
    for name in ("verse.v1", "verse.v1.safetensors"):
        assert longhand("report", tmp_path / name).stdout == f"{folder / 'report.html'}\n"


def test_another_file_is_replaced_only_where_that_is_allowed(longhand: Run, tmp_path: Path) -> None:
    folder, other = write_log(tmp_path / "verse.run", whole_training()), tmp_path / "other.html"
    assert longhand("report", folder, "-o", other).stdout == f"{other}\n"
    assert not (folder / "report.html").exists()
    assert_refused(longhand("report", folder, "-o", other), f"{other} exists: choose another name")
    assert longhand("report", folder, "-o", other, "--overwrite").returncode == 0
    log = (folder / "log.jsonl").read_bytes()
    assert_refused(longhand("report", folder, "-o", folder / "log.jsonl", "--overwrite"), "is the log that")
    assert (folder / "log.jsonl").read_bytes() == log
    assert_refused(longhand("report", folder, "-o", tmp_path / "none" / "r.html"), "none is no folder")
    assert_refused(longhand("report", folder, "-o", tmp_path), "is a folder: name a file")


def test_what_is_no_training_is_refused_in_one_line(longhand: Run, tmp_path: Path) -> None:
    expected = "expected the folder NAME.run that longhand train makes"
    assert_refused(longhand("report", tmp_path / "none"), f"not found, and no {tmp_path / 'none.run'}; {expected}")
    assert_refused(longhand("report", tmp_path), f"a folder without log.jsonl; {expected}")
    (tmp_path / "verse.safetensors").touch()
    assert_refused(longhand("report", tmp_path / "verse.safetensors"), f"no training, and no {tmp_path / 'verse.run'}")
    (tmp_path / "verse.run").mkdir()
    assert_refused(longhand("report", tmp_path / "verse"), "log.jsonl: not found; expected the log")
    assert_refused(longhand("report", write_log(tmp_path / "verse.run", [])), "log.jsonl: empty; expected records")
    assert_refused(longhand("report", write_log(tmp_path / "verse.run", ["Once"])), "no line of it tells of a training")
    assert_refused(longhand("report"), "Missing argument 'RUN'")


def test_jinja_is_imported_only_when_a_page_is_made(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "verse.run", whole_training())
    code = (
        "import sys, pathlib, longhand, longhand.cli.main, longhand.report.page as page\n"
        "assert 'jinja2' not in sys.modules\n"
        f"page.write_report(pathlib.Path({str(folder)!r}))\n"
        "assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
