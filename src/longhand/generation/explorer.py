"""A text written step by step by a person and a model: what may come next, take it, type, undo, branch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from longhand.arrays import DoubleArray
from longhand.errors import OptionError
from longhand.generation.opening import opened
from longhand.generation.sampler import Sampler, adjusted, probabilities
from longhand.generation.writing import Task, replace_seed
from longhand.runtime.session import RecurrentSession, Session
from longhand.state import State
from longhand.text.segments import ends_in_word
from longhand.text.utf8 import without_surrogates

LONGEST = 24  # characters that a continuation shows at most


@dataclass(frozen=True)
class Point:
    """Where a text stands.

    - text: all of it
    - state, last: what the model has read, and the token that it reads next
    - begun: bytes of a character that is not whole yet
    """

    text: str
    state: State
    last: int
    begun: bytes = b""


@dataclass(frozen=True)
class Continuation:
    """What may come next.

    - text: the likeliest token and what is likeliest after it, to the end of the word
    - probability: of the first token
    - point: where the text stands then
    """

    text: str
    probability: float
    point: Point


class Explorer:
    """A tree of texts, of which one point is the present.

    - session: one stream that has read nothing
    - as_read: returns a text that was typed as the model's training would have read it

    Raises `OptionError` for a model with a window, which has no state to come back to.
    """

    def __init__(
        self, task: Task, session: Session, prompt: str = "", as_read: Callable[[str], str] = lambda text: text
    ) -> None:
        if session.window is not None:
            raise OptionError("interactive: a model that reads a window has no state to come back to")
        self._task, self._session, self._as_read = task, cast("RecurrentSession", session), as_read
        opening = opened(session, task.tokenizer, prompt, whole=True)
        assert opening.state is not None
        self._points = [Point(prompt, opening.state, opening.last)]
        self._drawing = Sampler(task.sampling, task.never, task.bias).drawing
        self._draws = 0
        self.branches: dict[str, list[Point]] = {}

    @property
    def text(self) -> str:
        """The text so far."""
        return self._points[-1].text

    def continuations(self, count: int) -> list[Continuation]:
        """Return the likeliest continuations, the likeliest first."""
        here = self._points[-1]
        chances = self._chances(here)
        if self._task.end is not None:
            chances[self._task.end] = 0
        likeliest = np.argsort(-chances, kind="stable")[:count]
        return [self._continued(here, int(token), float(chances[token])) for token in likeliest if chances[token] > 0]

    def take(self, continuation: Continuation) -> None:
        """Let a continuation be the text's."""
        self._points.append(continuation.point)

    def append(self, text: str) -> None:
        """Go on with a text that a person typed."""
        here, text = self._points[-1], self._as_read(text)
        self._session.put(here.state, [0])
        opening = opened(self._session, self._task.tokenizer, text, here.last, whole=True)
        assert opening.state is not None
        self._points.append(Point(here.text + text, opening.state, opening.last))

    def write(self, length: int, seed: int) -> str:
        """Let the model write so many tokens, to the end of the line at most, and return them."""
        here, sampling = self._points[-1], replace_seed(self._task.sampling, seed + self._draws)
        sampler = Sampler(sampling, self._task.never, self._task.bias)
        self._draws += 1
        self._session.put(here.state, [0])
        decoder, last, text = self._task.tokenizer.decoder(), here.last, ""
        decoder.begun = here.begun
        state = here.state
        for _ in range(length):
            logits = self._session.step(np.array([last]))[0]
            token = sampler.draw(logits)
            sampler.note(np.array([token]))
            if token == self._task.end:
                break
            state = self._session.states([0])
            last = token
            text += without_surrogates(decoder.decode(np.array([token])))
            if text.endswith("\n") and text.strip("\n"):
                break
        self._points.append(Point(here.text + text, state, last, decoder.begun))
        return text

    def undo(self) -> bool:
        """Go back a step; returns whether there was one."""
        if len(self._points) == 1:
            return False
        self._points.pop()
        return True

    def keep(self, name: str) -> None:
        """Remember the present as a branch, to come back to."""
        self.branches[name] = list(self._points)

    def go_to(self, name: str) -> None:
        """Go back to a branch; raises `OptionError` if there is none of that name."""
        if name not in self.branches:
            raise OptionError(f"no branch {name!r}, there are {', '.join(self.branches) or 'none'}")
        self._points = list(self.branches[name])

    def _chances(self, point: Point) -> DoubleArray:
        self._session.put(point.state, [0])
        logits = self._session.step(np.array([point.last]))[0]
        return probabilities(adjusted(logits, self._drawing), 1.0)

    def _continued(self, point: Point, token: int, probability: float) -> Continuation:
        """Return a token and what is likeliest after it, to the end of the word."""
        decoder, text = self._task.tokenizer.decoder(), ""
        decoder.begun = point.begun
        self._session.put(point.state, [0])
        self._session.step(np.array([point.last]))
        while True:
            state = self._session.states([0])  # has read all but `token`
            text += without_surrogates(decoder.decode(np.array([token])))
            if len(text) >= LONGEST or (text.strip() and not ends_in_word(text)):
                break
            logits = self._session.step(np.array([token]))[0]
            following = int(np.argmax(adjusted(logits, self._drawing)))
            if following == self._task.end:
                break
            token = following
        return Continuation(text, probability, Point(point.text + text, state, token, decoder.begun))
