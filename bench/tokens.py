"""The same text in different tokens, for the same minutes: bits per byte of the held-out tenth, and what is written.

`python bench/tokens.py [--minutes 2] [--tokens char --tokens bpe:2000 ...] TEXT`
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scoring import whole_score

WRITTEN = 80  # characters of a sample that are shown


def trained(text: Path, tokens: str, minutes: float, folder: Path) -> tuple[dict[str, Any], str]:
    """Train in a fresh process; return what `longhand info` says of the model, and what it writes."""
    model = folder / tokens.replace(":", "-")
    longhand = [sys.executable, "-m", "longhand"]
    command = [*longhand, "train", text, "-o", model, "--tokens", tokens, "--minutes", str(minutes)]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    info = subprocess.run([*longhand, "info", str(model), "--json"], check=True, stdout=subprocess.PIPE)
    written = subprocess.run(
        [*longhand, "generate", str(model), "--length", str(WRITTEN), "--seed", "1"],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return json.loads(info.stdout), written.stdout.decode("utf-8")


def main() -> None:
    """Print a line for each kind of tokens, and a sample under it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--tokens", action="append")
    parser.add_argument("text", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for tokens in options.tokens or ["char", "byte", "word", "bpe:2000"]:
            card, written = trained(options.text, tokens, options.minutes, Path(folder))
            per_character, per_byte = whole_score(options.text, card["file"])
            print(
                f"{tokens:9} {per_byte:.4f} bits per byte, {per_character:.4f} per character; "
                f"{card['vocabulary_size']:,} tokens, {card['layers']} x "
                f"{card['hidden']}, read {card['trained_epochs']:.2f} times, {card['bytes'] / 1e6:.1f} MB",
                flush=True,
            )
            print("   ", " / ".join(written[:WRITTEN].split("\n")), flush=True)


if __name__ == "__main__":
    main()
