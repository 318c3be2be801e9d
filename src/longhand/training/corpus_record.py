"""Where the text of a training lies: kept in its run folder for its owner alone, never in the model file.

`corpus.json` has what was given to the training, as absolute paths, and each file's size, modification time and hash,
so that the text is found again where it is needed, if it is still there and unchanged.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from longhand.errors import CorpusError, LonghandError
from longhand.json_data import decode_json
from longhand.modelfile import Card
from longhand.text.encoded import EncodedCorpus
from longhand.text.sources import STANDARD_INPUT, File, Source, opened_sources, printable
from longhand.training.run_folder import CORPUS, folder_of

VERSION = 1
MAX_HASHED_BYTES = 1 << 28  # of all files together: of larger texts sizes and times are compared
MAX_RECORD_BYTES = 1 << 28
REMEDY = "pass the training text with --corpus"


class RecordedFile(msgspec.Struct, frozen=True):
    """A file as the training read it; `modified` in nanoseconds, `hash` a BLAKE2b, empty where it was not taken."""

    path: str
    size: Annotated[int, Meta(ge=0)]
    modified: int
    hash: str = ""


class CorpusRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a training read.

    - names, characters: of its text, as the model's card has them
    - sources: what was given to it, absolute
    - files: what that was
    - unrepeatable: what of it cannot be read again, in words; empty if all can
    """

    version: int
    names: list[str]
    characters: int
    sources: list[str] = []
    files: list[RecordedFile] = []
    unrepeatable: str = ""


def record_of(sources: Sequence[Source], corpus: EncodedCorpus[Any]) -> bytes:
    """Return the record of a corpus that was just read. Raises `CorpusError` where a file is gone already."""
    record = CorpusRecord(version=VERSION, names=corpus.names, characters=corpus.characters)
    if problem := next(filter(None, map(_unrepeatable, sources)), ""):
        return msgspec.json.encode(msgspec.structs.replace(record, unrepeatable=problem))
    paths = _files(sources)
    try:
        hashed = sum(path.stat().st_size for path in paths) <= MAX_HASHED_BYTES
        files = [_recorded(path, hashed) for path in paths]
    except OSError as error:
        raise CorpusError(f"{error.filename}: cannot be read ({error.strerror})") from None
    given = [str(Path(os.fspath(source)).absolute()) for source in sources]  # type: ignore[arg-type]
    return msgspec.json.encode(msgspec.structs.replace(record, sources=given, files=files))


def recorded_sources(output: Path, card: Card) -> list[str]:
    """Return the sources of the text that the model at `output` learned from.

    Raises `CorpusError`, saying what is missing or has changed, and what to do.
    """
    record = _read(folder_of(output) / CORPUS)
    _refuse_of_others(record, output, card)
    if record.unrepeatable:
        raise CorpusError(f"the model learned from {record.unrepeatable}, which cannot be found again: {REMEDY}")
    for file in record.files:
        _refuse_changed(file)
    known = {file.path for file in record.files}
    try:
        more = [str(path) for path in _files(record.sources) if str(path) not in known]
    except LonghandError as error:
        raise CorpusError(f"{error}; {REMEDY}") from None
    if more:
        raise CorpusError(f"{printable(more[0])}: was not there when the model learned from its folder: {REMEDY}")
    return record.sources


def refuse_folder_of_others(output: Path, card: Card) -> None:
    """Raise `CorpusError` where the folder beside the model at `output` is known to be of another training."""
    path = folder_of(output) / CORPUS
    if path.is_file():
        _refuse_of_others(_read(path), output, card)


def recorded_size(output: Path) -> int:
    """Return the size of the files that the model at `output` learned from, in bytes. Raises `CorpusError`."""
    return sum(file.size for file in _read(folder_of(output) / CORPUS).files)


def _refuse_of_others(record: CorpusRecord, output: Path, card: Card) -> None:
    if (record.names, record.characters) != (card.corpus, card.corpus_characters):
        raise CorpusError(f"{folder_of(output)}: the folder of another training than this model's: {REMEDY}")


def _unrepeatable(source: Source) -> str:
    if source == STANDARD_INPUT:
        return "standard input"
    if not isinstance(source, str | os.PathLike):
        return "an open text stream"
    try:
        os.fspath(source).encode("utf-8")
    except UnicodeEncodeError:
        return "a file whose name is not UTF-8"
    return next((f"{path}, a pipe or device" for path in _files([source]) if not path.is_file()), "")


def _files(sources: Iterable[Source]) -> list[Path]:
    return [file.path.absolute() for file in opened_sources(sources) if isinstance(file, File) and file.path]


def _recorded(path: Path, hashed: bool) -> RecordedFile:
    found = path.stat()
    return RecordedFile(str(path), found.st_size, found.st_mtime_ns, _hash(path) if hashed else "")


def _hash(path: Path) -> str:
    hashed = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            hashed.update(data)
    return hashed.hexdigest()


def _read(path: Path) -> CorpusRecord:
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise ValueError("too large")
        record = decode_json(path.read_bytes(), CorpusRecord)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        raise CorpusError(f"no record of the training text beside the model ({path}): {REMEDY}") from None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise CorpusError(f"{path}: damaged ({error}): {REMEDY}") from None
    if record.version != VERSION:
        raise CorpusError(f"{path}: version {record.version}, this Longhand knows {VERSION}: {REMEDY}")
    return record


def _refuse_changed(file: RecordedFile) -> None:
    """Raise `CorpusError` for a file that is not as the training read it."""
    path, shown = Path(file.path), printable(file.path)
    try:
        found = path.stat()
        same = found.st_size == file.size and (
            _hash(path) == file.hash if file.hash else found.st_mtime_ns == file.modified
        )
    except OSError as error:
        raise CorpusError(f"{shown}: the training text, cannot be read now ({error.strerror}): {REMEDY}") from None
    if not same:
        raise CorpusError(f"{shown}: changed since the model learned from it: {REMEDY}, as it was")
