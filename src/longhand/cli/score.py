"""`longhand score`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import Waiting, note_runtime, noted_if_slow, show
from longhand.cli.training_text import text_to_compare_with, training_text
from longhand.config import OF_FILES, AdaptConfig, RunConfig, ScoringConfig, TrainConfig
from longhand.errors import OptionError

if TYPE_CHECKING:
    from longhand.model import Model
    from longhand.text.origins import Origins
    from longhand.text.rereading import Text

MOST_WORST = 10_000
OF_SCORING, OF_RUN = ScoringConfig.__struct_fields__, RunConfig.__struct_fields__


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--corpus",
    multiple=True,
    metavar="CORPUS",
    help="what MODEL learned from, whole, for an n-gram model to be compared with, and, without FILE, for the held-out "
    "part to be scored; found as the training recorded it if left out",
)
@settings_options(ScoringConfig, only=("adapt",))
@settings_options(AdaptConfig)
@settings_options(ScoringConfig, only=("cache", "cache_size", "streams"))
@click.option(
    "--worst",
    type=click.IntRange(0, MOST_WORST),
    default=0,
    help="print so many least expected lines, by their bits a character; short ones count less",
)
@click.option("--per-character", metavar="FILE", help="write a line of JSON for each character: its bits")
@click.option(
    "--per-line",
    metavar="FILE",
    help="write a record for each line (or row): file, line, bits; as CSV or JSON lines, by its name (.csv, .jsonl)",
)
@click.option("--html", metavar="FILE", help="write a page that shows the text, tinted by surprise")
@click.option("--overwrite", is_flag=True, help="replace the files of --html, --per-character and --per-line")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@settings_options(TrainConfig, only=OF_FILES)
@settings_options(RunConfig, defaults={"precision": "fp32"})
def score(
    model: str,
    files: tuple[str, ...],
    corpus: tuple[str, ...],
    worst: int,
    per_character: str | None,
    per_line: str | None,
    html: str | None,
    overwrite: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Say how well MODEL predicts a text: bits per character and per byte, perplexity.

    FILE is a text that the model has not seen, - for stdin, several are read as one. Each character is predicted from
    all those before it. gzip, xz and, with --corpus, an n-gram model are measured on the same bytes. A text of any
    length is read in constant memory.
    """
    import msgspec

    from longhand.cli.score_text import heading, page_of, score_lines, settings_facts
    from longhand.files import refuse_existing, write_atomically, written_atomically
    from longhand.model import load
    from longhand.scoring.comparison import Comparing
    from longhand.scoring.line_records import LineRecords, refuse_other_suffix
    from longhand.settings import train_config
    from longhand.text.origins import Origins
    from longhand.text.utf8 import without_surrogates

    options = given(settings)
    _refuse_idle(files, corpus, options)
    targets = {"--html": html, "--per-character": per_character, "--per-line": per_line}
    _refuse_one_file_twice({option: name for option, name in targets.items() if name})
    if per_line and not files:
        raise OptionError("--per-line: of the lines of FILE, found none: name the text to be scored")
    reading = {name: options[name] for name in OF_FILES if name in options}
    train_config(reading)  # raises for an encoding that is none, say
    for target in filter(None, targets.values()):
        refuse_existing(Path(target), overwrite)
    if per_line:
        refuse_other_suffix(per_line)
    loaded = load(model, **({"precision": "fp32"} | {name: options[name] for name in OF_RUN if name in options}))
    note_runtime(loaded.runtime)
    scorer = loaded.scorer(**{name: options[name] for name in OF_SCORING if name in options})
    with ExitStack() as opened:
        characters, records = (
            opened.enter_context(written_atomically(Path(name), overwrite=overwrite) if name else nullcontext())
            for name in (per_character, per_line)
        )
        origins = Origins() if per_line else None
        text, before, pieces = _given(opened, loaded, files, corpus, reading, origins)
        lines = LineRecords(records, per_line, origins) if records and per_line and origins else None
        with noted_if_slow("counting what the n-gram model learns from ..."):
            comparing = Comparing(
                learned=before, worst=worst, page=html is not None, characters=characters, lines=lines
            )
        with noted_if_slow("scoring ..."):
            found = comparing.score(scorer, pieces)
    apart = [] if files else text.validation_names
    name = heading(apart or text.names, held_out=not files and not apart)
    if html is not None:
        page = page_of(found, loaded, name, scorer.settings).encode("utf-8")
        write_atomically(Path(html), page, overwrite=overwrite)
    if as_json:
        names = {"model": without_surrogates(loaded.name), "text": without_surrogates(name)}
        show(msgspec.json.encode({**names, **found.facts(), **settings_facts(scorer.settings)}).decode())
        return
    for line in score_lines(found, loaded, name, scorer.settings):
        show(line)


def _given(
    opened: ExitStack,
    model: Model,
    files: tuple[str, ...],
    corpus: tuple[str, ...],
    reading: dict[str, Any],
    origins: Origins | None,
) -> tuple[Text, Iterator[str] | None, Iterator[str]]:
    """Return the text to be scored, what an n-gram model learns from, which is to be read before it, and its pieces."""
    from longhand.learned import halves, learned_text, other_text, training_of

    training = training_of(model.file)
    if not files and not training.held_out:
        raise OptionError("nothing was held out of this model's training: name a FILE that it has not seen")
    corpus = text_to_compare_with(model, corpus) if files else training_text(model, corpus, "found no text to score")
    tell = Waiting().tell
    before = None
    if corpus:
        text = opened.enter_context(learned_text(model.file, corpus, tell))
        if not files and training.validation and not text.has_validation:
            apart = ", ".join(training.validation)
            raise OptionError(f"this model was scored on {apart}, which lay apart from its corpus: name it as FILE")
        before, pieces = halves(model.file, text)
    if files:
        text = opened.enter_context(other_text(model.file, files, reading, tell, origins))
        pieces = text.pieces("scoring")
    return text, before, pieces


def _refuse_one_file_twice(targets: dict[str, str]) -> None:
    """Raise `OptionError` where one file is to be written by two options."""
    seen: dict[Path, str] = {}
    for option, name in targets.items():
        if (other := seen.setdefault(Path(name).resolve(), option)) != option:
            raise OptionError(f"{other} and {option}: found {name} for both: name two files")


def _refuse_idle(files: tuple[str, ...], corpus: tuple[str, ...], options: dict[str, Any]) -> None:
    """Raise `OptionError` for options that do nothing, or exclude each other."""
    if (*files, *corpus).count("-") > 1:
        raise OptionError("found - more than once, standard input is one text: name files")
    for name in ("adapt_layers", "adapt_rate"):
        if name in options and not options.get("adapt"):
            raise OptionError(f"{name.replace('_', ' ')}: found without --adapt: add it, or leave this out")
    if "cache_size" in options and not options.get("cache"):
        raise OptionError("cache size: found without --cache: add it, or leave this out")
    for name in OF_FILES:
        if name in options and not files:
            raise OptionError(f"{name}: of FILE alone, --corpus is read as in its training: leave it out")
