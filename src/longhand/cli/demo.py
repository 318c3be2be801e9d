"""`longhand demo`: the whole story on text that every machine has, or on text whose entropy is known."""

from __future__ import annotations

import shlex
import sysconfig
from pathlib import Path
from typing import Any

import click

from longhand.cli.options import given, settings_options
from longhand.config import DemoConfig
from longhand.errors import CorpusError, OptionError

MINUTES, MINUTES_OF_WEATHER = 1.5, 2.0
LARGEST_CORPUS = 1_500_000  # bytes: what a minute and a half can read about once
PROMPT = "def "
NEXT = """
Now a text of your own, of a hundred thousand characters or more:
    longhand train book.txt --minutes 5
    longhand generate book.safetensors --prompt "Once upon a time"
This model writes more with:
    longhand generate {model} --prompt "class "
"""


@click.command()
@click.argument("subject", type=click.Choice(["python", "weather"]), default="python", metavar="[python|weather]")
@click.option(
    "-o",
    "--output",
    help="where to keep the model; of weather, what all files' names begin with [default: "
    "demo.safetensors, or weather]",
)
@click.option(
    "--minutes", type=float, help=f"minutes to train for [default: {MINUTES:g}; weather: {MINUTES_OF_WEATHER:g} each]"
)
@settings_options(DemoConfig)
@click.option("--overwrite", is_flag=True, help="replace existing files of those names")
def demo(subject: str, output: str | None, minutes: float | None, overwrite: bool, **settings: Any) -> int:
    """Train for a minute and a half on Python's own source, and show what came of it.

    Needs no network: the text is the standard library of the Python that runs this.

    With weather the text is weather bulletins that a grammar draws, so that its entropy is known exactly: two models
    learn it, character by character and word by word, and a page shows how near they come, and over how many characters
    they remember what they wrote.
    """
    if subject == "weather":
        from longhand.cli.weather import weather_demo

        return weather_demo(
            output or "weather", MINUTES_OF_WEATHER if minutes is None else minutes, overwrite, given(settings)
        )
    if given(settings):
        raise OptionError(f"{next(iter(given(settings)))}: of longhand demo weather alone: leave it out")
    return python_demo(output or "demo.safetensors", MINUTES if minutes is None else minutes, overwrite)


def python_demo(output: str, minutes: float, overwrite: bool) -> int:
    """Train on Python's own source; return the exit code."""
    from longhand.api import reported, settings_of, written_sample
    from longhand.cli.train import exit_code
    from longhand.cli.watcher import watching
    from longhand.modelfile import model_path
    from longhand.training.events import Event, Started
    from longhand.training.trainer import train_model

    config, free = settings_of(output, {"minutes": minutes}, resume=False)
    sources = standard_library()
    with watching(resumable=False) as watcher:
        watcher.say(f"Longhand learns to write Python from {len(sources)} files of the standard library.\n")

        def tell(event: Event) -> None:
            watcher(event)
            if isinstance(event, Started):
                watcher.say("\nBefore it has learned anything, it writes:")
                watcher.show_sample(event.model, prompt=PROMPT)
                watcher.say("\nNow it learns.")

        target = model_path(output)
        model = train_model(
            sources, config, target, free=free, overwrite=overwrite, tell=reported(target, tell), sample=written_sample
        )
        watcher.say(f"\nAfter {model.card.trained_seconds:.0f} seconds it writes:")
        watcher.show_sample(model, prompt=PROMPT, length=600)
        watcher.say(NEXT.format(model=shlex.quote(str(target))))
    return exit_code(model.card.stopped_by)


def standard_library() -> list[str]:
    """Return source files of the standard library, in order, of 1.5 MB in all.

    Raises `CorpusError` where Python came without its sources.
    """
    sources: list[str] = []
    size = 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        size += path.stat().st_size
        if size > LARGEST_CORPUS:
            break
        sources.append(str(path))
    if not sources:
        raise CorpusError("this Python came without its library's sources: try longhand train on a text of your own")
    return sources
