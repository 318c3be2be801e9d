"""A guard against copying: no run of more than so many characters that the text learned from has too."""

from __future__ import annotations

from longhand.copies.index import CopyIndex

SHORT = 12  # characters; where so many do not occur, no run that holds them is a copy


class CopyGuard:
    """Watches one text as it grows.

    - most: characters of the longest run that may be a copy
    - text: what it begins with, which is as it is
    """

    def __init__(self, index: CopyIndex, most: int, text: str = "") -> None:
        self.most = most
        self._index = index
        self._tail = text[-most:]  # the last characters of the text
        self._free = 0  # so many of the next characters cannot end a copy, whatever they are

    def add(self, text: str) -> None:
        """Take what stands in the text whatever it copies."""
        self._tail, self._free = (self._tail + text)[-self.most :], max(0, self._free - len(text))

    def refuses(self, piece: str) -> bool:
        """Whether the text with `piece` would have a copy that is too long; if not, it has become longer by that."""
        tail, free = self._tail, self._free
        for letter in piece:
            run = tail + letter
            if len(run) <= self.most:
                tail = run
                continue
            tail = run[1:]
            if free:
                free -= 1
                continue
            short = min(SHORT, self.most // 2 + 1)
            if not self._index.occurs(run[-short:]):
                free = self.most + 1 - short  # until the run that is looked at begins behind the end's first character
            elif self._index.occurs(run):
                return True
        self._tail, self._free = tail, free
        return False
