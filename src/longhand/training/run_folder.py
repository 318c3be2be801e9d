"""The folder beside a model in which its training leaves its log, its checkpoints and the best model so far."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock

from longhand.config import TrainConfig
from longhand.errors import ModelFormatError, OutputError
from longhand.files import (
    PRIVATE_FOLDER,
    append_private,
    cannot_write,
    refuse_existing,
    remove_leftovers,
    write_atomically,
)
from longhand.json_data import decode_json
from longhand.modelfile import SUFFIX, Card, ModelFile, read_model, write_model
from longhand.training.checkpoint_file import Checkpoint, read_checkpoint, write_checkpoint
from longhand.training.disk_space import is_full, write_making_room

BEST, LOG, REPORT = f"best{SUFFIX}", "log.jsonl", "report.html"
CORPUS, DOCUMENTS = "corpus.json", "documents.hashes"  # where the text lies, and which documents it has
COPIES = "copies"  # the folder with the index of the text
BASE = f"base{SUFFIX}"  # the model that the training has started from, for one that goes on
LOCK, HOLDER = ".lock", ".holder.json"
PROBED = 0.5  # seconds for which one who only looks whether the lock is held may hold it
INTRODUCTION = 2.0  # seconds in which one who has just taken the lock will have written who it is
IMPROVED = f"weights-improvement-*{SUFFIX}"  # the classic recipe's, which stay
CHECKPOINTS = f"checkpoint-*{SUFFIX}"
CHECKPOINTS_KEPT = 2
TENSORBOARD, EVENTS = "tensorboard", "events.out.tfevents.*"


class RunFolder:
    """`NAME.run` beside `NAME.safetensors`. Making one only checks; `claimed` makes the folder and holds it.

    - output: the model file to write in the end
    - overwrite: whether it and an earlier training's folder may be replaced
    - resume: whether the training that the folder holds is to go on

    Raises `OutputError` if something is in the way, or there is nothing to resume.
    """

    def __init__(self, output: Path, *, overwrite: bool = False, resume: bool = False) -> None:
        self.output = output
        self._overwrite, self._resume = overwrite or resume, resume
        self._folder = folder_of(output)
        self._kept: Path | None = None
        self._kept_card: Card | None = None
        refuse_existing(output, self._overwrite)
        if self._folder.exists() and not self._folder.is_dir():
            raise OutputError(f"{self._folder} is a file, where a folder goes: move it, or take another name")
        self._refuse_if_held()
        if resume and not self._checkpoints():
            raise OutputError(f"{self._folder}: no checkpoint in it to resume from; start without --resume")
        if self._folder.exists() and not self._overwrite:
            raise self._in_the_way()

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder, and empty it of an earlier training unless that goes on.

        Raises `OutputError` if another training holds it, or it cannot be written.
        """
        lock = filelock.FileLock(self._folder / LOCK)
        try:
            self._folder.mkdir(PRIVATE_FOLDER, exist_ok=self._overwrite)
            lock.acquire(timeout=PROBED)
        except FileExistsError:
            raise self._in_the_way() from None
        except filelock.Timeout:
            raise self._held() from None
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        try:
            self._prepare()
            yield
        finally:
            (self._folder / HOLDER).unlink(missing_ok=True)
            if not self._checkpoints():
                with suppress(OSError):
                    (self._folder / BASE).unlink(missing_ok=True)
            if not self.output.exists():
                self._abandon()
            lock.release()

    def _prepare(self) -> None:
        earlier: list[Path] = []
        if not self._resume:
            earlier += [*self._checkpoints(), *self._folder.glob(IMPROVED)]
            earlier += [self._folder / name for name in (BEST, BASE, LOG, REPORT, CORPUS, DOCUMENTS)]
            shutil.rmtree(self._folder / COPIES, ignore_errors=True)  # of another text, it may be
            earlier += (self._folder / TENSORBOARD).glob(EVENTS)
        try:
            remove_leftovers(self._folder)
            for path in earlier:
                path.unlink(missing_ok=True)
            append_private(self._folder / LOG, b"")
            started = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
            holder = {"process": os.getpid(), "host": socket.gethostname(), "since": started}
            write_atomically(self._folder / HOLDER, json.dumps(holder).encode(), private=True)
        except OSError as error:
            raise cannot_write(self._folder, error) from error

    def log(self, record: dict[str, Any]) -> None:
        """Append a line to log.jsonl."""
        try:
            append_private(self._folder / LOG, (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8"))
        except OSError as error:
            raise cannot_write(self._folder / LOG, error) from error

    def keep(self, model: ModelFile, name: str | None = None) -> None:
        """Keep the best model so far: a training that is killed leaves it here. Under a name of its own it stays."""
        path = self._folder / (BEST if name is None else name + SUFFIX)
        older = self._checkpoints()[:0:-1]
        write_making_room(lambda: write_model(model, path, overwrite=True), older, path, model.size)
        self._kept, self._kept_card = path, model.card

    def keep_private(self, name: str, data: bytes) -> None:
        """Write a file of the folder for its owner alone. Raises `OutputError`."""
        write_atomically(self._folder / name, data, private=True)

    def keep_base(self, model: ModelFile) -> None:
        """Keep the model that the training starts from, where there is room: the one outside may change."""
        if not (self._folder / BASE).exists():
            with suppress(OutputError):
                write_model(model, self._folder / BASE)

    def kept_base(self) -> Path | None:
        """Return the model that the training to resume has started from, if it was kept."""
        path = self._folder / BASE
        return path if self._resume and path.exists() else None

    def checkpoint(self, step: int, checkpoint: Checkpoint) -> str:
        """Write a checkpoint and return its name; of the earlier ones the newest are kept. Raises `OutputError`."""
        path = self._folder / CHECKPOINTS.replace("*", f"{step:010}")
        older = [old for old in self._checkpoints()[:0:-1] if old != path]
        size = sum(array.nbytes for array in checkpoint.saved.arrays.values())
        write_making_room(lambda: write_checkpoint(checkpoint, path), older, path, size)
        for old in self._checkpoints()[CHECKPOINTS_KEPT:]:
            with suppress(OSError):
                old.unlink()
        return path.name

    def latest(self) -> tuple[Checkpoint, list[str]]:
        """Return the newest checkpoint that can be read, and what is wrong with newer ones.

        Raises `ModelFormatError` if none can be read.
        """
        problems: list[str] = []
        for path in self._checkpoints():
            try:
                return read_checkpoint(path), problems
            except ModelFormatError as error:  # noqa: PERF203 (there are two, as a rule)
                problems.append(str(error))
        raise ModelFormatError(f"{self._folder}: no checkpoint can be read: {'; '.join(problems) or 'there is none'}")

    def finish(self, model: ModelFile, *, keep_checkpoint: bool = False) -> None:
        """Write the model file and remove what it replaces: the best model so far, and the checkpoints.

        - keep_checkpoint: whether the newest checkpoint stays, since it holds what the model does not

        Raises `OutputError` where the model cannot be written; what is as good as it is still there then.
        """
        best, checkpoints = self._folder / BEST, self._checkpoints()
        replaced = checkpoints[: 0 if keep_checkpoint else None : -1]
        is_best = self._kept == best and self._kept_card is not None and _same_weights(self._kept_card, model.card)

        def write() -> None:
            write_model(model, self.output, overwrite=self._overwrite)

        try:
            write_making_room(write, replaced if is_best else [*replaced, best], self.output, model.size)
        except OutputError as error:
            if not (is_best and is_full(error)):
                raise
            refuse_existing(self.output, self._overwrite)
            try:
                best.replace(self.output.resolve())  # the same weights, which need no room
            except OSError:
                raise error from None
        for path in (*replaced, best):
            path.unlink(missing_ok=True)

    def kept(self) -> Path | None:
        """Return the file of the best model so far, if one was kept."""
        best = self._kept or self._folder / BEST
        return best if best.exists() else None

    def described_kept(self) -> str | None:
        """Return in words which model was kept, how old it is and how good; None if there is none."""
        if (path := self.kept()) is None:
            return None
        card = self._kept_card
        if card is None:  # of a training that was resumed
            try:
                card = read_model(path).card
            except ModelFormatError:
                return str(path)
        bits = card.validation_bits_per_character
        score = "not scored" if bits is None else f"{bits:.3f} bits per character"
        return f"{path}, after {card.kept_epochs:.3g} epochs, {score}"

    def _checkpoints(self) -> list[Path]:
        """Return the checkpoints' paths, the newest first."""
        return sorted(self._folder.glob(CHECKPOINTS), reverse=True)

    def _abandon(self) -> None:
        """Leave no trace of a training that has kept nothing, so that it can be started again."""
        if self.kept() is None and not self._checkpoints():
            with suppress(OSError):
                events = (self._folder / TENSORBOARD).glob(EVENTS)
                for path in (*events, *(self._folder / name for name in (LOG, REPORT, LOCK, CORPUS, DOCUMENTS))):
                    path.unlink(missing_ok=True)
                if (self._folder / TENSORBOARD).exists():
                    (self._folder / TENSORBOARD).rmdir()
                self._folder.rmdir()

    def _refuse_if_held(self) -> None:
        if not (self._folder / LOCK).exists():
            return
        try:
            with filelock.FileLock(self._folder / LOCK).acquire(timeout=0):
                pass
        except filelock.Timeout:
            raise self._held() from None
        except OSError as error:
            raise cannot_write(self._folder, error) from error

    def _held(self) -> OutputError:
        until = time.monotonic() + INTRODUCTION
        while (who := self._holder()) is None and time.monotonic() < until:
            time.sleep(PROBED / 10)
        who = who or "another process"
        return OutputError(f"{self._folder} is held by a training that runs now ({who}): wait, or choose another name")

    def _holder(self) -> str | None:
        try:
            holder = decode_json((self._folder / HOLDER).read_bytes())
            return f"process {holder['process']} on {holder['host']}, since {holder['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _in_the_way(self) -> OutputError:
        what = "holds an earlier training"
        if self._checkpoints():
            what = "holds a training that did not end: go on with it (--resume)"
        elif self.kept() is not None:
            what = f"holds a model, {BEST}"
        return OutputError(f"{self._folder} {what}; or choose another name, or allow it to be replaced (--overwrite)")


def _same_weights(one: Card, other: Card) -> bool:
    return (one.kept_epochs, one.validation_bits_per_character) == (
        other.kept_epochs,
        other.validation_bits_per_character,
    )


def folder_of(output: Path) -> Path:
    """Return the folder of the training whose model is to be `output`."""
    return output.with_suffix(".run")


def tensorboard_folder(output: Path) -> Path:
    """Return where the files for TensorBoard go of the training whose model is to be `output`."""
    return folder_of(output) / TENSORBOARD


def resumed_config(output: Path) -> TrainConfig:
    """Return the settings of the training that did not end and whose model is to be `output`.

    Raises `OutputError` if there is none, `ModelFormatError` if its checkpoints are damaged.
    """
    return RunFolder(output, resume=True).latest()[0].config
