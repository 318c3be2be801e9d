"""Writing where the disk may be full: room is made by removing what the new file replaces."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from longhand.errors import OutputError

FULL = (errno.ENOSPC, errno.EDQUOT)


def write_making_room(write: Callable[[], None], replaced: Sequence[Path], target: Path, size: int) -> None:
    """Write a file; while the disk is full, remove a file that it replaces and try again.

    - write: writes the file, whole or not at all
    - replaced: files that the new one makes superfluous, the least useful first; one is removed only where the room is
      then likely to suffice, with the others that are still there
    - target: the file; only what lies on the same file system makes room for it
    - size: how many bytes it takes, about

    Raises `OutputError` where it cannot be written all the same.
    """
    folder = target.resolve().parent
    left = [path for path in replaced if path.exists() and path.stat().st_dev == folder.stat().st_dev]
    while left:
        try:
            return write()
        except OutputError as error:
            if not is_full(error) or _room(left, folder, error) < size:
                raise
        with suppress(OSError):
            left[0].unlink(missing_ok=True)
        del left[0]
    return write()


def is_full(error: OutputError) -> bool:
    """Return whether a file could not be written because the disk, or a quota, is full."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL


def _room(files: Sequence[Path], folder: Path, error: OutputError) -> int:
    """Return how many bytes there would be without some files; of a quota nothing is known but that it is used up."""
    try:
        used_up = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EDQUOT
        free = 0 if used_up else shutil.disk_usage(folder).free
        return free + sum(path.stat().st_size for path in files)
    except OSError:
        return 0
