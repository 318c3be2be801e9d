"""What the documents of a text had best be, with a reason, from a sample of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median, quantiles

from longhand.text.documents import BLANK, FILE, LINE, NONE, starting_with
from longhand.text.prose import are_paragraphs, are_spoken
from longhand.text.suggestion import Suggestion

FEW_LINES, SHORT_LINE, LONG_LINE, LONG_UNCASED_LINE, MOST_BLANK = 20, 40, 300, 150, 0.02
MOST_GOING_ON, FULL, FULL_LINES = 0.15, 0.75, 0.3
FEW_BLOCKS, SHORT_BLOCK, LONG_BLOCK, ALIKE = 20, 20, 5000, 2.0
FEW_FILES, SHORT_FILE = 20, 50_000
FEW_STARTS, LONGEST_DOCUMENT = 5, 400  # of a known format: how many there must be, and lines of one in the mean
MOST_LINES, NEARLY_ALL = 0.6, 0.95  # shares of lines that a chat or a log has
_GOES_ON = re.compile(r"[,;:\-–—、，；：]$")  # noqa: RUF001 (they are meant)
_SEVERAL_WORDS = re.compile(r"\S+\s+\S+\s+\S")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")

STARTS: tuple[tuple[str, str, str], ...] = (
    ("[Event ", r'\[Event "', "games of chess (PGN), which begin with [Event"),
    ("X:", r"X:\s*\d+\s*$", "tunes (ABC), which begin with X:"),
    (">", r">\S[^\n]*\n[A-Za-z*\-]+$", "sequences (FASTA), which begin with >"),
    ("From ", r"From \S+ .*\d\d:\d\d[^\n]*\n[A-Z][\w-]*: ", "letters of a mail folder, which begin with From"),
    ("BEGIN:VCARD", r"BEGIN:VCARD\s*$", "cards (vCard), which begin with BEGIN:VCARD"),
    ("BEGIN:VEVENT", r"BEGIN:VEVENT\s*$", "dates (iCalendar), which begin with BEGIN:VEVENT"),
    ("<doc ", r"<doc id=", "articles, which begin with <doc"),
    ("@", r"@[A-Za-z]+\{[^\s,]+,\s*$", "entries of a bibliography (BibTeX), which begin with @"),
)
"""What the documents of known formats begin with, the pattern of such a line, and what to call them."""

_TIME = r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:[ \u202f]?[AaPp]\.?[Mm]\.?)?"
_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}"
_MESSAGE = re.compile(
    rf"\u200e?\[{_DATE},? {_TIME}\] [^:]+:|{_DATE},? {_TIME} [-–] |"
    rf"(?:\[?{_TIME}\]?\s*)?<[^<>\s]{{1,40}}>\s|\[?{_TIME}\]? [\w\[\]|`^-]+[:>] |\[?{_TIME}\]? \*{{1,3}} "
)
_ENTRY = re.compile(
    r"\[?\d{4}-\d\d-\d\d[T ,]+\d\d:\d\d|\[?[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d|\[?\d\d:\d\d:\d\d|"
    r"\S+ \S+ \S+ \[\d\d/\w{3}/\d{4}:|\[?(?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL|TRACE)\b|\d{10,13}[. ]"
)


def suggested_documents(sample: str, files: Sequence[int] = ()) -> Suggestion:
    """Return what the documents of a text had best be: "line", "blank", "file", "none", or what they begin with.

    - sample: of the text, whole lines
    - files: the sizes of its files, in bytes
    """
    if len(files) >= FEW_FILES and (size := median(files)) <= SHORT_FILE:
        return _documents(FILE, f"{len(files):,} files, half of them up to {size:,.0f} bytes")
    lines = [line for line in sample.split("\n") if line.strip()]
    if len(lines) < FEW_LINES:
        return _documents(NONE, "too few lines to see documents in them")
    if (found := _of_format(sample, lines) or _of_chat(lines) or _of_log(lines)) is not None:
        return found
    if sum(line[0] in " \t" for line in lines) > MOST_GOING_ON * len(lines):
        return _documents(NONE, "indented lines, which belong to those before them")
    blank = len(_BLANK_LINES.findall(sample.strip("\n"))) / len(lines)
    return _of_lines(lines) if blank <= MOST_BLANK else _of_blocks(sample)


def mode_of(found: Suggestion) -> str:
    """Return what was suggested as `longhand.text.documents` has it."""
    return starting_with(found.value) if found.setting == "document_start" else found.value


def _documents(value: str, why: str) -> Suggestion:
    return Suggestion(value, why, "documents")


def _of_format(sample: str, lines: list[str]) -> Suggestion | None:
    """Return what the documents of a known format begin with."""
    for start, pattern, what in STARTS:
        if start not in sample:
            continue
        count = len(re.findall(rf"^{pattern}", sample, re.MULTILINE))
        of_all = sum(line.startswith(start) for line in lines)
        if count >= FEW_STARTS and 2 * count > of_all and len(lines) <= count * LONGEST_DOCUMENT:
            return Suggestion(start, what, "document_start")
    return None


def _of_chat(lines: list[str]) -> Suggestion | None:
    share = sum(_MESSAGE.match(line) is not None for line in lines) / len(lines)
    if share >= NEARLY_ALL:
        return _documents(LINE, "messages of a chat, one a line; with none, it writes whole conversations")
    if share >= MOST_LINES:
        return _documents(NONE, "messages of a chat, some of them of several lines")
    return None


def _of_log(lines: list[str]) -> Suggestion | None:
    share = sum(_ENTRY.match(line) is not None for line in lines) / len(lines)
    if share >= NEARLY_ALL:
        return _documents(LINE, "entries of a log, one a line; with none, it writes how one follows from another")
    if share >= MOST_LINES:
        return _documents(NONE, "entries of a log, some of them of several lines")
    return None


def _of_blocks(sample: str) -> Suggestion:
    """Return what blocks are that blank lines part."""
    blocks = [block for block in _BLANK_LINES.split(sample) if block.strip()][1:-1]  # whole ones
    if len(blocks) < FEW_BLOCKS:
        return _documents(NONE, "one text, with a blank line now and then")
    if are_paragraphs(blocks):
        return _documents(NONE, "paragraphs of prose, which belong together")
    lower, middle, upper = quantiles(map(len, blocks), n=4)
    between = f"half of them {lower:,.0f} to {upper:,.0f} characters"
    if SHORT_BLOCK <= middle <= LONG_BLOCK and upper <= ALIKE * lower:
        return _documents(BLANK, f"blank lines part blocks of similar length, {between}")
    return _documents(NONE, f"blank lines part blocks of very different length, {between}: they may belong together")


def _of_lines(lines: list[str]) -> Suggestion:
    """Return what lines are between which there are next to no blank ones."""
    lengths = sorted(map(len, lines))
    long = lengths[len(lengths) * 95 // 100]
    has_case = 2 * sum(line.lower() != line.upper() for line in lines) >= len(lines)
    if long > (LONG_LINE if has_case else LONG_UNCASED_LINE):
        return _documents(NONE, f"lines of up to {long:,} characters and more, too long to be documents")
    if sum(bool(_GOES_ON.search(line.rstrip())) for line in lines) > MOST_GOING_ON * len(lines):
        return _documents(NONE, "lines go on in the next ones")
    if long >= SHORT_LINE and median(lengths) >= FULL * long and _wrapped(lines):
        return _documents(NONE, "lines are filled and go on in the next ones, as prose does")
    if are_spoken(lines):
        return _documents(NONE, "paragraphs of a story, one a line, which belong together")
    return _documents(LINE, f"short lines, half of them up to {median(lengths):,.0f} characters, that each begin anew")


def _wrapped(lines: list[str]) -> bool:
    """Whether lines that are all about as long are those of prose: many begin inside a sentence, or have no case."""
    cased = [line for line in lines if line.lower() != line.upper()]
    if 2 * len(cased) < len(lines):
        return True
    begun = sum(line[0].islower() and bool(_SEVERAL_WORDS.match(line)) for line in cased)
    return begun > FULL_LINES * len(lines)
