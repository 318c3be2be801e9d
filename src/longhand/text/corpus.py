r"""Reading a corpus: files, folders, standard input or open text streams, as one text in pieces.

UTF-8, strictly; what is not UTF-8 is refused with the byte's offset and a remedy, never guessed. A byte order mark is
dropped, line ends become `\n`, and a note says so. Folders are read in sorted order, hidden files passed over.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias

from longhand.errors import CorpusError

PIECE = 1 << 20  # bytes read at a time
STANDARD_INPUT = "-"
UTF_16_AND_32_MARKS = [
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
]

Source: TypeAlias = "str | os.PathLike[str] | TextIO"


class CorpusReader:
    """Reads sources one after another; a source that does not end its last line gets a line end before the next one.

    - sources: paths of files and folders, "-" for standard input, or open text streams
    - notes: what was changed on the way, for a person; complete once the text was read
    - names: the sources' names, without folders
    - bytes_read: size of what was read, before any change
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = list(_files(sources))
        self.names = [Path(_label(source)).name for source in self._sources]
        self.notes: list[str] = []
        self.bytes_read = 0

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces of about a megabyte. Raises `CorpusError`."""
        ended = True
        for source in self._sources:
            if not ended:
                yield "\n"
            for piece in self._pieces_of(source):
                ended = piece.endswith("\n")
                yield piece

    def _pieces_of(self, source: Path | TextIO) -> Iterator[str]:
        lines = io.IncrementalNewlineDecoder(None, translate=True)
        label, seen_bytes = _label(source), self.bytes_read
        raw = self._decoded(source, label) if isinstance(source, Path) else self._counted(source)
        for text in raw:
            if piece := lines.decode(text):
                yield piece
        if piece := lines.decode("", final=True):
            yield piece
        if self.bytes_read == seen_bytes:
            self.notes.append(f"{label} is empty")
        endings = lines.newlines if isinstance(lines.newlines, tuple) else (lines.newlines,)
        if changed := [repr(ending)[1:-1] for ending in endings if ending in ("\r\n", "\r")]:
            self.notes.append(f"{label}: line ends {' and '.join(changed)} became \\n")

    def _counted(self, source: TextIO) -> Iterator[str]:
        while text := source.read(PIECE):
            self.bytes_read += len(text.encode("utf-8", "surrogatepass"))
            yield text

    def _decoded(self, path: Path, label: str) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        offset = 0
        try:
            with _opened(path) as file:
                while data := file.read(PIECE):
                    mark = self._mark_length(data, label) if offset == 0 else 0
                    _refuse_binary(label, data, offset)
                    yield _decode(decoder, data[mark:], label, offset + mark)
                    offset += len(data)
                    self.bytes_read += len(data)
                yield _decode(decoder, b"", label, offset)
        except OSError as error:
            raise CorpusError(f"{label}: cannot be read ({error.strerror or error})") from error

    def _mark_length(self, data: bytes, label: str) -> int:
        for mark, encoding in UTF_16_AND_32_MARKS:
            if data.startswith(mark):
                raise CorpusError(f"{label}: {encoding} at byte 0, expected UTF-8: {_convert(encoding, label)}")
        if not data.startswith(codecs.BOM_UTF8):
            return 0
        self.notes.append(f"{label}: a byte order mark was dropped")
        return len(codecs.BOM_UTF8)


def _files(sources: Iterable[Source]) -> Iterator[Path | TextIO]:
    for source in sources:
        if not isinstance(source, str | os.PathLike):
            yield source
            continue
        path = Path(source)
        if str(path) == STANDARD_INPUT:
            yield path
        elif path.is_dir():
            yield from _files_below(path)
        elif path.exists():
            yield path
        else:
            raise CorpusError(f"{path}: not found; expected a text file, a folder, or - for standard input")


def _files_below(folder: Path) -> list[Path]:
    files = [
        Path(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if not any(part.startswith(".") for part in Path(parent, name).relative_to(folder).parts)
    ]
    if not files:
        raise CorpusError(f"{folder}: an empty folder; expected text files in it")
    return sorted(files)


def _opened(path: Path) -> BinaryIO:
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise CorpusError("standard input is closed; expected a text on it")
        return open(sys.stdin.fileno(), "rb", closefd=False)
    return path.open("rb")


def _label(source: Path | TextIO) -> str:
    """Return what to call a source when speaking to the one who gave it."""
    if isinstance(source, Path):
        return "standard input" if str(source) == STANDARD_INPUT else str(source)
    return str(getattr(source, "name", "text"))


def _refuse_binary(label: str, data: bytes, offset: int) -> None:
    if (zero := data.find(b"\0")) >= 0:
        raise CorpusError(
            f"{label}: a NUL at byte {offset + zero}, so this is no plain text (a binary file, or UTF-16 or UTF-32 "
            "without a mark?): save it as UTF-8 text"
        )


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, label: str, offset: int) -> str:
    waiting = len(decoder.getstate()[0])
    try:
        return decoder.decode(data, final=not data)
    except UnicodeDecodeError as error:
        at = offset - waiting + error.start
        found = "the text ends inside a character" if not data else f"0x{error.object[error.start]:02X}"
        raise CorpusError(
            f"{label}: not UTF-8 at byte {at} ({found}): {_convert('WINDOWS-1252', label)}, if that is its encoding"
        ) from None


def _convert(encoding: str, label: str) -> str:
    return f"convert it with iconv -f {encoding} -t UTF-8 '{label}' > utf8.txt"
