"""Reading a text with many streams at once: the figures of one pass from its beginning, many times as fast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.generation.loop import chosen
from longhand.runtime.session import RecurrentSession, Session
from longhand.state import State

STREAMS = 64
LEAD_IN = 512  # tokens that a stream reads before its part: what lies further back changes no figure by 1e-4 bits
PART = 4 * LEAD_IN  # tokens: a shorter part of a text is not worth a stream of its own
MOST_NUMBERS = 1 << 21  # that one call returns
MAX_STEPS = 512  # of all streams together, in one call: some hundredths of a second
MAX_SHORT_STEPS = 128  # the same if `pause` is given: others wait
Take = Callable[[TokenIds, FloatArray], None]
"""Takes places in a block, (some,), and what the session said before the token at each of them, (some, width)."""


def never_pause() -> None:
    """Default pause: nobody waits, so do nothing."""


@dataclass(frozen=True)
class Part:
    """What a stream reads: inputs from `lead` to before `end`; what it says is used from `begin` on.

    - carried: whether it goes on where the block before it ended; else it begins with a fresh state
    """

    lead: int
    begin: int
    end: int
    carried: bool = False


class Pass:
    """One reading of a text, block after block.

    - sessions: makes a session of so many streams
    - vocabulary: how many different tokens there are
    - start: the token before the text's first, if there is one
    - documents: whether everything begins anew where that token stands
    - streams: that read side by side; one reads the text in order
    - pause: is called before each piece of the work; the pieces are short where it is given
    """

    def __init__(
        self,
        sessions: Callable[[int], Session],
        *,
        vocabulary: int,
        start: int | None,
        documents: bool = False,
        streams: int = STREAMS,
        pause: Callable[[], None] = never_pause,
    ) -> None:
        self._sessions, self._vocabulary, self._streams = sessions, vocabulary, streams
        self._begins, self._pause = start if documents else None, pause
        self._steps = MAX_STEPS if pause is never_pause else MAX_SHORT_STEPS
        self._window = sessions(1).window
        self._state: State | None = None  # after the last block
        self._past: TokenIds = np.array([] if start is None else [start], np.int64)  # the tokens before the next block

    def log_probabilities(self, ids: TokenIds) -> DoubleArray:
        """Return the natural logarithms of the probabilities of the next block's tokens, (tokens,).

        The first of all is as likely as any other if there is no start token, so that nothing comes before it. Raises
        `ModelFormatError` for a damaged model, of which nothing is finite.
        """
        result = np.full(len(ids), -np.log(self._vocabulary))

        def take(places: TokenIds, logits: FloatArray) -> None:
            result[places] = chosen(logits, ids[places])

        self._read(ids, take, self._vocabulary, "feed")
        return result

    def outputs(self, ids: TokenIds, hidden: int) -> FloatArray:
        """Return what the last layer shows before each of the next block's tokens, (tokens, hidden)."""
        result = np.zeros((len(ids), hidden), np.float32)

        def take(places: TokenIds, outputs: FloatArray) -> None:
            result[places] = outputs

        self._read(ids, take, hidden, "advance")
        return result

    def _read(self, ids: TokenIds, take: Take, width: int, method: str) -> None:
        """Read a block and hand out what the session says before each of its tokens."""
        whole = np.concatenate([self._past, ids])
        inputs, shift = whole[:-1], 1 - len(self._past)  # from an input's place to that of the token after it
        parts = sorted(self._parts(inputs), key=lambda part: part.lead - part.end)  # the longest first
        session = None
        for begin in range(0, len(parts), self._streams):
            group = parts[begin : begin + self._streams]
            if session is None or self._window is not None:
                session = self._sessions(len(group))
            self._prepare(session, group)
            most = max(1, min(MOST_NUMBERS // width, self._steps // (self._window or 1)))
            self._pause()
            for places, said in _said(session, inputs, group, most, method):
                take(places + shift, said)
                self._pause()
            for stream, part in enumerate(group):
                if part.end == len(inputs) and self._window is None:
                    state = cast("RecurrentSession", session).states([stream])
        self._past = whole[-(self._window or 1) :]
        if parts and self._window is None:
            self._state = state

    def _parts(self, inputs: TokenIds) -> list[Part]:
        """Return the parts of the inputs that streams read."""
        first = max(len(self._past) - 1, 0)
        if first >= len(inputs):
            return []
        begins = first + np.flatnonzero(inputs[first:] == self._begins) if self._begins is not None else np.zeros(0)
        edges = sorted({first, *begins.astype(int).tolist(), len(inputs)})
        lead_in = LEAD_IN if self._window is None else self._window - 1
        parts = []
        for begin, end in pairwise(edges):
            carried = self._state is not None and begin == first and begin not in begins
            count = 1 if self._streams == 1 else -(-(end - begin) // max(PART, -(-len(inputs) // self._streams)))
            size = -(-(end - begin) // count)
            for place in range(begin, end, size):
                lead = max(0 if self._window else begin, place - lead_in)
                parts.append(Part(lead, place, min(place + size, end), carried and lead == begin))
        return parts

    def _prepare(self, session: Session, group: Sequence[Part]) -> None:
        """Put the streams where their parts begin."""
        if self._window is not None:
            return
        recurrent = cast("RecurrentSession", session)
        recurrent.restart(range(len(group)))
        for stream, part in enumerate(group):
            if part.carried and self._state is not None:
                recurrent.put(self._state, [stream])


def _said(
    session: Session, inputs: TokenIds, group: Sequence[Part], most: int, method: str
) -> Iterator[tuple[TokenIds, FloatArray]]:
    """Let streams read their parts, the longest first; yield places and what was said there, (some, width).

    - most: rows of what is said that a call may return
    - method: of the session, "feed" or "advance"
    """
    leads, begins, ends = np.array([(part.lead, part.begin, part.end) for part in group]).T
    lengths, at = ends - leads, 0
    while at < lengths[0]:
        streams = len(group) if session.window else int(np.count_nonzero(lengths > at))
        steps = max(1, min(most // streams, int(lengths[streams - 1] if session.window is None else lengths[0]) - at))
        places = leads[:streams] + np.arange(at, at + steps)[:, None]
        tokens = inputs[np.minimum(places, len(inputs) - 1)]  # a stream that reads a window goes on, for nothing
        said = session.feed(tokens) if session.window else getattr(session, method)(tokens, range(streams))
        used = (places >= begins[:streams]) & (places < ends[:streams])
        yield places[used], said[used]
        at += steps
