"""The streams of a session, and who holds them: every address, user and request its share while others wait.

A text's state is a few kilobytes. So a text can leave its stream at any moment and go on later in any other one, as if
nothing had happened: a request that holds more than its share makes room for a new one at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from longhand.runtime.session import RecurrentSession
from longhand.serving.fair import Ask, Holdings, Pool, Shares
from longhand.serving.request import Request

EXTRA = 16  # for so many streams there is one more, for requests that have just begun


@dataclass(eq=False)
class Claim:
    """A text, or a prompt that is read, or all texts of a request that have not begun: they wait for a stream.

    - take: lets one of them go on in a stream
    """

    request: Request
    take: Callable[[int], None]

    @property
    def ask(self) -> Ask:
        """Whose it is."""
        return self.request.ask


class Seats:
    """Which streams are free, and which requests hold the others.

    - streams: that may be held for long; some more are for requests that have just begun
    """

    def __init__(self, streams: int, shares: Shares) -> None:
        self._extra = streams // EXTRA
        self.free = list(reversed(range(streams + self._extra)))
        self.claims: Pool[Claim] = Pool(shares)
        self._holdings = Holdings()
        self._briefly: dict[int, Ask] = {}  # those of the extra streams that are taken, and by whom

    @property
    def left(self) -> int:
        """How many streams are free, but for the extra ones."""
        return len(self.free) - self._extra + len(self._briefly)

    def held_by(self, client: str) -> int:
        """Return how many streams an address holds."""
        return self._holdings.of_client(client)

    def take(self, ask: Ask) -> int:
        """Take a stream: an extra one where no other is left."""
        briefly = self.left <= 0
        stream = self.free.pop()
        self._holdings.add(ask)
        if briefly:
            self._briefly[stream] = ask
        return stream

    def give_back(self, stream: int, ask: Ask) -> None:
        """Give a stream back."""
        self._holdings.add(ask, -1)
        self._briefly.pop(stream, None)
        self.free.append(stream)

    def may_take_briefly(self, ask: Ask) -> bool:
        """Return whether a request may have one of the extra streams: if it has just begun, and holds no other."""
        return len(self._briefly) < self._extra and ask.is_fresh and not self._holdings.of(ask)[2]

    def overdue(self) -> Iterator[int]:
        """Yield extra streams whose requests are not new any more; where others are free they may keep them."""
        for stream, ask in list(self._briefly.items()):
            if not ask.is_fresh:
                if self.left > 0:
                    del self._briefly[stream]
                else:
                    yield stream

    def next_claim(self) -> Claim | None:
        """Return the claim of the request that holds least, and can go on."""
        ready = [claim for claim in self.claims.heads() if not claim.request.paused]
        return min(ready, key=lambda claim: (self._holdings.of(claim.ask), claim.ask.tag), default=None)

    def before(self, request: Request, claim: Claim | None) -> bool:
        """Return whether a request that waits comes before a claim: if it holds less."""
        return claim is None or self._holdings.of(request.ask) < self._holdings.of(claim.ask)

    def giver(self, taker: Ask, asks: list[Ask]) -> Ask | None:
        """Return the request that has to give up a stream for another one (`Holdings.giver`)."""
        return self._holdings.giver(taker, asks)


def parked(session: RecurrentSession, stream: int, request: Request, go_on: Callable[[int], None]) -> Claim:
    """Return a claim that puts a stream's state, as it is now, into the stream that it gets, and goes on there."""
    state = session.states([stream])

    def take(other: int) -> None:
        session.put(state, [other])
        go_on(other)

    return Claim(request, take)
