"""What may lie where a file is to be written, and the modes of files."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def device(path: Path) -> None:
    """Make a device of our own: a test that fails must not replace the machine's, as root could."""
    if os.geteuid() != 0:
        path.symlink_to("/dev/full")
        return
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 7))
    except PermissionError:
        pytest.skip("no device can be made here")


def link_to_device(path: Path) -> None:
    device(path.with_name("linked"))
    path.symlink_to("linked")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def folder(path: Path) -> None:
    path.mkdir()


def read_only(path: Path) -> None:
    path.touch()
    path.chmod(0o444)
