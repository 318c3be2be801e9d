"""What somebody asks a model for, and what is told of it as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from longhand.arrays import TokenIds
from longhand.errors import LonghandError
from longhand.generation.opening import Prompt
from longhand.generation.sampler import NO_TOKENS
from longhand.generation.saved import WritingState
from longhand.generation.text import Drawn
from longhand.generation.writing import Task
from longhand.serving.fair import Ask


@dataclass(frozen=True)
class Came:
    """A text has become longer.

    - number: which of the texts that were asked for, from 0
    - text: by what
    - tokens: by how many, of which the text may not show all yet
    - drawn: these, where it was asked how probable they were
    """

    number: int
    text: str
    tokens: int
    drawn: Sequence[Drawn] = ()


@dataclass(frozen=True)
class Ended:
    """A text has come to its end: `why` is "length", "stop", "sentence", "line", "document" or "shape".

    - state: where it was left, where that was asked for
    """

    number: int
    why: str
    state: WritingState | None = None


@dataclass(frozen=True)
class Failed:
    """Nothing more comes of a request; `closing`: because the server ends."""

    error: Exception
    closing: bool = False


Event: TypeAlias = Came | Ended | Failed
Tell: TypeAlias = Callable[[Event], None]


class BusyError(LonghandError):
    """Too many are waiting; `retry_after` says in how many seconds it is worth to try again.

    - closing: nothing is taken any more, because the server ends
    - why: what there is too much of, where it is not those that wait
    """

    def __init__(self, waiting: int, retry_after: float, *, closing: bool = False, why: str = "") -> None:
        why = "the server ends" if closing else why or f"{waiting:,} requests are waiting"
        super().__init__(f"{why}: try again in {retry_after:.0f} s")
        self.retry_after, self.closing = retry_after, closing


class Request:
    """Texts that go on from one prompt.

    - task: how they are to be written
    - prompt: its text, or its tokens
    - seeds: one a text; None leaves it to chance, or where it goes on with another text to that one's
    - tell: is called with each event, by the thread that writes: it must not wait for anything
    - likeliest: how many of the likeliest tokens are to be told in the place of each; None where nobody asks how
      probable the tokens were
    - before: where the text was left that they go on with
    - whose: the model's fingerprint and name, where it is to be told where each text was left
    - window: how many tokens of the prompt a model reads that reads a window
    - client, user: the address and the user that ask: these share streams and time
    - ask: the HTTP request that it belongs to, in their place

    Raises `OptionError` as `Prompt` does.
    """

    def __init__(
        self,
        task: Task,
        prompt: str | TokenIds,
        seeds: Sequence[int | None],
        tell: Tell,
        *,
        likeliest: int | None = None,
        before: WritingState | None = None,
        whose: tuple[str, str] | None = None,
        client: str = "",
        user: str = "",
        ask: Ask | None = None,
        window: int | None = None,
    ) -> None:
        self.task, self.seeds, self.tell = task, list(seeds), tell
        self.ask = ask or Ask(client, user)
        self.client, self.user = self.ask.client, self.ask.user
        self.likeliest, self.before, self.whose = likeliest, before, whose
        tokens, text, decoder = None, prompt, task.tokenizer.decoder()
        if not isinstance(prompt, str):
            tokens, text = prompt, decoder.decode(prompt)
        self.prompt = Prompt(
            task.tokenizer,
            str(text),
            None if before is None else before.facts.last,
            recent=NO_TOKENS if before is None else before.recent,
            whole=task.takes_prompts_whole,
            window=window,
            tokens=tokens,
        )
        self.prompt.inside = decoder.begun
        self.cancelled = self.paused = False
        self.paused_since = 0.0  # by `time.monotonic`
        self.changed: Callable[[], None] = lambda: None  # what the scheduler wants to hear of it by

    def cancel(self) -> None:
        """Give up all texts; nothing more is told."""
        self.cancelled = True
        self.changed()

    def pause(self) -> None:
        """Stop generating: the client does not keep up."""
        if not self.paused:
            self.paused, self.paused_since = True, time.monotonic()

    def resume(self) -> None:
        """Go on with the texts."""
        self.paused = False
        self.changed()
