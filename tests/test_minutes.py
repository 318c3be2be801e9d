"""That minutes are minutes, on a machine that others use too."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from longhand.model import load

MINUTES, ALLOWED = 0.5, 5.0  # seconds more or less, or 3 % where that is more
BUSY = "import time\nend = time.monotonic() + 120\nwhile time.monotonic() < end: sum(range(10000))"


@pytest.mark.slow
@pytest.mark.parametrize("begin", [0.0, 12.0, 26.0])
def test_a_training_ends_in_time_whatever_begins_beside_it(tmp_path: Path, begin: float) -> None:
    words = np.array(["the", "sea", "and", "a", "stone", "of", "light\n", "under", "which", "we", "walked,"])
    text = " ".join(words[np.random.default_rng(0).integers(0, len(words), 300_000)])
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "longhand", "train", str(tmp_path / "text.txt"), "-o", str(tmp_path / "m")]
    began, others = time.monotonic(), []
    with subprocess.Popen([*command, "--minutes", str(MINUTES)], stdout=subprocess.DEVNULL) as training:
        time.sleep(begin)
        try:
            others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(3)]
            training.wait(timeout=120)
            took = time.monotonic() - began
        finally:
            for other in others:
                other.kill()
                other.wait()
    assert training.returncode == 0
    assert abs(took - 60 * MINUTES) <= ALLOWED
    assert load(tmp_path / "m").card.validation_bits_per_character is not None
