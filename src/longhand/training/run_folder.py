"""The folder beside a model in which its training leaves its log and, while it runs, the best model so far."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from longhand.errors import OutputError
from longhand.files import cannot_write, refuse_existing
from longhand.modelfile import SUFFIX, ModelFile, write_model

BEST, LOG = f"best{SUFFIX}", "log.jsonl"
CHECKPOINTS = f"weights-improvement-*{SUFFIX}"  # the classic recipe's, which stay


class RunFolder:
    """`NAME.run` beside `NAME.safetensors`. Making one only checks; `claim` makes the folder.

    - output: the model file to write in the end
    - overwrite: whether it and an earlier training's folder may be replaced

    Raises `OutputError` if something is in the way.
    """

    def __init__(self, output: Path, overwrite: bool) -> None:
        self.output = output
        self._overwrite = overwrite
        self._folder = output.with_suffix(".run")
        self._kept: Path | None = None
        refuse_existing(output, overwrite)
        if self._folder.exists() and not self._folder.is_dir():
            raise OutputError(f"{self._folder} is a file, where a folder goes: move it, or take another name")
        if self._folder.exists() and not overwrite:
            raise self._in_the_way()

    def claim(self) -> None:
        """Make the folder, or empty an earlier one if that is allowed.

        Raises `OutputError` if another training was quicker, or the folder cannot be written.
        """
        try:
            self._folder.mkdir(exist_ok=self._overwrite)
            for earlier in (self._folder / BEST, self._folder / LOG, *self._folder.glob(CHECKPOINTS)):
                earlier.unlink(missing_ok=True)
            (self._folder / LOG).touch()
        except FileExistsError:
            raise self._in_the_way() from None
        except OSError as error:
            raise cannot_write(self._folder, error) from error

    def log(self, kind: str, **record: Any) -> None:
        """Append a line to log.jsonl."""
        try:
            with (self._folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"event": kind, **record}, ensure_ascii=False) + "\n")
        except OSError as error:
            raise cannot_write(self._folder / LOG, error) from error

    def keep(self, model: ModelFile, name: str | None = None) -> None:
        """Keep the best model so far: a training that is killed leaves it here. Under a name of its own it stays."""
        self._kept = self._folder / (BEST if name is None else name + SUFFIX)
        write_model(model, self._kept, overwrite=True)

    def finish(self, model: ModelFile) -> None:
        """Write the model file."""
        write_model(model, self.output, overwrite=self._overwrite)
        (self._folder / BEST).unlink(missing_ok=True)

    def kept(self) -> Path | None:
        """Return the file of the best model so far, if one was kept."""
        best = self._kept or self._folder / BEST
        return best if best.exists() else None

    def abandon(self) -> None:
        """Leave no trace of a training that has kept no model, so that it can be started again."""
        if self.kept() is None:
            with suppress(OSError):
                (self._folder / LOG).unlink(missing_ok=True)
                self._folder.rmdir()

    def _in_the_way(self) -> OutputError:
        what = "holds an earlier training" if self.kept() is None else f"holds a model, {BEST}"
        return OutputError(f"{self._folder} {what}: choose another name, or allow it to be replaced (--overwrite)")
