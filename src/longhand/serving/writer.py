"""A text that is written for a request, and telling what came of it."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from longhand.generation.loop import Pace
from longhand.generation.opening import Opening
from longhand.generation.text import Text
from longhand.generation.writing import begin
from longhand.runtime.session import RecurrentSession, Session
from longhand.serving.fair import Ask
from longhand.serving.request import Came, Ended, Request
from longhand.serving.rounds import tell

NEAR = 64  # tokens: the penalties' usual window
FEW_BIASES, FEW_STOPS = 100, 4


@dataclass(eq=False)
class Writer:
    """A text that a stream of a session writes.

    - number: which of its request's texts it is
    """

    request: Request
    number: int
    text: Text
    session: Session
    stream: int
    told: int = 0  # of its tokens
    pace: Pace = field(default_factory=lambda: Pace(time.thread_time))

    @property
    def ask(self) -> Ask:
        """Whose it is."""
        return self.request.ask

    @property
    def goes_on(self) -> bool:
        """Whether it can: its client takes what comes."""
        return not self.request.paused and not self.request.cancelled

    @cached_property
    def alone(self) -> bool:
        """Whether it advances by itself: its rules may take time at every token, and others are not to wait for it."""
        return self.session.window is not None or self.text.guarded or self.text.sampler.guide is not None

    def prepared(self, seconds: float) -> bool:
        """Prepare its next token for no longer than some seconds; return whether it can be drawn."""
        return self.text.sampler.prepared(seconds)

    @property
    def listed(self) -> bool:
        """Whether it is told how probable its tokens were."""
        return self.request.likeliest is not None

    @cached_property
    def group(self) -> Hashable:
        """Batching key: only texts with a similar cost per token share a batch; one that advances by itself, none.

        The cost depends on log probabilities, penalties that look far back, many biases and many stop strings.
        """
        if self.alone:
            return id(self)
        drawing, stops = self.text.sampler.drawing, self.request.task.sampling.stop
        return self.listed, drawing.looks_back > NEAR, len(drawing.bias) > FEW_BIASES, len(stops) > FEW_STOPS

    def deliver(self, piece: str) -> None:
        """Tell what has come of the text, and if so that it has ended."""
        text, request = self.text, self.request
        tokens = text.tokens - self.told
        request.ask.tokens += tokens
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


def goes_on(writer: Writer) -> bool:
    """Return `Writer.goes_on`."""
    return writer.goes_on


def group_of(writer: Writer) -> Hashable:
    """Return `Writer.group`."""
    return writer.group
