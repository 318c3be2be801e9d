"""All shapes beside the pattern, followed together."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeAlias

from longhand.generation.constraints import bits
from longhand.generation.constraints.alphabet import Alphabet
from longhand.generation.constraints.bounds import Budget
from longhand.generation.constraints.ranges import Ranges
from longhand.generation.constraints.shapes import Shape

MAX_KNOWN = 10_000  # remembered outcomes: a few megabytes


class Over(Enum):
    """No state: what follows a character that cannot come."""

    ENDED = "the text is over, if it may end there"
    FORBIDDEN = "the character may not come"


States: TypeAlias = tuple[int, ...]  # one of each shape
Outcome: TypeAlias = States | Over


class _Known:
    """What is known of some states: the outcome of all ordinary characters, and of special classes one by one."""

    def __init__(self, special: int, ordinary: Outcome) -> None:
        self.special, self.ordinary = special, ordinary
        self.outcomes: dict[int, Outcome] = {}


class Product:
    """Shapes with a state each. Of a state only those characters are looked at that one of the shapes treats specially.

    - sets: of each shape, the sets of characters that it tells apart
    """

    def __init__(
        self, shapes: Sequence[Shape], sets: Sequence[Sequence[Ranges]], alphabet: Alphabet, budget: Budget
    ) -> None:
        self._shapes, self._alphabet, self._budget = shapes, alphabet, budget
        self._all = (1 << alphabet.size) - 1
        self._masks = []
        for each in sets:
            budget.tick(len(each))
            budget.charge(len(each) * (alphabet.size // 8 + 40))
            self._masks.append([alphabet.mask(ranges) for ranges in each])
        self._known: dict[States, _Known] = {}
        self._size = 0
        self.begin: States = (0,) * len(shapes)

    def after(self, states: States, character: int) -> Outcome:
        """Return the states after a character of a class."""
        known = self._known.get(states) or self._met(states)
        if not known.special & (1 << character):
            return known.ordinary
        outcome = known.outcomes.get(character)
        if outcome is None:
            outcome = known.outcomes[character] = self._outcome(states, character)
            self._size += 1
        return outcome

    def moves(self, states: States) -> dict[States, int]:
        """Return all states that may come next, each with the classes of characters, as bits, that lead there."""
        special = self._special(states)
        ordinary, result = self._all & ~special, dict[States, int]()
        if ordinary:
            outcome = self._outcome(states, bits.lowest(ordinary))
            if not isinstance(outcome, Over):
                result[outcome] = ordinary
        for character in bits.members(special):
            self._budget.tick()
            outcome = self._outcome(states, character)
            if not isinstance(outcome, Over):
                result[outcome] = result.get(outcome, 0) | 1 << character
        return result

    def final(self, states: States) -> bool:
        """Whether the text may end here."""
        return all(shape.final(state) for shape, state in zip(self._shapes, states, strict=True))

    def _met(self, states: States) -> _Known:
        special = self._special(states)
        others = self._all & ~special
        ordinary = self._outcome(states, bits.lowest(others)) if others else Over.FORBIDDEN
        if self._size > MAX_KNOWN:
            self._known.clear()
            self._size = 0
        known = self._known[states] = _Known(special, ordinary)
        self._size += 1 + self._alphabet.size // 1024
        return known

    def _special(self, states: States) -> int:
        """Return the classes, as bits, that one of the shapes treats specially."""
        special = 0
        for shape, masks, state in zip(self._shapes, self._masks, states, strict=True):
            for number in shape.special(state):
                special |= masks[number]
        return special

    def _outcome(self, states: States, character: int) -> Outcome:
        example = self._alphabet.examples[character]
        after: list[int] = []
        over = False
        for shape, state in zip(self._shapes, states, strict=True):
            found = shape.step(state, example)
            if found is None:
                if not (shape.ends and shape.final(state)):
                    return Over.FORBIDDEN
                over = True
            else:
                after.append(found)
        return Over.ENDED if over else tuple(after)
