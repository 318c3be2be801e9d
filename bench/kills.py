"""Kill a training at random moments, resume it each time, and compare it with one that nobody touched.

`python bench/kills.py [--kills 20] [--seed 0] [FILE]`; without a file, a text of its own. Ends with exit code 1 if a
loss or the SHA-256 of the final weights differs. A checkpoint is written as often as the clock allows, so that some of
the kills come while one is being written.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from longhand import load, train
from longhand.training import safety
from longhand.training.events import Event, Stepped

SETTINGS = {"hidden": 64, "embedding": 16, "batch": 8, "window": 32, "threads": 1, "epochs": 12, "checkpoint_every": 0}


def child(text: str, output: str, resume: bool) -> None:
    """Train, and print each step's loss."""

    def tell(event: Event) -> None:
        if isinstance(event, Stepped):
            sys.stdout.write(f"{event.step} {event.training_bits.hex()}\n")
            sys.stdout.flush()

    safety.SAVING_SHARE = 0.5
    settings: dict[str, Any] = {} if resume else SETTINGS
    train(text, output, overwrite=not resume, resume=resume, listener=tell, **settings)


class Run:
    """A training that is started again and again."""

    def __init__(self, text: Path, output: Path) -> None:
        self._text, self._output = text, output
        self.losses: dict[int, str] = {}

    def go_on(self, seconds: float | None = None) -> bool:
        """Train on from the last checkpoint to the end, or kill it after some seconds; return whether it got there."""
        resume = ["--resume"] if any(self._output.with_suffix(".run").glob("checkpoint-*")) else []
        command = [sys.executable, __file__, "--child", str(self._text), str(self._output), *resume]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL):
            raise SystemExit(f"the training failed: {err}")
        for line in out.split("\n")[:-1]:
            step, loss = line.split()
            if self.losses.setdefault(int(step), loss) != loss:
                raise SystemExit(f"step {step}: another loss the second time")
        return process.returncode == 0

    def digest(self) -> str:
        """Return the SHA-256 of the model's weights."""
        weights = load(self._output).file.weights
        return hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()


def compare(text: Path, folder: Path, kills: int, chance: random.Random) -> None:
    """Train once to the end, then again and again with kills, until there were so many."""
    began = time.monotonic()
    whole = Run(text, folder / "whole.safetensors")
    whole.go_on()
    seconds, done, trainings = time.monotonic() - began, 0, 0
    while done < kills:
        cut, trainings = Run(text, folder / f"cut{trainings}.safetensors"), trainings + 1
        while not cut.go_on(chance.uniform(0, 0.8 * seconds) if done < kills else None):
            done += 1
        if (cut.losses, cut.digest()) != (whole.losses, whole.digest()):
            raise SystemExit(f"after {done} kills: other losses or other weights than without")
    steps = len(whole.losses)
    print(f"{done} kills in {trainings} trainings of {steps} steps: the same losses, the same weights {whole.digest()}")


def main() -> None:
    """Kill and compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("file", nargs="?", type=Path)
    arguments = parser.parse_args()
    if arguments.child:
        text, output = arguments.child
        child(text, output, arguments.resume)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or Path(folder, "text.txt")
        if arguments.file is None:
            words = random.Random(0).choices(["tide", "lamp", "harbour", "of", "the", "and", "grey", "sang"], k=6000)
            path.write_text("\n".join(" ".join(words[n : n + 6]) for n in range(0, len(words), 6)), encoding="utf-8")
        compare(path, Path(folder), arguments.kills, random.Random(arguments.seed))


if __name__ == "__main__":
    main()
