"""The text that a model learned from, read again as its training read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from longhand.config import TrainConfig
from longhand.errors import OptionError
from longhand.modelfile import ModelFile
from longhand.settings import configured
from longhand.text.columns import kind_by_name
from longhand.text.corpus_parts import CorpusParts, parts_of
from longhand.text.document_split import DocumentSplit
from longhand.text.documents import LINE, NONE, ROW, marked, separator
from longhand.text.progress import Told, untold
from longhand.text.reading import Reading
from longhand.text.rereading import Text
from longhand.text.sources import Source
from longhand.text.survey import in_two, split_of, surveyed
from longhand.training.reading import documents_learned, reading_of

KEPT = ("column", "encoding", "normalize", "held_out", "split", "validation")


def training_of(file: ModelFile) -> TrainConfig:
    """Return the settings that say how a model's text was read and split; at its end, where the card says nothing."""
    kept = {name: value for name, value in file.card.training.items() if name in KEPT and value is not None}
    return configured(TrainConfig, {"split": "end", **kept})


def documents_of(file: ModelFile) -> str:
    """Return what parts the documents that a model learned from; "none" if it learned from one text."""
    return documents_learned(file) if file.config.documents else NONE


def separator_of(file: ModelFile) -> str:
    """Return what parts the documents that a model writes."""
    return file.card.separator or separator(documents_of(file))


def marked_documents(file: ModelFile, pieces: Iterable[str]) -> Iterable[str]:
    """Return a text, in pieces, with the ends of its documents marked as in the text that the model learned from.

    What learned from a column's rows finds them in lines.
    """
    mode = documents_of(file)
    return pieces if mode == NONE else marked(pieces, LINE if mode == ROW else mode)


def learned_text(
    file: ModelFile, sources: Iterable[Source], tell: Told = untold, validation: Iterable[Source] = ()
) -> Text:
    """Return the text that a model learned from and was scored on, to be used in a `with` statement.

    - validation: what it was scored on, where that was no part of `sources`; found in a folder that is divided
    """
    parts, training = corpus_of(file, sources), training_of(file)
    for scored in (list(validation) or parts.validation, []):
        text = Text(parts.learned, documents_of(file), reading_of(training), tell, scored)
        if validation or text.validation_names == list(training.validation):
            break  # what a folder has beside it may be another text than that which was scored
    return text


def corpus_of(file: ModelFile, sources: Iterable[Source]) -> CorpusParts:
    """Return the parts of a corpus as the training of a model saw them: earlier ones read divided folders whole."""
    return parts_of(sources) if "split" in file.card.training else CorpusParts(list(sources))


def other_text(file: ModelFile, sources: Iterable[Source], reading: Reading, tell: Told = untold) -> Text:
    """Return another text, with documents and a normal form as in the one that the model learned from.

    Of tables, by their names, the same column is read if no other is said; rows are lines in other texts.
    """
    before, sources, mode = training_of(file), list(sources), documents_of(file)
    column = reading.column or _column(before, sources)
    reading = Reading(reading.encoding, column, reading.normalize or before.normalize)
    return Text(sources, LINE if mode == ROW and column is None else mode, reading, tell)


def whole_text(file: ModelFile, source: Source) -> str:
    """Return all of another text, read so too, its documents not marked. Raises `CorpusError`."""
    before = training_of(file)
    with Text([source], reading=Reading(column=_column(before, [source]), normalize=before.normalize)) as text:
        return "".join(text.pieces())


def _column(training: TrainConfig, sources: list[Source]) -> str | None:
    """Return the column that is read of texts where none is named: the one learned from, if they are tables."""
    tables = [isinstance(source, str) and kind_by_name(source) is not None for source in sources]
    if training.column is not None and any(tables) and not all(tables):
        raise OptionError("files: found tables beside other texts, expected one or the other: read them one by one")
    return training.column if all(tables) else None


def halves(file: ModelFile, text: Text) -> tuple[Iterator[str], Iterator[str]]:
    """Return what of a text the model learned from, and what was held out, in pieces, to be read in this order."""
    training = training_of(file)
    survey = surveyed(text, what="looking for what was held out")
    if training.validation and not text.has_validation:
        return in_two(text, survey.characters, "scoring")
    split = split_of(text, survey, training.held_out, training.split)
    if isinstance(split, DocumentSplit):
        return split.half(text.pieces("reading"), 0), split.half(text.pieces("scoring"), 1)
    return in_two(text, split, "scoring")
