"""`longhand inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import Waiting, note, note_runtime, show
from longhand.config import InspectConfig, RunConfig
from longhand.errors import OptionError
from longhand.settings import configured

if TYPE_CHECKING:
    from longhand.model import Model


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--text", help="the text to look at")
@click.option("--text-file", metavar="FILE", help="the same, from a file, - for stdin")
@click.option("--generate", type=click.IntRange(1, 1_000_000), metavar="N", help="look at N tokens that MODEL writes")
@click.option("--prompt", default="", help="with --generate: the text to go on from, which is looked at too")
@click.option("-o", "--output", metavar="FILE", help="write a page to explore it all, such as gates.html")
@click.option("--overwrite", is_flag=True, help="replace an existing FILE")
@click.option("--unit", metavar="LAYER:UNIT", help="colour the text by this unit's cell, and list what it does")
@click.option("--json", "as_json", is_flag=True, help="print what was found as one JSON object")
@settings_options(InspectConfig)
@settings_options(RunConfig)
def inspect(
    model: str,
    text: str | None,
    text_file: str | None,
    generate: int | None,
    prompt: str,
    output: str | None,
    overwrite: bool,
    unit: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Watch the gates and cells of MODEL as it reads a text.

    Shows how surprising each character was, what the gates do, which units follow brackets, quotes, places in the line
    or whatever a regular expression says, and how long the network remembers. The page has every gate and cell of every
    unit at every character. It is one file that loads nothing; it holds the model's weights, so who has the page has
    the model.
    """
    import msgspec

    from longhand.cli.inspect_text import report, unit_of
    from longhand.files import refuse_existing
    from longhand.gates.page import refuse_long
    from longhand.gates.trace import read_text
    from longhand.learned import whole_text
    from longhand.model import load

    if sum(each is not None for each in (text, text_file, generate)) != 1:
        raise OptionError("expected one of --text, --text-file and --generate: what is the model to read?")
    if prompt and generate is None:
        raise OptionError("--prompt is for --generate: give the text with --text")
    if unit is not None and (output is not None or as_json):
        raise OptionError("--unit is for the terminal: the page shows every unit, and --json none by itself")
    if output is not None:
        refuse_existing(Path(output), overwrite)
    run = {name: settings.pop(name) for name in RunConfig.__struct_fields__}
    wanted = configured(InspectConfig, given(settings))
    loaded = load(model, **given(run))
    note_runtime(loaded.runtime)
    chosen = None if unit is None else unit_of(unit, loaded.config)
    if text is None:
        text = "" if text_file is None else whole_text(loaded.file, text_file, note)
    if generate is not None:
        text = _written(loaded, generate, prompt, wanted.seed)
    if output is not None:
        refuse_long(len(read_text(loaded.file, loaded.tokenizer, text).tokens))
    found = loaded.inspect(text, tell=Waiting().tell, **msgspec.structs.asdict(wanted))
    if output is not None:
        found.write_page(output, overwrite=overwrite)
    if as_json:
        show(msgspec.json.encode(found.summary()).decode())
    elif output is None:
        report(found, chosen)
    else:
        show(output)
        size = Path(output).stat().st_size / 1e6
        note(f"{size:.1f} MB; the page holds the model's weights: who has the page has the model")


def _written(model: Model, tokens: int, prompt: str, seed: int) -> str:
    """Return a prompt and what a model writes after it."""
    from longhand.gates.trace import refuse_long, refuse_windows

    refuse_windows(model.file)
    refuse_long(model.file, tokens)
    return prompt + model.generate(prompt, length=tokens, seed=seed)
