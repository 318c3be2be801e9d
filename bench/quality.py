"""Held-out bits per character after some minutes of training, and that the same seed writes the same text.

`python bench/quality.py [--minutes 2] [FILE...]`; without files, the corpora in ../shared/corpora that are there.
Every training is a fresh `longhand train` with nothing but its defaults.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

CORPORA = Path(__file__).parents[2] / "shared" / "corpora"


def longhand(*words: str) -> str:
    """Run a command and return what it prints."""
    command = [sys.executable, "-m", "longhand", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout


def main() -> None:
    """Print a line and a sample for each text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", default="2")
    parser.add_argument("files", nargs="*", type=Path)
    arguments = parser.parse_args()
    defaults = [CORPORA / name for name in ("tinyshakespeare.txt", "tang.txt", "names.txt")]
    for path in arguments.files or [path for path in defaults if path.exists()]:
        with tempfile.TemporaryDirectory() as folder:
            model = str(Path(folder, "model.safetensors"))
            longhand("train", str(path), "-o", model, "--minutes", arguments.minutes)
            facts = json.loads(longhand("info", model, "--json"))
            texts = [longhand("generate", model, "--length", "1000", "--seed", "1") for _ in range(2)]
        bits, nats = facts["validation_bits_per_character"], facts["validation_bits_per_character"] * 0.6931472
        scored = facts["validation_characters"] / facts["held_out_characters"]
        print(
            f"{path.name}: {bits:.3f} bits ({nats:.3f} nats) per character on {scored:.0%} of the held-out tenth, "
            f"{facts['trained_seconds']:.0f} s, {facts['trained_epochs']:.2f} epochs; "
            f"twice the same 1,000 characters: {texts[0] == texts[1]}"
        )
        print("    " + texts[0][:400].replace("\n", "\n    "), flush=True)


if __name__ == "__main__":
    main()
