"""One thread that lets the texts of all who ask advance together: requests join and leave at any step.

A recurrent network's stream costs the same at every step and its state is a few kilobytes, so that there is no memory
to be shared out, and no reason to let anybody wait but that all streams are taken.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from longhand.generation.loop import LARGEST_PIECE, MOST_LOGITS, Pace, advance
from longhand.generation.opening import Opening
from longhand.generation.writing import put_back
from longhand.runtime.session import RecurrentSession
from longhand.serving.request import Request
from longhand.serving.rounds import ROUND, Rounds
from longhand.serving.writer import Writer, begun

READ_AT_ONCE = 512  # tokens of prompts between two pieces of the texts: so long they wait at most
LISTED_AT_ONCE = 256  # tokens of which it is told how probable they were: each is many numbers
MANY = 190  # texts for which it takes twice as long: telling what came costs time for each, and is to cost less of it


@dataclass
class _Reader:
    """A request whose prompt a stream reads: `at` tokens of it are read."""

    request: Request
    stream: int
    at: int = 0

    @property
    def left(self) -> int:
        """How many tokens are still to be read."""
        return len(self.request.prompt.read) - self.at


class Scheduler(Rounds):
    """Writes what is asked for with one model, on a thread of its own.

    - open_session: opens a session of so many streams
    - streams: texts that are written at the same time
    - waiting, after: as of `Rounds`
    """

    def __init__(
        self,
        open_session: Callable[[int], RecurrentSession],
        vocabulary: int,
        *,
        streams: int = 1024,
        waiting: int = 1024,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(waiting, after)
        self._session, self._vocabulary = open_session(streams), vocabulary
        self._free = list(reversed(range(streams)))
        self._readers: list[_Reader] = []
        self._begun: deque[tuple[Request, Opening, int]] = deque()  # texts that wait for a stream, by their numbers
        self._writers: dict[int, Writer] = {}
        self._paces: defaultdict[tuple[bool, bool], Pace] = defaultdict(Pace)  # of those that write together
        self._thread.start()

    @property
    def writing(self) -> int:
        """How many streams are taken."""
        return len(self._readers) + len(self._writers)

    def _taken(self) -> list[Request]:
        readers, writers = [one.request for one in self._readers], [one.request for one in self._writers.values()]
        return [*readers, *writers, *(request for request, _, _ in self._begun)]

    def _idle(self) -> bool:
        if self._readers or ((self._waiting or self._begun) and self._free):
            return False
        return all(one.request.paused and not one.request.cancelled for one in self._writers.values())

    def _room(self) -> int:
        """Return how many get a stream: texts whose prompt is read already come before them."""
        return len(self._free) - len(self._begun)

    def _leave(self) -> None:
        self._begun = deque(each for each in self._begun if not each[0].cancelled)
        for reader in [reader for reader in self._readers if reader.request.cancelled]:
            self._readers.remove(reader)
            self._free.append(reader.stream)
        for stream in [stream for stream, writer in self._writers.items() if writer.request.cancelled]:
            del self._writers[stream]
            self._free.append(stream)

    def _round(self, admitted: list[Request]) -> None:
        """Let prompts be read on, and all texts become longer."""
        for request in admitted:  # at once, so that a failure finds all whom it concerns
            self._readers.append(_Reader(request, self._free.pop()))
        while self._free and self._begun:
            self._begin(*self._begun.popleft(), self._free.pop())
        for reader in [reader for reader in self._readers if not reader.at]:
            self._place(reader)
        self._read()
        if new := [writer for writer in self._writers.values() if not writer.told and not writer.alone]:
            self._write(new, 1)  # so that their first characters need not wait for the others' next ones
            self._after()
        self._write(list(self._writers.values()))

    def _place(self, reader: _Reader) -> None:
        """Put a stream where a prompt is to be read from: the beginning, or where another text was left."""
        before = reader.request.before
        try:
            if before is None:
                self._session.restart([reader.stream])
            else:
                put_back(before, self._session, reader.request.task.tokenizer, reader.stream)
        except Exception as error:  # noqa: BLE001 (a damaged state is its own request's failure)
            self._fail([reader.request], error)

    def _begin(self, request: Request, opening: Opening, number: int, stream: int) -> None:
        """Let a stream write a text of a request; where that fails, it is the request's failure alone."""
        try:
            writer, piece = begun(request, number, opening, self._session, stream)
        except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
            self._free.append(stream)
            self._fail([request], error)
            return
        self._writers[stream] = writer
        self._deliver(writer, piece)

    def _read(self) -> None:
        """Read on in the prompts: in those of which the least is left, and in those that came first."""
        for order in (lambda reader: reader.left, lambda _: 0):
            self._read_some(READ_AT_ONCE // 2, order)

    def _read_some(self, budget: int, order: Callable[[_Reader], int]) -> None:
        """Read so many tokens of those prompts that are the first in an order, in all of them as far."""
        while self._readers and budget > 0:
            self._open([reader for reader in self._readers if reader.left == 0])
            readers = sorted(self._readers, key=order)[:budget]
            if not readers:
                return
            steps = max(1, min(min(reader.left for reader in readers), budget // len(readers)))
            tokens = [reader.request.prompt.read[reader.at : reader.at + steps] for reader in readers]
            self._session.advance(np.stack(tokens, axis=1), [reader.stream for reader in readers])
            for reader in readers:
                reader.at += steps
            budget -= steps * len(readers)
        self._open([reader for reader in self._readers if reader.left == 0])

    def _open(self, readers: list[_Reader]) -> None:
        """Let the texts begin whose prompts are read."""
        for reader in readers:
            request = reader.request
            try:
                opening = Opening(self._session, request.prompt, reader.stream, is_read=True)
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
                self._fail([request], error)
                continue
            self._readers.remove(reader)
            request.prompt.forget()
            self._begun.extend((request, opening, number) for number in range(1, len(request.seeds)))
            self._begin(request, opening, 0, reader.stream)

    def _write(self, writers: list[Writer], most: int = LARGEST_PIECE) -> None:
        """Let texts become longer whose readers keep up, by so many tokens at most: together, but for some."""
        writers = [writer for writer in writers if not writer.request.paused]
        groups = [([writer], writer.pace) for writer in writers if writer.alone]
        together: defaultdict[tuple[bool, bool], list[Writer]] = defaultdict(list)
        for writer in writers:
            if not writer.alone:
                together[writer.group].append(writer)
        groups += [(group, self._paces[key]) for key, group in together.items()]
        for group, pace in groups:
            pace.seconds = ROUND * (1 + (len(writers) / MANY) ** 2) / len(groups)
            try:  # some may have failed with another text of their request
                if left := [writer for writer in group if not writer.request.cancelled and writer.prepared()]:
                    self._advance(left, pace, most)
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
                self._fail([writer.request for writer in group], error)

    def _advance(self, writers: list[Writer], pace: Pace, most: int) -> None:
        """Let texts become longer together."""
        texts, listed = [writer.text for writer in writers], writers[0].listed
        room = max(text.room for text in texts)
        if listed:
            room = min(room, LISTED_AT_ONCE, max(1, MOST_LOGITS // (len(texts) * self._vocabulary)))
        wanted = pace.begin()
        count = min(wanted, room, most)
        streams = [writer.stream for writer in writers]
        pieces = advance(self._session, texts, count, streams, log_probabilities=listed)
        if count == wanted:  # else nothing is known of how long that would have taken
            pace.end()
        for writer, piece in zip(writers, pieces, strict=True):
            self._deliver(writer, piece)

    def _deliver(self, writer: Writer, piece: str) -> None:
        """Tell what has come of a text, and free its stream where it has ended."""
        writer.deliver(piece)
        if writer.text.ended:
            self._took.append(time.monotonic() - writer.began)
            del self._writers[writer.stream]
            self._free.append(writer.stream)
