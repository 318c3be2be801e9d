"""Requests that wait: addresses take turns, and at each address its users."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from longhand.serving.request import Request


class Line:
    """Requests that wait, in the order in which their turns come."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, deque[Request]]] = {}  # by address and user; those first whose turn it is
        self._waiting: dict[str, int] = {}  # by address
        self._count = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return self._count

    def __iter__(self) -> Iterator[Request]:
        """Go through all that wait."""
        for users in self._of.values():
            for requests in users.values():
                yield from requests

    def of_client(self, client: str) -> int:
        """Return how many of an address wait."""
        return self._waiting.get(client, 0)

    @property
    def clients(self) -> int:
        """Return how many addresses wait."""
        return len(self._of)

    def add(self, request: Request) -> None:
        """Let a request wait, behind its user's others."""
        self._of.setdefault(request.client, {}).setdefault(request.user, deque()).append(request)
        self._waiting[request.client] = self.of_client(request.client) + 1
        self._count += 1

    def first(
        self, held: Callable[[str], int] = lambda _: 0, suits: Callable[[Request], bool] = lambda _: True
    ) -> Request | None:
        """Return the request whose turn it is, of the addresses that hold least; None if none suits.

        - held: how much an address holds already
        - suits: whether a request can be taken now
        """
        for client in sorted(self._of, key=held):
            for requests in self._of[client].values():
                if (found := next(filter(suits, requests), None)) is not None:
                    return found
        return None

    def take(self, request: Request) -> None:
        """Take out a request; its address's next turn comes after everybody else's, and its user's there."""
        users = self._of.pop(request.client)
        requests = users.pop(request.user)
        requests.remove(request)
        self._count -= 1
        self._waiting[request.client] -= 1
        if requests:
            users[request.user] = requests
        if users:
            self._of[request.client] = users
        else:
            del self._waiting[request.client]

    def next(self) -> Request:
        """Take out the request whose turn it is."""
        request = self.first()
        assert request is not None
        self.take(request)
        return request

    def leave(self) -> None:
        """Take out cancelled requests."""
        if any(request.cancelled for request in self):
            kept = [request for request in self if not request.cancelled]
            self._of, self._waiting, self._count = {}, {}, 0
            for request in kept:
                self.add(request)
