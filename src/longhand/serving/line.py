"""Those who wait: clients take turns, so that who asks for much keeps nobody waiting who asks for little."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from longhand.serving.request import Request


class Line:
    """Requests that wait, in the order in which their turns come."""

    def __init__(self) -> None:
        self._of: dict[str, deque[Request]] = {}  # by client; the client first whose turn it is
        self._count = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return self._count

    def __iter__(self) -> Iterator[Request]:
        """Go through all that wait."""
        for requests in self._of.values():
            yield from requests

    def add(self, request: Request) -> None:
        """Let a request wait, behind its client's others."""
        self._of.setdefault(request.client, deque()).append(request)
        self._count += 1

    def next(self) -> Request:
        """Take out the request whose turn it is; its client's next turn comes after everybody else's."""
        client = next(iter(self._of))
        requests = self._of.pop(client)
        request = requests.popleft()
        self._count -= 1
        if requests:
            self._of[client] = requests
        return request

    def leave(self) -> None:
        """Take out those who gave up."""
        if any(request.cancelled for request in self):
            kept = {client: deque(each for each in these if not each.cancelled) for client, these in self._of.items()}
            self._of = {client: requests for client, requests in kept.items() if requests}
            self._count = sum(map(len, self._of.values()))
