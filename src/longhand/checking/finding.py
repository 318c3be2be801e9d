"""What a check has found: a line for a person, and a code for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["stops", "harms", "know"]
"""Whether a finding stops a training, makes a worse model of it, or is good to know."""

LEVELS: tuple[Level, ...] = ("stops", "harms", "know")
MOST_NAMED = 3  # files of one problem


@dataclass(frozen=True)
class Finding:
    """One thing that is found in a text.

    - code: a word for it that does not change
    - found, advice: what it is and where, and what to do
    """

    level: Level
    code: str
    found: str
    advice: str


@dataclass(frozen=True)
class Place:
    """Where something is: a file, by the name it was given, and a line of it, the first is 1.

    - column: of which text the line is, if of the file only a column is read
    """

    file: str
    line: int
    column: str | None = None

    def __str__(self) -> str:
        if self.column is None:
            return f"{self.file}:{self.line}"
        return f"{self.file}, line {self.line} of column {self.column!r}"


def few(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings of the same kind, the last of them in place of all that are too many to be read one by one."""
    if len(findings) <= MOST_NAMED:
        return list(findings)
    last = findings[MOST_NAMED - 1]
    more = len(findings) - MOST_NAMED
    found = f"{last.found} (and {more:,} more file{'s' * (more > 1)} of this kind)"
    return [*findings[: MOST_NAMED - 1], Finding(last.level, last.code, found, last.advice)]
