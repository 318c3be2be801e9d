"""Transitions of an automaton by the units of tokens, bytes or characters, while one row of a guide is made."""

from __future__ import annotations

from array import array
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from longhand.arrays import BoolArray
from longhand.generation.constraints.automaton import END, FORBIDDEN, Automaton, State
from longhand.generation.constraints.ranges import LAST

ENDED, FIRST = 0, 1  # numbers of states: the text is over; and where the row begins
NEVER, ENDS_HERE = -1, -2  # in place of a number: this unit may not come; and the text is over before it
LONGEST = 4  # bytes of a character
LEAST_OF_LENGTH = (0, 0, 0x80, 0x800, 0x10000)  # the first code point whose UTF-8 has so many bytes
KEY_BYTES, STEP_BYTES = 500, 250
STEPS_CHARGED = 64  # at a time

Key = tuple[State, bytes]  # the automaton's state, and the bytes of a character that has begun
Numbers = npt.NDArray[np.int64]


class RowSteps:
    """The states that are met within tokens, numbered from `FIRST` on; they are forgotten with the row."""

    def __init__(self, automaton: Automaton, first: Key, *, in_bytes: bool) -> None:
        self._automaton, self._in_bytes = automaton, in_bytes
        self.keys: list[Key] = [first, first]
        self._numbers = {first: FIRST}
        self._whole = array("b", [0, not first[1]])
        self._steps: dict[tuple[State, int], State | str] = {}
        self._charged = 0

    def after(self, number: int, unit: int) -> int:
        """Return the number of the state after a byte, or a class of characters; or `NEVER` or `ENDS_HERE`."""
        found = self._after(self.keys[number], unit)
        if isinstance(found, str):
            return ENDS_HERE if found == END else NEVER
        after = self._numbers.setdefault(found, len(self.keys))
        if after == len(self.keys):
            self._charge(KEY_BYTES + found[0][0].bit_length() // 8)
            self.keys.append(found)
            self._whole.append(not found[1])
        return after

    def are_whole(self, numbers: Numbers) -> BoolArray:
        """Whether each state is between two characters."""
        whole: BoolArray = np.frombuffer(self._whole, np.bool_)[numbers.clip(min=ENDED)]
        return whole & (numbers > ENDED)

    def needed(self, key: Key) -> int:
        """Return how many tokens suffice to come from a state to an end of the text."""
        here, begun = key
        distance = self._automaton.distance(here)
        assert distance is not None
        if not begun or distance == 0:  # a character that has only begun is no part of the text
            return distance
        first, last, _ = code_range(begun)
        steps = {self._step(here, each) for each in self._automaton.alphabet.between(first, last)}
        after = [self._automaton.distance(each) for each in steps if not isinstance(each, str)]
        return LONGEST - len(begun) + min(each for each in after if each is not None)

    def close(self) -> None:
        """Give back what the budget was charged with."""
        self._automaton.budget.release(self._charged)
        self._charged = 0

    def _charge(self, size: int) -> None:
        self._automaton.budget.charge(size)
        self._charged += size

    def _after(self, key: Key, unit: int) -> Key | str:
        if not self._in_bytes:
            after = FORBIDDEN if unit < 0 else self._step(key[0], unit)
            return after if isinstance(after, str) else (after, b"")
        data = key[1] + bytes([unit])
        first, last, whole = code_range(data)
        found = {self._step(key[0], each) for each in self._automaton.alphabet.between(first, last)}
        states = [each for each in found if not isinstance(each, str)]
        if states:
            return (states[0], b"") if whole else (key[0], data)
        return END if END in found else FORBIDDEN

    def _step(self, state: State, character: int) -> State | str:
        key = (state, character)
        found = self._steps.get(key)
        if found is None:
            if not len(self._steps) % STEPS_CHARGED:
                self._automaton.budget.tick(STEPS_CHARGED)
                self._charge(STEPS_CHARGED * STEP_BYTES)
            found = self._steps[key] = self._automaton.step(state, character)
        return found


@lru_cache(1 << 14)
def code_range(data: bytes) -> tuple[int, int, bool]:
    """Return the first and the last code point whose UTF-8 begins with `data`, and whether it is whole.

    Of bytes that no character begins with the first is above the last.
    """
    lead = data[0]
    length = 1 if lead < 0x80 else 2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4
    if 0x80 <= lead < 0xC2 or lead > 0xF4 or not all(0x80 <= each < 0xC0 for each in data[1:]):
        return 1, 0, False
    bits = lead & (0x7F if length == 1 else 0x7F >> length)
    for each in data[1:]:
        bits = bits << 6 | each & 0x3F
    open_bits = 6 * (length - len(data))
    first, last = bits << open_bits, (bits + 1 << open_bits) - 1
    return max(first, LEAST_OF_LENGTH[length]), min(last, LAST), len(data) == length
