"""How long commands take from the shell, in seconds; medians of nine, each in a fresh process.

`python bench/startup.py`
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from longhand.config import NetworkConfig
from longhand.modelfile import ModelFile, write_model
from longhand.text.characters import CharacterTokenizer
from longhand.training.initial import initial_weights

RUNS = 9


def seconds(*command: str) -> float:
    """Return the median time that `command` takes."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Print a line for each command."""
    tokenizer = CharacterTokenizer("".join(map(chr, range(32, 97))))
    config = NetworkConfig(vocabulary_size=tokenizer.size, hidden=512)
    weights = initial_weights(config, np.ones(tokenizer.size, np.int64), 0, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.safetensors")
        write_model(ModelFile(config, tokenizer.to_record(), weights), path)
        commands = [
            ("python -c pass", ["-c", "pass"]),
            ("import longhand", ["-c", "import longhand"]),
            ("longhand --help", ["-m", "longhand", "--help"]),
            ("longhand train --help", ["-m", "longhand", "train", "--help"]),
            ("longhand info, 2 x 512", ["-m", "longhand", "info", str(path)]),
            ("longhand generate, 2 x 512, one character", ["-m", "longhand", "generate", str(path), "--length", "1"]),
        ]
        for name, command in commands:
            print(f"{name:45} {seconds(*command):.3f} s")


if __name__ == "__main__":
    main()
