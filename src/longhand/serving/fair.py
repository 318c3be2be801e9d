"""Fair order: addresses take turns, then the users of an address, then the requests of a user, then their texts.

This is weighted fair queueing by start tags (P. Goyal, H. Vin, H. Cheng: Start-Time Fair Queuing, 1996). A request that
asks for 128 texts pays 128 times as much as one that asks for a single text, so that it gets no more of the time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Generic, Protocol, TypeVar

FRESH = 256  # tokens that a request may generate before it counts as long work: short requests need not wait for any


class Ask:
    """What one HTTP request asks of a model: all its prompts and texts together.

    - client, user: who asks
    - tag: when it gets its next turn, in the virtual time of `Shares`
    - price: what a turn of one of its texts costs, in that time (`Shares.among`)
    - tokens: that were generated for it so far
    """

    def __init__(self, client: str = "", user: str = "") -> None:
        self.client, self.user = client, user
        self.tag, self.price, self.tokens = 0.0, 1.0, 0

    @property
    def is_fresh(self) -> bool:
        """Whether it counts as short work."""
        return self.tokens < FRESH

    @property
    def levels(self) -> tuple[Hashable, Hashable, Hashable]:
        """Return what it shares streams and turns as: its address, its user there, itself."""
        return self.client, (self.client, self.user), self


class Owned(Protocol):
    """Something that belongs to an `Ask`."""

    @property
    def ask(self) -> Ask:
        """Return whose it is."""
        ...


T = TypeVar("T", bound=Owned)


class Shares:
    """The virtual time that the requests of one model share.

    - clock: the virtual time now; a request that comes, or comes back, starts here
    """

    def __init__(self) -> None:
        self.clock = 0.0

    def among(self, asks: Iterable[Ask]) -> None:
        """Set the prices of requests, all that there are and each once.

        The more requests share what an address gets, the more a turn costs each of them.
        """
        clients: dict[str, dict[str, list[Ask]]] = {}
        for ask in asks:
            clients.setdefault(ask.client, {}).setdefault(ask.user, []).append(ask)
        for users in clients.values():
            for theirs in users.values():
                for ask in theirs:
                    ask.price = float(len(clients) * len(users) * len(theirs))


class Pool(Generic[T]):
    """Items that get turns in fair order."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._of: dict[Ask, deque[T]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Return how many items there are."""
        return self._count

    def __iter__(self) -> Iterator[T]:
        """Go through all items."""
        for items in self._of.values():
            yield from items

    @property
    def asks(self) -> list[Ask]:
        """Return the requests that have items here."""
        return list(self._of)

    def of(self, ask: Ask) -> Iterable[T]:
        """Return the items of a request."""
        return self._of.get(ask, ())

    @property
    def num_asks(self) -> int:
        """Number of requests that have items here."""
        return len(self._of)

    def __contains__(self, ask: Ask) -> bool:
        """Return whether a request has items here."""
        return ask in self._of

    def has(self, ready: Callable[[T], bool]) -> bool:
        """Return whether an item is ready."""
        return any(map(ready, self))

    def add(self, item: T, *, first: bool = False) -> None:
        """Add an item; it comes last of its request, or first."""
        items = self._of.setdefault(item.ask, deque())
        (items.appendleft if first else items.append)(item)
        self._count += 1

    def remove(self, item: T) -> None:
        """Remove an item."""
        items = self._of[item.ask]
        items.remove(item)
        self._count -= 1
        if not items:
            del self._of[item.ask]

    def move(self, ask: Ask, other: Pool[T]) -> None:
        """Move all items of a request to another pool."""
        for item in list(self.of(ask)):
            self.remove(item)
            other.add(item)

    def drop(self, is_gone: Callable[[T], bool]) -> list[T]:
        """Remove some items, and return them."""
        gone = [item for item in self if is_gone(item)]
        for item in gone:
            self.remove(item)
        return gone

    def heads(self) -> list[T]:
        """Return the first item of each request."""
        return [items[0] for items in self._of.values()]

    def pick(
        self,
        count: Callable[[T], int],
        ready: Callable[[T], bool] = lambda _: True,
        kind: Callable[[T], Hashable] = lambda _: None,
    ) -> list[T]:
        """Choose items whose turn it is, all of the kind of the first one, and charge their requests.

        - count: how many at most, of the kind of an item
        - ready: whether an item can use its turn
        """
        clock = self._shares.clock
        picked = self._picked(count, lambda ask: max(ask.tag, clock), ready, kind)
        if picked:
            self._shares.clock = max(picked[0].ask.tag, clock)
        for item in picked:
            item.ask.tag = max(item.ask.tag, clock) + item.ask.price
        return picked

    def pick_least(
        self,
        count: Callable[[T], int],
        ready: Callable[[T], bool],
        kind: Callable[[T], Hashable] = lambda _: None,
        only: Hashable = None,
    ) -> list[T]:
        """Choose items of the requests that have had least, at no charge.

        - count, ready, kind: as for `pick`
        - only: the kind of the first one, if any other has to wait
        """
        return self._picked(count, lambda ask: ask.tokens * ask.price, ready, kind, only)

    def _picked(
        self,
        count: Callable[[T], int],
        tag_of: Callable[[Ask], float],
        ready: Callable[[T], bool],
        kind: Callable[[T], Hashable],
        only: Hashable = None,
    ) -> list[T]:
        """Choose items of requests in the order of their tags, each of which grows by the price of a turn."""
        heap = [(tag_of(ask), place, len(items), ask) for place, (ask, items) in enumerate(self._of.items())]
        heapify(heap)
        picked: list[T] = []
        most = 1
        while heap and len(picked) < most:
            tag, place, left, ask = heappop(heap)
            item, left = self._next(ask, left, ready if only is None else partial(_alike, ready, kind, only))
            if item is None:
                continue
            if not picked:
                only, most = kind(item), count(item)
            picked.append(item)
            if left:
                heappush(heap, (tag + ask.price, place, left, ask))
        return picked

    def _next(self, ask: Ask, left: int, suits: Callable[[T], bool]) -> tuple[T | None, int]:
        """Return the next item of a request that suits, and how many are left to look at; the item becomes its last."""
        items = self._of[ask]
        while left:
            item, left = items[0], left - 1
            items.rotate(-1)
            if suits(item):
                return item, left
        return None, 0


def _alike(ready: Callable[[T], bool], kind: Callable[[T], Hashable], only: Hashable, item: T) -> bool:
    return ready(item) and kind(item) == only


class Holdings:
    """How many streams each address, each user there and each request holds."""

    def __init__(self) -> None:
        self._of: Counter[Hashable] = Counter()

    def add(self, ask: Ask, count: int = 1) -> None:
        """Count streams that a request takes, or gives back where `count` is negative."""
        for level in ask.levels:
            self._of[level] += count
            if not self._of[level]:
                del self._of[level]

    def of(self, ask: Ask) -> tuple[int, int, int]:
        """Return how many its address, its user and the request itself hold."""
        client, user, own = ask.levels
        return self._of[client], self._of[user], self._of[own]

    def of_client(self, client: str) -> int:
        """Return how many an address holds."""
        return self._of[client]

    def giver(self, taker: Ask, asks: Iterable[Ask]) -> Ask | None:
        """Return the request that has to give up a stream for `taker`; None where all hold their share.

        The address with the most gives way, in it the user with the most, of these the largest request; but only if it
        holds at least two more than the taker's, or the two would take the same stream from one another for ever.
        """
        giver = max(asks, key=self.of, default=None)
        if giver is None:
            return None
        for theirs, mine, given, wanted in zip(giver.levels, taker.levels, self.of(giver), self.of(taker), strict=True):
            if theirs != mine:
                return giver if given >= wanted + 2 else None
        return None
