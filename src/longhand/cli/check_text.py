"""A check for people: one screen, on a terminal with colours, elsewhere plain lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from longhand.checking.characters import examples
from longhand.checking.checker import Check
from longhand.checking.estimate import Estimate
from longhand.checking.finding import LEVELS
from longhand.cli.output import show, visible
from longhand.config import TrainConfig
from longhand.settings import is_escaped
from longhand.text.escapes import escaped

WIDEST = 100  # columns
MOST_FINDINGS = 10
LONGEST_EXAMPLE = 40  # characters of a line
HEADINGS = {
    "stops": ("What stops a training", "bold red"),
    "harms": ("What makes a worse model", "bold yellow"),
    "know": ("Good to know", "bold"),
}
NAMED_ENDS = {"\n": r"\n", "\r\n": r"\r\n", "\r": r"\r"}


def print_check(check: Check, corpus: Sequence[str], options: Mapping[str, Any]) -> None:
    """Print a check.

    - corpus: what was checked, as it was given, options: what was said of how it is read
    """
    screen = Console(highlight=False)
    screen.width = min(screen.width, WIDEST) if screen.is_terminal and not screen.is_dumb_terminal else WIDEST
    with screen.capture() as captured:
        screen.print(Text(_headline(check, corpus)), soft_wrap=True)
        for part in (*_findings(check), _table(check, _facts(check).items(), "dim")):
            screen.print(part)
        if check.trainable:
            screen.print(Text(_next(check, corpus, options)), soft_wrap=True)
    for line in captured.get().rstrip("\n").split("\n"):
        show(line.rstrip())


def _table(check: Check, rows: Iterable[tuple[str, str]], style: str = "") -> Table:
    """Return lines with a word before each, under which none of it is written."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style=style, no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in rows:
        table.add_row(name, Text(visible(" ".join(_without_the_name(check, words).split("\n")))))
    return table


def _next(check: Check, corpus: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return the command that trains on a text as it was checked, or else as is suggested."""
    suggested: dict[str, Any] = {found.setting: found.value for found in (check.suggested_documents, check.tokens)}
    table = _of_tables(check)
    if table or not options.keys().isdisjoint({"documents", "document_start"} - {check.suggested_documents.setting}):
        suggested.pop(check.suggested_documents.setting)
    suggested |= {
        **table,
        "fix_mojibake": check.mojibake is not None or check.escaped_mojibake > 0,
        **options,
    }
    usual = {"documents": "none", "tokens": "char", "fix_mojibake": False}
    words: list[str] = []
    for name, value in suggested.items():
        if usual.get(name) != value:
            shown = escaped(value) if is_escaped(TrainConfig, name) else str(value)
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [shown])]
    return visible(f"Next: longhand train {shlex.join([*corpus, *words])}")


def _of_tables(check: Check) -> dict[str, str]:
    """Return the column that is suggested for a text of tables, and its rows as documents."""
    suggested = {table.suggested for table in check.tables}
    if len(check.tables) != check.files or len(suggested) != 1 or suggested == {""}:
        return {}
    return {"column": suggested.pop(), "documents": "row"}


def _headline(check: Check, corpus: Sequence[str]) -> str:
    names = ", ".join(corpus[:3]) + ", ..." * (len(corpus) > 3)
    files = f"{check.files:,} files, " * (check.files > 1)
    verdict = "a training would refuse it" if not check.trainable else "can be learned from"
    verdict += ", nothing found that would trip a training" * (not check.findings)
    return visible(f"{names}: {files}{check.bytes:,} bytes, {check.characters:,} characters: {verdict}")


def _without_the_name(check: Check, words: str) -> str:
    """Return words about a text without the name of its file, which the headline has, where there is no other."""
    if check.files > 1:
        return words
    file = rf"(?<![^ (]){re.escape(check.longest_at.file)}"
    return re.sub(rf"\A{file}[:,]? |{file}, (?=line)", "", re.sub(rf"{file}:(?=\d)", "line ", words))


def _findings(check: Check) -> Iterator[Text | Table]:
    findings = check.findings
    shown = findings[:MOST_FINDINGS]
    for level in LEVELS:
        of_level = [("  -", f"{finding.found}: {finding.advice}") for finding in shown if finding.level == level]
        if of_level:
            yield Text(*HEADINGS[level])
            yield _table(check, of_level)
    if more := len(findings) - len(shown):
        yield Text(f"  and {more:,} more, which --json shows")
    yield Text()


def _facts(check: Check) -> dict[str, str]:
    """Return what a text is made of, by a name for each line."""
    facts = {
        "lines": f"{check.lines:,}, the longest of {check.longest_line:,} characters ({check.longest_at}), "
        f"{check.blank_lines:,} empty; ends: {_line_ends(check)}"
        + f"; {check.trailing_spaces:,} with spaces at the end" * (check.trailing_spaces > 0)
        + f"; {check.tabs:,} tabs" * (check.tabs > 0),
        "characters": f"{check.different:,} different: {_scripts(check)}",
        "repeats": _repeats(check),
        "held out": _leakage(check),
        "tokens": f"{check.tokens.value}: {check.tokens.why}",
        "documents": f"{_suggested(check)}: {check.suggested_documents.why}",
    }
    if check.rare:
        facts["characters"] += f"; {len(check.rare):,} occur less than 10 times: {examples(check.rare)}"
    if check.empty_files:
        facts["empty files"] = f"{len(check.empty_files):,}: {', '.join(check.empty_files[:3])}"
    if check.estimate is not None:
        facts[f"{check.estimate.minutes:g} minutes"] = _estimate(check.estimate)
    return facts


def _suggested(check: Check) -> str:
    found = check.suggested_documents
    return found.value if found.setting == "documents" else f"--document-start {shlex.quote(found.value)}"


def _line_ends(check: Check) -> str:
    ends = {NAMED_ENDS[end]: count for end, count in check.line_ends.items() if count}
    return ", ".join(ends if len(ends) == 1 else [f"{end} {count:,}" for end, count in ends.items()]) or "none"


def _scripts(check: Check) -> str:
    return ", ".join(f"{name} {_percent(count / check.characters)}" for name, count in list(check.scripts.items())[:6])


def _repeats(check: Check) -> str:
    words = f"{_percent(check.repeated_lines.share)} of the characters are in lines that occurred before"
    if check.frequent_lines:
        often = [f"{_short(line.strip())!r} {count:,} times" for line, count in check.frequent_lines]
        words += f", such as {', '.join(often)}"
    if (documents := check.documents) is not None and documents.mode != "line":
        words += f"; {documents.repeated.repeated:,} of {documents.repeated.parts:,} documents occurred before"
    return words


def _leakage(check: Check) -> str:
    leakage = check.leakage
    share = "nothing" if leakage.at is None else _percent(leakage.share)
    words = f"{share} of the held-out text is copied from what is learned, in passages of 50 characters and more"
    if leakage.at is not None:
        words += (
            f"; the longest of {leakage.longest:,} characters, {leakage.at}, as in {leakage.before}: "
            f"{_short(' '.join(leakage.example.split()))!r}"
        )
    if (documents := check.documents) is not None and documents.held_out_repeated:
        words += f"; {documents.held_out_repeated:,} of its {documents.held_out:,} documents are learned from, too"
    return words


def _estimate(estimate: Estimate) -> str:
    return (
        f"of training: {estimate.layers} x {estimate.hidden} LSTM, which reads the text about {estimate.readings:.2g} "
        f"times here; about {estimate.low:.1f} to {estimate.high:.1f} bits per character, an estimate (an n-gram model "
        f"{estimate.ngram:.2f}, xz {estimate.xz_per_character:.2f}, or {estimate.xz_per_byte:.2f} per byte)"
    )


def _percent(share: float) -> str:
    return "under 0.1%" if 0 < share < 0.001 else f"{share:.1%}"


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_EXAMPLE else f"{line[: LONGEST_EXAMPLE - 3]}..."
