"""Where a corpus comes from: files, folders, patterns, standard input, open text streams, each under its given name."""

from __future__ import annotations

import glob
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias

from longhand.errors import CorpusError

STANDARD_INPUT = "-"
_PATTERN = re.compile(r"[*?\[]")

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

    @property
    def is_named(self) -> bool:
        """Whether it is a file whose name may say what it is, and no pipe."""
        return self.path is not None and self.path.is_file()

    def conversion(self, encoding: str, unpack: str = "") -> str:
        """Return the command that makes UTF-8 of it.

        - unpack: the command that unpacks it, if it is compressed
        """
        if self.path is None:
            first = f"| {unpack} " if unpack else ""
            return f"convert it on the way, with {first}| iconv -f {encoding} -t UTF-8 |"
        file = shlex.quote(self.label)
        if unpack:
            return f"convert it with {unpack} {file} | iconv -f {encoding} -t UTF-8 > utf8.txt"
        return f"convert it with iconv -f {encoding} -t UTF-8 {file} > utf8.txt"


def size_on_disk(source: File | Stream) -> int:
    """Return the size of a file that can be read more than once, as it lies there; 0 for others, and for empty ones."""
    return source.path.stat().st_size if isinstance(source, File) and source.is_named and source.path else 0


def opened_sources(sources: Iterable[Source | File | Stream]) -> list[File | Stream]:
    """Return what is to be read, in order, folders and patterns (`books/*.txt`, `**/*.md`) replaced by their files.

    Raises `CorpusError` for a path that is not there, a pattern that nothing matches, an empty folder, a folder that
    cannot be listed, or a file that comes twice: the part of it that is held out would be learned from.
    """
    found = [one for source in sources for one in _resolved(source)]
    if not found:
        raise CorpusError("no text was given; expected files, folders, patterns, or - for standard input")
    seen: set[Path | None] = set()
    for file in found:
        if isinstance(file, File):
            key = file.path and file.path.resolve()
            if key in seen:
                raise CorpusError(f"{file.label} is given twice: what is held out of it would be learned from; once")
            seen.add(key)
    return found


def opened_apart(
    sources: Iterable[Source | File | Stream], validation: Iterable[Source | File | Stream] = ()
) -> tuple[list[File | Stream], list[File | Stream]]:
    """Return what is to be learned from, and what is only scored. Raises `CorpusError` for a file that is in both."""
    validation = list(validation)
    learned, scored = opened_sources(sources), opened_sources(validation) if validation else []
    paths = {_identity(source) for source in learned}
    for source in scored:
        if isinstance(source, Stream):
            both = any(source.stream is other.stream for other in learned if isinstance(other, Stream))
        else:
            both = _identity(source) in paths
        if both:
            raise CorpusError(f"{source.label} is in the corpus and in --validation: name it in one of them")
    return learned, scored


def _identity(source: File | Stream) -> object:
    """Return what is the same for the same file, whatever it is called."""
    if isinstance(source, Stream):
        return source
    if source.path is None:
        return None
    try:
        found = source.path.stat()
    except OSError:
        return source.path
    return (found.st_dev, found.st_ino) if found.st_ino else source.path.resolve()


def printable(name: str) -> str:
    """Return a name that can be written as UTF-8, whatever bytes the file system has in it."""
    return os.fsencode(name).decode("utf-8", "replace") if not name.isascii() else name


def is_pattern(source: str | os.PathLike[str]) -> bool:
    """Whether a source is no path that is there, and has characters that stand for others in a pattern."""
    return _PATTERN.search(os.fspath(source)) is not None and not Path(source).exists()


def _resolved(source: Source | File | Stream) -> Iterator[File | Stream]:
    if isinstance(source, File | Stream):
        yield source
    elif not isinstance(source, str | os.PathLike):
        yield Stream(source)
    elif not os.fspath(source):
        raise CorpusError("'' names no file; expected a text file, a folder, or - for standard input")
    elif source == STANDARD_INPUT:
        yield File(None)
    elif (path := Path(source)).is_dir():
        if not (files := _files_below(path)):
            raise CorpusError(f"{printable(str(path))}: an empty folder; expected text files in it")
        yield from map(File, files)
    elif path.exists():
        yield File(path)
    elif is_pattern(source):
        yield from map(File, _matching(os.fspath(source)))
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
    return sorted(files)


def _matching(pattern: str) -> list[Path]:
    """Return the regular files that a pattern matches, and those of folders that it matches, sorted."""
    files: set[Path] = set()
    for path in map(Path, glob.iglob(pattern, recursive=True)):  # noqa: PTH207 (Path's own does not pass over .hidden)
        files.update(_files_below(path) if path.is_dir() else [path] * path.is_file())
    if not files:
        raise CorpusError(f"{printable(pattern)}: no file matches it; expected a pattern such as 'books/*.txt'")
    return sorted(files)
