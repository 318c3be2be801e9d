"""The text that a model learned from, read again as its training read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from longhand.config import OF_FILES, TrainConfig
from longhand.modelfile import ModelFile
from longhand.settings import configured
from longhand.text.corpus_parts import CorpusParts, parts_of
from longhand.text.document_split import DocumentSplit
from longhand.text.documents import LINE, NONE, ROW, marked, separator
from longhand.text.encodings import is_name_of_utf_8
from longhand.text.opened import untold as untold_note
from longhand.text.origins import Origins
from longhand.text.progress import Told, untold
from longhand.text.reading import Reading
from longhand.text.rereading import Text
from longhand.text.sources import Source
from longhand.text.survey import in_two, split_of, surveyed
from longhand.training.reading import documents_learned, normal_form_of, reading_of

NOTHING: Mapping[str, Any] = MappingProxyType({})
KEPT = (*OF_FILES, "held_out", "split", "validation")


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


def other_text(
    file: ModelFile,
    sources: Iterable[Source],
    given: Mapping[str, Any] = NOTHING,
    tell: Told = untold,
    origins: Origins | None = None,
) -> Text:
    """Return another text, read as the one that the model learned from; its documents, too, are of that kind.

    - given: what was said of how its files are read, by the names of `longhand.config.OF_FILES`

    Rows are lines in texts that are no tables. Raises `OptionError`, `CorpusError`.
    """
    sources, mode = list(sources), documents_of(file)
    reading = reading_of_other(file, given)
    return Text(sources, LINE if mode == ROW and reading.column is None else mode, reading, tell, origins=origins)


def whole_text(file: ModelFile, source: Source, note: Callable[[str], None] = untold_note) -> str:
    """Return all of another text, read so too, its documents not marked. Raises `OptionError`, `CorpusError`.

    - note: is called with what was changed on the way
    """
    with Text([source], reading=reading_of_other(file)) as text:
        found = "".join(text.pieces())
        for line in text.notes:
            note(line)
    return found


def reading_of_other(file: ModelFile, given: Mapping[str, Any] = NOTHING) -> Reading:
    """Return how another text is read: as the one that the model learned from, but for what is given.

    Of tables the same column is read; what is no table with that column is read whole, and that is said. A text that is
    UTF-8 is read as such, others in the encoding of that text.
    """
    before = training_of(file)
    kept = {name: value for name, value in msgspec.to_builtins(before).items() if name in OF_FILES}
    reading = reading_of(configured(TrainConfig, {**kept, **given}))
    if "encoding" not in given and reading.encoding is not None:
        reading = replace(reading, encoding=None, fallback=reading.encoding)
        if is_name_of_utf_8(before.encoding):
            reading = replace(reading, encoding=before.encoding, fallback=None)
    own = "column" not in given
    return replace(reading, column_if_there=own, normalize=reading.normalize or normal_form_of(file))


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
