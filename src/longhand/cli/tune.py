"""`longhand tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from longhand.cli.output import note, show
from longhand.cli.training_text import training_text

if TYPE_CHECKING:
    from longhand.generation.tuning import Likeness, Trial


@click.command()
@click.argument("model", metavar="MODEL")
@click.option(
    "--corpus",
    multiple=True,
    metavar="CORPUS",
    help="what MODEL learned from, whole; found as its training recorded it if left out",
)
@click.option("--validation", multiple=True, metavar="FILE", help="what MODEL was scored on, where that lay apart")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="of what is written")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.option("--dry-run", is_flag=True, help="leave MODEL as it is")
def tune(
    model: str, corpus: tuple[str, ...], validation: tuple[str, ...], seed: int, as_json: bool, dry_run: bool
) -> None:
    """Find the temperature and the min-p with which MODEL writes like its text.

    Passages that it writes are compared with those that were held out of its training: how surprising they are to the
    model, how often they repeat themselves, and how many of their words are new. What is found is kept in MODEL: it is
    what longhand generate takes where nothing else is said.
    """
    from longhand.calibrate import as_json as json_of
    from longhand.calibrate import tune as tune_model
    from longhand.files import refuse_existing
    from longhand.generation.tuning import Likeness
    from longhand.model import load
    from longhand.modelfile import existing_model

    loaded = load(model)
    if not dry_run:
        refuse_existing(existing_model(model), overwrite=True)
    real: list[Likeness] = []

    def tell(event: Trial | Likeness) -> None:
        if isinstance(event, Likeness):
            real.append(event)
            note(f"held out: {_words(event)}")
        else:
            settings = f"temperature {event.temperature:g}, min-p {event.min_p:g}"
            note(f"{settings}: {_words(event.likeness)}; distance {event.distance:.2f}")

    best = tune_model(loaded, list(training_text(loaded, corpus)), validation=validation, seed=seed, tell=tell)
    if not dry_run:
        loaded.save(existing_model(model), overwrite=True)
    if as_json:
        show(json_of(best, real[0]))
        return
    kept = "" if dry_run else f", kept in {model}"
    show(f"temperature {best.temperature:g}, min-p {best.min_p:g}{kept}")
    show(f"  its text: {_words(real[0])}")
    show(f"  it writes: {_words(best.likeness)}")


def _words(likeness: Likeness) -> str:
    shares = f"{likeness.repetition:.1%} repeated, {likeness.novelty:.1%} new words"
    return f"{likeness.surprise:.2f} bits a character, {shares}"
