"""The Keras tutorial's script, the classic recipe and the default recipe at equal wall time, in one run.

`python bench/tutorial.py [--minutes 10] [--keras PYTHON] TEXT`

PYTHON is the interpreter that runs the script in Keras, with the backend that KERAS_BACKEND names; this one and torch
if left out. Each learns the first nine tenths of TEXT for the same time, counted from the start of its process. All are
then scored on all of the last tenth, by the same code, window by window or with the state carried, as each predicts.
Peak memory is that of the training process.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from longhand.api import import_keras
from longhand.model import Model, load
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.evaluation import HeldOut, HeldOutWindows
from longhand.training.torch_engine import TorchEngine

WRITTEN = 300  # characters that generation is timed over
HEADER = "| | learned from, targets | held-out bits (nats) per character | writes, characters/s | peak memory |"


def measured(*command: str, **environment: str) -> float:
    """Run a command to its end and return its peak memory in megabytes."""
    process = subprocess.Popen(command, stdout=sys.stderr, env={**os.environ, **environment})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def score(model: Model, text: str) -> float:
    """Return the bits per character of the last tenth of a text, each predicted as the model predicts."""
    engine = TorchEngine(model.config, model.file.weights, update=DefaultRecipe.update, dropout=0.0, device="cpu")
    held_out = round(len(text) / 10)
    ids = model.tokenizer.encode(text)
    window = model.config.window
    if window is None:
        assert model.tokenizer.start is not None
        bits = HeldOut(ids[-held_out:], model.tokenizer.start).bits(engine, model.config)
    else:
        first = len(ids) - held_out
        windows = HeldOutWindows(ids, first=first, count=held_out, characters=held_out, window=window)
        bits = windows.bits(engine, model.config)
    assert bits is not None
    return bits


def speed(pieces: Iterator[str]) -> float:
    """Return characters written a second, after the first."""
    next(pieces)
    began = time.perf_counter()
    return len(list(islice(pieces, WRITTEN))) / (time.perf_counter() - began)


def row(name: str, targets: int, bits: float, writes: float, memory: float) -> None:
    """Print a row of the table."""
    print(
        f"| {name} | {targets:,} | {bits:.3f} ({bits * math.log(2):.3f}) | {writes:,.0f} | {memory:,.0f} MB |",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--keras", default=sys.executable, help="interpreter that has Keras")
    parser.add_argument("text", type=Path)
    arguments = parser.parse_args()
    seconds, minutes = str(arguments.minutes * 60), str(arguments.minutes)
    text = arguments.text.read_text(encoding="utf-8")
    learned = text[: len(text) - round(len(text) / 10)]
    prompt = learned[:100]
    print(f"{HEADER}\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus, keras_model, report = (
            str(Path(folder, name)) for name in ("learned.txt", "script.keras", "report.json")
        )
        Path(corpus).write_text(learned, encoding="utf-8")
        script = str(Path(__file__).parent / "keras_script.py")
        backend = os.environ.get("KERAS_BACKEND", "torch")
        memory = measured(arguments.keras, script, corpus, seconds, keras_model, report, KERAS_BACKEND=backend)
        facts = json.loads(Path(report).read_text(encoding="utf-8"))
        bits = score(import_keras(keras_model, corpus), text)
        row(f"the script, Keras on {facts['backend']}", facts["targets"], bits, facts["speed"], memory)
        for recipe in ("classic", "default"):
            path = str(Path(folder, recipe))
            options = ["--recipe", recipe, "--minutes", minutes, "--held-out", "0.1", "-o", path]
            memory = measured(sys.executable, "-m", "longhand", "train", str(arguments.text), *options)
            model = load(path)
            row(
                f"`--recipe {recipe}`",
                model.card.trained_characters,
                score(model, text),
                speed(model.stream(prompt, length=WRITTEN + 1, seed=0)),
                memory,
            )


if __name__ == "__main__":
    main()
