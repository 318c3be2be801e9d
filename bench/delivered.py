"""Train beside other programs and compare what is delivered with the last checkpoint.

`python bench/delivered.py TEXT... [--runs 20] [--minutes 1] [--from SHARE] [--loops N] [--seed 0]`

The texts take turns. In each training, busy loops begin at a random moment, or at a share of the time. Afterwards the
delivered weights and those of the last checkpoint are scored on the same sample of the held-out text. Ends with exit
code 1 if a delivered model is more than 1 % worse, or a training took more than 3 % or 5 seconds more or less than was
asked for.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from longhand.errors import LonghandError
from longhand.model import load
from longhand.modelfile import Weights
from longhand.training.checkpoint_file import Checkpoint, read_checkpoint
from longhand.training.choice import engine_for
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.engine import MOMENTS
from longhand.training.planning import read_corpus
from longhand.training.saved import part_of

LOOP = "while True: sum(range(10000))"
LOOK = 0.25  # seconds between two looks for a new checkpoint
ALLOWED_SHARE, ALLOWED_SECONDS, ALLOWED_BITS = 0.03, 5.0, 0.01


@dataclass
class Result:
    """How a training ended."""

    text: str
    busy_from: float
    seconds: float
    delivered: float
    last: float
    kept: float

    def line(self) -> str:
        """Return it as a row of the table."""
        name, worse = self.text[-24:], self.delivered / self.last - 1
        bits = f"{self.delivered:9.4f} {self.last:15.4f} {worse:+7.2%}"
        return f"{name:24} {self.busy_from:8.1f} {self.seconds:8.1f} {bits} {self.kept:12.3f}"


def trained(text: Path, output: Path, minutes: float, busy_from: float, loops: int) -> tuple[float, Checkpoint]:
    """Train, with busy loops from a moment on; return the seconds it took and the last checkpoint there was."""
    command = [sys.executable, "-m", "longhand", "train", str(text), "-o", str(output), "--minutes", f"{minutes}"]
    log = output.with_suffix(".log")
    others: list[subprocess.Popen[bytes]] = []
    began, last = time.monotonic(), output.with_suffix(".last")
    with (
        log.open("wb") as out,
        subprocess.Popen([*command, "--checkpoint-every", "5"], stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        try:
            while process.poll() is None:
                if not others and time.monotonic() - began >= busy_from:
                    others = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(loops)]
                link_newest(output.with_suffix(".run"), last)
                time.sleep(LOOK)
        finally:
            took = time.monotonic() - began
            for other in others:
                other.kill()
                other.wait()
    if process.returncode:
        raise SystemExit(log.read_text(encoding="utf-8"))
    link_newest(output.with_suffix(".run"), last)
    return took, read_checkpoint(last)


def link_newest(run: Path, last: Path) -> None:
    """Give the newest checkpoint of a run another name, under which it stays when the training removes it."""
    newest = max(run.glob("checkpoint-*.safetensors"), default=None)
    if newest is None or (last.exists() and newest.samefile(last)):
        return
    with suppress(FileNotFoundError):
        beside = last.with_suffix(".next")
        os.link(newest, beside)
        beside.replace(last)


def scores(text: Path, checkpoint: Checkpoint, delivered: Weights) -> tuple[float, float]:
    """Return the bits per character of the delivered weights and of the checkpoint's, on the same sample."""
    engine = part_of(checkpoint.saved, "engine")
    last = {name: array for name, array in engine.arrays.items() if not name.startswith(MOMENTS)}
    recipe = DefaultRecipe(read_corpus([str(text)], checkpoint.config), checkpoint.config)
    found = []
    for weights in (delivered, last):
        recipe.weights = weights
        blocks = recipe.scorer.blocks(engine_for(recipe, checkpoint.config), recipe.network)
        found.append(recipe.scorer.bits_of([next(blocks) for _ in range(recipe.scorer.sample)]))
    return found[0], found[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--from", type=float, dest="share")
    parser.add_argument("--loops", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("texts", type=Path, nargs="+")
    arguments = parser.parse_args()
    chance, total, failed = random.Random(arguments.seed), 60 * arguments.minutes, False
    print(
        f"{'text':24} {'busy at':>8} {'seconds':>8} {'delivered':>9} {'last checkpoint':>15} {'worse':>7} steps in it"
    )
    for number in range(arguments.runs):
        text = arguments.texts[number % len(arguments.texts)]
        busy_from = total * (chance.random() if arguments.share is None else arguments.share)
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "m.safetensors")
            try:
                took, checkpoint = trained(text, output, arguments.minutes, busy_from, arguments.loops)
                model = load(output)
                delivered, last = scores(text, checkpoint, model.file.weights)
            except LonghandError as error:
                raise SystemExit(str(error)) from error
        kept = model.card.kept_epochs / max(model.card.trained_epochs, 1e-9)
        result = Result(text.name, busy_from, took, delivered, last, kept)
        late = abs(took - total) > max(ALLOWED_SHARE * total, ALLOWED_SECONDS)
        failed |= late or delivered > last * (1 + ALLOWED_BITS)
        print(result.line() + (" late" if late else ""), flush=True)
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
