"""Held-out bits per character after some minutes of training, and that the same seed writes the same text.

`python bench/quality.py [--minutes 2] [--runs 3] [FILE...]`; without files, the corpora in ../shared/corpora that are
there. Every run is a fresh `longhand train` with nothing but its defaults; the median run is shown, and all scores.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).parents[2] / "shared" / "corpora"
SCORE = "validation_bits_per_character"


def longhand(*words: str) -> str:
    """Run a command and return what it prints."""
    command = [sys.executable, "-m", "longhand", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout


def trained(path: Path, model: str, minutes: str) -> dict[str, Any]:
    """Train on a text and return what `longhand info` says of the model."""
    longhand("train", str(path), "-o", model, "--minutes", minutes)
    facts: dict[str, Any] = json.loads(longhand("info", model, "--json"))
    return facts


def report(path: Path, minutes: str, runs: int) -> None:
    """Print the median run's figures and the beginning of what its model writes."""
    with tempfile.TemporaryDirectory() as folder:
        models = [str(Path(folder, f"{run}.safetensors")) for run in range(runs)]
        facts = sorted((trained(path, model, minutes) for model in models), key=lambda run: run[SCORE])
        median = facts[len(facts) // 2]
        words = ["generate", median["file"], "--length", "1000", "--seed", "1"]
        texts = [longhand(*words) for _ in range(2)]
    scored = median["validation_characters"] / median["held_out_characters"]
    print(
        f"{path.name}: {median[SCORE]:.3f} bits ({median[SCORE] * math.log(2):.3f} nats) per character on {scored:.0%} "
        f"of the held-out tenth, {median['trained_seconds']:.0f} s, {median['trained_epochs']:.2f} epochs; "
        f"all runs: {', '.join(format(run[SCORE], '.3f') for run in facts)} bits; "
        f"twice the same 1,000 characters: {texts[0] == texts[1]}"
    )
    print("    " + texts[0][:400].replace("\n", "\n    "), flush=True)


def main() -> None:
    """Report on each text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", default="2")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("files", nargs="*", type=Path)
    arguments = parser.parse_args()
    defaults = [CORPORA / name for name in ("tinyshakespeare.txt", "tang.txt", "names.txt")]
    for path in arguments.files or [path for path in defaults if path.exists()]:
        report(path, arguments.minutes, arguments.runs)


if __name__ == "__main__":
    main()
