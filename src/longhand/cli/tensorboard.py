"""Showing a training in TensorBoard: its files are written beside the log, without torch or TensorFlow."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from longhand.cli.output import note
from longhand.errors import MissingExtraError
from longhand.training.events import EpochEnded, Evaluated, Event, Listener, Resumed, Started, Stepped
from longhand.training.records import Thinned

BITS = "bits_per_character"


class TensorBoard:
    """A listener that writes for TensorBoard what it hears, and passes it on.

    Where the disk is full it says so and writes no more: tensorboardX's usual writer, which has a thread, would hang.

    - folder: where to write, once the training has begun
    - tell: who else listens

    Raises `MissingExtraError` without tensorboardX.
    """

    def __init__(self, folder: Path, tell: Listener) -> None:
        try:
            from tensorboardX import event_file_writer, summary
            from tensorboardX.proto import event_pb2
        except ModuleNotFoundError:
            raise MissingExtraError(
                "tensorboardX is not installed, which --tensorboard needs: pip install 'longhand[tensorboard]'"
            ) from None
        self._files, self._summaries, self._events = event_file_writer, summary, event_pb2
        self._folder, self._tell = folder, tell
        self._thinned = Thinned()
        self._from: int | None = None
        self._writer: Any = None

    def __call__(self, event: Event) -> None:
        """Write what is to be shown of an event."""
        try:
            self._show(event)
        except OSError as error:
            self.close()
            note(f"{self._folder}: nothing more for TensorBoard ({error.strerror or error}); the training goes on")
        self._tell(event)

    def _show(self, event: Event) -> None:
        if isinstance(event, Resumed):
            self._from = event.step + 1  # what an earlier process wrote of later steps is void
        elif isinstance(event, Started):
            self._folder.mkdir(exist_ok=True)
            self._writer = self._files.EventsWriter(str(self._folder / "events"))
            if self._from is not None:
                start = self._events.SessionLog(status=self._events.SessionLog.START)
                self._write(self._from, session_log=start)
            self._text("plan", "\n\n".join(event.lines), 0)
        elif isinstance(event, Stepped):
            if self._thinned(event):
                self._number(f"{BITS}/training", event.training_bits, event)
                self._number("learning_rate", event.learning_rate, event)
                self._number("characters_per_second", event.characters_per_second, event)
        elif isinstance(event, Evaluated | EpochEnded):
            if event.validation_bits is not None:
                self._number(f"{BITS}/held_out", event.validation_bits, event.last)
            if event.sample:
                self._text("sample", _quoted(event.sample), event.last.step)

    def close(self) -> None:
        """Write no more."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None

    def _number(self, name: str, value: float, at: Stepped) -> None:
        self._write(at.step, summary=self._summaries.scalar(name, value))

    def _text(self, name: str, text: str, step: int) -> None:
        self._write(step, summary=self._summaries.text(name, text))

    def _write(self, step: int, **what: Any) -> None:
        if self._writer is not None:
            self._writer.write_event(self._events.Event(wall_time=time.time(), step=step, **what))
            self._writer.flush()


def _quoted(text: str) -> str:
    """Return text as a block that Markdown, which TensorBoard reads, leaves alone."""
    return "\n".join(f"    {line}" for line in text.splitlines())
