"""The folder where the tokens of large texts are kept, so that the next training of the same text begins at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import platformdirs

from longhand.files import PREFIX, make_private_folder
from longhand.text.progress import Told
from longhand.text.store import FILES, read_state

VARIABLE = "LONGHAND_CACHE"  # in the environment: another folder, or 0 for none
OFF = "0"
LOCK = ".lock"
TOKENS = "tokens"
PROBED = 0.2  # seconds


@dataclass(frozen=True)
class Kept:
    """A text whose tokens are kept.

    - folder: where
    - names: of the text's sources; none where that cannot be read
    - size: bytes on the disk
    - complete: whether it was prepared to its end
    """

    folder: Path
    names: list[str]
    size: int
    complete: bool


def cache_folder() -> Path | None:
    """Return where tokens are kept; None where they are not to be."""
    chosen = os.environ.get(VARIABLE)
    if chosen == OFF:
        return None
    return (Path(chosen) if chosen else platformdirs.user_cache_path("longhand")) / TOKENS


@contextmanager
def held(folder: Path, tell: Told) -> Iterator[None]:
    """Hold one text's folder; where another training prepares that text, wait for it. Raises `OSError`."""
    make_private_folder(folder)  # what it holds is somebody's text
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=PROBED)
    except filelock.Timeout:
        tell("waiting for another training that prepares this text", None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def kept_texts(folder: Path) -> list[Kept]:
    """Return what is kept."""
    found = sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return [_kept(entry) for entry in found if _files(entry)]


def clear(folder: Path) -> tuple[int, list[Path]]:
    """Remove what is kept; return how many bytes that were, and the folders that are in use and stay.

    Locks stay too: another training may wait for one.
    """
    texts = kept_texts(folder)
    used = [kept.folder for kept in texts if not _removed(kept.folder)]
    return sum(kept.size for kept in texts if kept.folder not in used), used


def _removed(folder: Path) -> bool:
    try:
        with filelock.FileLock(folder / LOCK).acquire(timeout=PROBED):
            for path in _files(folder):
                path.unlink(missing_ok=True)
    except (filelock.Timeout, OSError):  # Windows keeps a file that a training maps
        return False
    return True


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name in FILES or path.name.startswith(PREFIX)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # a training that prepares the text has just removed it
        return 0


def _kept(folder: Path) -> Kept:
    size = sum(map(_size, _files(folder)))
    try:
        split, progress = read_state(folder)
    except (OSError, ValueError):
        return Kept(folder, [], size, complete=False)
    return Kept(folder, split.names, size, progress.digest != "")
