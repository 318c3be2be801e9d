"""Writing with a model of the classic recipe, which makes every prediction from a window of its own.

Such texts cannot advance together: each has a session, and they take turns, each for a moment. A session has `window`
copies of the network's state, so it is memory that is shared out here, and no text can be put aside for another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

from longhand.generation.loop import LARGEST_PIECE, Pace, advance
from longhand.generation.opening import Opening
from longhand.runtime.session import Session
from longhand.runtime.windowed import WindowedSession
from longhand.serving.fair import Holdings, Pool
from longhand.serving.prefill import Prefill
from longhand.serving.request import Request
from longhand.serving.rounds import Rounds
from longhand.serving.texts import Texts
from longhand.serving.turns import MEDIUM_SLICE_SECONDS, Turns
from longhand.serving.writer import Writer, begun, goes_on
from longhand.settings import length_of

AT_ONCE = 64  # requests and texts that get their turn in one round
OTHERS = 3  # times as many sessions as are free may be held by one address
RESERVED = 8  # of so many sessions one is kept for short requests
SHORT = 1024  # tokens that a short request wants at most, with all its texts


class WindowScheduler(Rounds):
    """Writes what is asked for with one model that reads a window, on a thread of its own.

    - open_session: opens a session of so many streams
    - streams: texts that are written at the same time
    - waiting, after, turns, clock: as of `Rounds`
    """

    def __init__(
        self,
        open_session: Callable[[int], Session],
        *,
        streams: int = 1024,
        waiting: int = 1024,
        after: Callable[[bool], None] = lambda _: None,
        turns: Turns | None = None,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        super().__init__(waiting, after, turns, clock)
        self._open_session, self._streams = open_session, streams
        self._prefills: Pool[Prefill] = Pool(self._shares)
        self._begun: Pool[Prefill] = Pool(self._shares)  # those that are read, but for texts that are still to begin
        self._writers = Texts(self._shares)
        self._holdings = Holdings()
        self._reading = Pace(clock)
        self._thread.start()

    @property
    def writing(self) -> int:
        """How many texts are written."""
        return len(self._writers)

    def _taken(self) -> list[Request]:
        return [one.request for one in (*self._prefills, *self._begun, *self._writers)]

    def _idle(self) -> bool:
        if self._has_short_work():
            return False
        return not self._has_long_work() or self._turn.waits

    def _room(self) -> int:
        return self._streams - self.writing - len(self._prefills) - len(self._begun)

    def _somebody_waits(self) -> bool:
        return False  # nothing but the end of another text lets one begin, and that is news

    def _leave(self) -> None:
        for pool in (self._prefills, self._begun, self._writers):
            for one in pool.drop(lambda one: one.request.cancelled):
                self._holdings.add(one.ask, -1)

    def _admit(self) -> None:
        """Let prompts be read, of requests that may have a session."""
        for _ in range(AT_ONCE):
            with self._changed:
                request = self._waiting.first(self._holdings.of_client, self._may_hold_one_more)
                if request is None:
                    break
                self._waiting.take(request)
            try:
                self._prefills.add(Prefill(request, self._open_session(1)))
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
                self._fail([request], error)
            else:
                self._holdings.add(request.ask)
        self._shares.among({*self._prefills.asks, *self._begun.asks, *self._writers.asks})

    def _round(self) -> None:
        """Read prompts on, let texts begin, and generate: first the new ones, then a piece of a long one."""
        until = self._clock() + MEDIUM_SLICE_SECONDS
        self._read()
        for prefill in sorted(self._begun.heads(), key=lambda prefill: self._holdings.of(prefill.ask)):
            self._begin_some(prefill, until)
        for writer in self._writers.fresh.pick_least(lambda _: AT_ONCE, goes_on):
            self._advance(writer)
            if self._clock() >= until:
                break
        self._after(False)
        self._take_turn(has_fresh_texts=len(self._writers.fresh) > 0)

    def _has_short_work(self) -> bool:
        return len(self._prefills) > 0 or self._writers.fresh.has(goes_on)

    def _has_long_work(self) -> bool:
        return self._writers.long.has(goes_on)

    def _do_long_work(self) -> None:
        for writer in self._writers.long.pick(lambda _: 1, goes_on):
            self._limit_threads(writer.session, short=False)
            self._advance(writer)

    def _read(self) -> None:
        """Read on in the prompt that is read soonest, for a moment."""
        prefill = min(self._prefills, key=lambda prefill: prefill.left, default=None)
        if prefill is None:
            return
        self._reading.seconds = MEDIUM_SLICE_SECONDS
        wanted = self._reading.begin()
        tokens = prefill.request.prompt.read[prefill.at : prefill.at + wanted]
        try:
            if len(tokens):
                prefill.session.feed(tokens[:, None])
        except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
            self._fail([prefill.request], error)
            return
        if len(tokens) == wanted:
            self._reading.end()
        prefill.at += len(tokens)
        if not prefill.left:
            self._prefills.remove(prefill)
            self._begun.add(prefill)

    def _begin_some(self, prefill: Prefill, until: float) -> None:
        """Let texts of a request begin, as long as it holds no more than its share of the sessions."""
        request, last = prefill.request, len(prefill.request.seeds) - 1
        while not request.cancelled and (prefill.number == last or self._may_hold_one_more(request)):
            self._begin(prefill)
            if prefill.number > last or self._clock() >= until:
                return

    def _may_hold_one_more(self, request: Request) -> bool:
        """Return whether a session is free for a request: whatever it holds, some are left for those that come."""
        free = self._room()
        if length_of(request.task.sampling) * len(request.seeds) > SHORT:
            free -= self._streams // RESERVED
        client, _, own = self._holdings.of(request.ask)
        return free > 0 and (not own or own < free) and (not client or client < OTHERS * free)

    def _begin(self, prefill: Prefill) -> None:
        """Let a text begin where its prompt ends; where that fails, it is its request's failure alone."""
        request, number = prefill.request, prefill.number
        prefill.number += 1
        is_last = prefill.number == len(request.seeds)
        try:
            session = prefill.session
            if not is_last:  # which needs no copy
                session = self._open_session(1)
                cast("WindowedSession", session).go_on_from(cast("WindowedSession", prefill.session))
            writer, piece = begun(request, number, Opening(session, request.prompt, is_read=True), session, 0)
        except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
            self._fail([request], error)
            return
        if is_last:
            self._begun.remove(prefill)  # its session goes over to the text
        else:
            self._holdings.add(writer.ask)
        self._writers.add(writer)
        self._deliver(writer, piece)

    def _advance(self, writer: Writer) -> None:
        if not writer.goes_on:  # cancelled or paused since it was picked
            return
        try:
            writer.pace.seconds = self._slice(fresh=writer.ask.is_fresh)
            if not writer.prepared(writer.pace.seconds):
                return
            wanted = writer.pace.begin()
            count = min(wanted, writer.text.room, LARGEST_PIECE)
            (piece,) = advance(writer.session, [writer.text], count, log_probabilities=writer.listed)
            if count == wanted:
                writer.pace.end()
            self._deliver(writer, piece)
        except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
            self._fail([writer.request], error)

    def _deliver(self, writer: Writer, piece: str) -> None:
        before, was_fresh = writer.told, writer.ask.is_fresh
        self._writers.deliver(writer, piece)
        self.written.add(writer.told - before)
        if writer.text.ended:
            self._note_end(was_fresh=was_fresh)
            self._writers.remove(writer)
            self._holdings.add(writer.ask, -1)
            self._news = True
