"""Those who wait: clients take turns, so that who asks for much keeps nobody waiting who asks for little."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from longhand.serving.request import Request


class Line:
    """Requests that wait, in the order in which their turns come: addresses take turns, and at each its users."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, deque[Request]]] = {}  # by address and user; those first whose turn it is
        self._count = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return self._count

    def __iter__(self) -> Iterator[Request]:
        """Go through all that wait."""
        for users in self._of.values():
            for requests in users.values():
                yield from requests

    def add(self, request: Request) -> None:
        """Let a request wait, behind its user's others."""
        self._of.setdefault(request.client, {}).setdefault(request.user, deque()).append(request)
        self._count += 1

    def next(self) -> Request:
        """Take out the request whose turn it is; its address's next turn comes after everybody else's."""
        client = next(iter(self._of))
        users = self._of.pop(client)
        user = next(iter(users))
        requests = users.pop(user)
        request = requests.popleft()
        self._count -= 1
        if requests:
            users[user] = requests
        if users:
            self._of[client] = users
        return request

    def leave(self) -> None:
        """Take out those who gave up."""
        if any(request.cancelled for request in self):
            kept = [request for request in self if not request.cancelled]
            self._of, self._count = {}, 0
            for request in kept:
                self.add(request)
