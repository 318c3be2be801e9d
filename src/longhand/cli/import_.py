"""`longhand import`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import get_args

import click

from longhand.cli.output import note, noted_if_slow
from longhand.units import Unit


@click.command("import")
@click.argument("weights", metavar="WEIGHTS")
@click.option(
    "--corpus", multiple=True, metavar="TEXT", help="the text that it was trained on; may be given several times"
)
@click.option("--vocabulary", metavar="FILE.json", help="in place of the text: a list, token: number or number: token")
@click.option("-o", "--output", help="the model file; WEIGHTS.safetensors in this folder if left out")
@click.option(
    "--tokens",
    type=click.Choice(get_args(Unit)),
    help="what its numbers stand for [default: char, or what FILE.json has]",
)
@click.option(
    "--window", type=click.IntRange(1, 65_536), help="tokens that it reads, where WEIGHTS does not say [default: 100]"
)
@click.option("--overwrite", is_flag=True, help="replace an existing model of that name")
def import_(
    weights: str,
    corpus: tuple[str, ...],
    vocabulary: str | None,
    output: str | None,
    tokens: Unit | None,
    window: int | None,
    overwrite: bool,
) -> None:
    """Make a model file of what Keras saved.

    WEIGHTS is a .keras, .weights.h5, .h5 or .hdf5 file of a Sequential model of Embedding, LSTM, Dropout and
    Dense(softmax). Keras keeps no vocabulary: it is made from the text, whose sorted characters or words are numbered,
    or read from a file. Needs no Keras and runs nothing that the file names.
    """
    from longhand.api import import_keras
    from longhand.files import refuse_existing
    from longhand.modelfile import model_path

    target = model_path(_default_output(weights) if output is None else output)
    refuse_existing(target, overwrite)
    with noted_if_slow(f"reading {weights} ..."):
        model = import_keras(weights, corpus or None, vocabulary=vocabulary, tokens=tokens, window=window, note=note)
    model.save(target, overwrite=overwrite)
    config = model.config
    click.echo(
        f"{config.layers} x {config.hidden} LSTM, {config.vocabulary_size:,} tokens, windows of {config.window}.\n"
        f"{target} holds the model. Next: longhand generate {shlex.quote(str(target))} "
        + (f"--seed-from {shlex.quote(corpus[0])}" if corpus else '--prompt "..."')
    )


def _default_output(weights: str) -> str:
    return Path(weights).absolute().stem.removesuffix(".weights") or "imported"
