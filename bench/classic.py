"""Seconds to the first step and peak memory of the classic recipe: `python bench/classic.py [FILE...]`.

Without files, tiny Shakespeare from ../shared/corpora, if it is there, and a text of 100 MB made of it. Each file is
trained on for half a minute in a fresh process, whose first second counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parents[2] / "shared" / "corpora" / "tinyshakespeare.txt"
TRAIN = """
import sys, time
began = time.monotonic()
import longhand
from longhand.training.events import Stepped
def listen(event):
    if isinstance(event, Stepped) and event.step == 1:
        print(f"{time.monotonic() - began:.1f}", flush=True)
longhand.train(sys.argv[1], recipe="classic", minutes=0.5, listener=listen)
"""


def report(path: Path) -> None:
    """Print one file's figures."""
    process = subprocess.Popen([sys.executable, "-c", TRAIN, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.read().strip()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, status
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(f"{path.stat().st_size / 1e6:.1f} MB: first step after {first} s, peak memory {peak:.0f} MB", flush=True)


def main() -> None:
    """Report on each file."""
    files = [Path(name) for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        if not files and CORPUS.exists():
            large = Path(folder, "large.txt")
            text = CORPUS.read_bytes()
            with large.open("wb") as file:
                for _ in range(-(-100_000_000 // len(text))):
                    file.write(text)
            files = [CORPUS, large]
        for path in files:
            report(path)


if __name__ == "__main__":
    main()
