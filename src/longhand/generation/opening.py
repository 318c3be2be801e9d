"""Where texts begin: a prompt, read once for all texts that go on from it."""

from __future__ import annotations

from typing import cast

import numpy as np

from longhand.arrays import DoubleArray, TokenIds
from longhand.errors import OptionError
from longhand.generation.sampler import NO_TOKENS, logsumexp
from longhand.generation.text import Drawn, Text
from longhand.runtime.session import RecurrentSession, Session, checked_logits
from longhand.state import State
from longhand.text.beginnings import Way
from longhand.text.tokenizer import Tokenizer

PROMPT_PIECE = 256  # tokens fed at once: bounds the memory that their logits take


class Prompt:
    """What a model reads of a prompt, and what it makes of a word that the prompt ends in.

    The prompt, which may be empty, comes after the start token, as every text did in training. One that ends inside a
    word is read up to that word; how the word goes on is drawn from all the ways in which it can be written.

    - text: of it
    - before: the last token of what comes before it, which is not read yet; None for a text's beginning
    - recent: the tokens before the prompt, as far as they count for penalties
    - whole: whether its last word is one, whatever follows
    - window: how many tokens are read at most, by a model that reads a window
    - tokens: what `text` is to be read as, where that is not left to the tokenizer

    Raises `OptionError` for an empty prompt where the tokenizer has no start token.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        text: str,
        before: int | None = None,
        *,
        recent: TokenIds = NO_TOKENS,
        whole: bool = False,
        window: int | None = None,
        tokens: TokenIds | None = None,
    ) -> None:
        self.text, self.begun = text, ""
        if tokens is None:
            if tokenizer.beginnings is not None and not whole:
                self.begun = tokenizer.beginnings.open_end(text)
            tokens = tokenizer.encode(text[: len(text) - len(self.begun)])
        self.length = len(tokens) + bool(self.begun)  # in tokens, the begun word being one
        first = tokenizer.start if before is None else before
        if first is not None:
            tokens = np.concatenate([np.array([first]), tokens])
        if not len(tokens):
            raise OptionError(
                "the model has no beginning of its own, it goes on from a text: give it one (--prompt, or --seed-from "
                "TEXT for a window of TEXT)"
            )
        if window is not None:
            tokens = tokens[-window:]
        self.last = int(tokens[-1])  # read by what draws the token after it
        self.read = tokens[:-1]
        self.tokens = np.concatenate([recent, tokens if first is None else tokens[1:]])
        self.inside = b""  # of a character that its tokens begin and do not end
        self.ways: list[Way] = []
        if self.begun:
            assert tokenizer.beginnings is not None
            self.ways = tokenizer.beginnings.ways(self.begun)

    def forget(self) -> None:
        """Forget what only reading needs, once it has been read."""
        self.read = self.tokens = NO_TOKENS


class Opening:
    """A prompt that a session has read, but for its last token.

    - session: in which one stream has read nothing but what comes before the prompt, or all of `prompt.read` already
    - stream: which one
    """

    def __init__(self, session: Session, prompt: Prompt, stream: int = 0, *, is_read: bool = False) -> None:
        self.prompt, self.last, self.tokens = prompt.text, prompt.last, prompt.tokens
        self._begun, self._ways = prompt.begun, prompt.ways
        if session.window is not None:
            for place in range(0, 0 if is_read else len(prompt.read), PROMPT_PIECE):
                session.feed(prompt.read[place : place + PROMPT_PIECE, None])
            self.state: State | None = None
            return
        recurrent = cast("RecurrentSession", session)
        for place in range(0, 0 if is_read else len(prompt.read), PROMPT_PIECE):
            recurrent.feed(prompt.read[place : place + PROMPT_PIECE, None], [stream])
        self.state = recurrent.states([stream])
        self._scores = [self._scored(recurrent, each, stream) for each in self._ways]

    def begin(self, session: Session, text: Text, stream: int = 0) -> str:
        """Put a stream, and the text that it is to write, where the prompt ends; return the rest of a begun word."""
        text.last = self.last
        text.sampler.begin(self.tokens)
        if self.state is None:  # a session of a window, which has read the prompt for this text alone
            return ""
        recurrent = cast("RecurrentSession", session)
        recurrent.put(self.state, [stream])
        if not self._ways or text.ended:
            return ""
        word, chance = self._drawn(text)
        read = np.array([self.last, *word[:-1]])
        recurrent.feed(read[:, None], [stream])
        text.last = int(word[-1])
        text.sampler.note(word)
        text.drawn.append(Drawn(-1, chance))
        return text.say(text.decoder.decode(word)[len(self._begun) :], 1)

    def _scored(self, session: RecurrentSession, way: Way, stream: int) -> DoubleArray:
        """Return the logarithms of the probabilities of a way's next tokens."""
        assert self.state is not None
        session.put(self.state, [stream])
        logits = session.feed(np.array([self.last, *way.first])[:, None], [stream])[:, 0]
        read = checked_logits(logits).astype(np.float64)
        logarithms = read - logsumexp(read)
        first = sum(logarithms[place, token] for place, token in enumerate(way.first))
        scores: DoubleArray = first + logarithms[-1, way.next]
        return scores

    def _drawn(self, text: Text) -> tuple[TokenIds, float]:
        """Return tokens of a word that begins as the prompt's last one, drawn by how probable each way is.

        With them comes the logarithm of the probability of their way among all.
        """
        scores = np.concatenate(self._scores)
        drawn = text.sampler.draw_among(scores)
        chance = float(scores[drawn] - logsumexp(scores)[0])
        for way in self._ways:
            if drawn < len(way.next):
                return np.array([*way.first, way.next[drawn]]), chance
            drawn -= len(way.next)
        raise AssertionError("none of the ways")


def opened(
    session: Session,
    tokenizer: Tokenizer,
    text: str,
    before: int | None = None,
    *,
    recent: TokenIds = NO_TOKENS,
    whole: bool = False,
) -> Opening:
    """Let a session of one stream read a prompt; the arguments are `Prompt`'s. Raises `OptionError` as that does."""
    return Opening(session, Prompt(tokenizer, text, before, recent=recent, whole=whole, window=session.window))
