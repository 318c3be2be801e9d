"""The text that a model learned from, read again as its training read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from longhand.config import TrainConfig
from longhand.modelfile import ModelFile
from longhand.settings import configured
from longhand.text.documents import LINE, NONE
from longhand.text.progress import Told, untold
from longhand.text.reading import Reading
from longhand.text.rereading import Text
from longhand.text.sources import Source
from longhand.text.survey import in_two
from longhand.training.planning import reading_of

KEPT = ("column", "encoding", "normalize", "held_out")


def training_of(file: ModelFile) -> TrainConfig:
    """Return the settings that say how a model's text was read and split."""
    kept = {name: value for name, value in file.card.training.items() if name in KEPT and value is not None}
    return configured(TrainConfig, kept)


def documents_of(file: ModelFile) -> str:
    """Return what parts the documents that a model learned from; "none" if it learned from one text."""
    return str(file.card.training.get("documents", LINE)) if file.config.documents else NONE


def learned_text(file: ModelFile, sources: Iterable[Source], tell: Told = untold) -> Text:
    """Return the text that a model learned from and was scored on, to be used in a `with` statement."""
    return Text(sources, documents_of(file), reading_of(training_of(file)), tell)


def other_text(file: ModelFile, sources: Iterable[Source], reading: Reading, tell: Told = untold) -> Text:
    """Return another text, with documents and a normal form as in the one that the model learned from."""
    normal_form = reading.normalize or training_of(file).normalize
    return Text(sources, documents_of(file), Reading(reading.encoding, reading.column, normal_form), tell)


def halves(file: ModelFile, text: Text) -> tuple[Iterator[str], Iterator[str]]:
    """Return what of a text the model learned from, and what was held out, in pieces, to be read in this order."""
    characters = sum(map(len, text.pieces("looking for what was held out")))
    return in_two(text, characters - round(characters * training_of(file).held_out), "scoring")
