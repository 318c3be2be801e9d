"""One text in the making: takes tokens as they are drawn, and knows when it has come to its end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from longhand.arrays import DoubleArray, TokenIds
from longhand.config import SamplingConfig
from longhand.copies.guard import CopyGuard
from longhand.generation.endings import Endings
from longhand.generation.sampler import Sampler
from longhand.settings import length_of
from longhand.text.decoder import Decoder
from longhand.text.tokenizer import Tokenizer
from longhand.text.utf8 import without_surrogates

UNLIMITED = 2**62  # tokens, where characters are counted
FIRST_STRIDE = 32  # tokens drawn at once after one was refused: those behind the next one would be lost


class Chances(NamedTuple):
    """What a network gave the tokens that were drawn, in natural logarithms, before anything was done to it.

    - drawn: of the tokens themselves, (tokens,)
    - likeliest: the likeliest tokens at each place, the likeliest first, (tokens, some)
    - theirs: what they were given, of the same shape
    """

    drawn: DoubleArray
    likeliest: TokenIds
    theirs: DoubleArray


class Drawn(NamedTuple):
    """A token of a text: the logarithm of its probability, and those of the likeliest in its place.

    - token: its number; -1 for the end of a word that the prompt began
    """

    token: int
    log_probability: float
    likeliest: tuple[tuple[int, float], ...] = ()


class Text:
    """A text that one stream of a session writes.

    - sampler: with which its tokens are drawn
    - last: the token that is read next, whose prediction is the text's next token
    - end: the token at which it ends, if there is one
    - guard: what refuses copies
    - separator: what is written behind its end token, which the guard is asked about too
    - length: how many tokens it has at most, or characters as `sampling.length_in` says; `sampling`'s, if left out

    Where it is `exact`, its stream is to stand where it ended. Of so many tokens as `likeliest` says it wants to know
    how probable they were in each place.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        sampler: Sampler,
        sampling: SamplingConfig,
        last: int,
        *,
        end: int | None = None,
        length: int | None = None,
        guard: CopyGuard | None = None,
        separator: str = "",
    ) -> None:
        self.sampler, self.last = sampler, last
        self.decoder: Decoder = tokenizer.decoder()
        self.tokens = self.characters = 0
        self.accepted = 0  # how many of the tokens that were drawn last became a part of it
        self.drawn: list[Drawn] = []  # its tokens, where it was asked how probable they were
        self.exact, self.likeliest = False, 0
        self._length, self._end = length_of(sampling) if length is None else length, end
        self._in_characters = sampling.length_in == "characters"
        self._endings = Endings(sampling.stop, sampling.until)
        unit = sampling.until in ("sentence", "line")
        self._watched = self._in_characters or sampling.stop != () or unit or guard is not None
        self._guard, self._separator, self._stride = guard, separator, FIRST_STRIDE
        self.ended: str = "" if self._length else "length"
        self.sampler.left = UNLIMITED if self._in_characters else self._length
        self._beyond = ""

    @property
    def room(self) -> int:
        """How many tokens it is worth to draw: those that are too many are given back."""
        left = self._length - (self.characters if self._in_characters else self.tokens)
        if self._guard is not None:
            left = min(left, self._stride)
        return max(1, left if self.sampler.guide is None else left - self.sampler.guide.bound)

    @property
    def guarded(self) -> bool:
        """Whether it may refuse a token, and then has to go on from before it."""
        return self._guard is not None

    @property
    def unsaid(self) -> str:
        """What its tokens say beyond its end."""
        return self._beyond + self._endings.held

    @property
    def left_at(self) -> tuple[str, bool]:
        """What of its end may begin what ends it, though it was given; and whether it is inside a line."""
        cut = self.ended in ("", "length")
        return (self._endings.tail, self._endings.inside) if cut else ("", False)

    def go_on(self, tail: str, inside: bool) -> None:
        """Go on where another one was left (`left_at`)."""
        if self._watched:
            self._endings.go_on(tail, inside)

    def say(self, text: str, tokens: int) -> str:
        """Take a text that was not drawn token by token, and return what this text has become longer by."""
        self.tokens += tokens
        return self._closed(self._within(without_surrogates(text)))

    def take(self, ids: TokenIds, chances: Chances | None = None) -> str:
        """Take tokens, (tokens,), as far as the text goes, and return what it has become longer by."""
        drawn = len(ids)
        if not self._in_characters:
            ids = ids[: self._length - self.tokens]
        within = self.sampler.over_at(ids)
        found = np.flatnonzero(ids[: within + 1] == self._end)
        content = ids[: min(within, found[0] if len(found) else within)]
        text, taken = self._one_by_one(content) if self._watched else (self._decoded(content), len(content))
        refused = self._guard is not None and not self.ended and taken < len(content)
        if not self.ended and not refused and len(found):
            refused = self._guard is not None and self._guard.refuses(self._separator)
            self.ended, taken = ("", taken) if refused else ("document", taken + 1)
        elif not self.ended and not refused and within < len(ids):
            self.ended = "shape"
        self.tokens, self.accepted = self.tokens + taken, taken
        if taken:
            self.last = int(ids[taken - 1])
        self.sampler.note(ids[:taken])
        self.sampler.give_back(drawn - taken - refused)
        self._stride = FIRST_STRIDE if refused else 2 * self._stride
        if refused:
            self.sampler.refuse(int(ids[taken]))
        self.sampler.left = UNLIMITED if self._in_characters else self._length - self.tokens
        if chances is not None:
            self.drawn += _listed(ids[:taken], chances)
        return self._closed(text)

    def _one_by_one(self, ids: TokenIds) -> tuple[str, int]:
        """Return what tokens add to the text, and how many of them are a part of it."""
        text = ""
        for place in range(len(ids)):
            begun = self.decoder.begun
            piece = self._decoded(ids[place : place + 1])
            if self._guard is not None and self._guard.refuses(piece):
                self.decoder.begun = begun
                return text, place
            text += self._within(piece)
            if self.ended:
                return text, place + 1
        return text, len(ids)

    def _decoded(self, ids: TokenIds) -> str:
        return without_surrogates(self.decoder.decode(ids))

    def _within(self, text: str) -> str:
        """Return what of `text` is to be given on now."""
        if self._watched:
            text, over = self._endings.feed(text)
            self.ended = self._endings.why if over else self.ended
        return self._counted(text)

    def _counted(self, text: str) -> str:
        """Count a part of the text, and cut it where it becomes too long."""
        if self._in_characters and self.characters + len(text) >= self._length:
            end = self._length - self.characters
            text, self._beyond, self.ended = text[:end], self._beyond + text[end:], "length"
        self.characters += len(text)
        return text

    def _closed(self, text: str) -> str:
        """Return `text`, and where the text comes to its end what was held back."""
        if not self.ended and not self._in_characters and self.tokens >= self._length:
            self.ended = "length"
        if self.ended in ("length", "document", "shape"):
            text += self._counted(self._endings.rest())
        return text


def _listed(ids: TokenIds, chances: Chances) -> list[Drawn]:
    likeliest = [
        tuple(zip(tokens, theirs, strict=True))
        for tokens, theirs in zip(chances.likeliest.tolist(), chances.theirs.tolist(), strict=True)
    ]
    return [Drawn(*each) for each in zip(ids.tolist(), chances.drawn.tolist(), likeliest, strict=False)]
