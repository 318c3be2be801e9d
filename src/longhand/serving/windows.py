"""Writing with a model of the classic recipe, which makes every prediction from a window of its own.

Such texts cannot advance together: each has a session, and they take turns, each for a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from longhand.generation.loop import LARGEST_PIECE, advance
from longhand.generation.opening import Opening
from longhand.runtime.session import Session
from longhand.serving.request import Request
from longhand.serving.rounds import ROUND, Rounds
from longhand.serving.writer import Writer, begun


class WindowScheduler(Rounds):
    """Writes what is asked for with one model that reads a window, on a thread of its own.

    - open_session: opens a session of so many streams
    - streams: texts that are written at the same time
    - waiting, after: as of `Rounds`
    """

    def __init__(
        self,
        open_session: Callable[[int], Session],
        *,
        streams: int = 1024,
        waiting: int = 1024,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(waiting, after)
        self._open_session, self._streams = open_session, streams
        self._begun: list[tuple[Request, int]] = []  # texts that are to begin, by their numbers
        self._writers: list[Writer] = []
        self._thread.start()

    @property
    def writing(self) -> int:
        """How many texts are written."""
        return len(self._writers)

    def _taken(self) -> list[Request]:
        return [*(request for request, _ in self._begun), *(writer.request for writer in self._writers)]

    def _idle(self) -> bool:
        if (self._room() > 0 and self._waiting) or (self._begun and len(self._writers) < self._streams):
            return False
        return all(one.request.paused and not one.request.cancelled for one in self._writers)

    def _room(self) -> int:
        return self._streams - len(self._writers) - len(self._begun)

    def _leave(self) -> None:
        self._begun = [each for each in self._begun if not each[0].cancelled]
        self._writers = [writer for writer in self._writers if not writer.request.cancelled]

    def _round(self, admitted: list[Request]) -> None:
        """Let texts begin, and each become longer in its turn."""
        self._begun += [(request, number) for request in admitted for number in range(len(request.seeds))]
        while self._begun and len(self._writers) < self._streams:
            self._begin(*self._begun.pop(0))
        writers = [writer for writer in self._writers if not writer.request.paused]
        for writer in writers:
            writer.pace.seconds = ROUND / len(writers)
            try:
                cancelled = writer.request.cancelled  # as one is that failed with another of its texts
                if not cancelled and writer.prepared():
                    self._advance(writer)
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
                self._fail([writer.request], error)

    def _begin(self, request: Request, number: int) -> None:
        """Let a text begin; where that fails, it is its request's failure alone."""
        try:
            session = self._open_session(1)
            writer, piece = begun(request, number, Opening(session, request.prompt), session, 0)
        except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
            self._fail([request], error)
            return
        self._writers.append(writer)
        self._deliver(writer, piece)

    def _advance(self, writer: Writer) -> None:
        count = min(writer.pace.begin(), writer.text.room, LARGEST_PIECE)
        (piece,) = advance(writer.session, [writer.text], count, log_probabilities=writer.listed)
        writer.pace.end()
        self._deliver(writer, piece)

    def _deliver(self, writer: Writer, piece: str) -> None:
        writer.deliver(piece)
        if writer.text.ended:
            self._took.append(time.monotonic() - writer.began)
            self._writers.remove(writer)
