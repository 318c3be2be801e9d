"""`longhand generate`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import discard_stdout, note, note_runtime
from longhand.config import RunConfig, SamplingConfig
from longhand.errors import OptionError
from longhand.settings import configured
from longhand.units import PLURAL

if TYPE_CHECKING:
    from longhand.generation.loop import Piece

FLUSH_INTERVAL = 0.02  # seconds: less than a piece takes, seldom enough for a pipe where they are single characters


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--prompt", default="", help="the text to go on from; it is printed first")
@click.option("--seed-from", metavar="TEXT", help="go on from a random window of a text file, printed under Seed:")
@settings_options(SamplingConfig)
@settings_options(RunConfig)
def generate(model: str, prompt: str, seed_from: str | None, **settings: Any) -> None:
    """Write text with a model.

    MODEL is a file made by longhand train or import. The text goes to stdout as it is made, speed and notes to stderr.
    Same model, prompt and seed: the same text. Models of the classic recipe go on from a window of text, --prompt or
    --seed-from, and take the likeliest character every time unless --temperature is given.
    """
    import secrets

    from longhand.model import load

    if prompt and seed_from is not None:
        raise OptionError("--prompt and --seed-from exclude each other: give one of them")
    seed = secrets.randbits(32) if settings["seed"] is None else settings["seed"]
    run = {name: settings.pop(name) for name in RunConfig.__struct_fields__}
    sampling = {**given(settings), "seed": seed}
    configured(SamplingConfig, sampling)
    loaded = load(model, **given(run))
    note_runtime(loaded.runtime)
    shown = prompt
    if seed_from is not None:
        prompt = loaded.passage(seed_from, seed=seed)
        shown = f'Seed:\n"{prompt}"\n'
    pieces = loaded.pieces(prompt, **sampling)
    if unknown := loaded.tokenizer.unknown_in(prompt):
        listed = ", ".join(repr(letter) for letter in unknown[:10]) + (", ..." if len(unknown) > 10 else "")
        note(f"the model does not know {listed}: read as the unknown token")
    written, seconds = _print_pieces(shown, pieces)
    unit = PLURAL[loaded.tokenizer.kind]
    card = loaded.card
    if settings["documents"] is not None and card.documents_written:
        share = card.documents_new / card.documents_written
        note(f"{share:.0%} of {card.documents_written} documents that it wrote after its training were not in its text")
    note(f"{written} {unit} at {written / max(seconds, 1e-9):,.0f} {unit}/s, --seed {seed}")


def _print_pieces(first: str, pieces: Iterator[Piece]) -> tuple[int, float]:
    """Print pieces as they come, until they end or nobody reads any more; return tokens and seconds."""
    written, began = 0, time.monotonic()
    flushed = began
    try:
        sys.stdout.write(first)
        last = first
        for last, tokens in pieces:
            written += tokens
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
