"""One thread that lets the texts of all who ask advance together: requests join and leave at any step.

A recurrent network's stream costs the same at every step and its state is a few kilobytes, so that there is no memory
to be shared out, and no reason to let anybody wait but that all streams are taken.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from longhand.generation.loop import LARGEST_PIECE, MOST_LOGITS, Pace, advance
from longhand.generation.opening import Opening
from longhand.generation.text import Text
from longhand.generation.writing import begin, put_back
from longhand.runtime.session import RecurrentSession
from longhand.serving.line import Line
from longhand.serving.request import BusyError, Came, Ended, Event, Failed, Request

READ_AT_ONCE = 512  # tokens of prompts between two pieces of the texts: so long they wait at most
USUAL_SECONDS = 1.0  # that a text takes, until some have been seen
REMEMBERED = 50  # texts of which the time is known
LISTED_AT_ONCE = 256  # tokens of which it is told how probable they were: each is many numbers
ROUND = 0.02  # seconds that a piece of the texts takes: so long somebody new waits, and no writer's page stands still
ROUND_OF_MORE = 0.00015  # for each text more: a piece costs Python some time for each, which is to be the smaller part


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


@dataclass
class _Writer:
    """A text that a stream writes."""

    request: Request
    number: int
    text: Text
    stream: int
    began: float = field(default_factory=time.monotonic)
    told: int = 0  # of its tokens
    pace: Pace = field(default_factory=Pace)

    @property
    def alone(self) -> bool:
        """Whether it advances by itself: its rules may take time at every token, and others are not to wait for it."""
        return self.text.guarded or self.text.sampler.guide is not None


class Scheduler:
    """Writes what is asked for with one model, on a thread of its own.

    - open_session: opens a session of so many streams
    - streams: texts that are written at the same time
    - waiting: requests that may wait for a stream
    - after: is called after each round of pieces, when all that came of it has been told
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
        self._session, self._vocabulary, self._after = open_session(streams), vocabulary, after
        self._free, self._most_waiting = list(reversed(range(streams))), waiting
        self._changed = threading.Condition()
        self._waiting = Line()
        self._readers: list[_Reader] = []
        self._begun: deque[tuple[Request, Opening, int]] = deque()  # texts that wait for a stream, by their numbers
        self._writers: dict[int, _Writer] = {}
        self._paces = {False: Pace(), True: Pace()}  # of those that write together; of those whose tokens are listed
        self._took: deque[float] = deque(maxlen=REMEMBERED)
        self._closing = self._ending = False
        self._thread = threading.Thread(target=self._run, name="longhand scheduler", daemon=True)
        self._thread.start()

    @property
    def writing(self) -> int:
        """How many streams are taken."""
        return len(self._readers) + len(self._writers)

    @property
    def queued(self) -> int:
        """How many requests wait for a stream."""
        return len(self._waiting)

    def submit(self, *requests: Request) -> None:
        """Let requests be written as soon as there are streams. Raises `BusyError` if too many wait already.

        Those for whom there are streams do not wait; as many as ask together may, where nobody else does.
        """
        with self._changed:
            room = max(0, len(self._free) - len(self._begun))
            if self._closing or len(self._waiting) + len(requests) > max(self._most_waiting + room, len(requests)):
                raise BusyError(len(self._waiting), self._patience(), closing=self._closing)
            for request in requests:
                request.changed = self._wake
                self._waiting.add(request)
            self._changed.notify()

    def close(self, grace: float = 5.0) -> None:
        """Take nothing new, let what is being written come to its end for some seconds, and end the rest."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(grace)
        self._ending = True
        self._wake()
        self._thread.join()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _patience(self) -> float:
        """Return in how many seconds about a stream is free for one more."""
        usual = float(np.mean(self._took)) if self._took else USUAL_SECONDS
        return max(1.0, usual * (1 + len(self._waiting) / max(1, len(self._writers))))

    def _all(self) -> set[Request]:
        found = {*self._waiting, *(request for request, _, _ in self._begun)}
        return found | {reader.request for reader in self._readers} | {one.request for one in self._writers.values()}

    def _idle(self) -> bool:
        """Whether there is nothing to do but to wait for somebody."""
        if self._readers or ((self._waiting or self._begun) and self._free):
            return False
        return all(one.request.paused and not one.request.cancelled for one in self._writers.values())

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._ending and self._idle() and not (self._closing and not self._all()):
                    self._changed.wait()
                if self._closing and (self._ending or not self._all()):
                    break
                self._leave()
                admitted = [self._waiting.next() for _ in range(self._room())]
            try:
                self._round(admitted)
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it, and others come)
                self._fail(self._readers, error)
                self._fail(list(self._writers.values()), error)
            self._after()
        for request in self._all():
            _tell(request, Failed(TimeoutError("the server ends"), closing=True))
        self._after()

    def _room(self) -> int:
        """Return how many of those who wait get a stream: texts whose prompt is read already come before them."""
        return max(0, min(len(self._waiting), len(self._free) - len(self._begun)))

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
            self._fail([reader], error)

    def _leave(self) -> None:
        """Free the streams of those who gave up."""
        self._waiting.leave()
        self._begun = deque(each for each in self._begun if not each[0].cancelled)
        for reader in [reader for reader in self._readers if reader.request.cancelled]:
            self._readers.remove(reader)
            self._free.append(reader.stream)
        for stream in [stream for stream, writer in self._writers.items() if writer.request.cancelled]:
            del self._writers[stream]
            self._free.append(stream)

    def _begin(self, request: Request, opening: Opening, number: int, stream: int) -> None:
        """Let a stream write a text of a request; where that fails, it is the request's failure alone."""
        task, seed, before = request.task, request.seeds[number], request.before
        try:
            text = task.text(opening, seed) if before is None else task.gone_on(opening, seed, before)
            text.exact, text.likeliest = request.whose is not None, request.likeliest or 0
            piece = begin(opening, self._session, text, before, stream)
        except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
            _give_up(request, error)
            self._free.append(stream)
            return
        writer = self._writers[stream] = _Writer(request, number, text, stream)
        self._deliver(writer, piece)

    def _read(self) -> None:
        """Read on in the prompts, in all of them as far."""
        budget = READ_AT_ONCE
        while self._readers and budget > 0:
            self._open([reader for reader in self._readers if reader.left == 0])
            readers = self._readers[:budget]
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
            opening = Opening(self._session, reader.request.prompt, reader.stream, is_read=True)
            self._readers.remove(reader)
            self._begin(reader.request, opening, 0, reader.stream)
            self._begun.extend((reader.request, opening, number) for number in range(1, len(reader.request.seeds)))

    def _write(self, writers: list[_Writer], most: int = LARGEST_PIECE) -> None:
        """Let texts become longer whose readers keep up, by so many tokens at most: together, but for some."""
        writers = [writer for writer in writers if not writer.request.paused]
        together = [writer for writer in writers if not writer.alone]
        groups = [([writer], writer.pace) for writer in writers if writer.alone]
        for listed, pace in self._paces.items():
            if group := [writer for writer in together if (writer.request.likeliest is not None) == listed]:
                groups.append((group, pace))
        for group, pace in groups:
            pace.seconds = (ROUND + ROUND_OF_MORE * len(writers)) / len(groups)
            try:
                self._advance(group, pace, most)
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
                self._fail(group, error)

    def _advance(self, writers: list[_Writer], pace: Pace, most: int) -> None:
        """Let texts become longer together."""
        texts = [writer.text for writer in writers]
        listed = any(writer.request.likeliest is not None for writer in writers)
        count = min(pace.begin(), self._most(texts, listed=listed), most)
        streams = [writer.stream for writer in writers]
        pieces = advance(self._session, texts, count, streams, log_probabilities=listed)
        if count < most:
            pace.end()
        for writer, piece in zip(writers, pieces, strict=True):
            self._deliver(writer, piece)

    def _most(self, texts: list[Text], *, listed: bool) -> int:
        """Return how many tokens may be drawn at once."""
        room = max(text.room for text in texts)
        if listed:
            room = min(room, LISTED_AT_ONCE, max(1, MOST_LOGITS // (len(texts) * self._vocabulary)))
        return min(room, LARGEST_PIECE)

    def _deliver(self, writer: _Writer, piece: str) -> None:
        """Tell what has come of a text, and free its stream where it has ended."""
        text, request = writer.text, writer.request
        tokens = text.tokens - writer.told
        if piece or tokens:
            drawn = () if request.likeliest is None else tuple(text.drawn)
            _tell(request, Came(writer.number, piece, tokens, drawn))
        writer.told = text.tokens
        text.drawn.clear()
        if text.ended:
            whose = request.whose
            left = None if whose is None else request.task.left(self._session, text, whose, writer.stream)
            _tell(request, Ended(writer.number, text.ended, left))
            self._took.append(time.monotonic() - writer.began)
            del self._writers[writer.stream]
            self._free.append(writer.stream)

    def _fail(self, those: Sequence[_Reader | _Writer], error: Exception) -> None:
        """Tell those whose texts or prompts were in the session that these are lost, and go on for others."""
        for request in {one.request for one in those}:
            _give_up(request, error)
        with self._changed:
            self._leave()


def _give_up(request: Request, error: Exception) -> None:
    """Tell who asked that nothing more comes, and why."""
    _tell(request, Failed(error))
    request.cancel()


def _tell(request: Request, event: Event) -> None:
    """Tell an event to who has not given up; one who fails to listen has."""
    if not request.cancelled:
        try:
            request.tell(event)
        except Exception:  # noqa: BLE001 (others are not to suffer from it)
            request.cancel()
