"""What somebody asks a model for, and what is told of it as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from longhand.errors import LonghandError
from longhand.generation.opening import Prompt
from longhand.generation.writing import Task


@dataclass(frozen=True)
class Came:
    """A text has become longer.

    - number: which of the texts that were asked for, from 0
    - text: by what
    - tokens: by how many, of which the text may not show all yet
    - log_probabilities: natural logarithms of what the model gave these, where they were asked for
    """

    number: int
    text: str
    tokens: int
    log_probabilities: Sequence[float] = ()


@dataclass(frozen=True)
class Ended:
    """A text has come to its end: `why` is "length", "stop", "sentence", "line", "document" or "shape"."""

    number: int
    why: str


@dataclass(frozen=True)
class Failed:
    """Nothing more comes of a request; `closing`: because the server ends."""

    error: Exception
    closing: bool = False


Event: TypeAlias = Came | Ended | Failed
Tell: TypeAlias = Callable[[Event], None]


class BusyError(LonghandError):
    """Too many are waiting; `retry_after` says in how many seconds it is worth to try again."""

    def __init__(self, waiting: int, retry_after: float) -> None:
        super().__init__(f"{waiting:,} requests are waiting: try again in {retry_after:.0f} s")
        self.retry_after = retry_after


class Request:
    """Texts that go on from one prompt.

    - task: how they are to be written
    - seeds: one a text
    - tell: is called with each event, by the thread that writes: it must not wait for anything
    - log_probabilities: whether to tell how probable each token was
    """

    def __init__(
        self, task: Task, prompt: str, seeds: Sequence[int], tell: Tell, *, log_probabilities: bool = False
    ) -> None:
        self.task, self.seeds, self.tell, self.log_probabilities = task, list(seeds), tell, log_probabilities
        self.prompt = Prompt(task.tokenizer, prompt, whole=task.takes_prompts_whole)
        self.cancelled = False

    def cancel(self) -> None:
        """Give up all texts; nothing more is told."""
        self.cancelled = True
