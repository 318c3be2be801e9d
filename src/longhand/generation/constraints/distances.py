"""How far it is from each state to an end of the text.

A state from which no end can be reached is never entered. To know which these are, all combinations of a place of the
pattern and states of the other shapes are visited before the first character is written. Their number is the product
of the shapes' sizes; sets of places, of which there may be many more, are made only as they are met.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from longhand.errors import OptionError
from longhand.generation.constraints import bits
from longhand.generation.constraints.bounds import Budget
from longhand.generation.constraints.pattern import START, Pattern
from longhand.generation.constraints.product import Product, States

MAX_KNOWN = 4096  # states of the shapes of which it is remembered where they lead
COMBINATION_BYTES = 150
STATES_BYTES = 350
STEP_BYTES = 40  # with what sorting the steps takes
MAX_COST = 4  # bytes of a character

Integers = npt.NDArray[np.int64]


class Distances:
    """The least number of characters, or bytes, to an end of the text, of all combinations that can be met.

    - taken: of each of the pattern's sets, the classes of characters, as bits
    - costs: of each class

    Raises `OptionError` if there are too many combinations.
    """

    def __init__(
        self, pattern: Pattern | None, taken: Sequence[int], product: Product, costs: Sequence[int], budget: Budget
    ) -> None:
        self._pattern, self._taken, self._product, self._budget = pattern, taken, product, budget
        self._cheaper = [0] + [
            bits.of_numbers(np.flatnonzero(np.array(costs) <= cost)) for cost in range(1, MAX_COST + 1)
        ]
        self._moves: dict[int, dict[States, int]] = {}
        self._size = 1 if pattern is None else pattern.size
        self._numbers: dict[States, int] = {}  # of the states of the shapes
        self._listed: list[States] = []
        self._codes = array("q")  # of all combinations: the states' number times the pattern's size, and the place
        combinations = self._visited()
        found = self._measured(*combinations)
        self._moves.clear()
        codes = np.frombuffer(self._codes, np.int64)
        order = np.argsort(codes)
        order = order[found[order] >= 0]
        self._codes_living, self._distances = codes[order], found[order]
        self._living: dict[States, int] = {}
        self.farthest = int(self._distances.max(initial=0))

    def living(self, states: States) -> int:
        """Return the places of the pattern, as bits, from which an end can be reached with these states."""
        found = self._living.get(states)
        if found is None:
            if len(self._living) >= MAX_KNOWN:
                self._living.clear()
            found = self._living[states] = bits.of_numbers(self._places(states)[0])
        return found

    def least(self, places: int, states: States) -> int | None:
        """Return the least distance from one of some places; None if no end can be reached."""
        living, distances = self._places(states)
        found = distances[bits.as_mask(places, self._size)[living]]
        return int(found.min()) if len(found) else None

    def _places(self, states: States) -> tuple[Integers, Integers]:
        """Return the places that live with some states, and their distances."""
        if states not in self._numbers:
            return self._codes_living[:0], self._distances[:0]
        base = self._numbers[states] * self._size
        first, end = np.searchsorted(self._codes_living, [base, base + self._size])
        return self._codes_living[first:end] - base, self._distances[first:end]

    def _visited(self) -> tuple[array[int], array[int], array[int]]:
        """Visit all combinations, and return the steps between them: from where, to where, and what each costs."""
        bounds = self._budget.bounds
        numbers: dict[int, int] = {}
        sources, targets, costs = array("i"), array("i"), array("b")
        self._number_of(self._product.begin)
        numbers[START] = 0
        self._codes.append(START)
        here = 0
        while here < len(self._codes):
            before = len(sources)
            for code, cost in self._following(*divmod(self._codes[here], self._size)):
                there = numbers.setdefault(code, len(self._codes))
                if there == len(self._codes):
                    self._budget.charge(COMBINATION_BYTES)
                    self._codes.append(code)
                sources.append(here)
                targets.append(there)
                costs.append(cost)
            steps = len(sources) - before
            self._budget.tick(1 + steps)
            self._budget.charge(STEP_BYTES * steps)
            if len(self._codes) > bounds.combinations or len(sources) > bounds.steps:
                raise OptionError(
                    f"the shape has more than {bounds.combinations:,} combinations, or {bounds.steps:,} steps between "
                    "them: ask for a simpler one"
                )
            here += 1
        return sources, targets, costs

    def _following(self, number: int, place: int) -> Iterator[tuple[int, int]]:
        """Yield the combinations that follow one, each with what it costs at least to come there."""
        moves = self._moves.get(number)
        if moves is None:
            if len(self._moves) >= MAX_KNOWN:
                self._moves.clear()
            moves = self._moves[number] = self._product.moves(self._listed[number])
        if self._pattern is None:
            for states, classes in moves.items():
                yield self._number_of(states), self._cost(classes)
            return
        reached: dict[int, list[tuple[int, int]]] = {}  # by the set of characters
        for after in bits.members(self._pattern.after(place)):
            kind = self._pattern.set_of[after]
            if kind not in reached:
                taken = self._taken[kind]
                reached[kind] = [
                    (self._number_of(states) * self._size, self._cost(classes & taken))
                    for states, classes in moves.items()
                    if classes & taken
                ]
            for base, cost in reached[kind]:
                yield base + after, cost

    def _number_of(self, states: States) -> int:
        number = self._numbers.setdefault(states, len(self._listed))
        if number == len(self._listed):
            self._budget.charge(STATES_BYTES)
            self._listed.append(states)
        return number

    def _cost(self, classes: int) -> int:
        """Return what the cheapest of some classes costs."""
        return next(cost for cost, cheaper in enumerate(self._cheaper) if classes & cheaper)

    def _measured(self, sources: array[int], targets: array[int], costs: array[int]) -> Integers:
        """Return the least cost from each combination to an end; -1 where there is none (Dijkstra 1959)."""
        found = array("q", [-1]) * len(self._codes)
        order = np.argsort(np.frombuffer(targets, np.int32), kind="stable") if targets else np.zeros(0, np.intp)
        begins = array("q", np.searchsorted(_sorted(targets, order), np.arange(len(found) + 1)).tobytes())
        sources, costs = _sorted(sources, order), _sorted(costs, order)
        waiting: list[list[int]] = [[] for _ in range(MAX_COST + 1)]  # by cost, from the least one on, around
        waiting[0] = [number for number, code in enumerate(self._codes) if self._final(code)]
        cost = 0
        while any(waiting):
            place = cost % len(waiting)
            reached, waiting[place] = waiting[place], []
            for number in reached:
                if found[number] >= 0:
                    continue
                found[number] = cost
                self._budget.tick()
                for step in range(begins[number], begins[number + 1]):
                    if found[sources[step]] < 0:
                        waiting[(cost + costs[step]) % len(waiting)].append(sources[step])
            cost += 1
        return np.array(found, np.int64)

    def _final(self, code: int) -> bool:
        number, place = divmod(code, self._size)
        ends = self._pattern is None or self._pattern.final(1 << place)
        return ends and self._product.final(self._listed[number])


def _sorted(values: array[int], order: npt.NDArray[np.intp]) -> array[int]:
    if not len(values):
        return values
    taken = np.frombuffer(values, np.dtype(values.typecode))[order]
    return array(values.typecode, taken.tobytes())
