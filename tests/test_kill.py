"""Whole processes: killed at random, and started at once into one folder."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Finished, fresh

from longhand.model import load

KILLS = Path(__file__).parents[1] / "bench" / "kills.py"


@pytest.mark.slow
def test_twenty_kills_change_no_loss_and_no_weight() -> None:
    done = subprocess.run([sys.executable, KILLS, "--kills", "20"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "20 kills in" in done.stdout


def raced(starts: int, *words: object) -> list[Finished]:
    with ThreadPoolExecutor(starts) as pool:
        return sorted(pool.map(lambda _: fresh(*words), range(starts)), key=lambda done: done.returncode)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [[], ["--overwrite"]])
def test_of_eight_starts_at_once_into_one_folder_one_runs(tmp_path: Path, verse_path: Path, asked: list[str]) -> None:
    words = ["train", verse_path, "-o", tmp_path / "m", "--epochs", 100, "--hidden", 32, "--batch", 8, "--threads", 1]
    done = raced(8, *words, *asked)
    assert [each.returncode for each in done] == [0, *[2] * 7]
    for each in done[1:]:
        assert "m.run is held by a training that runs now (process " in each.stderr or "m.run holds" in each.stderr
        assert each.stderr.count("\n") == 1
    assert load(tmp_path / "m").card.stopped_by == "epochs"
