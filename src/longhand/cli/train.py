"""`longhand train`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from longhand.cli.options import given, option
from longhand.config import TrainConfig, configured
from longhand.errors import OptionError


def run(
    corpus: Annotated[
        list[str], typer.Argument(help="Text files or folders; - for standard input.", metavar="CORPUS...")
    ],
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The model file; CORPUS.safetensors here if left out.")
    ] = None,
    minutes: Annotated[float | None, option(TrainConfig, "minutes")] = None,
    epochs: Annotated[float | None, option(TrainConfig, "epochs")] = None,
    hidden: Annotated[int | None, option(TrainConfig, "hidden")] = None,
    layers: Annotated[int | None, option(TrainConfig, "layers")] = None,
    embedding: Annotated[int | None, option(TrainConfig, "embedding")] = None,
    dropout: Annotated[float | None, option(TrainConfig, "dropout")] = None,
    batch: Annotated[int | None, option(TrainConfig, "batch")] = None,
    window: Annotated[int | None, option(TrainConfig, "window")] = None,
    lr: Annotated[float | None, option(TrainConfig, "learning_rate", "--lr")] = None,
    seed: Annotated[int | None, option(TrainConfig, "seed")] = None,
    threads: Annotated[int | None, option(TrainConfig, "threads")] = None,
    device: Annotated[str | None, option(TrainConfig, "device")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing model of that name.")] = False,
) -> int:
    """Learn a text and write a model of it to one file.

    The last tenth of the text is held out: the model is scored on it, and the best one is kept. Ctrl-C ends early and
    keeps the best so far (exit code 130; 143 for SIGTERM). The log is written to NAME.run beside NAME.safetensors.
    """
    if minutes is not None and epochs is not None:
        raise OptionError("--minutes and --epochs exclude each other: give one of them")
    network = given(hidden=hidden, layers=layers, embedding=embedding)
    recipe = given(dropout=dropout, batch=batch, window=window, learning_rate=lr, seed=seed)
    budget = given(minutes=minutes, epochs=epochs, threads=threads, device=device)
    config = configured(TrainConfig, network | recipe | budget)

    from longhand.cli.watcher import watching
    from longhand.training.trainer import train_model

    with watching() as watcher:
        model = train_model(
            corpus, config, Path(output or _default_output(corpus[0])), overwrite=overwrite, tell=watcher
        )
    return exit_code(model.card.stopped_by)


def exit_code(stopped_by: str) -> int:
    """Return the exit code of a training: 0, or 128 and the number of the signal that ended it early."""
    return 128 + signal.Signals[stopped_by] if stopped_by in signal.Signals.__members__ else 0


def _default_output(source: str) -> str:
    return "longhand" if source == "-" else Path(source).resolve().stem
