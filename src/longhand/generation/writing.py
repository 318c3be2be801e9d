"""Writing one text: from a prompt or a saved state, piece by piece, to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import msgspec

from longhand.config import SamplingConfig
from longhand.copies.guard import CopyGuard
from longhand.copies.index import CopyIndex
from longhand.errors import ModelFormatError, OptionError
from longhand.generation.constraints.bounds import USUAL, Bounds, Budget, never_interrupt
from longhand.generation.constraints.build import SHAPES, guide_for
from longhand.generation.constraints.guide import Guide
from longhand.generation.loop import Pace, Piece, advance
from longhand.generation.opening import Opening, opened
from longhand.generation.sampler import Sampler, drawing_of
from longhand.generation.saved import Facts, WritingState
from longhand.generation.text import Text
from longhand.runtime.session import Drawing, RecurrentSession, Session
from longhand.settings import length_of
from longhand.text.tokenizer import Tokenizer

NOT_KEPT = ("length", "seed", "documents", "logit_bias", *SHAPES)  # settings that a saved state says nothing of


@dataclass(frozen=True)
class Task:
    """What is to be written: settings, made ready for a model.

    - separator: of a model of documents, what stands between those that it writes
    - index: of the text that it may not copy from
    """

    tokenizer: Tokenizer
    sampling: SamplingConfig
    separator: str | None
    never: tuple[int, ...]
    bias: tuple[tuple[int, float], ...]
    end: int | None
    guide: Guide | None
    index: CopyIndex | None

    @property
    def takes_prompts_whole(self) -> bool:
        """Whether a prompt's last word is one: what goes on with it would be neither guided nor guarded."""
        return self.guide is not None or self.index is not None or length_of(self.sampling) == 0

    @cached_property
    def _drawing(self) -> Drawing:
        return drawing_of(self.sampling, self.never, self.bias)

    def guard(self, prompt: str) -> CopyGuard | None:
        """Return what keeps a text after a prompt from copying, if it is to be kept."""
        most = self.sampling.max_copy
        return None if most is None or self.index is None else CopyGuard(self.index, most, prompt)

    def text(
        self,
        opening: Opening,
        seed: int | None,
        sampler: Sampler | None = None,
        length: int | None = None,
        guard: CopyGuard | None = None,
        separator: str = "",
    ) -> Text:
        """Return a text that begins with `opening`, drawn with a seed or with a sampler that there is."""
        drawn_by = sampler or Sampler(
            replace_seed(self.sampling, seed), self.never, self.bias, self.guide, self._drawing
        )
        guard = guard or self.guard(opening.prompt)
        return Text(
            self.tokenizer,
            drawn_by,
            self.sampling,
            opening.last,
            end=self.end,
            length=length,
            guard=guard,
            separator=separator,
        )

    def gone_on(self, opening: Opening, seed: int | None, before: WritingState) -> Text:
        """Return a text that goes on where another one was left; `opening` is what it read since.

        With its chance too where there is no `seed`. Raises `ModelFormatError` for a damaged state.
        """
        text = self.text(opening, seed)
        text.sampler.restore(before.facts, chance=seed is None)
        if not opening.prompt:
            text.decoder.begun = bytes.fromhex(before.facts.begun)
            text.go_on(before.facts.tail, before.facts.inside)
        return text

    def left(self, session: RecurrentSession, text: Text, whose: tuple[str, str], stream: int = 0) -> WritingState:
        """Return where a text is that is `exact`.

        - whose: the model's fingerprint, and what it is called
        """
        settings = {key: value for key, value in given_settings(self.sampling).items() if key not in NOT_KEPT}
        tail, inside = text.left_at
        model, name = whose
        facts = Facts(
            model=model,
            model_name=name,
            last=text.last,
            begun=text.decoder.begun.hex(),
            unsaid=text.unsaid,
            tail=tail,
            inside=inside,
            settings=settings,
            bias=list(self.bias),
            **text.sampler.facts(),
        )
        return WritingState(session.states([stream]), text.sampler.recent, facts)


def begin(opening: Opening, session: Session, text: Text, before: WritingState | None = None, stream: int = 0) -> str:
    """Put a stream where a text begins; return what is known of it before anything is drawn.

    - before: where it was left
    """
    rest = opening.begin(session, text, stream)
    unsaid = "" if before is None or opening.prompt else before.facts.unsaid
    return text.say(unsaid, 0) + rest if unsaid else rest


def replace_seed(sampling: SamplingConfig, seed: int | None) -> SamplingConfig:
    """Return settings with another seed."""
    return msgspec.structs.replace(sampling, seed=seed)


def task_of(
    tokenizer: Tokenizer,
    sampling: SamplingConfig,
    separator: str | None = None,
    index: CopyIndex | None = None,
    bounds: Bounds = USUAL,
    interrupt: Callable[[], None] = never_interrupt,
) -> Task:
    """Make settings ready for a model.

    - bounds: of a shape
    - interrupt: is called while a shape is prepared, and raises an error to stop

    Raises `OptionError` for settings that the model cannot follow.
    """
    never, end = tokenizer.never_written, None
    if separator is not None:
        end = tokenizer.start
        never = tuple(token for token in never if token != end)
    elif sampling.documents is not None or sampling.until == "document":
        name = "documents" if sampling.documents is not None else "until"
        raise OptionError(f"{name}: the model was not trained on documents (longhand train --documents)")
    if sampling.max_copy is not None and index is None:
        raise OptionError("max copy: nothing is known of the text that the model learned from: give it with --corpus")
    bias = biases(tokenizer, sampling)
    guide = guide_for(tokenizer, sampling, end, Budget(bounds, interrupt=interrupt))
    return Task(tokenizer, sampling, separator, never, bias, end, guide, index)


class Writing(Iterator[Piece]):
    """One text as it is written, in pieces as soon as they are drawn.

    - session: one stream, in the state to start from
    - before: where the text was left, if it was
    """

    def __init__(
        self, task: Task, session: Session, opening: Opening, text: Text, before: WritingState | None = None
    ) -> None:
        self.text = text
        self._task, self._session = task, session
        text.exact = session.window is None
        self._waiting = begin(opening, session, text, before)
        self._pace = Pace()

    def __next__(self) -> Piece:
        """Return the next piece of the text."""
        if self._waiting:
            waiting, self._waiting = self._waiting, ""
            return Piece(waiting, self.text.tokens)
        if self.text.ended:
            raise StopIteration
        before = self.text.tokens
        (piece,) = advance(self._session, [self.text], min(self._pace.begin(), self.text.room))
        self._pace.end()
        return Piece(piece, self.text.tokens - before)

    def state(self, model: str, name: str) -> WritingState:
        """Return where the text is now.

        - model, name: the model's fingerprint, and what it is called

        Raises `OptionError` for a model with a window, which has no state.
        """
        if self._session.window is not None:
            raise OptionError("a model that reads a window has no state to save: give it the text so far as --prompt")
        left = self._task.left(cast("RecurrentSession", self._session), self.text, (model, name))
        return left.with_unsaid(self._waiting + left.facts.unsaid)


def given_settings(sampling: SamplingConfig) -> dict[str, object]:
    """Return those settings that are not the defaults."""
    default = msgspec.to_builtins(SamplingConfig())
    found = msgspec.to_builtins(sampling)
    return {name: value for name, value in found.items() if value != default[name]}


def write(task: Task, session: Session, prompt: str) -> Iterator[Piece]:
    """Return what follows `prompt`: a `Writing`, or for a model of documents several texts after one another.

    - session: one stream, in the state to start from

    So much is written as `length_of` says of the settings, or as many documents of so much at most as they want; each
    begins with `prompt`, and all but the first are written with it.

    Raises `OptionError` as `Opening` does, and where the model cannot go back from a copy.
    """
    sampling = task.sampling
    if session.window is not None and sampling.max_copy is not None:
        raise OptionError("max copy: a model that reads a window cannot go back from a copy: leave --max-copy out")
    opening = opened(session, task.tokenizer, prompt, whole=task.takes_prompts_whole)
    one = task.separator is None or sampling.until is not None or sampling.stop or task.guide is not None
    if one and sampling.documents is None:
        return Writing(task, session, opening, task.text(opening, sampling.seed))
    return _documents(task, lambda text: Writing(task, session, opening, text), opening, prompt)


def go_on(task: Task, session: Session, before: WritingState, prompt: str) -> Writing:
    """Return what follows a text that was left, and `prompt` after it.

    - session: one stream, of the model whose state it is

    With the settings that it was left with the text is what it would have become, had it not been left; with another
    seed, or a prompt, it is another one from here. Raises `OptionError` and `ModelFormatError`.
    """
    if session.window is not None:
        raise OptionError("a model that reads a window has no state to load")
    sampling, recurrent = task.sampling, cast("RecurrentSession", session)
    if sampling.documents is not None:
        raise OptionError("documents: a text that was left is gone on with to its end: leave --documents out")
    put_back(before, recurrent, task.tokenizer)
    opening = opened(
        session, task.tokenizer, prompt, before.facts.last, recent=before.recent, whole=task.takes_prompts_whole
    )
    return Writing(task, session, opening, task.gone_on(opening, sampling.seed, before), before)


def put_back(state: WritingState, session: RecurrentSession, tokenizer: Tokenizer, stream: int = 0) -> None:
    """Put a stream where a text was left; raises `ModelFormatError` for a state that no model like this was in."""
    tokens = [state.facts.last, *state.recent.tolist()]
    if not 0 <= min(tokens) <= max(tokens) < tokenizer.size:
        raise ModelFormatError(f"the state is damaged: its tokens are {min(tokens)} to {max(tokens)}")
    try:
        session.put(state.state, [stream])
    except ValueError as error:
        raise ModelFormatError(f"the state is damaged: its {error}") from None


def _documents(task: Task, writing: Callable[[Text], Writing], opening: Opening, prompt: str) -> Iterator[Piece]:
    """Yield documents, one after another, from the second on with the prompt that they begin with."""
    sampling, length, wanted = task.sampling, length_of(task.sampling), task.sampling.documents
    sampler, guard = Sampler(sampling, task.never, task.bias, task.guide), task.guard(prompt)
    separator, ended = task.separator or "", ""
    done = documents = 0
    while done < length if wanted is None else documents < wanted:
        if documents:
            yield Piece(prompt, 0)
            if guard is not None:
                guard.add(prompt if ended == "document" else separator + prompt)
        text = task.text(opening, None, sampler, length - done if wanted is None else length, guard, separator)
        yield from writing(text)
        done += max(1, text.characters) if sampling.length_in == "characters" else text.tokens
        documents, ended = documents + 1, text.ended
        if wanted is not None or done < length:
            yield Piece(separator, 0)


def biases(tokenizer: Tokenizer, sampling: SamplingConfig) -> tuple[tuple[int, float], ...]:
    """Return the tokens of `sampling.logit_bias`, and what is added to their logits.

    Raises `OptionError` for what is no token of the model.
    """
    result = []
    for token, value in (sampling.logit_bias or {}).items():
        if isinstance(token, str):
            ids = tokenizer.encode(token)
            if tokenizer.unknown_in(token) or len(ids) != 1:
                raise OptionError(f"logit bias: {token!r} is {len(ids)} tokens, or not known, expected one token")
            token = int(ids[0])
        if not 0 <= token < tokenizer.size:
            raise OptionError(f"logit bias: token {token}, the model's are 0 to {tokenizer.size - 1}")
        result.append((token, float(value)))
    return tuple(result)
