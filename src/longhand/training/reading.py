"""How a training reads its text, and in which normal form a model's text was."""

from __future__ import annotations

from typing import cast, get_args

from longhand.config import DETECT, SEPARATORS, TrainConfig
from longhand.modelfile import ModelFile
from longhand.text.documents import LINE, starting_with
from longhand.text.normal_form import form_of_vocabulary
from longhand.text.reading import Reading
from longhand.units import NormalForm


def reading_of(config: TrainConfig) -> Reading:
    """Return how the files of a corpus are to be read."""
    return Reading(
        encoding=None if config.encoding == DETECT else config.encoding,
        column=config.column,
        separator=None if config.separator is None else SEPARATORS.get(config.separator, config.separator),
        skip_bad_rows=config.skip_bad_rows,
        normalize=config.normalize,
        fix_mojibake=config.fix_mojibake,
        keep_markup=config.keep_markup,
    )


def normal_form_of(file: ModelFile) -> NormalForm | None:
    """Return Unicode's normal form of the text that a model learned from; None where it is not known to have one."""
    training, card = file.card.training, file.card
    if (form := training.get("normalize") or card.normal_form) in get_args(NormalForm):
        return cast("NormalForm", form)
    listed = file.tokenizer.get("characters") or file.tokenizer.get("words") or file.tokenizer.get("tokens")
    if not isinstance(listed, str | list):
        return None
    return form_of_vocabulary("".join(sorted(set().union(*map(str, listed)))))


def documents_mode(config: TrainConfig) -> str:
    """Return what the documents of a corpus are (`longhand.text.documents`)."""
    return config.documents if config.document_start is None else starting_with(config.document_start)


def documents_learned(file: ModelFile) -> str:
    """Return what parts the documents that a model of documents learned from."""
    training = file.card.training
    if (start := training.get("document_start")) is not None:
        return starting_with(str(start))
    return str(training.get("documents", LINE))
