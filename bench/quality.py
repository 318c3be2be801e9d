"""Held-out bits per character after some minutes of training, beside a plain LSTM script in the same time.

`python bench/quality.py [--minutes 2] [--runs 3] [--plain-runs 3] [FILE...]`; without files, the corpora in
../shared/corpora that are there. Every run is a fresh `longhand train` with nothing but its defaults, and after it one
of `bench/plain_lstm.py` (in the first of the runs only, or in none, where fewer of it are asked for).
Both are scored on the whole of the last tenth, read in order with the state carried: Longhand's models once more, for
in a short training they score themselves on a part of it. Medians of the runs are compared; all are shown. That the
same seed writes the same text is seen on the way.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scoring import whole_score

CORPORA = Path(__file__).parents[2] / "shared" / "corpora"
PLAIN = Path(__file__).parent / "plain_lstm.py"


def printed(*command: str) -> str:
    """Run a Python command and return what it prints."""
    done = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    return done.stdout


def longhand(*words: str) -> str:
    """Run Longhand and return what it prints."""
    return printed("-m", "longhand", *words)


def report(path: Path, minutes: str, runs: int, plain_runs: int) -> None:
    """Print all scores, the medians, and the beginning of what the first model writes."""
    ours: list[float] = []
    theirs: list[float] = []
    texts: list[str] = []
    for run in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            model = str(Path(folder, "model.safetensors"))
            longhand("train", str(path), "-o", model, "--minutes", minutes)
            facts: dict[str, Any] = json.loads(longhand("info", model, "--json"))
            ours.append(whole_score(path, model)[0])
            words = ["generate", model, "--length", "1000", "--seed", "1"]
            texts = texts or [longhand(*words) for _ in range(2)]
        if run < plain_runs:
            theirs.append(json.loads(printed(str(PLAIN), str(path), "--minutes", minutes))["bits_per_character"])
        plain = f"{theirs[run]:.4f} bits" if run < plain_runs else "not run"
        print(
            f"{path.name}, run {run + 1}: {facts['layers']} x {facts['hidden']}, {facts['trained_seconds']:.1f} s, "
            f"{facts['trained_epochs']:.2f} epochs, dropout {facts['training']['dropout']:g}: {ours[-1]:.4f} bits, "
            f"{ours[-1] * math.log(2):.4f} nats (its own score {facts['validation_bits_per_character']:.4f} bits on "
            f"{facts['validation_characters']:,} characters); plain {plain}",
            flush=True,
        )
    one = statistics.median(ours)
    other = ""
    if theirs:
        plain_median = statistics.median(theirs)
        other = f", the plain script {plain_median:.3f}: {1 - one / plain_median:.1%} better"
    print(
        f"{path.name}, {minutes} minutes, medians: Longhand {one:.3f} bits ({one * math.log(2):.3f} nats) per "
        f"character{other}; twice the same text: "
        f"{texts[0] == texts[1]}"
    )
    print("    " + texts[0][:400].replace("\n", "\n    "), flush=True)


def main() -> None:
    """Report on each text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", default="2")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--plain-runs", type=int, help="of the plain script (default: as many)")
    parser.add_argument("files", nargs="*", type=Path)
    arguments = parser.parse_args()
    plain_runs = arguments.runs if arguments.plain_runs is None else arguments.plain_runs
    defaults = [CORPORA / name for name in ("tinyshakespeare.txt", "tang.txt", "names.txt")]
    for path in arguments.files or [path for path in defaults if path.exists()]:
        report(path, arguments.minutes, arguments.runs, plain_runs)


if __name__ == "__main__":
    main()
