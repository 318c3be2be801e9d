"""All open connections: how many there may be, and which one is closed when there are too many."""

from __future__ import annotations

from typing import Protocol

MAX_HEAD_TOTAL = 64_000_000  # bytes of all request heads that have begun and are not complete


class Connection(Protocol):
    """What can be closed."""

    def drop(self) -> None:
        """Close at once, and free the file descriptor."""


class _Client:
    """The connections of one address, oldest first."""

    def __init__(self) -> None:
        self.all: dict[Connection, None] = {}
        self.idle: dict[Connection, int] = {}  # those without a complete head, and how many bytes of it are here
        self.head_total = 0


class Connections:
    """Keeps the number of connections, and the memory of incomplete heads, below a limit.

    Over the limit the address with the most of it loses a connection. So neither clients that never finish a request
    nor one greedy address can keep others out.
    """

    def __init__(self, max_connections: int, max_head_total: int = MAX_HEAD_TOTAL) -> None:
        self._max_connections, self._max_head_total = max_connections, max_head_total
        self._clients: dict[str, _Client] = {}
        self._count, self._head_total = 0, 0

    def __len__(self) -> int:
        return self._count

    def count(self, address: str) -> int:
        """Return how many connections an address has."""
        client = self._clients.get(address)
        return len(client.all) if client else 0

    def add(self, connection: Connection, address: str) -> None:
        """Add a new connection; may drop another one, or this one."""
        self._clients.setdefault(address, _Client()).all[connection] = None
        self._count += 1
        self.set_idle(connection, address)
        if self._count > self._max_connections:
            self._drop_one()

    def set_idle(self, connection: Connection, address: str, head_bytes: int = 0) -> None:
        """Note that a connection waits for a request, of whose head so many bytes are here."""
        client = self._clients.get(address)
        if client is None or connection not in client.all:
            return
        more = head_bytes - client.idle.get(connection, 0)
        client.idle[connection] = head_bytes  # a connection that is idle already keeps its place
        client.head_total += more
        self._head_total += more
        if self._head_total > self._max_head_total:
            self._drop_one_head()

    def set_busy(self, connection: Connection, address: str) -> None:
        """Note that the head of a connection's request is complete."""
        if client := self._clients.get(address):
            head_bytes = client.idle.pop(connection, 0)
            client.head_total -= head_bytes
            self._head_total -= head_bytes

    def remove(self, connection: Connection, address: str) -> None:
        """Forget a connection; does nothing if it is forgotten already."""
        client = self._clients.get(address)
        if client is None or connection not in client.all:
            return
        self.set_busy(connection, address)
        del client.all[connection]
        self._count -= 1
        if not client.all:
            del self._clients[address]

    def _drop_one(self) -> None:
        """Drop the connection that is idle for longest, or else the newest, of the address with the most of them."""
        address, client = max(self._clients.items(), key=lambda item: len(item[1].all))
        self._drop(next(iter(client.idle), None) or next(reversed(client.all)), address)

    def _drop_one_head(self) -> None:
        """Drop the largest incomplete head of the address that holds most bytes of them."""
        address, client = max(self._clients.items(), key=lambda item: item[1].head_total)
        self._drop(max(client.idle, key=client.idle.__getitem__), address)

    def _drop(self, connection: Connection, address: str) -> None:
        self.remove(connection, address)
        connection.drop()
