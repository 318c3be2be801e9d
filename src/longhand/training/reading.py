"""How a training reads its text."""

from __future__ import annotations

from longhand.config import DETECT, TrainConfig
from longhand.modelfile import ModelFile
from longhand.text.documents import LINE, starting_with
from longhand.text.reading import Reading


def reading_of(config: TrainConfig) -> Reading:
    """Return how the files of a corpus are to be read."""
    return Reading(None if config.encoding == DETECT else config.encoding, config.column, config.normalize)


def documents_mode(config: TrainConfig) -> str:
    """Return what the documents of a corpus are (`longhand.text.documents`)."""
    return config.documents if config.document_start is None else starting_with(config.document_start)


def documents_learned(file: ModelFile) -> str:
    """Return what parts the documents that a model of documents learned from."""
    training = file.card.training
    if (start := training.get("document_start")) is not None:
        return starting_with(str(start))
    return str(training.get("documents", LINE))
