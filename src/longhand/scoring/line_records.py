"""The bits of each line of a text, or of each row of a table, as a record: CSV or JSON lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from longhand.arrays import DoubleArray
from longhand.errors import OptionError
from longhand.scoring.blocks import Block
from longhand.text.origins import Origin, Origins
from longhand.text.utf8 import without_surrogates

FIELDS = ("file", "line", "row", "bits", "bits_per_character", "text")
DIGITS = 6  # of bits, after the point


class LineRecords:
    """Writes a record for every line or row of a text, as it comes, in constant memory.

    Its bits and its characters include its end. Where several documents stand in one line, or a row has several lines,
    they are one record.

    - file: to write to
    - name: what the file is called, whose suffix says what is written (`refuse_other_suffix`)
    - origins: where the lines stand
    """

    def __init__(self, file: IO[bytes], name: str, origins: Origins) -> None:
        self._file, self._origins = file, origins
        self._encode: Callable[[tuple[Any, ...]], bytes] = _as_csv if _suffix(name) == ".csv" else _as_json
        if self._encode is _as_csv:
            file.write(_as_csv(FIELDS))
        self._begun, self._begun_bits = "", 0.0  # of a line that goes on in the next block
        self._origin: Origin | None = None
        self._lines: list[str] = []
        self._bits, self._characters = 0.0, 0

    def watch(self, block: Block, bits: DoubleArray) -> None:
        """Take the next block of the text."""
        text = block.readable
        until = np.concatenate([[0.0], np.cumsum(block.character_bits(bits))])
        place = 0
        while (end := text.find("\n", place)) >= 0:
            self._take(self._begun + text[place:end], self._begun_bits + float(until[end + 1] - until[place]), 1)
            self._begun, self._begun_bits, place = "", 0.0, end + 1
        self._begun += text[place:]
        self._begun_bits += float(until[-1] - until[place])

    def finish(self) -> None:
        """Write what is left at the end of the text."""
        if self._begun:
            self._take(self._begun, self._begun_bits, 0)
        self._write()

    def _take(self, line: str, bits: float, end: int) -> None:
        """Take a line: one more of the present row, or the first of the next record."""
        origin = self._origins.of(line)
        if origin is not None and origin is not self._origin:
            self._write()
            self._origin = origin
        self._lines.append(line)
        self._bits += bits
        self._characters += len(line) + end

    def _write(self) -> None:
        if self._lines and self._origin is not None:
            found = self._origin
            bits, mean = round(self._bits, DIGITS), round(self._bits / max(self._characters, 1), DIGITS)
            text = without_surrogates("\n".join(self._lines))
            self._file.write(self._encode((without_surrogates(found.file), found.line, found.row, bits, mean, text)))
        self._lines, self._bits, self._characters = [], 0.0, 0


def refuse_other_suffix(name: str) -> None:
    """Raise `OptionError` for the name of a file that says neither CSV nor JSON lines."""
    if _suffix(name) not in (".csv", ".jsonl", ".ndjson"):
        raise OptionError(
            f"--per-line: found {name}, expected a name with .csv or .jsonl at its end, which says the form"
        )


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()


def _as_csv(record: tuple[Any, ...]) -> bytes:
    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow(record)
    return row.getvalue().encode("utf-8")


def _as_json(record: tuple[Any, ...]) -> bytes:
    return msgspec.json.encode(dict(zip(FIELDS, record, strict=True))) + b"\n"
