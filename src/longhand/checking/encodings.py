"""The bytes of files: which are no UTF-8, marks, NULs, line ends. Unlike a training, it does not stop at the first."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from functools import partial

from longhand.checking.finding import Finding
from longhand.text.encodings import remedy
from longhand.text.likely import likely_encoding, marked_encoding
from longhand.text.sources import File, Stream

MOST_PLACES = 3
SAMPLE = 100_000  # bytes before and after the first bad one, to guess an encoding by
MANY_NULS = 0.001  # of the bytes: no text
LINE_ENDS = ("\n", "\r\n", "\r")


@dataclass(frozen=True)
class BadByte:
    """A byte that no character of UTF-8 has there; the first byte is 0, the first line 1."""

    byte: int
    line: int


@dataclass
class FileFacts:
    """What the bytes of a file are, unpacked.

    - lines: line ends of all kinds, and what follows the last one
    - line_ends: how many there are of each kind
    - bad_bytes: how many are no UTF-8, bad: the first of them
    - cut: whether the file ends inside a character
    - mark: "UTF-8", "UTF-16" or "UTF-32", if it begins with such a byte order mark
    - nuls: how many NULs, first_nul: where the first one is
    - is_text: whether it is read at all; what is UTF-16, UTF-32 or full of NULs is not
    - looks_like: the encoding that it may be in, if it is not UTF-8; a guess
    - unpack: the command that unpacks it, if it is compressed
    """

    file: str
    size: int = 0
    lines: int = 0
    line_ends: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LINE_ENDS, 0))
    bad_bytes: int = 0
    bad: list[BadByte] = field(default_factory=list)
    cut: bool = False
    mark: str = ""
    nuls: int = 0
    first_nul: int | None = None
    is_text: bool = True
    looks_like: str = ""
    unpack: str = ""

    @property
    def is_utf8(self) -> bool:
        """Whether a training reads it."""
        return self.is_text and not self.bad_bytes and not self.nuls


class ByteCheck:
    """Is given the bytes of a file, piece by piece, and makes its `facts`."""

    def __init__(self, label: str) -> None:
        self.facts = FileFacts(label)
        self._begun = b""  # a character that may go on
        self._ended_cr = False
        self._last = b""
        self._continuing = 0  # bytes of characters after their first ones: what speaks for UTF-8
        self._sample, self._place = b"", 0  # around the first bad byte

    def take(self, data: bytes) -> None:
        """Take in a piece."""
        facts = self.facts
        if facts.size == 0:
            self._begin(data)
        if facts.is_text:
            if zeros := data.count(0):
                facts.first_nul = facts.size + data.find(0) if facts.first_nul is None else facts.first_nul
                facts.nuls += zeros
            self._decode(data, final=False)
            self._count_lines(data)
        facts.size += len(data)
        self._last = data[-1:]

    def end(self) -> FileFacts:
        """Return what was found."""
        facts = self.facts
        if facts.is_text:
            self._decode(b"", final=True)
            facts.lines = sum(facts.line_ends.values()) + (self._last not in (b"", b"\n", b"\r"))
        if self._sample and self._continuing <= facts.bad_bytes:
            facts.looks_like = likely_encoding(self._sample, self._place) or ""
        return facts

    def _begin(self, data: bytes) -> None:
        if encoding := marked_encoding(data):
            self.facts.mark, self.facts.is_text, self.facts.looks_like = encoding.upper(), False, encoding
            return
        self.facts.mark = "UTF-8" if data.startswith(codecs.BOM_UTF8) else ""
        zeros = data.count(0)
        if zeros > MANY_NULS * len(data):
            self.facts.is_text, self.facts.nuls, self.facts.first_nul = False, zeros, data.find(0)
            even, odd = data[::2].count(0), data[1::2].count(0)
            if max(even, odd) > 0.3 * len(data) and min(even, odd) < 0.01 * len(data):
                self.facts.looks_like = "utf-16be" if even > odd else "utf-16le"

    def _decode(self, data: bytes, *, final: bool) -> None:
        begun, data = len(self._begun), self._begun + data
        try:
            text, used = codecs.utf_8_decode(data, "strict", final)
            bad = 0
        except UnicodeDecodeError:
            self._note_places(data, begun, final)
            text, used = codecs.utf_8_decode(data, "ignore", final)
            bad = used - len(text.encode())
        self.facts.bad_bytes += bad
        self._continuing += used - bad - len(text)
        self._begun = data[used:]

    def _note_places(self, data: bytes, begun: int, final: bool) -> None:
        """Note where the first bad bytes are.

        - begun: how many bytes at the beginning of `data` belong to the piece before, which was counted already
        """
        facts, at = self.facts, 0
        while (len(facts.bad) < MOST_PLACES or final) and (error := _first_error(data[at:], final)) is not None:
            place, at = at + error.start, at + error.end
            facts.cut = facts.cut or (final and error.reason == "unexpected end of data")
            if not facts.bad:
                begin = max(place - SAMPLE, 0)
                self._sample, self._place = data[begin : place + SAMPLE], place - begin
            if len(facts.bad) < MOST_PLACES:
                line = sum(facts.line_ends.values()) + sum(self._line_ends(data[begun:place]).values()) + 1
                facts.bad.append(BadByte(facts.size - begun + place, line))

    def _count_lines(self, data: bytes) -> None:
        for end, count in self._line_ends(data).items():
            self.facts.line_ends[end] += count
        self._ended_cr = data.endswith(b"\r") if data else self._ended_cr

    def _line_ends(self, data: bytes) -> dict[str, int]:
        r"""Return how many line ends there are of each kind; -1 for a `\r` in the piece before that became `\r\n`."""
        both = data.count(b"\r\n") if b"\r" in data else 0
        only_r = data.count(b"\r") - both
        only_n = data.count(b"\n") - both
        joined = self._ended_cr and data.startswith(b"\n")
        return {"\n": only_n - joined, "\r\n": both + joined, "\r": only_r - joined}


def _first_error(data: bytes, final: bool) -> UnicodeDecodeError | None:
    try:
        codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        return error
    return None


def file_findings(facts: FileFacts, source: File | Stream) -> list[Finding]:
    """Return what a person should know of a file's bytes."""
    return [*_of_encoding(facts, source), *_of_nuls(facts), *_of_marks_and_line_ends(facts)]


def _of_encoding(facts: FileFacts, source: File | Stream) -> list[Finding]:
    file, looks_like = facts.file, facts.looks_like
    if isinstance(source, File):
        conversion = partial(source.conversion, unpack=facts.unpack)
        otherwise, good = remedy(looks_like, conversion), conversion("UTF-8 -c")
    else:
        otherwise, good = f"decode it as {looks_like}", "encode it with errors='ignore'"
    if facts.mark not in ("", "UTF-8"):
        return [Finding("stops", "utf-16", f"{file} is {facts.mark}", otherwise)]
    if not facts.is_text and looks_like:
        return [Finding("stops", "utf-16", f"{file} looks like {looks_like} without a mark", otherwise)]
    if not facts.bad_bytes:
        return []
    if facts.cut and facts.bad_bytes < 4:
        found = f"{file} ends inside a character, at byte {facts.bad[-1].byte:,}"
        return [Finding("stops", "cut", found, "the file was cut short: take a whole one")]
    bytes_are = "1 byte is" if facts.bad_bytes == 1 else f"{facts.bad_bytes:,} bytes are"
    places = ", ".join(f"{bad.byte:,} (line {bad.line:,})" for bad in facts.bad)
    found = f"{file}: {bytes_are} not UTF-8, at byte {places}{' and on' * (facts.bad_bytes > len(facts.bad))}"
    if looks_like:
        return [Finding("stops", "not-utf-8", f"{found}; it looks like {looks_like}", f"if so, {otherwise}")]
    advice = f"the rest is UTF-8, so these are damaged; to leave them out, {good}"
    return [Finding("stops", "not-utf-8", found, advice)]


def _of_nuls(facts: FileFacts) -> list[Finding]:
    if not facts.nuls or (not facts.is_text and facts.looks_like):
        return []
    if not facts.is_text:
        found = f"{facts.file} is a binary file, with a NUL at byte {facts.first_nul:,}"
        return [Finding("stops", "binary", found, "leave it out; if it is UTF-16, train with --encoding utf-16-le")]
    found = f"{facts.file}: {facts.nuls:,} NUL{'s' * (facts.nuls > 1)}, the first at byte {facts.first_nul:,}"
    return [Finding("stops", "nul", found, r"take them out, with tr -d '\000'")]


def _of_marks_and_line_ends(facts: FileFacts) -> list[Finding]:
    found = []
    if facts.mark == "UTF-8":
        found.append(Finding("know", "mark", f"{facts.file} begins with a byte order mark", "a training drops it"))
    kinds = [repr(end)[1:-1] for end, count in facts.line_ends.items() if count]
    if len(kinds) > 1:
        mixed = f"{facts.file} has line ends of several kinds, {' and '.join(kinds)}"
        found.append(Finding("know", "mixed-line-ends", mixed, r"a training reads them all as \n"))
    return found
