"""`longhand generate`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import discard_stdout, note
from longhand.config import SamplingConfig

FLUSH_INTERVAL = 0.05  # seconds: often enough for the eye, seldom enough for a pipe


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--prompt", default="", help="the text to go on from; it is printed first")
@settings_options(SamplingConfig)
def generate(model: str, prompt: str, **settings: Any) -> None:
    """Write text with a model.

    MODEL is a file made by longhand train. The text goes to stdout as it is made, speed and notes to stderr. Same
    model, prompt and seed: the same text.
    """
    import secrets

    from longhand.model import load

    seed = secrets.randbits(32) if settings["seed"] is None else settings["seed"]
    loaded = load(model)
    stream = loaded.stream(prompt, **{**given(settings), "seed": seed})
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
        discard_stdout()
    return written, time.monotonic() - began
