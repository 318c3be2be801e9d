"""What a language of weather bulletins is: its grammar, and the agreements in what is written in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from longhand.corpora.grammar import Node

Outcome = Literal["right", "wrong", "missing"]


@dataclass(frozen=True)
class Agreement:
    """Two places in a bulletin of which the second depends on the first.

    - kind: which agreement it is, such as "place"
    - distance: characters that stand between the two; where an end is missing, between the other one and the
      bulletin's end or beginning
    - outcome: whether the second fits the first, does not, or one of them is not there
    """

    kind: str
    distance: int
    outcome: Outcome


@dataclass(frozen=True)
class Bond:
    """A kind of agreement, and how to find it in a bulletin that a model may have written.

    - kind, meaning: its name, and in a few words what has to fit what
    - first, second: where its ends are, which are the groups of these expressions; whatever stands there is taken
    - fits: whether the second end, of its group, is one that the first one allows
    - always: whether every bulletin has both ends
    """

    kind: str
    meaning: str
    first: re.Pattern[str]
    second: re.Pattern[str]
    fits: Callable[[str, str], bool]
    always: bool = False

    def found(self, bulletin: str) -> Iterator[Agreement]:
        """Yield the agreement of this kind in a bulletin, if it is there or should be."""
        first = self.first.search(bulletin)
        second = self.second.search(bulletin, first.end(1) if first else 0)
        if first and second:
            outcome: Outcome = "right" if self.fits(first[1], second[1]) else "wrong"
            yield Agreement(self.kind, second.start(1) - first.end(1), outcome)
        elif second:
            yield Agreement(self.kind, second.start(1), "missing")
        elif self.always:
            yield Agreement(self.kind, len(bulletin) - (first.end(1) if first else 0), "missing")


@dataclass(frozen=True)
class Language:
    """A language of bulletins.

    - name: as it is called in English
    - bulletin: the grammar of one bulletin, whose only line end is its last character
    - bonds: the agreements, the nearest first
    """

    name: str
    bulletin: Node
    bonds: tuple[Bond, ...]


def same(first: str, second: str) -> bool:
    """Whether the second end says the same as the first."""
    return first == second


def same_of(known: Collection[str]) -> Callable[[str, str], bool]:
    """Return what tells whether both ends say the same, and that is one of these."""
    return lambda first, second: first == second and first in known
