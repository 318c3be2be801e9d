"""`longhand train`."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import note, noted_if_slow, show
from longhand.cli.settings_file import merged, read_settings
from longhand.config import OPTION_NAMES, TrainConfig
from longhand.errors import OptionError

if TYPE_CHECKING:
    from longhand.training.events import Listener


@click.command()
@click.argument("corpus", nargs=-1, required=True, metavar="CORPUS...")
@click.option("-o", "--output", help="the model file; CORPUS.safetensors in this folder if left out")
@settings_options(TrainConfig, names=OPTION_NAMES)
@click.option("--overwrite", is_flag=True, help="replace an existing model of that name")
@click.option("--resume", is_flag=True, help="go on with the training of that name where its last checkpoint left it")
@click.option("--settings", "file", metavar="FILE", help="a TOML file of these options; those given here come first")
@click.option("--plan", is_flag=True, help="print what would be trained, as such a file, and stop")
@click.option("--tensorboard", is_flag=True, help="write for TensorBoard too, into NAME.run/tensorboard")
@click.option("--json-lines", is_flag=True, help="print for programs: one event a line, as JSON")
def train(
    corpus: tuple[str, ...],
    output: str | None,
    overwrite: bool,
    resume: bool,
    file: str | None,
    plan: bool,
    tensorboard: bool,
    json_lines: bool,
    **settings: Any,
) -> int:
    """Learn a text and write a model of it to one file.

    CORPUS is text files, folders of them, or patterns such as 'books/*.txt'; - is standard input. What gzip, bzip2, xz
    or zstd has compressed is unpacked as it is read. What is not given is planned: the network's size, dropout and the
    rest, from the text, the time and the speed of this machine.

    A tenth of the text is held out: documents from all over it, its end where there are none, or in its place what
    --validation names. The model is scored on it, or on a sample of it where it is long, and the best weights are kept.
    (The classic recipe learns all of the text, unless told otherwise, and keeps the weights of the epoch with the
    lowest training loss.) Of a folder of train, valid and test, the first is learned, the second scored, the third left
    alone.

    Ctrl-C ends early and keeps the best so far (exit code 130; 143 for SIGTERM, 129 for SIGHUP). NAME.run beside
    NAME.safetensors holds the log, report.html, and the checkpoints that --resume continues from.
    """
    began = time.monotonic()  # what is loaded below takes a second on a busy machine
    if settings["minutes"] is not None and settings["epochs"] is not None:
        raise OptionError("--minutes and --epochs exclude each other: give one of them")
    if resume and overwrite:
        raise OptionError("--resume and --overwrite exclude each other: give one of them")
    if resume and plan:
        raise OptionError("--resume and --plan exclude each other: a training that goes on keeps its plan")
    values = merged({} if file is None else read_settings(file), given(settings))
    if plan:
        return show_plan(corpus, values, json_lines)

    from longhand.api import reported, settings_of, tried_documents, written_documents, written_sample
    from longhand.cli.json_lines import JsonLines
    from longhand.cli.tensorboard import TensorBoard
    from longhand.cli.watcher import watching
    from longhand.modelfile import model_path
    from longhand.training.run_folder import tensorboard_folder
    from longhand.training.trainer import train_model

    target = _default_output(corpus[0]) if output is None else output
    config, free = settings_of(target, values, resume)
    watched = nullcontext(JsonLines()) if json_lines else watching(None if corpus[0] == "-" else corpus[0])
    path = model_path(target)
    with watched as watcher, ExitStack() as open_files:
        tell: Listener = watcher
        if tensorboard:
            tell = open_files.enter_context(closing(TensorBoard(tensorboard_folder(path), watcher)))
        model = train_model(
            corpus,
            config,
            target,
            free=free,
            overwrite=overwrite,
            resume=resume,
            tell=reported(path, tell),
            sample=written_sample,
            write_documents=written_documents,
            try_documents=tried_documents,
            began=began,
        )
    return exit_code(model.card.stopped_by)


def show_plan(corpus: tuple[str, ...], values: Mapping[str, Any], as_json: bool) -> int:
    """Print what would be trained on a text with the settings that were given."""
    from longhand.api import settings_of
    from longhand.cli.plan_text import as_toml
    from longhand.training.base import read_base
    from longhand.training.planning import described, plan_for, read_corpus
    from longhand.training.records import plan_record

    config, free = settings_of(None, values, resume=False)
    base = read_base(config)
    with noted_if_slow("reading the text ..."):
        text = read_corpus(corpus, config, base)
    plan = plan_for(text, config, free, base, expect=True)
    for line in text.notes:
        note(line)
    facts = described(text)
    show(json.dumps({"event": "plan", "plan": facts, **plan_record(plan)}) if as_json else as_toml(plan, facts))
    return 0


def exit_code(stopped_by: str) -> int:
    """Return the exit code of a training: 0, or 128 and the number of the signal that ended it early."""
    return 128 + signal.Signals[stopped_by] if stopped_by in signal.Signals.__members__ else 0


def _default_output(source: str) -> str:
    from longhand.text.packed import SUFFIXES
    from longhand.text.sources import is_pattern

    if source == "-":
        return "longhand"
    path = Path(source).absolute()
    while is_pattern(path.name) and is_pattern(path):  # books/*.txt: books
        path = path.parent
    return (Path(path.stem) if path.suffix in SUFFIXES else path).stem or "longhand"
