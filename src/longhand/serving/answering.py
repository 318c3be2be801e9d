"""A completion as it comes about: what came of each of its texts, whole at the end or told bit by bit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from longhand.generation.text import Drawn
from longhand.serving.asking import Asked, Prompted
from longhand.serving.fair import Ask
from longhand.serving.listing import Lister, of_prompt
from longhand.serving.mailbox import Letter, Mailbox
from longhand.serving.request import Came, Ended, Request
from longhand.serving.room import Rooms, refuse_too_much
from longhand.serving.sealing import Sealer
from longhand.serving.served import Served
from longhand.serving.wire import Choice, Completion, CompletionRequest, Finish, Usage
from longhand.settings import length_of

LONG_NUMBERS, LONG_TEXT = 5000, 100_000  # on its tokens, and tokens or characters
PARTS = 64  # pieces of a text that are kept before they are joined: each takes ten times as much memory as its letters


@dataclass
class _Text:
    """A text that is written for a completion, and what has come of it since it was last told."""

    lister: Lister
    parts: list[str] = field(default_factory=list)
    drawn: list[tuple[Drawn, str]] = field(default_factory=list)
    log_probability: float = 0.0
    tokens: int = 0
    finish: Finish | None = None
    state: str | None = None

    @property
    def mean_log_probability(self) -> float:
        """How probable the model finds it, a token, in the mean."""
        return self.log_probability / max(self.tokens, 1)


class Answer:
    """What is answered to a completion.

    - box: where the events of its texts come
    - client: the address that asks for it
    - pause: is called between pieces of the work, where the probabilities of prompts are echoed

    Cuts the prompts into tokens, which takes time for long ones. Raises `OptionError` for a prompt that cannot be gone
    on from, `ApiError` for more numbers on its tokens than any answer may have.
    """

    def __init__(
        self,
        served: Served,
        wanted: CompletionRequest,
        asked: Asked,
        sealer: Sealer,
        box: Mailbox,
        client: str,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._served, self._wanted, self._asked, self._sealer, self.box = served, wanted, asked, sealer, box
        self._id, self._created = f"cmpl-{secrets.token_hex(12)}", int(time.time())
        self._listed = wanted.logprobs is not None
        self.ask = Ask(client, wanted.user or "")
        self._each = len(asked.seeds)  # texts of a prompt
        self._requests = self._made()
        self._prompt_tokens = sum(request.prompt.length for request in self._requests)
        self._refuse_long_echoes()
        self._texts = [text for prompt in asked.prompts for text in self._begun(prompt, pause)]
        self._left = len(self._texts)
        self._go_on()

    def submit(self) -> None:
        """Have the texts written. Raises `BusyError`."""
        self.box.watch(self._requests)
        self._served.scheduler.submit(*self._requests)

    def _made(self) -> list[Request]:
        asked, wanted = self._asked, self._wanted
        likeliest = wanted.logprobs if self._each == asked.keep else wanted.logprobs or 0
        return [
            Request(
                asked.task,
                prompt.text if prompt.tokens is None else prompt.tokens,
                asked.seeds,
                self.box.teller(number * self._each, self._served.postman),
                likeliest=likeliest,
                before=asked.before,
                whose=self._served.whose if wanted.return_state else None,
                ask=self.ask,
                window=self._served.model.config.window,
            )
            for number, prompt in enumerate(asked.prompts)
        ]

    @contextmanager
    def room_in(self, rooms: Rooms) -> Iterator[None]:
        """Take the room that it needs. Raises `ApiError` for more than any answer may have, `BusyError`."""
        told, client = self.numbers, self.ask.client
        refuse_too_much(told)
        prompts, texts = rooms.prompts.taken(self._prompt_tokens, client), rooms.texts.taken(self.reserved, client)
        echoes, numbers = rooms.echoes.taken(self._echoed, client), rooms.numbers.taken(told, client)
        with prompts, texts, echoes, numbers, rooms.held_by(self):
            yield

    @property
    def reserved(self) -> int:
        """How many tokens it may hold at most before it is sent; of a stream, none to speak of."""
        return 0 if self._wanted.stream else length_of(self._asked.task.sampling) * len(self._texts)

    @property
    def left(self) -> int:
        """How many tokens may still have to be generated."""
        length = length_of(self._asked.task.sampling)
        return sum(length - text.tokens for text in self._texts if text.finish is None)

    @property
    def _echoed(self) -> int:
        """How many characters of prompts it repeats."""
        if not self._wanted.echo:
            return 0
        return sum(len(prompt.text) for prompt in self._asked.prompts) * self._asked.keep

    @property
    def is_long(self) -> bool:
        """Whether it takes a moment to put it together."""
        return self.numbers > LONG_NUMBERS or self._echoed > LONG_TEXT or self.reserved > LONG_TEXT

    @property
    def numbers(self) -> int:
        """How many are told of its tokens until it is whole; of a stream, of its echoed prompts."""
        echoed, listed = sum(len(text.drawn) for text in self._texts), self._wanted.logprobs
        if not self._wanted.stream and (self._listed or self._each > self._asked.keep):
            echoed += length_of(self._asked.task.sampling) * len(self._texts)
        return echoed * (1 + (listed or 0))

    @property
    def done(self) -> bool:
        """Whether all texts have come to their end."""
        return self._left == 0

    @property
    def model(self) -> str:
        """What the model is called that writes it."""
        return self._served.name

    @property
    def usage(self) -> Usage:
        """How many tokens were read and written so far."""
        written = sum(text.tokens for text in self._texts)
        return Usage(self._prompt_tokens, written, self._prompt_tokens + written)

    def take(self, letters: Iterable[Letter]) -> list[int]:
        """Take note of what happened, and return which texts have changed. Raises what made them fail."""
        changed: dict[int, None] = {}
        for first, event in letters:
            if not isinstance(event, Came | Ended):
                raise event.error
            number = first + event.number
            text = self._texts[number]
            changed[number] = None
            if isinstance(event, Came):
                text.parts.append(event.text)
                if len(text.parts) > PARTS:
                    text.parts = ["".join(text.parts)]
                text.tokens += event.tokens
                text.log_probability += sum(one.log_probability for one in event.drawn)
                if self._listed:
                    text.drawn += [(one, event.text if one.token < 0 else "") for one in event.drawn]
                continue
            text.finish = "length" if event.why == "length" else "stop"
            text.state = None if event.state is None else self._sealer.seal(event.state)
            self._left -= 1
        return list(changed)

    def has_text(self, number: int) -> bool:
        """Whether some of a text waits to be told."""
        return any(self._texts[number].parts)

    def chunk(self, number: int) -> Completion:
        """Return what has come of a text since it was last told."""
        return self._completion([self._choice(number, number)])

    def last_chunk(self) -> Completion:
        """Return what a stream ends with, where its usage is asked for."""
        return self._completion([], self.usage)

    def whole(self) -> Completion:
        """Return all of it: of each prompt the texts that are wanted, the most probable first if there are others."""
        keep, chosen = self._asked.keep, []
        for first in range(0, len(self._texts), self._each):
            numbers = list(range(first, first + self._each))
            if keep < self._each:
                numbers.sort(key=lambda number: -self._texts[number].mean_log_probability)
            chosen += numbers[:keep]
        choices = [self._choice(number, index) for index, number in enumerate(chosen)]
        return self._completion(choices, self.usage)

    def _completion(self, choices: list[Choice], usage: Usage | UnsetType = UNSET) -> Completion:
        seed = UNSET if self._asked.first_seed is None else self._asked.first_seed
        name = self._served.name
        return Completion(id=self._id, created=self._created, model=name, choices=choices, usage=usage, seed=seed)

    def _refuse_long_echoes(self) -> None:
        """Raise `ApiError` for more numbers on the tokens of prompts than an answer may have, before any is found."""
        if self._wanted.echo and self._listed:
            refuse_too_much(self._prompt_tokens * self._each * (1 + (self._wanted.logprobs or 0)))

    def _begun(self, prompt: Prompted, pause: Callable[[], None]) -> list[_Text]:
        """Return a prompt's texts before they are written: with the prompt, if that is to be echoed."""
        tokenizer, likeliest = self._served.model.tokenizer, self._wanted.logprobs or 0
        texts = [_Text(Lister(tokenizer, likeliest, self._served.names)) for _ in range(self._each)]
        if self._wanted.echo and prompt.text:
            read: list[tuple[Drawn, str]] = []
            if self._listed:
                tokens = tokenizer.encode(prompt.text) if prompt.tokens is None else prompt.tokens
                letters = [""] * len(tokens)
                if tokenizer.kind == "char" and len(tokens) == len(prompt.text):
                    letters = list(prompt.text)  # those too that the model does not know
                read = list(zip(of_prompt(self._served.model, tokens, likeliest, pause), letters, strict=True))
            for text in texts:
                text.parts.append(prompt.text)
                text.drawn += read
        return texts

    def _go_on(self) -> None:
        """Let what is told of tokens begin where the texts do: perhaps inside a character."""
        before = self._asked.before
        for place, text in enumerate(self._texts):
            prompt = self._requests[place // self._each].prompt
            if self._wanted.echo and prompt.text:
                continue  # its own tokens are told first
            if prompt.inside:
                text.lister.go_on(prompt.inside, "")
            elif before is not None and not prompt.text:
                text.lister.go_on(bytes.fromhex(before.facts.begun), before.facts.unsaid)

    def _choice(self, number: int, index: int) -> Choice:
        """Return what has come of a text since it was last told, and forget it."""
        text = self._texts[number]
        choice = Choice(index, "".join(text.parts), text.finish)
        if self._listed:
            choice.logprobs = text.lister.listed(text.drawn)
        if text.state is not None:
            choice.state = text.state
        text.parts, text.drawn = [], []
        return choice
