"""An automaton over a model's tokens: which may come next, and where each leads.

Its states are numbered as they are met, and a state's row, a number for each token, is made when it is needed: a table
that the kernel follows by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from longhand.errors import OptionError
from longhand.generation.constraints.automaton import Automaton
from longhand.generation.constraints.bounds import Bounds, Budget
from longhand.generation.constraints.rowsteps import (
    ENDED,
    ENDS_HERE,
    FIRST,
    LONGEST,
    NEVER,
    Key,
    RowSteps,
    code_range,
)
from longhand.generation.constraints.tokens import Level, tree_of
from longhand.text.tokenizer import Tokenizer

__all__ = ["BEGIN", "ENDED", "NEVER", "Guide", "Row", "code_range"]

BEGIN = 1  # the state before anything is written; in a row, ENDED stands for the end and NEVER for a forbidden token
STATE_BYTES, ROW_BYTES = 450, 200  # besides the places of the state's pattern, and the numbers of the row
STEPS_AT_ONCE = 32  # while a row is made, between two looks at the clock

Row = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.int64]


class Guide:
    """See above.

    - end: the token that ends a text, which may come where the text may end
    - most_bytes: of what it makes itself; if left out, what is left of the automaton's budget
    """

    def __init__(
        self, automaton: Automaton, tokenizer: Tokenizer, end: int | None = None, most_bytes: int | None = None
    ) -> None:
        self._budget = automaton.budget if most_bytes is None else Budget(Bounds(max_bytes=most_bytes))
        self._automaton, self._end, self._size = automaton, end, tokenizer.size
        self._tree = tree_of(tokenizer)
        characters = self._tree.characters
        self._classes = np.arange(256) if self._tree.in_bytes else automaton.alphabet.classes_of(characters)
        self._keys: list[Key] = []
        self._numbers: dict[Key, int] = {}
        self._needed = np.zeros(64, np.int64)
        self._rows: list[Row | None] = []
        first = (automaton.begin, b"")
        self._keep(first, 0)  # in the place of ENDED
        del self._numbers[first]
        self._keep(first, automaton.distance(automaton.begin) or 0)
        self._rows[ENDED] = np.zeros(self._size, np.int32)
        self._making: Iterator[None] | None = None
        self.addresses = np.zeros(64, np.uintp)  # of the rows that there are, for the kernel
        self.addresses[ENDED] = self._rows[ENDED].ctypes.data  # type: ignore[union-attr]
        self.bound = automaton.farthest + LONGEST

    def row(self, state: int) -> Row:
        """Return where each token leads from a state, (vocabulary,).

        Raises `OptionError` where no token of the model can come, though characters could, or beyond the bounds.
        """
        while (row := self._rows[state]) is None:
            self.prepare(state)
        return row

    def prepare(self, state: int, seconds: float = np.inf) -> bool:
        """Work on a state's row for some seconds; return whether it is there. Raises `OptionError` as `row` does."""
        if self._rows[state] is not None:
            return True
        until = self._budget.clock() + seconds
        if self._making is None:
            self._making = self._made(state)
            self._budget.renew()
        self._budget.resume()
        try:
            for _ in self._making:
                if self._budget.clock() >= until:
                    self._budget.pause()
                    return False
        except BaseException:
            self._making = None
            raise
        self._making = None  # which may have made the row of another state that was asked for before
        return self._rows[state] is not None

    def row_within(self, state: int, left: int) -> Row:
        """Return the same, of tokens after which `left` - 1 more suffice to come to an end."""
        row = self.row(state).copy()
        row[(row > ENDED) & (self._needed[row] > left - 1)] = NEVER
        if not (row != NEVER).any():
            raise OptionError(
                f"the shape may not be complete within the {left} tokens that are left: give it more --length"
            )
        return row

    def needed(self, state: int) -> int:
        """Return how many tokens suffice to come from a state to an end of the text."""
        return int(self._needed[state])

    def _made(self, state: int) -> Iterator[None]:
        """Make a row, and pause every few steps."""
        self._budget.charge(4 * self._size + ROW_BYTES)
        key = self._keys[state]
        steps = RowSteps(self._automaton, key, in_bytes=self._tree.in_bytes)
        row = np.full(self._size, NEVER, np.int64)
        try:
            yield from self._followed(steps, row)
            if self._end is not None and self._automaton.final(key[0]) and not key[1]:
                row[self._end] = ENDED
            yield from self._numbered(steps, row)
        finally:
            steps.close()
        if not (row != NEVER).any():
            raise OptionError("the text cannot go on: no token of the model fits into the shape that is asked for")
        self._enter(state, row.astype(np.int32))

    def _followed(self, steps: RowSteps, row: Numbers) -> Iterator[None]:
        """Set where tokens lead, by the numbers of `steps`: length by length of the tokens' beginnings."""
        led, inside = np.array([FIRST]), np.array([False])  # inside: a character of the token is complete
        for level in self._tree.levels:
            above, inside = led[level.parents], inside[level.parents]
            led = np.where(above == ENDED, ENDED, NEVER)
            going = np.flatnonzero(above > ENDED)
            yield from self._step(steps, level, above, going, led)
            over = led == ENDS_HERE
            led[over] = np.where(inside[over], NEVER, ENDED)  # within a token no text ends: another token is shorter
            inside |= steps.are_whole(led)
            row[level.tokens] = led[level.places]
            if not (led >= ENDED).any():
                return

    def _step(self, steps: RowSteps, level: Level, above: Numbers, going: Numbers, led: Numbers) -> Iterator[None]:
        """Set where those beginnings lead that go on, each different step once."""
        units = self._classes[level.units[going]] + 1  # 0: no character that the automaton knows
        different = int(units.max(initial=0)) + 1
        pairs, which = _distinct(above[going] * different + units)
        after = np.empty(len(pairs), np.int64)
        for place, pair in enumerate(pairs.tolist()):
            number, unit = divmod(pair, different)
            after[place] = steps.after(number, unit - 1)
            if place % STEPS_AT_ONCE == 0:
                self._budget.tick(STEPS_AT_ONCE)
                yield
        led[going] = after[which]

    def _numbered(self, steps: RowSteps, row: Numbers) -> Iterator[None]:
        """Replace the numbers of `steps` in a row by those of the guide."""
        kept = row > ENDED
        used, which = _distinct(row[kept])
        numbers = np.empty(len(used), np.int64)
        for place, number in enumerate(used.tolist()):
            key = steps.keys[number]
            numbers[place] = self._numbers.get(key) or self._keep(key, steps.needed(key))
            if place % STEPS_AT_ONCE == 0:
                yield
        row[kept] = numbers[which]

    def _keep(self, key: Key, needed: int) -> int:
        """Return the number of a new state."""
        self._budget.tick()
        self._budget.charge(STATE_BYTES + key[0][0].bit_length() // 8)
        number = self._numbers[key] = len(self._keys)
        self._keys.append(key)
        self._rows.append(None)
        if number == len(self._needed):
            self._needed = np.concatenate([self._needed, np.zeros(number, np.int64)])
        self._needed[number] = needed
        return number

    def _enter(self, state: int, row: Row) -> None:
        """Keep a row, and tell the kernel of it."""
        self._rows[state] = row
        if len(self._rows) > len(self.addresses):
            self.addresses = np.concatenate([self.addresses, np.zeros(len(self._rows), np.uintp)])
        self.addresses[state] = row.ctypes.data


def _distinct(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """Return the different numbers, ascending, and the place of each among them; small ones unsorted."""
    largest = int(numbers.max(initial=0))
    if largest > 8 * len(numbers) + 1024:
        values, places = np.unique(numbers, return_inverse=True)
        return values, places.reshape(-1)
    met = np.zeros(largest + 1, np.bool_)
    met[numbers] = True
    return np.flatnonzero(met), (np.cumsum(met) - 1)[numbers]
