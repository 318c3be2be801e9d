"""Writing files: whole or not at all, by several writers at once, with the right modes, and only where files go."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from odd_files import bound_socket, device, folder, link_to_device, mode, pipe, read_only

from longhand.errors import OutputError
from longhand.files import (
    append_private,
    make_private_folder,
    refuse_existing,
    remove_leftovers,
    write_atomically,
    written_atomically,
)

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes are POSIX's")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
OTHER_USER = 12345


@pytest.fixture(params=[0, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_two_writers_of_one_folder_each_write_their_own_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with written_atomically(first) as one:
        one.write(b"of the ")
        with written_atomically(second) as two:
            two.write(b"of the second")
        one.write(b"first")
    assert (first.read_bytes(), second.read_bytes()) == (b"of the first", b"of the second")
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_two_writers_of_one_name_leave_one_of_their_files_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with written_atomically(path) as one:
        one.write(b"first")
        write_atomically(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as on FAT

    monkeypatch.setattr(os, "link", fail)


@pytest.mark.parametrize("hard_links", [True, False])
def test_without_overwriting_a_file_that_appears_meanwhile_is_kept(
    tmp_path: Path, hard_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hard_links:
        no_links(monkeypatch)
    path = tmp_path / "file"
    writer = written_atomically(path, overwrite=False)
    writer.__enter__().write(b"first")
    write_atomically(path, b"second", overwrite=False)
    with pytest.raises(OutputError, match=r"^\S*file exists: .*--overwrite\)$"):
        writer.__exit__(None, None, None)
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_links_planted_under_the_name_of_a_process_are_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_bytes(b"precious")
    (tmp_path / f".longhand-{os.getpid()}.part").symlink_to(victim)
    write_atomically(path, b"data")
    assert victim.read_bytes() == b"precious"
    assert (path.read_bytes(), path.is_symlink()) == (b"data", False)


@posix
def test_a_link_in_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    victim, log = tmp_path / "victim", tmp_path / "log.jsonl"
    victim.write_bytes(b"precious")
    log.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        append_private(log, b"a line\n")
    assert victim.read_bytes() == b"precious"


@posix
def test_what_is_replaced_stays_as_it_was_for_those_who_have_it_open(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old" * 1000)
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old" * 1000
    assert path.read_bytes() == b"new"


@posix
def test_new_files_follow_the_umask_and_private_ones_are_their_owners_alone(tmp_path: Path, umask: int) -> None:
    write_atomically(tmp_path / "file", b"")
    write_atomically(tmp_path / "private", b"", private=True)
    append_private(tmp_path / "log", b"")
    make_private_folder(tmp_path / "cache" / "tokens")
    assert mode(tmp_path / "file") == 0o666 & ~umask
    assert mode(tmp_path / "private") == mode(tmp_path / "log") == 0o600
    assert mode(tmp_path / "cache") == mode(tmp_path / "cache" / "tokens") == 0o700


@posix
@pytest.mark.parametrize("before", [0o600, 0o640, 0o644, 0o664])
@pytest.mark.parametrize("private", [True, False])
def test_a_file_that_is_replaced_passes_on_its_mode(tmp_path: Path, before: int, private: bool, umask: int) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(before)
    with written_atomically(path, private=private) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) & ~umask == 0o600 & ~umask  # never wider meanwhile
    assert mode(path) == before


@as_root
def test_a_file_that_is_replaced_passes_on_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    os.chown(path, OTHER_USER, OTHER_USER)
    write_atomically(path, b"data")
    assert (path.stat().st_uid, path.stat().st_gid) == (OTHER_USER, OTHER_USER)


@as_root
def test_where_the_group_cannot_be_kept_the_new_one_gets_no_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "file"
    path.touch()
    os.chown(path, OTHER_USER, OTHER_USER)
    path.chmod(0o660)
    monkeypatch.setattr(os, "fchown", fail)
    write_atomically(path, b"data")
    assert mode(path) == 0o600


REFUSED = [
    (device, "target is a device: name a file"),
    (pipe, "target is a pipe: name a file"),
    (bound_socket, "target is a socket: name a file"),
    (link_to_device, "target is a device: name a file"),
    (folder, "target is a folder: name a file"),
    (read_only, "target is write-protected: allow writing"),
]


@posix
@pytest.mark.parametrize(("make", "message"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_regular_file_is_refused_before_the_work_and_when_it_is_written(
    tmp_path: Path, make: Callable[[Path], None], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    path = Path("target")
    make(path)
    before = path.lstat()
    with pytest.raises(OutputError, match=message):
        refuse_existing(path, overwrite=True)
    with pytest.raises(OutputError, match=message):
        write_atomically(path, b"data")
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert not list(tmp_path.glob(".longhand-*"))


def test_a_file_in_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "target", tmp_path / "nowhere" / "target"):
        with pytest.raises(OutputError, match="is no folder: create it first"):
            refuse_existing(path, overwrite=True)


@as_root
def test_a_link_of_another_user_is_not_followed_in_a_folder_of_all(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    os.lchown(path, OTHER_USER, OTHER_USER)
    with pytest.raises(OutputError, match="is a link that another user made"):
        write_atomically(path, b"data")
    assert victim.read_bytes() == b"precious"


@posix
def test_what_a_killed_writer_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".longhand-fifo.part")
    (tmp_path / ".longhand-link.part").symlink_to(tmp_path / "nothing")
    with written_atomically(tmp_path / "file") as file:
        (tmp_path / ".longhand-1.part").write_bytes(b"half")
        file.write(b"data")
        remove_leftovers(tmp_path)
        assert not (tmp_path / ".longhand-1.part").exists()
    assert (tmp_path / "file").read_bytes() == b"data"


@posix
def test_a_writer_whose_new_file_was_taken_for_a_leftover_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open
    removed: list[Path] = []

    def unlucky(path: Path, flags: int, mode: int = 0o777) -> int:
        file = opened(path, flags, mode)
        if flags & os.O_CREAT and not removed:
            removed.append(path)
            remove_leftovers(tmp_path)
        return file

    monkeypatch.setattr(os, "open", unlucky)
    write_atomically(tmp_path / "file", b"data")
    assert len(removed) == 1
    assert (tmp_path / "file").read_bytes() == b"data"
