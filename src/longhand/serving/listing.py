"""How probable tokens were, as OpenAI's clients are told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from longhand.arrays import TokenIds
from longhand.generation.loop import chances_of
from longhand.generation.text import Drawn
from longhand.model import Model
from longhand.serving.wire import Logprobs
from longhand.text.decoder import ByteDecoder, Decoder
from longhand.text.tokenizer import Tokenizer

END = "<|end|>"  # what the end of a document is called
READ_AT_ONCE = 256  # tokens: bounds the memory that their logits take
PLACES = 6  # of a logarithm


class Lister:
    """Says how probable the tokens of one text were, as they come.

    - likeliest: how many others are told of in the place of each
    - names: of tokens, as far as they are known: shared by all texts of a model
    """

    def __init__(self, tokenizer: Tokenizer, likeliest: int, names: dict[int, str]) -> None:
        self._tokenizer, self._likeliest, self._names, self._offset = tokenizer, likeliest, names, 0
        self._decoder: Decoder = tokenizer.decoder()

    def go_on(self, begun: bytes, unsaid: str) -> None:
        """Go on inside a character, and behind a text of which no token is told."""
        self._decoder.begun, self._offset = begun, self._offset + len(unsaid)

    def listed(self, drawn: Sequence[tuple[Drawn, str]]) -> Logprobs:
        """Return what is told of tokens; beside each stands what it adds to the text, where its number does not say."""
        found = Logprobs([], [], [] if self._likeliest else None, [])
        for (token, log_probability, likeliest), rest in drawn:
            text = rest if rest or token < 0 else self._added(token)
            found.tokens.append(text)
            found.token_logprobs.append(_rounded(log_probability))
            found.text_offset.append(self._offset)
            self._offset += len(text)
            if found.top_logprobs is not None:
                found.top_logprobs.append(self._named(token, text, log_probability, likeliest))
        return found

    def _named(
        self, token: int, text: str, log_probability: float, likeliest: Sequence[tuple[int, float]]
    ) -> dict[str, float] | None:
        """Return the likeliest tokens of a place and the one that was drawn, by name; None where nobody knows."""
        if not np.isfinite(log_probability):
            return None
        named = {self._name_of(other): round(value, PLACES) for other, value in likeliest}
        name = text if token < 0 else self._name_of(token)
        return named | {name: round(log_probability, PLACES)}

    def _name_of(self, token: int) -> str:
        if token not in self._names:
            self._names[token] = name_of(self._tokenizer, token)
        return self._names[token]

    def _added(self, token: int) -> str:
        if token in self._tokenizer.never_written:
            return END if token == self._tokenizer.start else ""
        return self._decoder.decode(np.array([token]))


def name_of(tokenizer: Tokenizer, token: int) -> str:
    """Return what a token is called by itself: its text, or its bytes where these are a part of a character."""
    if token in tokenizer.never_written:
        return END if token == tokenizer.start else "<|unknown|>"
    decoder = tokenizer.decoder()
    if not isinstance(decoder, ByteDecoder):
        return decoder.decode(np.array([token]))
    piece = decoder.pieces[token]
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


def of_prompt(model: Model, tokens: TokenIds, likeliest: int, pause: Callable[[], None] = lambda: None) -> list[Drawn]:
    """Return how probable a prompt's tokens, (tokens,), were; `pause` is called between pieces of the work.

    What the first one was, where the model has no beginning of its own, nobody knows: not a number.
    """
    start, never = model.tokenizer.start, model.task().never
    read = tokens if start is None else np.concatenate([[start], tokens])
    at_once = max(1, READ_AT_ONCE // (model.config.window or 1))
    session, found = model.session(), [] if start is not None else [Drawn(int(tokens[0]), np.nan)]
    for place in range(0, len(read) - 1, at_once):
        pause()
        logits = session.feed(read[place : place + at_once, None])[:, 0]
        following = read[place + 1 : place + 1 + at_once]
        chances = chances_of(logits[: len(following)], following, likeliest, never)
        for number, token in enumerate(following.tolist()):
            others = zip(chances.likeliest[number].tolist(), chances.theirs[number].tolist(), strict=True)
            found.append(Drawn(token, float(chances.drawn[number]), tuple(others)))
    return found


def _rounded(value: float) -> float | None:
    return round(value, PLACES) if np.isfinite(value) else None
