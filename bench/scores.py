"""What a score says, and what adapting and the cache take off it: on a text's last tenth, which no model has seen.

    python bench/scores.py --corpus tinyshakespeare.txt

Trains a model of characters and one of words for some minutes each, and scores what was held out of them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from scoring import held_out

from longhand.api import train
from longhand.model import Model, load

WAYS: tuple[dict[str, Any], ...] = (
    {"streams": 1},
    {"adapt": True},
    {"adapt": True, "adapt_layers": "all"},
    {"cache": True},
    {"adapt": True, "cache": True},
)


def show(model: Model, text: str) -> None:
    """Print the score of a text, whole and with all ways to lower it."""
    began = time.monotonic()
    score = model.scorer().score([text])
    seconds = time.monotonic() - began
    trained = model.card.validation_bits_per_character
    assert trained is not None
    print(f"  the training said {trained:.6f} bits per character of {model.card.validation_characters:,}")
    print(f"  the score is      {score.bits_per_character:.6f} of {score.characters:,}", end="")
    print(f", {score.characters / seconds:,.0f} characters a second")
    for way in WAYS:
        began = time.monotonic()
        found = model.scorer(**way).score([text])
        change = found.bits / score.bits - 1
        words = ", ".join(f"{name} {value}" for name, value in way.items())
        speed = found.characters / (time.monotonic() - began)
        print(f"  {words:34} {found.bits_per_character:.6f} {change:+8.3%} {speed:12,.0f} characters a second")


def main() -> None:
    """Train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True, help="a text")
    parser.add_argument("--minutes", type=float, default=2, help="to train each model for")
    parser.add_argument("--seed", type=int, default=0, help="of the trainings")
    parser.add_argument("--model", action="append", help="a trained one instead; may be given several times")
    arguments = parser.parse_args()
    if arguments.model:
        models = {name: load(name, precision="fp32") for name in arguments.model}
        for name, model in models.items():
            print(name)
            show(model, held_out(model, arguments.corpus))
        return
    with tempfile.TemporaryDirectory() as folder:
        for tokens in ("char", "word"):
            path = Path(folder) / f"{tokens}.safetensors"
            train(arguments.corpus, path, minutes=arguments.minutes, tokens=tokens, seed=arguments.seed)
            print(f"tokens {tokens}, {arguments.minutes:g} minutes")
            model = load(path, precision="fp32")
            show(model, held_out(model, arguments.corpus))


if __name__ == "__main__":
    main()
