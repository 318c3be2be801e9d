"""`longhand generate --interactive`: a person and a model write together, line by line in any terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from longhand.cli.output import visible
from longhand.errors import LonghandError, OptionError
from longhand.files import write_atomically
from longhand.text.escapes import unescaped

if TYPE_CHECKING:
    from longhand.generation.explorer import Continuation, Explorer

SHOWN = 600  # characters of the text so far
OFFERED = 9
HELP = """\
  1 to 9        take that continuation
  Enter         let the model write to the end of the line
  any text      type it; a space at its beginning counts, \\n is a line end, \\\\ a backslash
  /write N      let the model write N characters (or what its tokens are)
  /undo, /u     take the last step back
  /keep NAME    remember this place;   /go NAME  come back to it;   /branches  which there are
  /save FILE    write the text to a file
  /help, /quit  (or Ctrl-D): an end; the text goes to stdout"""


class Interactive:
    """A conversation on a terminal.

    - seed: of what the model writes by itself
    - say: prints a line
    """

    def __init__(self, explorer: Explorer, seed: int, say: Callable[[str], None]) -> None:
        self._explorer, self._seed, self._say = explorer, seed, say
        self._offered: list[Continuation] = []

    def run(self) -> str:
        """Ask, and do what is answered, until an end; return the text."""
        self._say("write with the model: a number takes a continuation, Enter lets it write a line, /help says more")
        again = True
        while again:
            self._show()
            try:
                line = _asked()
            except EOFError:
                break
            except UnicodeDecodeError:
                self._say("  that was no UTF-8: type it again")
                continue
            try:
                again = self._do(line)
            except LonghandError as error:
                self._say(f"  {error}")
        return self._explorer.text

    def _show(self) -> None:
        text = self._explorer.text
        self._say("")
        self._say(visible(("..." if len(text) > SHOWN else "") + text[-SHOWN:]) + "▏")
        self._offered = self._explorer.continuations(OFFERED)
        for number, each in enumerate(self._offered, 1):
            self._say(f"  {number}  {each.probability:>6.1%}  {visible(each.text.replace(chr(10), '⏎'))}")

    def _do(self, line: str) -> bool:
        """Do what a line says; returns whether to ask again."""
        if line.isdecimal() and line.isascii():
            if len(line) > 3 or not 1 <= int(line) <= len(self._offered):
                raise OptionError(
                    f"found {line[:20]}, expected 1 to {len(self._offered)}; to type a number: /type {line}"
                )
            self._explorer.take(self._offered[int(line) - 1])
        elif line == "":
            self._explorer.write(1000, self._seed)
        elif line.startswith("/"):
            return self._command(*line[1:].partition(" ")[::2])
        else:
            self._explorer.append(unescaped(line))
        return True

    def _command(self, name: str, rest: str) -> bool:
        """Carry out a command."""
        if name in ("quit", "q"):
            return False
        if name in ("help", "h"):
            self._say(HELP)
        elif name in ("undo", "u"):
            if not self._explorer.undo():
                self._say("  nothing to take back")
        elif name == "type":
            self._explorer.append(unescaped(rest))
        elif name == "write":
            if not (rest.isdecimal() and len(rest) <= 6 and int(rest) >= 1):
                raise OptionError(f"/write: found {rest[:20]!r}, expected a number of characters")
            self._explorer.write(int(rest), self._seed)
        elif name == "keep":
            self._explorer.keep(rest or "1")
        elif name == "go":
            self._explorer.go_to(rest or "1")
        elif name == "branches":
            self._say("  " + (", ".join(self._explorer.branches) or "none: /keep NAME makes one"))
        elif name == "save":
            self._save(rest)
        else:
            raise OptionError(f"/{name}: no such command; /help lists them")
        return True

    def _save(self, name: str) -> None:
        if not name:
            raise OptionError("/save: expected the name of a file")
        path = Path(name)
        write_atomically(path, self._explorer.text.encode("utf-8", "replace"), overwrite=False)
        self._say(f"  {path}: {len(self._explorer.text):,} characters")


def _asked() -> str:
    """Return the line that a person types; a prompt goes nowhere but to a terminal."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return input("> ")
    sys.stderr.write("> ")
    sys.stderr.flush()
    return input()


def say(line: str) -> None:
    """Print a line where a person sees it, and where it does not mix with the text."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
