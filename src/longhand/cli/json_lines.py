"""Showing a training to a program: one event a line, as JSON, on stdout."""

from __future__ import annotations

import json
import sys
import time

from longhand.cli.output import discard_stdout
from longhand.training.events import Event, Stepped
from longhand.training.records import record

STEP_INTERVAL = 0.5  # seconds between lines of steps, of which there may be hundreds in one


class JsonLines:
    """A listener that prints every event but some steps."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, event: Event) -> None:
        """Print an event."""
        if isinstance(event, Stepped):
            if (now := time.monotonic()) < self._next and event.progress < 1:
                return
            self._next = now + STEP_INTERVAL
        try:
            sys.stdout.write(json.dumps(record(event), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        except OSError:  # nobody reads, or there is no room: a training goes on
            discard_stdout()
