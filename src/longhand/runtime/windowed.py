"""Predictions from the last tokens alone, from a fresh state each time, as the classic recipe's networks were trained.

To run the whole window again for every token would be `window` steps one after another. Instead, `window` copies of
the stream run side by side, each begun one token after the one before it: at every token all of them advance in one
matrix product, the one that has then read a whole window answers, and begins anew. The result is the same.
"""

from __future__ import annotations

import numpy as np

from longhand.arrays import FloatArray, TokenIds
from longhand.runtime.session import RecurrentSession


class WindowedSession:
    """See `longhand.runtime.session.Session`. Of fewer tokens than a window, all are read.

    - session: fresh, with `window` times as many streams as this one is to have
    """

    def __init__(self, session: RecurrentSession, window: int) -> None:
        self.batch = session.batch // window
        self._session, self.window = session, window
        self._read = 0

    @property
    def threads(self) -> int | None:
        """The most threads that a call may use; None where NumPy decides."""
        return getattr(self._session, "threads", None)

    @threads.setter
    def threads(self, count: int) -> None:
        self._session.threads = count  # type: ignore[attr-defined]

    def step(self, tokens: TokenIds) -> FloatArray:
        """Read one token a stream, (batch,), and return the logits of the next, (batch, vocabulary)."""
        self._session.restart(self._copy(self._read))
        outputs = self._session.advance(np.tile(tokens, self.window)[None])[0]
        self._read += 1
        return self._session.logits(outputs[self._copy(max(0, self._read - self.window))])

    def feed(self, tokens: TokenIds) -> FloatArray:
        """Read tokens, (time, batch), and return the logits after each, (time, batch, vocabulary)."""
        return np.stack([self.step(row) for row in tokens])

    def go_on_from(self, other: WindowedSession) -> None:
        """Take over what another session of as many streams has read."""
        self._session.state, self._read = other._session.state, other._read

    def _copy(self, position: int) -> range:
        """Return the places of the copies, one a stream, that began with the token at `position`."""
        first = position % self.window * self.batch
        return range(first, first + self.batch)
