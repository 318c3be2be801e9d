"""Real texts: Chinese without a special option, and a large file in little memory."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import corpus_file

from longhand.model import load

# A process of its own, and a small one: what Linux reports as a child's peak begins with its parent's.
MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
assert status == 0, status
print(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def peak_memory(*arguments: str) -> int:
    """Run the command line in a fresh process and return its peak memory in bytes."""
    command = [sys.executable, "-c", MEASURE, sys.executable, "-m", "longhand", *arguments]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def test_chinese_trains_and_generates_without_a_special_option(tmp_path: Path) -> None:
    tang = corpus_file("tang.txt")
    model_path = tmp_path / "tang.safetensors"
    peak_memory("train", str(tang), "-o", str(model_path), "--minutes", "0.16", "--hidden", "64", "--batch", "8")
    model = load(model_path)
    assert len(model.tokenizer.to_record()["characters"]) > 7000
    text = model.generate("床前明月光", length=100, seed=0)
    assert sum(unicodedata.name(letter, "").startswith("CJK") for letter in text) > 50


def large_text(folder: Path, megabytes: int, letters: str) -> str:
    """Write a text of short lines over some letters, and return its path."""
    words = np.random.default_rng(0).choice(list(letters), (megabytes, 200, 12))  # a megabyte is one block, repeated
    path = folder / f"{megabytes}.txt"
    with path.open("w", encoding="utf-8") as file:
        for block in words:
            text = "\n".join("".join(row) for row in block) + "\n"
            file.write(text * (1_000_000 // len(text.encode())))
    return str(path)


ENGLISH = "etaoinshrdlu etaoin"
CHINESE = "".join(map(chr, range(0x4E00, 0x4E00 + 1000)))  # more than a byte can tell apart


def test_a_text_of_100_mb_trains_in_less_than_a_gigabyte(tmp_path: Path) -> None:
    text = large_text(tmp_path, 100, ENGLISH)
    assert peak_memory("train", text, "-o", str(tmp_path / "m"), "--minutes", "0.06") < 1_000_000_000
    assert load(tmp_path / "m").card.trained_characters > 0


CUDA = 400_000_000 if torch.version.cuda else 0  # what the libraries of torch's CUDA build take by themselves


@pytest.mark.slow
def test_the_classic_recipe_trains_on_tiny_shakespeare_in_less_than_900_mb(tmp_path: Path) -> None:
    text = str(corpus_file("tinyshakespeare.txt"))
    options = ["--recipe", "classic", "--minutes", "0.4", "-o", str(tmp_path / "m")]
    assert peak_memory("train", text, *options) < 900_000_000 + CUDA
    assert load(tmp_path / "m").card.trained_characters > 128


@pytest.mark.slow
def test_the_classic_recipe_trains_on_100_mb_in_less_than_a_gigabyte(tmp_path: Path) -> None:
    text = large_text(tmp_path, 100, ENGLISH)
    options = ["--recipe", "classic", "--minutes", "0.4", "-o", str(tmp_path / "m")]
    assert peak_memory("train", text, *options) < 1_000_000_000 + CUDA
    assert load(tmp_path / "m").card.trained_characters > 128


@pytest.mark.slow
@pytest.mark.parametrize("letters", [ENGLISH, CHINESE])
def test_memory_grows_with_the_text_and_not_with_the_windows_read(tmp_path: Path, letters: str) -> None:
    small, large = (large_text(tmp_path, size, letters) for size in (20, 100))
    options = ["--hidden", "16", "-o", str(tmp_path / "m"), "--overwrite", "--minutes"]
    peak, of_more_text, of_more_windows = (
        peak_memory("train", text, *options, minutes)
        for text, minutes in ((small, "0.2"), (large, "0.2"), (small, "0.8"))
    )
    assert of_more_text - peak < 80_000_000 * 1.2
    assert of_more_windows - peak < 10_000_000
