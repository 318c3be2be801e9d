"""Real texts: Chinese without a special option, and a large file in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from conftest import VERSE, corpus_file

from longhand.model import load


def peak_memory(*arguments: str) -> int:
    """Run a command in a fresh process and return its peak memory in bytes."""
    process = subprocess.Popen([sys.executable, "-m", "longhand", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_chinese_trains_and_generates_without_a_special_option(tmp_path: Path) -> None:
    tang = corpus_file("tang.txt")
    model_path = tmp_path / "tang.safetensors"
    peak_memory("train", str(tang), "-o", str(model_path), "--minutes", "0.15", "--hidden", "64", "--batch", "8")
    model = load(model_path)
    assert len(model.tokenizer.to_record()["characters"]) > 7000
    text = model.generate("床前明月光", length=100, seed=0)
    assert sum(unicodedata.name(letter, "").startswith("CJK") for letter in text) > 50


@pytest.mark.slow
@pytest.mark.parametrize("line", [VERSE, "春眠不覺曉處處聞啼鳥夜來風雨聲花落知多少\n"])
def test_memory_stays_under_a_gigabyte_and_does_not_grow_with_the_windows(tmp_path: Path, line: str) -> None:
    peaks = []
    for megabytes in (20, 100):
        path = tmp_path / f"{megabytes}.txt"
        path.write_text(line * (megabytes * 1_000_000 // len(line.encode())), encoding="utf-8")
        model = str(tmp_path / str(megabytes))
        peaks.append(peak_memory("train", str(path), "-o", model, "--minutes", "0.4"))
    assert max(peaks) < 1_000_000_000
    # One byte a character, and what the reading holds beside it: nothing is kept for each of the windows.
    assert peaks[1] - peaks[0] < 1.5 * 80_000_000
