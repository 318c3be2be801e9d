"""Ending a training early: the signal handler only sets a flag, which the loop looks at between steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Which signal asked the training to end, if any: "SIGINT" or "SIGTERM"."""

    def __init__(self) -> None:
        self.signal: str | None = None

    def asked(self) -> bool:
        """Whether the training was asked to end."""
        return self.signal is not None


@contextmanager
def listening() -> Iterator[Interrupt]:
    """Turn the first SIGINT (Ctrl-C) or SIGTERM into a request to end; a second one acts as it always does.

    Outside the main thread, where Python delivers no signals, nothing is changed.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the signature of a handler)
        interrupt.signal = signal.Signals(number).name
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, handle)
    try:
        yield interrupt
    finally:
        restore()
