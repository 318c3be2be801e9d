"""Write files so that a reader finds the old one or the new one, complete, and never a part of one.

A new file is written beside its target and then renamed, so that a process which has the old one open, or mapped, keeps
it. Its temporary name is random: neither a second writer nor somebody who plants links can meet it.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeAlias

from longhand.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows, where an open file can be neither removed nor renamed
    fcntl = None  # type: ignore[assignment]

PREFIX, SUFFIX = ".longhand-", ".part"  # of temporary names; short, for the target's own may be as long as allowed
PRIVATE, PRIVATE_FOLDER = 0o600, 0o700  # modes of what only its owner may read
ORDINARY = 0o666  # less what the umask takes
CREATE_ATTEMPTS = 8  # each is lost only to a cleanup that meets the file before its writer has locked it
NEW_FILE = os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}

Stat: TypeAlias = os.stat_result


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise `OutputError` if `path` cannot be written: to be called before the work whose result goes there."""
    _destination(path, overwrite)


def write_atomically(path: Path, data: bytes, *, overwrite: bool = True, private: bool = False) -> None:
    """Write a file as `written_atomically` does."""
    with written_atomically(path, overwrite=overwrite, private=private) as file:
        file.write(data)


@contextmanager
def written_atomically(path: Path, *, overwrite: bool = True, private: bool = False) -> Iterator[IO[bytes]]:
    """Open a new file beside `path`, and at the end put it in the place of `path` in one step.

    A file that is replaced passes on its mode and owner; a link stays, and the file that it leads to is replaced.
    Whatever fails, `path` is as it was and nothing is left beside it.

    - overwrite: whether `path` may exist; if not, of several writers one succeeds
    - private: whether a new file is for its owner alone, whatever the umask

    Raises `OutputError` with the system's reason, and for what is no regular file.
    """
    target, replaced = _destination(path, overwrite)
    beside = target.with_name(f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}")
    try:
        with _created(beside, PRIVATE if private or replaced else ORDINARY) as file:
            yield file
            file.flush()
            if replaced is not None:
                _inherit(file.fileno(), replaced)
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()
            _put_in_place(beside, target, overwrite)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def create_private(path: Path) -> None:
    """Create an empty file that only its owner can read, in place of one that is there. Raises `OSError`."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, NEW_FILE | os.O_WRONLY, PRIVATE))


def append_private(path: Path, data: bytes) -> None:
    """Append to a file that only its owner can read; a link is not followed. Raises `OSError`."""
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, PRIVATE), "ab") as file:
        file.write(data)


def make_private_folder(path: Path) -> None:
    """Create a folder that only its owner can enter, and those above it that are missing. Raises `OSError`."""
    for folder in (*reversed(path.parents), path):
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def is_exposed(path: Path) -> bool:
    """Return whether a file of ours can be read by other users too. Raises `OSError`."""
    found = path.stat()
    return hasattr(os, "geteuid") and found.st_uid == os.geteuid() and bool(found.st_mode & 0o077)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of killed writers. Those of live ones, in any process, are locked and stay."""
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):
            _remove_unlocked(path)


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return the `OutputError` that tells a person why `path` could not be written."""
    if isinstance(error, OutputError):  # it says so already
        return OutputError(*error.args)
    return OutputError(f"{path}: cannot write ({error.strerror or error}): check the folder's rights and free space")


def _destination(path: Path, overwrite: bool) -> tuple[Path, Stat | None]:
    """Return the file to write, links followed, and what is known of the one that it replaces."""
    try:
        there = path.lstat()
        found = path.stat() if stat.S_ISLNK(there.st_mode) else there
    except (FileNotFoundError, NotADirectoryError):
        found = None
    except OSError as error:
        raise cannot_write(path, error) from error
    except ValueError:
        raise OutputError(f"{str(path)!r}: no file has a NUL in its name") from None
    if found is not None and (kind := _other_kind(found)):
        raise OutputError(f"{path} is {kind}: name a file")
    if os.path.lexists(path) and not overwrite:
        raise _exists(path)
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} is no folder: create it first, or write elsewhere")
    if found is not None and not (found.st_mode & 0o222 and os.access(path, os.W_OK)):
        raise OutputError(f"{path} is write-protected: allow writing (chmod u+w), or choose another name")
    _refuse_link_of_others(path)
    return path.resolve(), found


def _other_kind(found: Stat) -> str:
    """Return what something is that is no regular file of its own; empty for one that is."""
    for number in range(3):
        with suppress(OSError):
            if stat.S_ISREG(found.st_mode) and os.path.samestat(found, os.fstat(number)):  # /dev/stdout > file
                return "what this command itself reads or prints"
    return "" if stat.S_ISREG(found.st_mode) else KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")


def _refuse_link_of_others(path: Path) -> None:
    """Raise `OutputError` for a link that another user made, in a folder that is neither theirs nor ours alone.

    The kernel does not follow such links in /tmp (protected_symlinks), but resolving a path goes around it.
    """
    if not path.is_symlink() or not hasattr(os, "geteuid"):
        return
    if path.lstat().st_uid not in (0, os.geteuid(), path.parent.stat().st_uid):
        raise OutputError(f"{path} is a link that another user made: name the file itself")


def _exists(path: Path) -> OutputError:
    return OutputError(f"{path} exists: choose another name, or allow it to be replaced (--overwrite)")


def _created(path: Path, mode: int) -> IO[bytes]:
    """Create a temporary file and lock it, so that `remove_leftovers` knows it is in use."""
    for _ in range(CREATE_ATTEMPTS):
        file = os.fdopen(os.open(path, NEW_FILE | os.O_RDWR, mode), "w+b")
        if fcntl is None:
            break
        with suppress(OSError):  # a file system without locks, where leftovers stay
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            break
        file.close()
    return file


def _remove_unlocked(path: Path) -> None:
    if fcntl is not None:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(file)
    else:
        path.unlink()


def _inherit(file: int, replaced: Stat) -> None:
    """Give a file the owner and the mode of the one that it replaces; fewer rights where the group cannot be kept."""
    if not hasattr(os, "fchown"):
        return
    mode, new = stat.S_IMODE(replaced.st_mode) & 0o777, os.fstat(file)
    if (new.st_uid, new.st_gid) != (replaced.st_uid, replaced.st_gid):
        try:
            os.fchown(file, replaced.st_uid, replaced.st_gid)
        except OSError:
            try:
                os.fchown(file, -1, replaced.st_gid)
            except OSError:
                mode &= 0o707
    os.fchmod(file, mode)


def _put_in_place(beside: Path, target: Path, overwrite: bool) -> None:
    """Give a finished file its name; without `overwrite`, only if no file has it."""
    if overwrite:
        beside.replace(target)
        return
    try:
        if fcntl is None:
            beside.rename(target)  # fails on Windows if the target exists
            return
        try:
            os.link(beside, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: reserve the name, then take its place
            os.close(os.open(target, NEW_FILE | os.O_WRONLY, PRIVATE))
            beside.replace(target)
    except FileExistsError:
        raise _exists(target) from None
