"""`longhand novelty`, and the same report after a text was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from longhand.cli.output import note, noted_if_slow, show, visible
from longhand.cli.training_text import training_text
from longhand.errors import CorpusError

if TYPE_CHECKING:
    from longhand.copies.report import Novelty
    from longhand.model import Model

SHOWN = 60  # characters of a run


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("text", metavar="TEXT")
@click.option(
    "--corpus",
    multiple=True,
    metavar="CORPUS",
    help="what MODEL learned from; found as its training recorded it if left out. An index stays beside MODEL",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def novelty(model: str, text: str, corpus: tuple[str, ...], as_json: bool) -> None:
    """Say how much of a text is a copy of what MODEL learned from.

    TEXT is a file in UTF-8, or - for stdin. Shown are the longest runs that both have, letter by letter, and the share
    of its sequences of characters and words that are new. Needs the extra copies (pip install longhand[copies]).
    """
    import msgspec

    from longhand.learned import whole_text
    from longhand.model import load

    loaded = load(model)
    written = whole_text(loaded.file, text, note)
    if not written:
        raise CorpusError(f"{text}: empty; expected a text to look for copies in")
    index(loaded, corpus, needed="novelty")
    with noted_if_slow("looking for copies"):
        found = loaded.novelty(written)
    if as_json:
        show(msgspec.json.encode(found).decode())
        return
    for line in lines(found):
        show(line)


def index(model: Model, corpus: tuple[str, ...], *, needed: str = "") -> None:
    """Make the index of the text that a model learned from, if it is given, or needed and not yet there.

    - needed: what needs it; empty if nothing does

    Raises `OptionError` where it is needed, and the text is not found.
    """
    if not corpus and not (needed and model.copies is None):
        return
    text = training_text(model, corpus, needed)
    with noted_if_slow("making the index of the text, once"):
        made = model.index_copies(list(text))
    note(f"the index of {', '.join(made.about.names)} stays beside the model: --corpus is not needed again")


def lines(found: Novelty) -> list[str]:
    """Return a report for a person."""
    result = [f"{found.characters:,} characters"]
    for kind, shares in (("characters", found.new_characters), ("words", found.new_words)):
        listed = ", ".join(f"{share:.0%} of {count}" for count, share in shares.items())
        if listed:
            result.append(f"new sequences of {kind}: {listed}")
    result.append("longest copies:" if found.longest else "no copies")
    for run in found.longest:
        text = visible(run.text.replace("\n", "⏎"))
        shown = text if len(text) <= SHOWN else text[: SHOWN // 2] + " ... " + text[-SHOWN // 2 :]
        result.append(f"  {run.length:>6,} characters at {run.begin:,}: {shown}")
    return result
