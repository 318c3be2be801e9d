"""Where texts begin: a prompt, read once for all texts that go on from it."""

from __future__ import annotations

from typing import cast

import numpy as np

from longhand.arrays import DoubleArray, TokenIds
from longhand.errors import OptionError
from longhand.generation.sampler import NO_TOKENS, logsumexp
from longhand.generation.text import Text
from longhand.runtime.session import RecurrentSession, Session
from longhand.state import State
from longhand.text.beginnings import Way
from longhand.text.tokenizer import Tokenizer

PROMPT_PIECE = 256  # tokens fed at once: bounds the memory that their logits take


class Opening:
    """A prompt that a session has read, but for its last token.

    The prompt, which may be empty, comes after the start token, as every text did in training. One that ends inside a
    word is read up to that word; how the word goes on is drawn from all the ways in which it can be written.

    - session: one stream that has read nothing, or what comes before the prompt
    - recent: the tokens before the prompt, as far as they count for penalties
    - whole: whether its last word is one, whatever follows
    - before: the last token of what comes before it, which is not read yet; None for a text's beginning

    Raises `OptionError` for an empty prompt where the tokenizer has no start token.
    """

    def __init__(
        self,
        session: Session,
        tokenizer: Tokenizer,
        prompt: str,
        before: int | None = None,
        *,
        recent: TokenIds = NO_TOKENS,
        whole: bool = False,
    ) -> None:
        self._begun, self.prompt = "", prompt
        if tokenizer.beginnings is not None and not whole:
            self._begun = tokenizer.beginnings.open_end(prompt)
        tokens = tokenizer.encode(prompt[: len(prompt) - len(self._begun)])
        first = tokenizer.start if before is None else before
        if first is not None:
            tokens = np.concatenate([np.array([first]), tokens])
        if not len(tokens):
            raise OptionError(
                "the model has no beginning of its own, it goes on from a text: give it one (--prompt, or --seed-from "
                "TEXT for a window of TEXT)"
            )
        if session.window is not None:
            tokens = tokens[-session.window :]
        self.last = int(tokens[-1])
        self.tokens = np.concatenate([recent, tokens if first is None else tokens[1:]])
        for place in range(0, len(tokens) - 1, PROMPT_PIECE):
            session.feed(tokens[place : min(place + PROMPT_PIECE, len(tokens) - 1), None])
        self.state: State | None = None if session.window is not None else cast("RecurrentSession", session).states([0])
        self._ways: list[Way] = []
        if self._begun:
            assert tokenizer.beginnings is not None
            self._ways = tokenizer.beginnings.ways(self._begun)
            self._scores = [self._scored(cast("RecurrentSession", session), each) for each in self._ways]

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
        word = self._drawn(text)
        read = np.array([self.last, *word[:-1]])
        recurrent.feed(read[:, None], [stream])
        text.last = int(word[-1])
        text.sampler.note(word)
        return text.say(text.decoder.decode(word)[len(self._begun) :], 1)

    def _scored(self, session: RecurrentSession, way: Way) -> DoubleArray:
        """Return the logarithms of the probabilities of a way's next tokens."""
        assert self.state is not None
        session.put(self.state, [0])
        read = session.feed(np.array([self.last, *way.first])[:, None])[:, 0].astype(np.float64)
        logarithms = read - logsumexp(read)
        first = sum(logarithms[place, token] for place, token in enumerate(way.first))
        scores: DoubleArray = first + logarithms[-1, way.next]
        return scores

    def _drawn(self, text: Text) -> TokenIds:
        """Return tokens of a word that begins as the prompt's last one, drawn by how probable each way is."""
        drawn = text.sampler.draw_among(np.concatenate(self._scores))
        for way in self._ways:
            if drawn < len(way.next):
                return np.array([*way.first, way.next[drawn]])
            drawn -= len(way.next)
        raise AssertionError("none of the ways")
