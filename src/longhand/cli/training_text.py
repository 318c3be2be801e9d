"""The text that a model learned from: named with --corpus, or found as its training recorded it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longhand.cli.output import note
from longhand.errors import CorpusError, OptionError

if TYPE_CHECKING:
    from longhand.model import Model

MAX_NAMED = 3  # sources in a note
MAX_COMPARED_BYTES = 1 << 26  # of a text that an n-gram model learns from unasked


def training_text(model: Model, corpus: tuple[str, ...], what: str = "") -> tuple[str, ...]:
    """Return the text that a model learned from, as it was named, or as its training recorded it, and say so.

    - what: needs it, for the message where it is not found

    Raises `OptionError`, saying why it is not found.
    """
    if corpus:
        return corpus
    try:
        found = model.recorded_corpus()
    except CorpusError as error:
        raise OptionError(f"{what}: {error}" if what else str(error)) from None
    _say(model, found)
    return tuple(found)


def text_to_compare_with(model: Model, corpus: tuple[str, ...]) -> tuple[str, ...]:
    """Return the text that a model learned from, if it was named or is found; say why where it has changed."""
    from longhand.training.corpus_record import recorded_size
    from longhand.training.run_folder import CORPUS, folder_of

    if corpus or model.path is None or not (folder_of(model.path) / CORPUS).is_file():
        return corpus
    try:
        if (size := recorded_size(model.path)) > MAX_COMPARED_BYTES:
            note(f"the training text has {size / 1e6:,.0f} MB: --corpus compares with an n-gram model of it")
            return ()
        found = model.recorded_corpus()
    except CorpusError as error:
        note(f"no comparison with an n-gram model: {error}")
        return ()
    _say(model, found)
    return tuple(found)


def _say(model: Model, found: list[str]) -> None:
    from longhand.training.run_folder import folder_of

    assert model.path is not None
    listed = ", ".join(found[:MAX_NAMED]) + (f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else "")
    note(f"training text: {listed}, as recorded in {folder_of(model.path).name}")
