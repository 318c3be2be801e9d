"""All rules of a text together, over classes of characters: what may follow, and how far it is to an end.

A state that nothing allowed leads out of, to an end of the text, is never entered. To know which these are, all
combinations of places are looked at before the first character is written. Their number is the product of the rules'
sizes, while sets of places, of which there may be many more, are made only as they are met.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Protocol

from longhand.arrays import BoolArray
from longhand.errors import OptionError
from longhand.generation.constraints.alphabet import Alphabet, CodePoints
from longhand.generation.constraints.bounds import USUAL, Bounds
from longhand.generation.constraints.pattern import START, Pattern

State = tuple[int, tuple[int, ...]]  # places of the pattern, as bits, and the states of the other rules
Combination = tuple[int, tuple[int, ...]]  # one place, and the states of the other rules
END, FORBIDDEN = "end", "forbidden"


class Shape(Protocol):
    """A rule with one state at a time."""

    @property
    def ends(self) -> bool:
        """Whether the text ends where it may and a character comes that cannot follow."""
        ...

    def sets(self, points: CodePoints) -> list[BoolArray]:
        """Return what it tells apart of characters."""
        ...

    def step(self, state: int, character: str) -> int | None:
        """Return the next state, or None."""
        ...

    def final(self, state: int) -> bool:
        """Whether the text may end here."""
        ...


class Automaton:
    """What may be written.

    - points: the characters that can be
    - pattern: what the whole text has to match, if anything
    - shapes: other rules
    - in_bytes: whether distances are counted in bytes of UTF-8 rather than in characters

    Raises `OptionError` if no text obeys them all, or if there are too many combinations.
    """

    def __init__(
        self,
        points: CodePoints,
        pattern: Pattern | None,
        shapes: Sequence[Shape],
        *,
        in_bytes: bool = False,
        bounds: Bounds = USUAL,
    ) -> None:
        self._pattern, self._shapes, self._bounds = pattern, shapes, bounds
        sets = [] if pattern is None else pattern.sets(points)
        self.alphabet = Alphabet(points, [*sets, *(each for shape in shapes for each in shape.sets(points))])
        examples = self.alphabet.examples
        self._taking = [~0 if pattern is None else pattern.taking(example) for example in examples]
        self._costs = [
            len(example.encode()) if in_bytes else 1 for example in examples
        ]  # the first of a class is short
        self._steps: dict[tuple[int, int, int], int | None] = {}
        self.begin: State = (1 << START, (0,) * len(shapes))
        self._distances = self._measured()
        if self.distance(self.begin) is None:
            raise OptionError("no text that the model can write has the shape that is asked for")
        self.farthest = max(self._distances.values())

    def step(self, state: State, character: int) -> State | str:
        """Return the state after a character of a class: END where the text is over before it, or FORBIDDEN."""
        places, others = state
        after: list[int] = []
        over = False
        for number, other in enumerate(others):
            found = self._step_of(number, other, character)
            if found is None:
                if not (self._shapes[number].ends and self._shapes[number].final(other)):
                    return FORBIDDEN
                over = True
            after.append(-1 if found is None else found)
        following = self._after(places) & self._taking[character]
        if over or not following:
            ends = over or (self._pattern is not None and self._pattern.final(places))
            return END if ends and self.final(state) else FORBIDDEN
        result = (following, tuple(after))
        return FORBIDDEN if self.distance(result) is None else result

    def distance(self, state: State) -> int | None:
        """Return how much it takes at least to come to where the text may end; None if nothing leads there."""
        places, others = state
        found = [self._distances.get((place, others)) for place in _each(places)]
        return min((each for each in found if each is not None), default=None)

    def final(self, state: State) -> bool:
        """Whether the text may end here."""
        places, others = state
        finals = all(shape.final(other) for shape, other in zip(self._shapes, others, strict=True))
        return finals and (self._pattern is None or self._pattern.final(places))

    def _step_of(self, number: int, state: int, character: int) -> int | None:
        key = (number, state, character)
        if key not in self._steps:
            self._steps[key] = self._shapes[number].step(state, self.alphabet.examples[character])
        return self._steps[key]

    def _after(self, places: int) -> int:
        if self._pattern is None:
            return 1 << START
        result = 0
        for place in _each(places):
            result |= self._pattern.after(place)
        return result

    def _measured(self) -> dict[Combination, int]:
        """Return the distance to an end of all combinations of one place and the others' states that have one."""
        before: dict[Combination, list[tuple[Combination, int]]] = {}
        first = (START, self.begin[1])
        met, waiting, steps = {first}, deque([first]), 0
        while waiting:
            place, others = waiting.popleft()
            for character in range(len(self.alphabet.examples)):
                after = [self._step_of(number, other, character) for number, other in enumerate(others)]
                if None in after:
                    continue
                following = self._after(1 << place) & self._taking[character]
                for next_place in _each(following):
                    combination = (next_place, tuple(each for each in after if each is not None))
                    steps += 1
                    before.setdefault(combination, []).append(((place, others), self._costs[character]))
                    if combination not in met:
                        met.add(combination)
                        waiting.append(combination)
            if len(met) > self._bounds.combinations or steps > self._bounds.steps:
                raise OptionError(
                    f"the shape has more than {self._bounds.combinations:,} combinations, or {self._bounds.steps:,} "
                    "steps between them: ask for a simpler one"
                )
        return _distances({each for each in met if self.final((1 << each[0], each[1]))}, before)


def _distances(
    finals: set[Combination], before: dict[Combination, list[tuple[Combination, int]]]
) -> dict[Combination, int]:
    """Return the least cost from each combination to one of the last (Dijkstra 1959)."""
    result: dict[Combination, int] = {}
    waiting = [(0, each) for each in sorted(finals)]
    while waiting:
        cost, here = heappop(waiting)
        if here in result:
            continue
        result[here] = cost
        for each, more in before.get(here, []):
            if each not in result:
                heappush(waiting, (cost + more, each))
    return result


def _each(bits: int) -> Iterator[int]:
    """Yield the places of a set that is kept as bits."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
