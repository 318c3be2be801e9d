"""`longhand check`."""

from __future__ import annotations

from typing import Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import Waiting, show
from longhand.config import READING, TrainConfig


@click.command()
@click.argument("corpus", nargs=-1, required=True, metavar="CORPUS...")
@settings_options(TrainConfig, only=(*READING, "minutes"), defaults={"documents": "what is suggested"})
@click.option("--no-estimate", is_flag=True, help="do not measure this machine, nor estimate a score")
@click.option("--json", "as_json", is_flag=True, help="print JSON, for programs")
def check(corpus: tuple[str, ...], no_estimate: bool, as_json: bool, **settings: Any) -> int:
    """Say what is in a text, and what will trip a training.

    CORPUS is as for train, and is read as a training with the same options would. First comes what stops a training,
    then what makes a worse model of it, then what is good to know, each with what to do; then what the text is made of,
    which tokens and documents suit it, and what a training should reach.

    The exit code is 0 if a training would read the text, 2 if it would refuse it.
    """
    import msgspec

    from longhand.api import check as checked
    from longhand.cli.check_text import print_check

    options = given(settings)
    found = checked(list(corpus), estimate=not no_estimate, progress=Waiting().tell, **options)
    if as_json:
        show(msgspec.json.format(msgspec.json.encode(found)).decode("utf-8"))
    else:
        print_check(found, corpus, options)
    return 0 if found.trainable else 2
