"""Speaking to a person: notes and errors on stderr, one line each."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from longhand.pages.letters import KEPT

if TYPE_CHECKING:
    from longhand.runtime.choice import Runtime

PATIENCE = 1.5  # seconds before it is said what is being done
BETWEEN = 5.0  # seconds between two such notes


def use_utf8() -> None:
    """Write UTF-8 with plain line ends everywhere: a redirected Windows console would break on the first glyph."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (open to the end)
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors, newline="\n")


def discard_stdout() -> None:
    """Let all that is still to come on stdout, what Python flushes at its exit included, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(text: str) -> None:
    """Print text and a line end on stdout at once; where nobody reads any more, end the command, quietly and well."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
        sys.exit(0)


def complain(problem: str) -> None:
    """Say in one line on stderr what went wrong."""
    _say("error", problem)


def note(fact: str) -> None:
    """Say in one line on stderr what a person should know."""
    _say("note", fact)


def note_runtime(runtime: Runtime) -> None:
    """Say that the fast runtime is missing, unless somebody switched it off, and what was asked for in vain."""
    if runtime.why_not_native and not runtime.switched_off:
        note(f"NumPy runs this model, the kernel in C would be many times faster: {runtime.why_not_native}")
    if runtime.wanted == "int8" != runtime.precision:
        note("int8 needs the kernel in C: read with 32-bit floats")
    if runtime.wanted_threads and runtime.threads is None:
        note("NumPy itself decides how many threads it uses")


@contextmanager
def noted_if_slow(doing: str) -> Iterator[None]:
    """Say what is being done, if it takes longer than people wait without a word."""
    timer = threading.Timer(PATIENCE, note, [doing])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Waiting:
    """Says what is being done to those who wait, now and then."""

    def __init__(self) -> None:
        self._next = time.monotonic() + PATIENCE

    def tell(self, doing: str, share: float | None) -> None:
        """Say it, and what share of it is done where that is known, if it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + BETWEEN
            note(f"{doing}{f', {share:.0%}' if share and share < 1 else ''} ...")


def visible(text: str) -> str:
    """Return `text` with every control character made harmless to a terminal, but for those that scripts need."""
    return "".join(letter if letter.isprintable() or letter in KEPT else "\N{MIDDLE DOT}" for letter in text)


def visible_token(text: str) -> str:
    """Return a token on one line, with signs for its white space, and a dot for one that would not show."""
    shown = visible(text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "␣"))
    return shown if shown.strip(KEPT) or not shown else "\N{MIDDLE DOT}"


def _say(kind: str, sentence: str) -> None:
    with suppress(OSError):  # a terminal that was closed: what goes on is more than what is said of it
        print(f"longhand: {kind}: {visible(' '.join(sentence.splitlines()))}", file=sys.stderr)  # noqa: T201
