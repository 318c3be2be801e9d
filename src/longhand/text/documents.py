"""Documents: a text is often many short ones, lines, poems, files, each of which begins anew and comes to an end."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator

from longhand.errors import CorpusError
from longhand.text.escapes import escaped

BOUNDARY = "\ufdd0"  # ends a document within a text that is read; Unicode keeps it for such uses
NONE, LINE, BLANK, FILE, ROW = "none", "line", "blank", "file", "row"
STARTS = "\ufdd1"  # before what each document begins with, in place of one of these
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
MOST_HELD_BACK = 1 << 16  # characters; longer runs of spaces end wherever a piece of the text does
_AFTER = re.compile(rf"{BOUNDARY}[\n{BOUNDARY}]+")
_BEFORE = re.compile(rf"(?<!\n)\n+{BOUNDARY}")
_EDGE = f"\n{BOUNDARY}"
_BLANK_START = re.compile(r"(?:[ \t]*\n)*")


def starting_with(text: str) -> str:
    """Return the mode of documents that each begin at a line that begins with `text`."""
    return STARTS + text


def start_of(mode: str) -> str | None:
    """Return what documents begin with; None where they are not told by that."""
    return mode[1:] if mode.startswith(STARTS) else None


def option_for(mode: str) -> str:
    """Return the option of the command line that says what documents are."""
    start = start_of(mode)
    name, value = ("documents", mode) if start is None else ("document-start", start)
    return f"--{name} {shlex.quote(escaped(value))}"


def is_told_by_text(mode: str) -> bool:
    """Return whether documents are told by a text: one that stands between them, or that they begin with."""
    return mode not in (NONE, LINE, BLANK, FILE, ROW)


def never_met(mode: str) -> str:
    """Return the words for a text that nothing in a corpus is parted by."""
    start = start_of(mode)
    return f"{escaped(mode)!r} stands nowhere" if start is None else f"no further line begins with {start!r}"


def separator(mode: str, between: Counter[str] | None = None) -> str:
    """Return what to write between documents that were parted so in the text that was learned from.

    - between: how often there was a line end or a blank line between documents that are told by how they begin
    """
    if start_of(mode) is not None:
        return between.most_common(1)[0][0] if between else "\n\n"
    known = {LINE: "\n", BLANK: "\n\n", FILE: "\n\n", ROW: "\n"}
    inner = mode.strip("\n")
    return known.get(mode, f"\n{inner}\n" if inner else mode)


def marked(pieces: Iterable[str], mode: str, between: Counter[str] | None = None) -> Iterator[str]:
    """Yield a text whose documents all end with BOUNDARY, in place of what parted them; empty ones are dropped.

    - pieces: of the text; one that is BOUNDARY and nothing else is the end of a file
    - mode: "line", "blank" (lines), "file", "row" (its end is BOUNDARY already), `starting_with` what they begin with,
      or what stands between documents; line ends around it are part of none
    - between: counts what stands between documents that are told by how they begin; see `separator`

    Raises `CorpusError` for a text with BOUNDARY in it.
    """
    lines, ended, first = (
        0,
        False,
        True,
    )  # what waits between two stretches of text: line ends, or the end of a document
    start = start_of(mode)
    counter: Counter[str] = Counter() if between is None else between
    for piece in _parted(pieces, mode) if start is None else _started(pieces, start, counter):
        text = piece.strip(_EDGE)
        head = piece[: len(piece) - len(piece.lstrip(_EDGE))]
        lines, ended = lines + len(head), ended or BOUNDARY in head
        if not text:
            continue
        if lines and not first:
            yield BOUNDARY if ended else "\n" * lines
        yield _tidied(text)
        tail = piece[len(head) + len(text) :]
        lines, ended, first = len(tail), BOUNDARY in tail, False
    if not first:
        yield BOUNDARY


def documents_of_text(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the documents of a marked text, one by one."""
    begun: list[str] = []
    for piece in pieces:
        first, *others = piece.split(BOUNDARY)
        begun.append(first)
        for document in others:
            yield "".join(begun)
            begun = [document]
    if any(begun):
        yield "".join(begun)


def refuse_boundary(text: str) -> None:
    """Raise `CorpusError` for a text with BOUNDARY in it."""
    if BOUNDARY in text:
        raise CorpusError(
            "the text has the character U+FDD0, which ends documents here: take it out, or --documents none"
        )


def _tidied(text: str) -> str:
    """Return `text` with one BOUNDARY in place of any number, and of the line ends around them."""
    text = _AFTER.sub(BOUNDARY, text)
    return _BEFORE.sub(BOUNDARY, text) if f"\n{BOUNDARY}" in text else text  # which is slow, and seldom needed


def _parted(pieces: Iterable[str], mode: str) -> Iterator[str]:
    """Yield a text with BOUNDARY wherever a document ends."""
    begun = ""
    for piece in pieces:
        if piece == BOUNDARY:
            yield _replaced(begun, mode) + BOUNDARY
            begun = ""
            continue
        if mode != ROW:
            refuse_boundary(piece)
        if mode == BLANK:
            whole, begun = _before_blanks(begun + piece)
            yield _replaced(whole, mode)
            continue
        begun = _replaced(begun + piece, mode)
        end = len(begun) - _held_back(begun, mode)
        yield begun[:end]
        begun = begun[end:]
    yield _replaced(begun, mode)


def _started(pieces: Iterable[str], start: str, between: Counter[str]) -> Iterator[str]:
    """Yield a text with BOUNDARY before every line that begins with `start`, which stays.

    Blank lines at the beginning of a file are dropped where nothing else comes before the first document.
    """
    begun, first = "", True
    for piece in pieces:
        if piece == BOUNDARY:
            yield begun + BOUNDARY if begun.strip() or not first else BOUNDARY
            begun, first = "", True
            continue
        refuse_boundary(piece)
        begun += piece
        if first:
            blank = _BLANK_START.match(begun)
            assert blank is not None
            rest = begun[blank.end() :]
            undecided = not rest.strip(" \t") or (len(rest) < len(start) and start.startswith(rest))
            if undecided and len(begun) <= MOST_HELD_BACK:
                continue
            begun, first = rest if rest.startswith(start) else begun, False
        edge = f"\n{start}"
        blank_lines = begun.count(f"\n{edge}")
        between.update({"\n\n": blank_lines, "\n": begun.count(edge) - blank_lines})
        begun = begun.replace(edge, f"\n{BOUNDARY}{start}")
        end = len(begun) - _held_back(begun, edge)
        yield begun[:end]
        begun = begun[end:]
    if begun.strip() or not first:
        yield begun


def _replaced(text: str, mode: str) -> str:
    if mode == LINE:
        return text.replace("\n", BOUNDARY)
    if mode == BLANK:
        return _BLANK.sub(BOUNDARY, text)
    return text if mode in (FILE, ROW) else text.replace(mode, BOUNDARY)


def _before_blanks(text: str) -> tuple[str, str]:
    """Return a text without what may be the beginning of blank lines at its end, and that, shortened: any number do."""
    place = text.find("\n", len(text.rstrip(" \t\n")))
    if place < 0 or len(text) - place > MOST_HELD_BACK:
        return text, ""
    blanks = text[place:]
    return text[:place], blanks if blanks.count("\n") < 2 else "\n\n" + blanks[blanks.rfind("\n") + 1 :]


def _held_back(text: str, mode: str) -> int:
    """Return how many characters at the end of `text` may be the beginning of what parts documents."""
    if mode in (LINE, FILE, ROW):
        return 0
    return next((count for count in range(min(len(mode) - 1, len(text)), 0, -1) if mode.startswith(text[-count:])), 0)
