"""Showing a training in TensorBoard: its files are written beside the log, without torch or TensorFlow."""

from __future__ import annotations

from pathlib import Path

from longhand.errors import MissingExtraError
from longhand.training.events import EpochEnded, Evaluated, Event, Finished, Listener, Resumed, Started, Stepped
from longhand.training.records import Thinned

BITS = "bits per character"


class TensorBoard:
    """A listener that writes for TensorBoard what it hears, and passes it on.

    - folder: where to write, once the training has begun
    - tell: who else listens

    Raises `MissingExtraError` without tensorboardX.
    """

    def __init__(self, folder: Path, tell: Listener) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ModuleNotFoundError:
            raise MissingExtraError(
                "tensorboardX is not installed, which --tensorboard needs: pip install 'longhand[tensorboard]'"
            ) from None
        self._make, self._folder, self._tell = SummaryWriter, folder, tell
        self._thinned = Thinned()
        self._from: int | None = None

    def __call__(self, event: Event) -> None:
        """Write what is to be shown of an event."""
        if isinstance(event, Resumed):
            self._from = event.step + 1  # what an earlier process wrote of later steps is void
        elif isinstance(event, Started):
            self._writer = self._make(str(self._folder), purge_step=self._from, write_to_disk=True)
            self._writer.add_text("plan", "\n\n".join(event.plan))
        elif isinstance(event, Stepped):
            if self._thinned(event):
                self._number(f"{BITS}/training", event.training_bits, event)
                self._number("learning rate", event.learning_rate, event)
                self._number("characters per second", event.characters_per_second, event)
        elif isinstance(event, Evaluated | EpochEnded):
            if event.validation_bits is not None:
                self._number(f"{BITS}/held out", event.validation_bits, event.last)
            if event.sample:
                self._writer.add_text("sample", _quoted(event.sample), event.last.step)
        elif isinstance(event, Finished):
            self._writer.close()
        self._tell(event)

    def _number(self, name: str, value: float, at: Stepped) -> None:
        self._writer.add_scalar(name, value, at.step)


def _quoted(text: str) -> str:
    """Return text as a block that Markdown, which TensorBoard reads, leaves alone."""
    return "\n".join(f"    {line}" for line in text.splitlines())
