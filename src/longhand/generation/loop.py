"""The one generation loop: the command line, the Python API and the samples shown in training all run it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.generation.sampler import Sampler, logsumexp
from longhand.generation.text import Chances, Text
from longhand.runtime.session import Session, checked_logits, writes

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

    - clock: returns seconds; those that the thread has worked, where others may keep the processor busy meanwhile
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = 1, clock
        self._began = clock()
        self.seconds = PIECE_SECONDS

    @property
    def size(self) -> int:
        """How many tokens to ask for."""
        return self._size

    def begin(self) -> int:
        """Return how many tokens to ask for now."""
        self._began = self._clock()
        return self._size

    def end(self) -> None:
        """Take note that they have come."""
        share = (self._clock() - self._began) / self.seconds
        self._size = min(_next_size(self._size, share), LARGEST_PIECE)


def advance(
    session: Session,
    texts: Sequence[Text],
    count: int,
    streams: Sequence[int] | None = None,
    *,
    log_probabilities: bool = False,
) -> list[str]:
    """Let each text become longer by up to `count` tokens, and return by what.

    - streams: that write them; all, in their order, if left out
    - log_probabilities: whether the texts are told how probable their tokens were
    """
    last = np.array([text.last for text in texts])
    places = range(len(texts)) if streams is None else streams
    exact = [number for number, text in enumerate(texts) if text.exact or text.guarded]
    saved = {number: place for place, number in enumerate(exact)}
    before = cast("RecurrentSession", session).states([places[number] for number in exact]) if exact else None
    drawn, logits = draw_tokens(
        session, last, [text.sampler for text in texts], count, streams, log_probabilities=log_probabilities
    )
    pieces = []
    for number, text in enumerate(texts):
        chances = None
        if logits is not None:
            never = text.sampler.drawing.never
            chances = chances_of(logits[:, number], drawn[:, number], text.likeliest, never)
        pieces.append(text.take(drawn[:, number], chances))
        if before is not None and number in saved and text.accepted < len(drawn):
            read = np.array([last[number], *drawn[: text.accepted, number]])[: text.accepted]
            recurrent = cast("RecurrentSession", session)
            recurrent.put(before.of([saved[number]]), [places[number]])
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
) -> tuple[TokenIds, FloatArray | None]:
    """Read each stream's last token, (batch,), and return up to `count` that follow, (time, batch).

    - samplers: one a stream, which are to take note of what becomes of the tokens

    With them come the logits that they were drawn from, (time, batch, vocabulary), before anything was done to these,
    where `log_probabilities` asks for them.
    """
    if not writes(session) or any(sampler.closely for sampler in samplers):
        logits = session.step(last) if streams is None else cast("RecurrentSession", session).step(last, streams)
        drawn = np.array([[sampler.draw(row) for sampler, row in zip(samplers, logits, strict=True)]])
        return drawn, logits[None] if log_probabilities else None
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
        guides=[sampler.guided for sampler in samplers],
    )
    for sampler in samplers:
        sampler.give_back(count - len(drawn))
    return drawn, None if said is None else said[: len(drawn)]


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


def chances_of(logits: FloatArray, tokens: TokenIds, likeliest: int = 0, never: tuple[int, ...] = ()) -> Chances:
    """Return what logits, (tokens, vocabulary), gave tokens, (tokens,), and the likeliest in the place of each.

    - never: tokens that are not among the likeliest, for they are never drawn
    """
    if not likeliest:
        none = np.zeros((len(tokens), 0))
        return Chances(chosen(logits, tokens), none.astype(np.int64), none)
    written = logits.copy()
    written[:, list(never)] = -np.inf
    order = np.argsort(-written, axis=-1, kind="stable")[:, : min(likeliest, written.shape[-1] - len(never))]
    theirs = chosen(logits[:, None], order)
    return Chances(chosen(logits, tokens), order, theirs)


def chosen(logits: FloatArray, tokens: TokenIds) -> DoubleArray:
    """Return the natural logarithms of the probabilities of tokens, (...), by the logits before, (..., vocabulary)."""
    wide = checked_logits(logits).astype(np.float64)
    places = tokens[..., None].astype(np.int64)
    result: DoubleArray = (np.take_along_axis(wide, places, -1) - logsumexp(wide))[..., 0]
    return result


def _next_size(size: int, share: float) -> int:
    """Return how many tokens to ask for after `size` took this share of the time that they should."""
    return max(1, min(2 * size, int(size / max(share, 1e-9))))
