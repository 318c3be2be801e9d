"""What each fault of the Keras tutorial's recipe costs, in one run: `python bench/faults.py [--minutes 2] TEXT`.

Four trainings of the same length; held-out bits per character on the same 20,000 characters.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from longhand.model import Model, load
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.evaluation import HeldOut, HeldOutWindows
from longhand.training.torch_engine import TorchEngine

SCORED, WINDOW, PIECE = 20_000, 100, 20


def trained(text: Path, folder: str, minutes: str, *options: str) -> Model:
    """Return what `longhand train` makes with these options."""
    path = str(Path(folder, "_".join(options).strip("-") or "default"))
    words = ["train", str(text), "-o", path, "--minutes", minutes, "--held-out", "0.1", *options]
    subprocess.run([sys.executable, "-m", "longhand", *words], check=True, stdout=sys.stderr)
    return load(path)


def bits(model: Model, text: str, window: int | None, order: np.ndarray | None = None) -> float:
    """Return bits per character of the first 20,000 held-out ones.

    - window: what each prediction is made from; None carries the state
    - order: what the tokens' numbers are taken for; None takes them for what they are
    """
    ids = model.tokenizer.encode(text)
    if order is not None:
        ids = order[ids]
    first = len(text) - round(len(text) / 10)
    engine = TorchEngine(model.config, model.file.weights, update=DefaultRecipe.update, dropout=0.0, device="cpu")
    if window is None:
        assert model.tokenizer.start is not None
        result = HeldOut(ids[first : first + SCORED], model.tokenizer.start).bits(engine, model.config)
    else:
        windows = HeldOutWindows(ids, first=first, count=SCORED, characters=SCORED, window=window)
        result = windows.bits(engine, model.config)
    assert result is not None
    return result


def new_pieces(model: Model, text: str, **sampling: float) -> float:
    """Return the mean share of 20-character pieces, of five texts of 1,000, that came for the first time."""
    shares = []
    for number in range(5):
        begin = number * len(text) // 10
        written = model.generate(text[begin : begin + WINDOW], length=1000, seed=number, **sampling)
        pieces = {written[place : place + PIECE] for place in range(len(written) - PIECE + 1)}
        shares.append(len(pieces) / (len(written) - PIECE + 1))
    return sum(shares) / len(shares)


def main() -> None:
    """Print the comparisons."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", default="2")
    parser.add_argument("text", type=Path)
    arguments = parser.parse_args()
    text = arguments.text.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        default = trained(arguments.text, folder, arguments.minutes)
        scalar = trained(arguments.text, folder, arguments.minutes, "--embedding", "0")
        classic = trained(arguments.text, folder, arguments.minutes, "--recipe", "classic")
        embedded = trained(arguments.text, folder, arguments.minutes, "--recipe", "classic", "--embedding", "128")
    order = np.arange(classic.config.vocabulary_size)
    np.random.default_rng(0).shuffle(order)
    right, wrong = bits(classic, text, WINDOW), bits(classic, text, WINDOW, order)
    print(f"vocabulary: {right:.3f} bits in the order of the training, {wrong:.3f} in another one")
    carried, fresh = bits(default, text, None), bits(default, text, WINDOW)
    print(f"state (default recipe): {carried:.3f} bits carried, {fresh:.3f} from windows of {WINDOW} alone")
    counts = [f"{model.card.trained_characters:,}" for model in (classic, default)]
    print(f"targets learned from: classic {counts[0]}, default {counts[1]}")
    print(f"input, classic recipe: scalar {right:.3f} bits, embedding {bits(embedded, text, WINDOW):.3f}")
    print(f"input, default recipe: scalar {bits(scalar, text, None):.3f} bits, embedding {carried:.3f}")
    for name, model in (("classic", classic), ("default", default)):
        greedy, drawn = (new_pieces(model, text, temperature=temperature) for temperature in (0.0, 0.8))
        print(f"new pieces of {PIECE} characters, {name}: greedy {greedy:.0%}, at temperature 0.8 {drawn:.0%}")


if __name__ == "__main__":
    main()
