"""Where a corpus comes from: files, folders, standard input, open text streams, each under the name it was given."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias

from longhand.errors import CorpusError

STANDARD_INPUT = "-"

Source: TypeAlias = "str | os.PathLike[str] | TextIO"


@dataclass(frozen=True)
class Stream:
    """A text stream that the caller opened and decoded."""

    stream: TextIO

    @property
    def label(self) -> str:
        """What to call it when speaking to the one who gave it."""
        return printable(str(getattr(self.stream, "name", "text")))


@dataclass(frozen=True)
class File:
    """A file of bytes; `path` None is standard input."""

    path: Path | None

    @property
    def label(self) -> str:
        """What to call it when speaking to the one who gave it."""
        return "standard input" if self.path is None else printable(str(self.path))

    def open(self) -> BinaryIO:
        """Open it for reading; raises `OSError`, or `CorpusError` if standard input is closed."""
        if self.path is not None:
            return self.path.open("rb")
        if sys.stdin is None:
            raise CorpusError("standard input is closed; expected a text on it")
        return open(sys.stdin.fileno(), "rb", closefd=False)

    def conversion(self, encoding: str) -> str:
        """Return the command that makes UTF-8 of it."""
        if self.path is None:
            return f"convert it on the way, with | iconv -f {encoding} -t UTF-8 |"
        return f"convert it with iconv -f {encoding} -t UTF-8 {shlex.quote(self.label)} > utf8.txt"


def opened_sources(sources: Iterable[Source]) -> list[File | Stream]:
    """Return what is to be read, in order, folders replaced by their files.

    Raises `CorpusError` for a path that is not there, an empty folder, a folder that cannot be listed, or a file that
    comes twice: the part of it that is held out would be learned from.
    """
    found = [one for source in sources for one in _resolved(source)]
    if not found:
        raise CorpusError("no text was given; expected files, folders, or - for standard input")
    seen: set[Path | None] = set()
    for file in found:
        if isinstance(file, File):
            key = file.path and file.path.resolve()
            if key in seen:
                raise CorpusError(f"{file.label} is given twice: what is held out of it would be learned from; once")
            seen.add(key)
    return found


def printable(name: str) -> str:
    """Return a name that can be written as UTF-8, whatever bytes the file system has in it."""
    return os.fsencode(name).decode("utf-8", "replace") if not name.isascii() else name


def _resolved(source: Source) -> Iterator[File | Stream]:
    if not isinstance(source, str | os.PathLike):
        yield Stream(source)
    elif not os.fspath(source):
        raise CorpusError("'' names no file; expected a text file, a folder, or - for standard input")
    elif source == STANDARD_INPUT:
        yield File(None)
    elif (path := Path(source)).is_dir():
        yield from map(File, _files_below(path))
    elif path.exists():
        yield File(path)
    else:
        raise CorpusError(f"{printable(str(path))}: not found; expected a text file, a folder, or - for standard input")


def _files_below(folder: Path) -> list[Path]:
    """Return the regular files of a folder and those below it, sorted, but for hidden ones."""

    def refuse(error: OSError) -> None:
        raise CorpusError(f"{printable(str(error.filename))}: cannot be listed ({error.strerror})") from error

    files = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(parent, name) for name in names if not name.startswith(".")]
        files += [path for path in paths if path.is_file()]
    if not files:
        raise CorpusError(f"{printable(str(folder))}: an empty folder; expected text files in it")
    return sorted(files)
