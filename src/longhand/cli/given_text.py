"""A text that a person gives by the name of a file, or through stdin."""

from __future__ import annotations

import sys
from pathlib import Path

from longhand.errors import CorpusError


def given_text(name: str) -> str:
    """Return the text of a file in UTF-8, of stdin for "-", with line ends as in training; raises `CorpusError`."""
    if name == "-" and sys.stdin is None:
        raise CorpusError("standard input is closed; expected a text on it")
    try:
        text = (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode("utf-8")
    except OSError as error:
        raise CorpusError(f"{name}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{name}: not UTF-8 at byte {error.start}; expected a text in UTF-8") from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")  # as every text is read
