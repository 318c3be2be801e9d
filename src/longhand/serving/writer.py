"""A text that is written for a request, and telling what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import cast

from longhand.generation.loop import Pace
from longhand.generation.opening import Opening
from longhand.generation.text import Text
from longhand.generation.writing import begin
from longhand.runtime.session import RecurrentSession, Session
from longhand.serving.request import Came, Ended, Request
from longhand.serving.rounds import tell

NEAR = 64  # tokens: the penalties' usual window


@dataclass
class Writer:
    """A text that a stream of a session writes.

    - number: which of its request's texts it is
    """

    request: Request
    number: int
    text: Text
    session: Session
    stream: int
    began: float = field(default_factory=time.monotonic)
    told: int = 0  # of its tokens
    pace: Pace = field(default_factory=Pace)

    @property
    def alone(self) -> bool:
        """Whether it advances by itself: its rules may take time at every token, and others are not to wait for it."""
        return self.session.window is not None or self.text.guarded or self.text.sampler.guide is not None

    def prepared(self) -> bool:
        """Prepare its next token for no longer than its share of a round; return whether it can be drawn."""
        return self.text.sampler.prepared(self.pace.seconds)

    @property
    def listed(self) -> bool:
        """Whether it is told how probable its tokens were."""
        return self.request.likeliest is not None

    @property
    def group(self) -> tuple[bool, bool]:
        """With which others it advances: those that take as long at a token, or nobody's pace would be another's.

        Whether it is told how probable its tokens were, and whether penalties look far back.
        """
        return self.listed, self.text.sampler.drawing.looks_back > NEAR

    def deliver(self, piece: str) -> None:
        """Tell what has come of the text, and if so that it has ended."""
        text, request = self.text, self.request
        tokens = text.tokens - self.told
        if piece or tokens:
            tell(request, Came(self.number, piece, tokens, tuple(text.drawn) if self.listed else ()))
        self.told = text.tokens
        text.drawn.clear()
        if text.ended:
            left = None
            if request.whose is not None:
                recurrent = cast("RecurrentSession", self.session)
                left = request.task.left(recurrent, text, request.whose, self.stream)
            tell(request, Ended(self.number, text.ended, left))


def begun(request: Request, number: int, opening: Opening, session: Session, stream: int) -> tuple[Writer, str]:
    """Let a stream begin a text of a request; with it comes what is known of it before anything is drawn.

    Raises `OptionError` and `ModelFormatError`.
    """
    task, seed, before = request.task, request.seeds[number], request.before
    text = task.text(opening, seed) if before is None else task.gone_on(opening, seed, before)
    text.decoder.begun = request.prompt.inside or text.decoder.begun
    text.exact, text.likeliest = request.whose is not None, request.likeliest or 0
    piece = begin(opening, session, text, before, stream)
    return Writer(request, number, text, session, stream), piece
