"""A text of a gigabyte: how fast it is prepared, how long until the first step, and how much memory that takes.

`python bench/large.py [--gigabytes 1] [--tokens char --tokens byte ...] TEXT...` makes it of paragraphs in a shuffled
order, again and again, in a folder that goes afterwards, and trains on it twice with each kind of tokens: the second
training finds them prepared. Both end with their first steps.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEGABYTE = 1e6
STEPS = 20  # after which a training is ended
PREPARE = """
import sys, time
from longhand.text.preparing import encode_corpus
from longhand.text.vocabulary import Wanted
began = time.monotonic()
kind, _, size = sys.argv[2].partition(":")
encode_corpus([sys.argv[1]], wanted=Wanted(kind, int(size or 20_000)))
print(time.monotonic() - began)
"""


def made_up(sources: list[Path], path: Path, size: int) -> None:
    """Write about `size` bytes."""
    paragraphs = [part for source in sources for part in source.read_text(encoding="utf-8").split("\n\n")]
    order, left = random.Random(0), size
    with path.open("w", encoding="utf-8") as file:
        while left > 0:
            order.shuffle(paragraphs)
            text = "\n\n".join(paragraphs) + "\n\n"
            file.write(text)
            left -= len(text.encode())


def first_step(text: Path, tokens: str, folder: Path) -> tuple[float, float]:
    """Train until some steps are made; return the seconds until the first one, and the peak memory in bytes."""
    command = [sys.executable, "-m", "longhand", "train", text, "-o", folder / "model", "--overwrite", "--json-lines"]
    began = time.monotonic()
    process = subprocess.Popen(
        [*map(str, command), "--tokens", tokens, "--minutes", "100"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    seconds = 0.0
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "step":
            seconds = seconds or time.monotonic() - began
            if event["step"] >= STEPS:
                process.send_signal(signal.SIGTERM)
    _, _, usage = os.wait4(process.pid, 0)
    return seconds, usage.ru_maxrss * 1024.0


def main() -> None:
    """Print a line for each kind of tokens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--tokens", action="append")
    parser.add_argument("texts", nargs="+", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LONGHAND_CACHE"] = str(folder / "cache")
        text = folder / "large.txt"
        made_up(options.texts, text, round(options.gigabytes * 1e9))
        size = text.stat().st_size
        for tokens in options.tokens or ["char", "byte"]:
            once = subprocess.run([sys.executable, "-c", PREPARE, text, tokens], check=True, stdout=subprocess.PIPE)
            speed = size / MEGABYTE / float(once.stdout)
            subprocess.run([sys.executable, "-m", "longhand", "cache", "clear"], check=True, stdout=subprocess.DEVNULL)
            runs = [first_step(text, tokens, folder) for _ in range(2)]
            seconds = " and ".join(f"{taken:.1f}" for taken, _ in runs)
            memory = " and ".join(f"{peak / MEGABYTE:,.0f}" for _, peak in runs)
            print(
                f"{tokens}: {size / MEGABYTE:,.0f} MB prepared at {speed:.0f} MB/s; first step after {seconds} s, peak "
                f"memory {memory} MB (the second time it is prepared already)"
            )


if __name__ == "__main__":
    main()
