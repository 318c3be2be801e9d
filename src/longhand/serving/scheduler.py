"""One thread that generates the texts of all requests together: requests join and leave at any step.

A recurrent network's stream costs the same at every step and its state is a few kilobytes. So there is no memory to
share out, only streams (`longhand.serving.seats`) and the time of the thread (`longhand.serving.fair`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import numpy as np

from longhand.generation.loop import LARGEST_PIECE, MOST_LOGITS, Pace, advance
from longhand.generation.opening import Opening
from longhand.generation.writing import put_back
from longhand.runtime.session import RecurrentSession
from longhand.serving.fair import Ask, Pool
from longhand.serving.prefill import Prefill
from longhand.serving.request import Request
from longhand.serving.rounds import BATCH_SIZES, Rounds
from longhand.serving.seats import Claim, Seats, parked
from longhand.serving.texts import Texts
from longhand.serving.turns import LARGE_SLICE_SECONDS, MEDIUM_SLICE_SECONDS, SLICE_SECONDS, Turns
from longhand.serving.writer import Writer, begun, goes_on, group_of

SHORT_PROMPT = 512  # tokens that are left of a prompt, up to which it is read before all long work
PAUSED_SECONDS = 5.0  # after which a text whose client does not read has to make room for others
MIN_LONG_REQUESTS = 16  # with long work, from which on some of their texts advance together with fresh ones
MANY_REQUESTS = 256  # beyond which the pieces of work are larger
LISTED_AT_ONCE = 256  # tokens of which it is told how probable they were: each is many numbers


class Scheduler(Rounds):
    """Writes what is asked for with one model, on a thread of its own.

    - open_session: opens a session of so many streams
    - streams: texts that are written at the same time
    - waiting, after, turns: as of `Rounds`
    """

    def __init__(
        self,
        open_session: Callable[[int], RecurrentSession],
        vocabulary: int,
        *,
        streams: int = 1024,
        waiting: int = 1024,
        after: Callable[[bool], None] = lambda _: None,
        turns: Turns | None = None,
    ) -> None:
        super().__init__(waiting, after, turns)
        self._seats = Seats(streams, self._shares)
        self._free = self._seats.free
        self._session, self._vocabulary = open_session(len(self._free)), vocabulary
        self._prefills: Pool[Prefill] = Pool(self._shares)
        self._writers = Texts(self._shares)
        self._by_stream: dict[int, Prefill | Writer] = {}
        self._paces = defaultdict[Hashable, Pace](partial(Pace, self._clock))  # in tokens of all that advance together
        self._has_read = True
        self._many = False  # whether many requests write
        self._advanced: set[Writer] = set()  # texts of long work that have advanced with fresh ones in this round
        self._thread.start()

    @property
    def writing(self) -> int:
        """How many streams are taken."""
        return len(self._prefills) + len(self._writers)

    def _taken(self) -> list[Request]:
        return [one.request for one in (*self._by_stream.values(), *self._seats.claims)]

    def _idle(self) -> bool:
        if self._has_short_work():
            return False
        return not self._has_long_work() or self._turn.waits

    def _room(self) -> int:
        return self._seats.left - len(self._seats.claims)

    def _somebody_waits(self) -> bool:
        return len(self._waiting) + len(self._seats.claims) > 0

    # Who has a stream

    def _leave(self) -> None:
        self._seats.claims.drop(lambda claim: claim.request.cancelled)
        for one in [one for one in self._by_stream.values() if one.request.cancelled]:
            self._stand_up(one)

    def _stand_up(self, one: Prefill | Writer) -> None:
        """Free the stream of a prompt that is read or of a text."""
        del self._by_stream[one.stream]
        self._pool_of(one).remove(one)
        self._seats.give_back(one.stream, one.ask)
        self._news = True

    def _pool_of(self, one: Prefill | Writer) -> Any:
        return self._writers if isinstance(one, Writer) else self._prefills

    def _sit_down(self, one: Prefill | Writer, stream: int) -> None:
        """Let a prompt be read, or a text be written, by a stream that was taken for it."""
        one.stream = stream
        self._by_stream[stream] = one
        self._pool_of(one).add(one)

    def _park(self, one: Prefill | Writer) -> None:
        """Take a stream from a prompt or a text, which goes on where it was as soon as it gets another one."""
        claim = parked(self._session, one.stream, one.request, partial(self._sit_down, one))
        self._stand_up(one)
        self._seats.claims.add(claim, first=True)

    def _admit(self) -> None:
        """Give out streams: to those that hold least, and from those that hold more than their share."""
        seats = self._seats
        for stream in seats.overdue():
            self._park(self._by_stream[stream])
        until = self._clock() + MEDIUM_SLICE_SECONDS
        while (one := self._next_in()) is not None:
            self._seat(one)
            if self._clock() >= until:
                self._news = True  # the others' turn comes when these have had theirs
                break
        self._shares.among({*self._prefills.asks, *self._writers.asks, *seats.claims.asks})

    def _next_in(self) -> Prefill | Claim | None:
        """Return what gets a stream now, and see to it that there is one."""
        seats = self._seats
        claim = seats.next_claim()
        with self._changed:
            if seats.left >= len(self._waiting) + len(seats.claims):  # enough for all
                return claim or (Prefill(self._waiting.next(), self._session) if self._waiting else None)
            request = self._waiting.first(seats.held_by)
        first = claim if request is None or not seats.before(request, claim) else request
        if first is None or not self._make_room(first.ask):
            if request is None or not seats.may_take_briefly(request.ask):
                return None
            first = request
        if isinstance(first, Claim):
            return first
        with self._changed:
            self._waiting.take(first)
        return Prefill(first, self._session)

    def _make_room(self, ask: Ask) -> bool:
        """See to it that a stream is free for a request, if it may have one more."""
        if self._seats.left > 0:
            return True
        before = time.monotonic() - PAUSED_SECONDS
        heads: list[Prefill | Writer] = [*self._writers.heads(), *self._prefills.heads()]
        for one in heads:  # all of a request pause together
            if one.request.paused and one.request.paused_since <= before:
                self._park(one)
                return True
        giver = self._seats.giver(ask, [*self._writers.asks, *self._prefills.asks])
        if giver is None:
            return False
        held: list[Prefill | Writer] = [*self._writers.of(giver), *self._prefills.of(giver)]
        self._park(held[-1])
        return True

    def _seat(self, one: Prefill | Claim) -> None:
        """Let a claim or a new request have a stream."""
        stream = self._seats.take(one.ask)
        if isinstance(one, Claim):
            self._seats.claims.remove(one)
            one.take(stream)
        else:
            self._sit_down(one, stream)
            self._place(one)

    def _place(self, prefill: Prefill) -> None:
        """Put a stream where a prompt is to be read from: the beginning, or where another text was left."""
        before = prefill.request.before
        try:
            if before is None:
                self._session.restart([prefill.stream])
            else:
                put_back(before, self._session, prefill.request.task.tokenizer, prefill.stream)
        except Exception as error:  # noqa: BLE001 (a damaged state is its own request's failure)
            self._fail([prefill.request], error)

    # What is done in a round

    def _round(self) -> None:
        """Read prompts on and generate: first what is short, then a piece of what is long, if it is our turn."""
        self._read(by_length=True)
        self._many_fresh = self._writers.fresh.num_asks > BATCH_SIZES[MEDIUM_SLICE_SECONDS]
        self._many = self._writers.fresh.num_asks + self._writers.long.num_asks > MANY_REQUESTS
        self._limit_threads(self._session, short=True)
        self._advanced.clear()
        if fresh := self._begin_fresh(self._writers.fresh.pick_least(self._together, goes_on, group_of)):
            self._write([*fresh, *self._pick_beside(fresh)])
            self._after(False)
        self._take_turn(has_fresh_texts=len(self._writers.fresh) > 0)

    def _begin_fresh(self, fresh: list[Writer]) -> list[Writer]:
        """Generate the first token of new texts among many fresh ones, so that it does not wait for a piece of all.

        Returns those that go on.
        """
        new = [writer for writer in fresh if not writer.told]
        if not new or not self._many_fresh:
            return fresh
        self._write(new, max_tokens=1)
        self._after(False)
        return [writer for writer in fresh if writer.goes_on and writer.ask.is_fresh and not writer.text.ended]

    def _pick_beside(self, fresh: list[Writer]) -> list[Writer]:
        """Choose texts of long work that advance together with fresh ones, beside their turns.

        Where many requests have long work, these are as many as the fresh ones, or they would wait too long.
        """
        long, first = self._writers.long, fresh[0]
        if first.alone or long.num_asks < MIN_LONG_REQUESTS:
            return []
        picked = long.pick_least(lambda _: len(fresh), goes_on, group_of, only=first.group)
        self._advanced.update(picked)
        return picked

    def _has_short_work(self) -> bool:
        return self._writers.fresh.has(goes_on) or any(prefill.left <= SHORT_PROMPT for prefill in self._prefills)

    def _has_long_work(self) -> bool:
        """Return whether prompts are read, or texts of long work go on that have not advanced in this round."""
        if len(self._prefills) > 0:
            return True
        return self._writers.long.has(lambda writer: writer.goes_on and writer not in self._advanced)

    def _do_long_work(self) -> None:
        """Read prompts or generate, by turns where there is both."""
        may_write = self._has_read or not len(self._prefills)
        writers = self._writers.long.pick(self._together, goes_on, group_of) if may_write else []
        self._has_read = not writers
        self._limit_threads(self._session, short=False)
        if writers:
            self._write(writers)
        else:
            self._read(by_length=False)

    def _read(self, *, by_length: bool) -> None:
        """Read on in some prompts for a moment: in short ones, those with the least left first, or in fair order."""
        self._open([prefill for prefill in self._prefills if prefill.left == 0])
        if by_length:
            prefills = [prefill for prefill in self._prefills if prefill.left <= SHORT_PROMPT]
            prefills = sorted(prefills, key=lambda prefill: prefill.left)[: BATCH_SIZES[SLICE_SECONDS]]
        else:
            prefills = self._prefills.pick(lambda _: BATCH_SIZES[SLICE_SECONDS])
        if not prefills:
            return
        seconds = self._slice(fresh=by_length)
        pace = self._paces["reading", by_length, seconds]
        wanted = self._begin_pace(pace, len(prefills), seconds)
        steps = min(min(prefill.left for prefill in prefills), wanted)
        tokens = [prefill.request.prompt.read[prefill.at : prefill.at + steps] for prefill in prefills]
        self._session.advance(np.stack(tokens, axis=1), [prefill.stream for prefill in prefills])
        if steps == wanted:
            pace.end()
        for prefill in prefills:
            prefill.at += steps
        self._open([prefill for prefill in prefills if prefill.left == 0])

    def _open(self, prefills: list[Prefill]) -> None:
        """Let the texts begin whose prompts are read."""
        for prefill in prefills:
            request = prefill.request
            if request.cancelled:
                continue
            try:
                opening = Opening(self._session, request.prompt, prefill.stream, is_read=True)
            except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
                self._fail([request], error)
                continue
            self._stand_up(prefill)
            request.prompt.forget()
            self._begin_next(request, opening, 0, self._seats.take(request.ask))

    def _begin_next(self, request: Request, opening: Opening, number: int, stream: int) -> None:
        """Let a text of a request begin; those after it wait for streams of their own."""
        if number + 1 < len(request.seeds):
            rest = partial(self._begin_next, request, opening, number + 1)
            self._seats.claims.add(Claim(request, rest))
        self._begin(request, opening, number, stream)

    def _begin(self, request: Request, opening: Opening, number: int, stream: int) -> None:
        """Let a stream write a text of a request; where that fails, it is the request's failure alone."""
        try:
            writer, piece = begun(request, number, opening, self._session, stream)
        except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
            self._seats.give_back(stream, request.ask)
            self._fail([request], error)
            return
        self._sit_down(writer, stream)
        self._deliver(writer, piece)

    def _write(self, writers: list[Writer], max_tokens: int = LARGEST_PIECE) -> None:
        """Generate for a moment, with texts of one group, at most so many tokens of each."""
        try:
            if ready := [writer for writer in writers if writer.prepared(self._slice_of(writer))]:
                self._advance(ready, max_tokens)
        except Exception as error:  # noqa: BLE001 (whoever asked has to learn of it)
            self._fail([writer.request for writer in writers], error)

    def _slice_of(self, writer: Writer) -> float:
        """Return the seconds that a piece of work may take now, with this text and others like it."""
        seconds = self._slice(fresh=writer.ask.is_fresh)
        return LARGE_SLICE_SECONDS if seconds == SLICE_SECONDS and self._many and not writer.alone else seconds

    def _advance(self, writers: list[Writer], max_tokens: int) -> None:
        """Let texts become longer together."""
        texts, first = [writer.text for writer in writers], writers[0]
        room = max(writer.text.room for writer in writers if writer.ask.is_fresh == first.ask.is_fresh)
        if first.listed:
            room = min(room, LISTED_AT_ONCE, max(1, MOST_LOGITS // (len(texts) * self._vocabulary)))
        seconds = self._slice_of(first)
        pace = self._pace_of(first, seconds)
        wanted = self._begin_pace(pace, len(texts), seconds)
        count = min(wanted, room, max_tokens)
        before = sum(text.tokens for text in texts)
        pieces = advance(
            self._session, texts, count, [writer.stream for writer in writers], log_probabilities=first.listed
        )
        self.written.add(sum(text.tokens for text in texts) - before)
        if count == wanted:  # else nothing is known of how long that would have taken
            pace.end()
        for writer, piece in zip(writers, pieces, strict=True):
            self._deliver(writer, piece)

    def _pace_of(self, writer: Writer, seconds: float) -> Pace:
        """Return the pace of texts like this one, in pieces of so many seconds."""
        return writer.pace if writer.alone else self._paces[writer.group, writer.ask.is_fresh, seconds]

    def _together(self, writer: Writer) -> int:
        """Return how many texts like one advance together: fewer where a token of each takes longer than a slice."""
        seconds = self._slice_of(writer)
        return 1 if writer.alone else max(1, min(BATCH_SIZES[seconds], self._pace_of(writer, seconds).size))

    def _begin_pace(self, pace: Pace, together: int, seconds: float) -> int:
        """Return how many tokens each of so many streams is to read or write now; the pace counts those of all."""
        pace.seconds = seconds
        return max(1, pace.begin() // together)

    def _deliver(self, writer: Writer, piece: str) -> None:
        """Tell what has come of a text, and free its stream where it has ended."""
        was_fresh = writer.ask.is_fresh
        if self._writers.deliver(writer, piece):
            self._news = True  # a request that is long work now may have to give up a stream
        if writer.text.ended:
            self._note_end(was_fresh=was_fresh)
            self._stand_up(writer)
