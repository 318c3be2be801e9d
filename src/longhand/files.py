"""Writing files so that a reader finds the old one or the new one, whole, and never a part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from longhand.errors import OutputError

PART = ".longhand-"  # what the names of files begin with that are being written


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise `OutputError` if `path` exists and may not be overwritten, or lies in no folder."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder: name a file")
    if os.path.lexists(path) and not overwrite:
        raise OutputError(f"{path} exists: choose another name, or allow it to be replaced (--overwrite)")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} is no folder: create it first, or write elsewhere")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file as `written_atomically` does."""
    with written_atomically(path) as file:
        file.write(data)


@contextmanager
def written_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path`, and at the end put it in the place of `path` in one step; a link's target is replaced.

    Whatever fails, `path` is as it was and nothing is left beside it.

    Raises `OutputError` with the system's reason.
    """
    target = path.resolve()
    beside = target.with_name(f"{PART}{os.getpid()}.part")  # short: the target's own name may be as long as allowed
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return the `OutputError` that tells a person why `path` could not be written."""
    return OutputError(f"{path}: cannot write ({error.strerror or error}): check the folder's rights and free space")
