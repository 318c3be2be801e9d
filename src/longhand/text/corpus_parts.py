"""Folders that are divided already: into train, valid and test, as data sets are handed on."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from longhand.text.sources import Source, is_pattern, printable

ROLES = {
    "train": ("train", "training"),
    "valid": ("valid", "validation", "val", "dev"),
    "test": ("test", "testing"),
}
"""The parts of a data set, and the words that files and folders of each are named with."""
BESIDE = ("readme", "license", "licence", "notice", "citation")  # files that belong to no part
MOST_NAMED = 3
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass
class CorpusParts:
    """What of a corpus is learned from, and what only scored.

    - validation: empty where nothing is scored but a share of what is given
    - notes: what a person should know
    """

    learned: list[Source] = field(default_factory=list)
    validation: list[Source] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def parts_of(sources: Iterable[Source]) -> CorpusParts:
    """Return the parts of a corpus: of a folder of train, valid and test the first two, of other sources all.

    Names are compared word by word, whatever suffix they have: `wiki.valid.tokens.gz` and `val/` are "valid". A folder
    is divided if it has a part to learn from, another one, and nothing else but a README and its like.
    """
    parts = CorpusParts()
    for source in sources:
        found = _divided(source)
        if found is None:
            parts.learned.append(source)
            continue
        parts.learned += found["train"]
        parts.validation += found["valid"]
        scored = f", {_named(found['valid'])} is scored" if found["valid"] else ""
        left = [*found["test"], *found["beside"]]
        never = f", {_named(left)} is left alone" if left else ""
        parts.notes.append(f"{_named([source])}: {_named(found['train'])} is learned from{scored}{never}")
    parts.notes += _all_learned(parts.learned)
    return parts


def without_validation(parts: CorpusParts, why: str = "nothing else is scored") -> list[str]:
    """Return the notes on parts, of which what is there to be scored is left alone, too."""
    return [note.replace(" is scored", f" is left alone: {why}") for note in parts.notes]


def _all_learned(sources: Iterable[Source]) -> list[str]:
    """Return what to say where the parts of a data set are all learned from, since they were named one by one."""
    paths = [path for source in sources if isinstance(source, str | os.PathLike) for path in _files(source)]
    parts = {_part(path): path for path in paths if not path.is_dir()}
    if "train" not in parts or parts.keys().isdisjoint({"valid", "test"}):
        return []
    named = _named(parts[part] for part in ROLES if part in parts)
    return [f"{named} are all learned from: give their folder, and they are kept apart"]


def _files(source: str | os.PathLike[str]) -> list[Path]:
    if not is_pattern(source):
        return [Path(source)]
    return [Path(name) for name in glob.iglob(os.fspath(source), recursive=True)]  # noqa: PTH207 (as reading does)


def _divided(source: Source) -> dict[str, list[Path]] | None:
    """Return the files and folders of each part of a folder; None for what is no divided folder."""
    if not isinstance(source, str | os.PathLike) or not Path(source).is_dir():
        return None
    found: dict[str, list[Path]] = {part: [] for part in (*ROLES, "beside", "others")}
    try:
        entries = sorted(path for path in Path(source).iterdir() if not path.name.startswith("."))
    except OSError:  # which reading it says
        return None
    for path in entries:
        found[_part(path)].append(path)
    is_divided = found["train"] and (found["valid"] or found["test"]) and not found["others"]
    return found if is_divided else None


def _part(path: Path) -> str:
    words = _WORDS.findall(path.name.lower())
    if path.is_dir():
        words = words if len(words) == 1 else []
    roles = [part for part, names in ROLES.items() if not set(words).isdisjoint(names)]
    if len(roles) == 1:
        return roles[0]
    return "beside" if words and words[0] in BESIDE else "others"


def _named(sources: Iterable[Source]) -> str:
    names = [printable(Path(source).name or str(source)) for source in sources if isinstance(source, str | os.PathLike)]
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} others"]
    return " and ".join(names)
