"""A prompt that is read for a request."""

from __future__ import annotations

from dataclasses import dataclass

from longhand.runtime.session import Session
from longhand.serving.fair import Ask
from longhand.serving.request import Request

NO_STREAM = -1  # in place of a stream


@dataclass(eq=False)
class Prefill:
    """A request whose prompt is read, once for all its texts.

    - session, stream: that read it
    - at: how many tokens of it are read
    - number: of the text that begins next
    """

    request: Request
    session: Session
    stream: int = NO_STREAM
    at: int = 0
    number: int = 0

    @property
    def ask(self) -> Ask:
        """Whose it is."""
        return self.request.ask

    @property
    def left(self) -> int:
        """How many tokens are still to be read."""
        return len(self.request.prompt.read) - self.at
