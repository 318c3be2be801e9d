"""Texts that are generated: those of fresh requests, and those of others, in two pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from longhand.serving.fair import Ask, Pool, Shares
from longhand.serving.writer import Writer


class Texts:
    """The texts of one model.

    - fresh: those of fresh requests, which are short work
    - long: the others
    """

    def __init__(self, shares: Shares) -> None:
        self.fresh: Pool[Writer] = Pool(shares)
        self.long: Pool[Writer] = Pool(shares)

    def __len__(self) -> int:
        """Return how many texts there are."""
        return len(self.fresh) + len(self.long)

    def __iter__(self) -> Iterator[Writer]:
        """Go through all texts."""
        yield from self.long
        yield from self.fresh

    @property
    def asks(self) -> list[Ask]:
        """Return the requests that have texts here: fresh ones last, which are to keep their streams."""
        return [*self.long.asks, *self.fresh.asks]

    def of(self, ask: Ask) -> Iterable[Writer]:
        """Return the texts of a request."""
        return self._pool(ask).of(ask)

    def heads(self) -> list[Writer]:
        """Return the first text of each request."""
        return [*self.long.heads(), *self.fresh.heads()]

    def add(self, writer: Writer) -> None:
        """Add a text."""
        (self.fresh if writer.ask.is_fresh or writer.ask in self.fresh else self.long).add(writer)

    def remove(self, writer: Writer) -> None:
        """Remove a text."""
        self._pool(writer.ask).remove(writer)

    def drop(self, is_gone: Callable[[Writer], bool]) -> list[Writer]:
        """Remove some texts, and return them."""
        return [*self.fresh.drop(is_gone), *self.long.drop(is_gone)]

    def deliver(self, writer: Writer, piece: str) -> bool:
        """Deliver what has come of a text; return whether this made its request long work."""
        try:
            writer.deliver(piece)
        finally:
            is_long = not writer.ask.is_fresh and writer.ask in self.fresh
            if is_long:
                self.fresh.move(writer.ask, self.long)
        return is_long

    def _pool(self, ask: Ask) -> Pool[Writer]:
        return self.fresh if ask in self.fresh else self.long
