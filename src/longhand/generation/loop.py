"""The one generation loop: the command line, the Python API and the samples shown in training all run it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.config import SamplingConfig
from longhand.errors import OptionError
from longhand.generation.opening import Opening
from longhand.generation.sampler import Sampler, logsumexp
from longhand.generation.text import Text
from longhand.runtime.session import Session, WritingSession
from longhand.settings import length_of
from longhand.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from longhand.runtime.session import RecurrentSession

PIECE_SECONDS = 0.05  # often enough for the eye and for Ctrl-C, and seldom beside what a call costs
LARGEST_PIECE = 8192  # tokens
MOST_LOGITS = 1 << 24  # of one call


class Piece(NamedTuple):
    """Text as it comes, and how many tokens it is."""

    text: str
    tokens: int


class Pace:
    """How many tokens to ask for at a time: as many as are drawn in a moment. What is written does not depend on it.

    - most: that may be asked for
    """

    def __init__(self, most: int = LARGEST_PIECE) -> None:
        self._size, self._most = 1, most
        self._began = time.monotonic()

    def begin(self) -> int:
        """Return how many tokens to ask for now."""
        self._began = time.monotonic()
        return self._size

    def end(self) -> None:
        """Take note that they have come."""
        self._size = min(_next_size(self._size, time.monotonic() - self._began), self._most)


def stream_text(
    session: Session, tokenizer: Tokenizer, prompt: str, sampling: SamplingConfig, separator: str | None = None
) -> Iterator[Piece]:
    """Yield what follows `prompt`, in pieces as soon as they are drawn.

    - session: one stream, in the state to start from
    - separator: of a model of documents, what is written where one ends; each begins with `prompt`, and all but the
      first are written with it

    So much is written as `length_of(sampling)` says, or `sampling.documents` documents of so much at most.

    Raises `OptionError` as `Opening` does, and for settings that the model cannot follow.
    """
    never, end = tokenizer.never_written, None
    if separator is not None:
        end = tokenizer.start
        never = tuple(token for token in never if token != end)
    elif sampling.documents is not None or sampling.until == "document":
        name = "documents" if sampling.documents is not None else "until"
        raise OptionError(f"{name}: the model was not trained on documents (longhand train --documents)")
    sampler = Sampler(sampling, never, biases(tokenizer, sampling))
    opening = Opening(session, tokenizer, prompt)
    if separator is None or sampling.until is not None or sampling.stop:
        return written(session, opening, Text(tokenizer, sampler, sampling, opening.last, end=end))
    return _documents(session, tokenizer, opening, sampler, sampling, separator, prompt)


def _documents(
    session: Session,
    tokenizer: Tokenizer,
    opening: Opening,
    sampler: Sampler,
    sampling: SamplingConfig,
    separator: str,
    prompt: str,
) -> Iterator[Piece]:
    """Yield documents, one after another, from the second on with the prompt that they begin with."""
    length, wanted = length_of(sampling), sampling.documents
    done = documents = 0
    while done < length if wanted is None else documents < wanted:
        if documents:
            yield Piece(prompt, 0)
        left = length - done if wanted is None else length
        text = Text(tokenizer, sampler, sampling, opening.last, end=tokenizer.start, length=left)
        yield from written(session, opening, text)
        done += text.characters if sampling.length_in == "characters" else text.tokens
        documents += 1
        if wanted is not None or done < length:
            yield Piece(separator, 0)


def written(session: Session, opening: Opening, text: Text, stream: int = 0) -> Iterator[Piece]:
    """Yield a text as it is written."""
    if begun := opening.begin(session, text, stream):
        yield Piece(begun, text.tokens)
    pace = Pace()
    while not text.ended:
        before = text.tokens
        (piece,) = advance(session, [text], min(pace.begin(), text.room))
        pace.end()
        yield Piece(piece, text.tokens - before)


def advance(
    session: Session,
    texts: Sequence[Text],
    count: int,
    streams: Sequence[int] | None = None,
    *,
    exact: bool = False,
    log_probabilities: bool = False,
) -> list[str]:
    """Let each text become longer by up to `count` tokens, and return by what.

    - streams: that write them; all, in their order, if left out
    - exact: whether a stream whose text ended before goes back to where it did
    - log_probabilities: whether the texts are told how probable their tokens were
    """
    last = np.array([text.last for text in texts])
    places = range(len(texts)) if streams is None else streams
    before = cast("RecurrentSession", session).states(places) if exact else None
    drawn, chances = draw_tokens(
        session, last, [text.sampler for text in texts], count, streams, log_probabilities=log_probabilities
    )
    pieces = []
    for number, text in enumerate(texts):
        pieces.append(text.take(drawn[:, number], None if chances is None else chances[:, number]))
        if before is not None and text.accepted < len(drawn):
            read = np.array([last[number], *drawn[: text.accepted, number]])[: text.accepted]
            recurrent = cast("RecurrentSession", session)
            recurrent.put(before.of([number]), [places[number]])
            recurrent.feed(read[:, None], [places[number]])
    return pieces


def draw_tokens(
    session: Session,
    last: TokenIds,
    samplers: Sequence[Sampler],
    count: int,
    streams: Sequence[int] | None = None,
    *,
    log_probabilities: bool = False,
) -> tuple[TokenIds, DoubleArray | None]:
    """Read each stream's last token, (batch,), and return up to `count` that follow, (time, batch).

    - samplers: one a stream, which are to take note of what becomes of the tokens

    With them come the logarithms of their probabilities before anything was done to these, (time, batch), if asked for.
    """
    if not isinstance(session, WritingSession):
        logits = session.step(last) if streams is None else cast("RecurrentSession", session).step(last, streams)
        drawn = np.array([[sampler.draw(row) for sampler, row in zip(samplers, logits, strict=True)]])
        return drawn, _chosen(logits[None], drawn) if log_probabilities else None
    uniforms = np.stack([sampler.uniforms(count) for sampler in samplers], axis=1)
    heats = None
    if any(sampler.changes for sampler in samplers):
        heats = np.stack([sampler.temperatures(count) for sampler in samplers], axis=1)
    said = np.empty((count, len(last), session.vocabulary_size), np.float32) if log_probabilities else None
    drawn = session.write(
        last,
        [sampler.drawing for sampler in samplers],
        uniforms,
        streams,
        recent=[sampler.recent for sampler in samplers],
        temperatures=heats,
        logits=said,
    )
    return drawn, None if said is None else _chosen(said, drawn)


def drawn_pieces(session: Session, last: TokenIds, samplers: Sequence[Sampler], left: int) -> Iterator[TokenIds]:
    """Read each stream's last token, (batch,), and yield the `left` that follow in pieces, (time, batch)."""
    pace = Pace()
    while left:
        drawn, _ = draw_tokens(session, last, samplers, min(pace.begin(), left))
        pace.end()
        for sampler, ids in zip(samplers, drawn.T, strict=True):
            sampler.note(ids)
        left -= len(drawn)
        last = drawn[-1]
        yield drawn


def _chosen(logits: FloatArray, tokens: TokenIds) -> DoubleArray:
    """Return the logarithms of the probabilities of tokens, (time, batch)."""
    wide = logits.astype(np.float64)
    result: DoubleArray = (np.take_along_axis(wide, tokens[..., None], -1) - logsumexp(wide))[..., 0]
    return result


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


def _next_size(size: int, seconds: float) -> int:
    """Return how many tokens to ask for after `size` took some seconds."""
    return 2 * size if seconds < PIECE_SECONDS else max(1, size // 2)
