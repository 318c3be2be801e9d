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
    - tokens: that were generated for it so far
    """

    def __init__(self, client: str = "", user: str = "") -> None:
        self.client, self.user = client, user
        self.tag, self.tokens = 0.0, 0

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
        self._clients: dict[str, dict[str, int]] = {}

    def among(self, asks: Iterable[Ask]) -> None:
        """Set which requests there are, all different."""
        self._clients = {}
        for ask in asks:
            users = self._clients.setdefault(ask.client, {})
            users[ask.user] = users.get(ask.user, 0) + 1

    def price(self, ask: Ask) -> float:
        """Return what a turn of one text costs: the more, the more requests share what its address gets."""
        users = self._clients.get(ask.client)
        if users is None:
            return float(max(1, len(self._clients)))
        return float(len(self._clients) * len(users) * users.get(ask.user, 1))


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
    def num_fresh(self) -> int:
        """Number of fresh requests that have items here."""
        return sum(ask.is_fresh for ask in self._of)

    def has_fresh(self, ready: Callable[[T], bool]) -> bool:
        """Return whether an item of a fresh request is ready."""
        return any(ask.is_fresh and any(map(ready, items)) for ask, items in self._of.items())

    def has_long(self, ready: Callable[[T], bool]) -> bool:
        """Return whether an item of a request is ready that is fresh no more."""
        return any(not ask.is_fresh and any(map(ready, items)) for ask, items in self._of.items())

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

    def drop(self, is_gone: Callable[[T], bool]) -> list[T]:
        """Remove some items, and return them."""
        gone = [item for item in self if is_gone(item)]
        for item in gone:
            self.remove(item)
        return gone

    def heads(self) -> list[T]:
        """Return the first item of each request."""
        return [items[0] for items in self._of.values()]

    def pick_long(
        self,
        count: Callable[[T], int],
        ready: Callable[[T], bool] = lambda _: True,
        kind: Callable[[T], Hashable] = lambda _: None,
    ) -> list[T]:
        """Choose items of requests that are fresh no more, as `pick` does."""
        return self.pick(count, ready, kind, [ask for ask in self._of if not ask.is_fresh])

    def pick(
        self,
        count: Callable[[T], int],
        ready: Callable[[T], bool] = lambda _: True,
        kind: Callable[[T], Hashable] = lambda _: None,
        among: Iterable[Ask] | None = None,
    ) -> list[T]:
        """Choose items whose turn it is, all of the kind of the first one, and charge their requests.

        - count: how many at most, of the kind of an item
        - ready: whether an item can use its turn
        - among: the requests whose items are chosen; all, if left out
        """
        clock = self._shares.clock
        tags = {ask: max(ask.tag, clock) for ask in (self._of if among is None else among)}
        picked = self._picked(count, tags, ready, kind)
        if picked:
            self._shares.clock = tags[picked[0].ask]
        for item in picked:
            item.ask.tag = max(item.ask.tag, clock) + self._shares.price(item.ask)
        return picked

    def pick_fresh(
        self,
        count: Callable[[T], int],
        ready: Callable[[T], bool],
        kind: Callable[[T], Hashable] = lambda _: None,
    ) -> list[T]:
        """Choose items of fresh requests: first those that have had least.

        - count, ready, kind: as for `pick`
        """
        tags = {ask: ask.tokens * self._shares.price(ask) for ask in self._of if ask.is_fresh}
        return self._picked(count, tags, ready, kind) if tags else []

    def _picked(
        self,
        count: Callable[[T], int],
        tags: dict[Ask, float],
        ready: Callable[[T], bool],
        kind: Callable[[T], Hashable],
    ) -> list[T]:
        """Choose items of requests in the order of their tags, each of which grows by the price of a turn."""
        heap = [(tag, place, len(self._of[ask]), ask) for place, (ask, tag) in enumerate(tags.items())]
        heapify(heap)
        picked: list[T] = []
        first: Hashable = None
        most = 1
        while heap and len(picked) < most:
            tag, place, left, ask = heappop(heap)
            item, left = self._next(ask, left, ready if not picked else partial(_alike, ready, kind, first))
            if item is None:
                continue
            if not picked:
                first, most = kind(item), count(item)
            picked.append(item)
            if left:
                heappush(heap, (tag + self._shares.price(ask), place, left, ask))
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


def _alike(ready: Callable[[T], bool], kind: Callable[[T], Hashable], first: Hashable, item: T) -> bool:
    return ready(item) and kind(item) == first


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
