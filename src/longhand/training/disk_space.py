"""Writing where the disk may be full: room is made by removing what the new file replaces."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from longhand.errors import OutputError

FULL = (errno.ENOSPC, errno.EDQUOT)


def write_making_room(write: Callable[[], None], replaced: Sequence[Path], folder: Path, size: int) -> None:
    """Write a file; while the disk is full, remove a file that it replaces and try again.

    - write: writes the file, whole or not at all
    - replaced: files that the new one makes superfluous, the least useful first; one is removed only where the room is
      then likely to suffice, with the others that are still there
    - folder: where the file goes
    - size: how many bytes it takes, about

    Raises `OutputError` where it cannot be written all the same.
    """
    left = [path for path in replaced if path.exists()]
    while left:
        try:
            return write()
        except OutputError as error:
            if not _is_full(error) or not _suffices(left, folder, size):
                raise
        with suppress(OSError):
            left[0].unlink(missing_ok=True)
        del left[0]
    return write()


def _is_full(error: OutputError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL


def _suffices(files: Sequence[Path], folder: Path, size: int) -> bool:
    try:
        return shutil.disk_usage(folder).free + sum(path.stat().st_size for path in files) >= size
    except OSError:
        return False
