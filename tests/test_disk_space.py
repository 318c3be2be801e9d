"""A disk that is full: what is removed to make room, and what never is."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import small_file

from longhand.config import TrainConfig
from longhand.errors import OutputError
from longhand.modelfile import Card, ModelFile, read_model
from longhand.training import run_folder
from longhand.training.checkpoint_file import Checkpoint
from longhand.training.disk_space import write_making_room
from longhand.training.run_folder import RunFolder
from longhand.training.saved import Saved
from longhand.training.trainer import _told_what_is_kept

MODEL = small_file()


HEAD = 20_000  # bytes of a model that are no weights, at most


def of_bits(bits: float) -> ModelFile:
    return ModelFile(MODEL.config, MODEL.tokenizer, MODEL.weights, Card(validation_bits_per_character=bits))


class Disk:
    """A disk with room for so many bytes in one folder; files that would not fit are not written."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self.room = folder, 10**9
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=self.free))
        for module, name in ((run_folder, "write_model"), (run_folder, "write_checkpoint")):
            monkeypatch.setattr(module, name, self._bounded(getattr(module, name)))

    @property
    def free(self) -> int:
        return self.room - sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def _bounded(self, write: Callable[..., None]) -> Callable[..., None]:
        def bounded(what: object, path: Path, **options: object) -> None:
            beside = self._folder.parent / "written"
            write(what, beside, **{**options, "overwrite": True} if options else {})
            if beside.stat().st_size > self.free:
                full = OSError(errno.ENOSPC, "No space left on device")
                raise OutputError(f"{path}: cannot write (No space left on device)") from full
            shutil.move(beside, path)

        return bounded


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    (tmp_path / "disk").mkdir()
    return Disk(tmp_path / "disk", monkeypatch)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "disk" / "m.safetensors")


def checkpoint(step: int, run: RunFolder) -> None:
    run.checkpoint(step, Checkpoint(TrainConfig(), "", Saved(MODEL.weights, {"step": step})))


def names(run: RunFolder) -> list[str]:
    folder = run.output.with_suffix(".run")
    return sorted(path.name for path in folder.glob("[!.]*") if path.suffix == ".safetensors")


def test_at_the_end_the_model_takes_the_place_of_checkpoints_the_older_ones_first(disk: Disk, run: RunFolder) -> None:
    with run.claimed():
        for step in (1, 2):
            checkpoint(step, run)
        disk.room -= disk.free - HEAD
        run.finish(of_bits(2.0), keep_checkpoint=True)
        assert names(run) == ["checkpoint-0000000002.safetensors"]
    assert read_model(run.output).card.validation_bits_per_character == 2.0


def test_the_best_model_so_far_makes_room_for_a_better_one_only(disk: Disk, run: RunFolder) -> None:
    with run.claimed():
        run.keep(of_bits(3.0))
        disk.room -= disk.free - HEAD
        run.finish(of_bits(2.0))
        assert names(run) == []
    assert read_model(run.output).card.validation_bits_per_character == 2.0


def test_where_removing_would_not_suffice_nothing_is_removed_and_the_message_says_what_is_kept(
    disk: Disk, run: RunFolder
) -> None:
    with run.claimed():
        run.keep(of_bits(3.25))
        disk.room -= disk.free + 100_000
        with pytest.raises(OutputError) as raised, _told_what_is_kept(run):
            run.finish(of_bits(2.0))  # better than what is kept, for which there is no room all the same
    assert names(run) == ["best.safetensors"]
    assert "No space left on device" in str(raised.value)
    assert "the best model so far is" in str(raised.value)
    assert "after 0 epochs, 3.250 bits per character" in str(raised.value)


def test_a_checkpoint_or_a_better_model_takes_the_place_of_the_older_checkpoint_never_of_the_newest(
    disk: Disk, run: RunFolder
) -> None:
    with run.claimed():
        for step in (1, 2):
            checkpoint(step, run)
        disk.room -= disk.free - 4000
        checkpoint(3, run)
        assert names(run) == ["checkpoint-0000000002.safetensors", "checkpoint-0000000003.safetensors"]
        run.keep(of_bits(3.0))
        assert names(run) == ["best.safetensors", "checkpoint-0000000003.safetensors"]
        with pytest.raises(OutputError, match="No space left"):
            checkpoint(4, run)
        assert names(run) == ["best.safetensors", "checkpoint-0000000003.safetensors"]


def test_another_failure_than_a_full_disk_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old", encoding="utf-8")

    def write() -> None:
        raise OutputError("no rights") from OSError(errno.EACCES, "Permission denied")

    with pytest.raises(OutputError, match="no rights"):
        write_making_room(write, [tmp_path / "old"], tmp_path / "new", 1)
    assert (tmp_path / "old").exists()


def test_where_there_is_no_room_at_all_the_best_model_that_was_kept_becomes_the_model(
    disk: Disk, run: RunFolder
) -> None:
    with run.claimed():
        run.keep(of_bits(2.0))
        disk.room -= disk.free + 100_000
        run.finish(of_bits(2.0))
        assert names(run) == []
    assert read_model(run.output).card.validation_bits_per_character == 2.0


def test_of_a_used_up_quota_nothing_is_taken_to_be_free(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(bytes(100))

    def write() -> None:
        raise OutputError("full") from OSError(errno.EDQUOT, "Disk quota exceeded")

    with pytest.raises(OutputError, match="full"):
        write_making_room(write, [tmp_path / "old"], tmp_path / "new", 101)
    assert (tmp_path / "old").exists()


def test_files_of_another_disk_make_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").write_bytes(bytes(100))
    real = Path.stat

    def elsewhere(path: Path, **options: bool) -> object:
        found = real(path, **options)
        return SimpleNamespace(st_dev=-1, st_size=found.st_size, st_mode=found.st_mode) if path.name == "old" else found

    def write() -> None:
        raise OutputError("full") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "stat", elsewhere)
    with pytest.raises(OutputError, match="full"):
        write_making_room(write, [tmp_path / "old"], tmp_path / "new", 1)
    monkeypatch.undo()
    assert (tmp_path / "old").exists()
