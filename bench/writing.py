"""How fast a model writes with each way to draw, beside plain drawing, in one run; and whether its shapes hold.

`python bench/writing.py MODEL [--corpus TEXT] [--rounds 5] [--length 4000]`. Every round measures all ways, one stream
and sixty-four; shown are medians of the ratios to plain drawing (temperature 0.8) in the same round. `--corpus` adds
the guard against copies.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from typing import Any

import longhand
from longhand.model import Model

NAMES = "[A-Z][a-z]+(, [A-Z][a-z]+){4}"
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "greedy": {"greedy": True},
    "top-k 20": {"top_k": 20},
    "top-p 0.9": {"top_p": 0.9},
    "min-p 0.05": {"min_p": 0.05},
    "penalties": {"repetition_penalty": 1.1, "frequency_penalty": 0.05, "presence_penalty": 0.05},
    "typical 0.9": {"typical": 0.9},
    "bias": {"logit_bias": {"e": -1.0}},
    "temperature to 1.2": {"temperature_end": 1.2},
    "stop string": {"stop": ("never there",)},
    "without e": {"without": "e"},
    "ban": {"ban": ("the ", "and")},
    "lines of 20-60": {"line_length": "20-60"},
}


def speeds(model: Model, ways: dict[str, dict[str, Any]], streams: int, length: int) -> dict[str, float]:
    """Return the tokens a second of each way."""
    found = {}
    for name, settings in ways.items():
        began = time.perf_counter()
        if streams == 1:
            tokens = sum(piece.tokens for piece in model.pieces(length=length, seed=1, **settings))
        else:
            tokens = sum(text.tokens for text in model.texts(count=streams, length=length, seed=1, **settings))
        found[name] = tokens / (time.perf_counter() - began)
    return found


def report_ways(model: Model, ways: dict[str, dict[str, Any]], rounds: int, length: int) -> None:
    """Print the medians."""
    for streams in (1, 64):
        each = length if streams == 1 else length // 8
        measured = [speeds(model, ways, streams, each) for _ in range(rounds + 1)][1:]
        plain = statistics.median(row["plain"] for row in measured)
        print(f"{streams} stream{'s' if streams > 1 else ''}, plain: {plain:,.0f} tokens/s")
        for name in ways:
            ratio = statistics.median(row[name] / row["plain"] for row in measured)
            print(f"    {name:<20} {ratio:.2f}")


def report_shapes(model: Model, rounds: int) -> None:
    """Print whether 1,000 of 1,000 texts match, and at which share of the free speed."""
    ratios = []
    for turn in range(rounds):
        began = time.perf_counter()
        texts = list(model.texts(count=1000, pattern=NAMES, seed=1000 * turn))
        shaped = sum(text.tokens for text in texts) / (time.perf_counter() - began)
        matching = sum(re.fullmatch(NAMES, text.text) is not None for text in texts)
        mean = max(1, round(statistics.mean(text.tokens for text in texts)))
        began = time.perf_counter()
        free = sum(text.tokens for text in model.texts(count=1000, length=mean, seed=1)) / (time.perf_counter() - began)
        ratios.append(shaped / free)
        print(f"{matching} of 1000 texts match {NAMES}, {mean} tokens in the mean, such as {texts[0].text!r}")
    print(f"    {statistics.median(ratios):.2f} of the free speed")
    began = time.perf_counter()
    text = model.generate(length=100_000, seed=1, without="e")
    print(f"without e: {text.lower().count('e')} in {len(text):,} characters")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--corpus")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, default=4000)
    options = parser.parse_args()
    model = longhand.load(options.model)
    ways = dict(WAYS)
    if options.corpus:
        model.index_copies(options.corpus)
        ways["max-copy 30"] = {"max_copy": 30}
    print(f"{model.config.layers} x {model.config.hidden}, {model.tokenizer.size} tokens, {model.runtime.name}")
    report_ways(model, ways, options.rounds, options.length)
    report_shapes(model, options.rounds)


if __name__ == "__main__":
    main()
