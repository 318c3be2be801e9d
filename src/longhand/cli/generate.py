"""`longhand generate`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from longhand.cli.options import given, option
from longhand.cli.output import note
from longhand.config import SamplingConfig

FLUSH_INTERVAL = 0.05  # seconds: often enough for the eye, seldom enough for a pipe


def run(
    model: Annotated[str, typer.Argument(help="A model file made by longhand train.", metavar="MODEL")],
    prompt: Annotated[str, typer.Option("--prompt", help="The text to go on from; it is printed first.")] = "",
    length: Annotated[int | None, option(SamplingConfig, "length")] = None,
    temperature: Annotated[float | None, option(SamplingConfig, "temperature")] = None,
    greedy: Annotated[bool, option(SamplingConfig, "greedy")] = False,
    seed: Annotated[int | None, option(SamplingConfig, "seed")] = None,
) -> None:
    """Write text with a model: the text to stdout as it is made, speed and notes to stderr.

    Same model, prompt and seed: the same text.
    """
    import secrets

    from longhand.model import load

    if seed is None:
        seed = secrets.randbits(32)
    loaded = load(model)
    stream = loaded.stream(prompt, **given(length=length, temperature=temperature, greedy=greedy, seed=seed))
    if unknown := loaded.tokenizer.unknown_in(prompt):
        shown = ", ".join(repr(letter) for letter in unknown[:10]) + (", ..." if len(unknown) > 10 else "")
        note(f"the model does not know {shown}: read as the unknown token")
    written, seconds = _print_stream(prompt, stream)
    note(f"{written} characters at {written / max(seconds, 1e-9):,.0f} characters/s, --seed {seed}")


def _print_stream(prompt: str, pieces: Iterator[str]) -> tuple[int, float]:
    """Print as pieces come, until they end or nobody reads any more; return how many came in how many seconds."""
    written, began = 0, time.monotonic()
    flushed = began
    try:
        sys.stdout.write(prompt)
        last = prompt
        for written, last in enumerate(pieces, 1):  # noqa: B007 (their values after the loop count)
            sys.stdout.write(last)
            if (now := time.monotonic()) - flushed > FLUSH_INTERVAL:
                sys.stdout.flush()
                flushed = now
        if sys.stdout.isatty() and not last.endswith("\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What Python flushes at its exit has to go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return written, time.monotonic() - began
