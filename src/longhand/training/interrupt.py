"""Ending a training early: the signal handler only sets a flag, which the loop looks at between steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGHUP = getattr(signal, "SIGHUP", None)
SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
"""What ends a training early; Windows has no SIGHUP, which a terminal sends when it is closed."""


def _not_begun() -> bool:
    return False


class Interrupt:
    """Which signal asked the training to end, if any: "SIGINT", "SIGTERM" or "SIGHUP".

    - begun: whether a step has been made; before that there is nothing to keep, and a signal ends the process at once
    """

    def __init__(self) -> None:
        self.signal: str | None = None
        self.begun: Callable[[], bool] = _not_begun

    def asked(self) -> bool:
        """Whether the training was asked to end."""
        return self.signal is not None


@contextmanager
def listening() -> Iterator[Interrupt]:
    """Turn the first of `SIGNALS` into a request to end; a second one acts as it always does.

    A signal that the process ignores stays ignored, as SIGHUP under nohup. Before the first step a signal raises
    `KeyboardInterrupt` (Ctrl-C) or `SystemExit` with the shell's exit code. Outside the main thread, where Python
    delivers no signals, nothing is changed.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the signature of a handler)
        restore()
        if number == SIGHUP and number in before:  # a terminal that is closed sends it more than once
            signal.signal(number, signal.SIG_IGN)
        if interrupt.begun():
            interrupt.signal = signal.Signals(number).name
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + number)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {n: handler for n in SIGNALS if (handler := signal.getsignal(n)) not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, handle)
    try:
        yield interrupt
    finally:
        restore()
