"""An automaton over a model's tokens: which may come next, and where each leads.

Its states are numbered as they are met, and a state's row, a number for each token, is made when it is needed: a table
that the kernel follows by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from longhand.errors import OptionError
from longhand.generation.constraints.alphabet import LAST
from longhand.generation.constraints.automaton import END, FORBIDDEN, Automaton, State
from longhand.generation.constraints.bounds import USUAL
from longhand.text.tokenizer import Tokenizer

ENDED, BEGIN = 0, 1  # states: the text is over, before the token that led here; and nothing is written
NEVER = -1  # in a row, of a token that may not come
LONGEST = 4  # bytes of a character
LEAST_OF_LENGTH = (0, 0, 0x80, 0x800, 0x10000)  # the first code point whose UTF-8 has so many bytes

Row = npt.NDArray[np.int32]
Key = tuple[State, bytes]  # the automaton's state, and the bytes of a character that has begun


class Guide:
    """See above.

    - end: the token that ends a text, which may come where the text may end
    """

    def __init__(
        self, automaton: Automaton, tokenizer: Tokenizer, end: int | None = None, most_bytes: int = USUAL.row_bytes
    ) -> None:
        self._most_bytes = most_bytes
        self._automaton, self._end, self._size = automaton, end, tokenizer.size
        self._in_bytes = tokenizer.kind in ("byte", "bpe")
        self._trie = _Node()
        for token in range(tokenizer.size):
            if token not in tokenizer.never_written and (units := self._units(tokenizer, token)):
                self._trie.add(units, token)
        self._keys: list[Key] = [(automaton.begin, b""), (automaton.begin, b"")]
        self._numbers: dict[Key, int] = {self._keys[BEGIN]: BEGIN}
        self._rows: list[Row | None] = [np.zeros(self._size, np.int32), None]
        self._steps: dict[tuple[State, int], State | str] = {}
        self.addresses = np.zeros(64, np.uintp)  # of the rows that there are, for the kernel
        self.addresses[ENDED] = self._rows[ENDED].ctypes.data  # type: ignore[union-attr]
        self.bound = automaton.farthest + LONGEST

    def row(self, state: int) -> Row:
        """Return where each token leads from a state, (vocabulary,).

        Raises `OptionError` where no token of the model can come, though characters could.
        """
        row = self._rows[state]
        if row is None:
            row = self._made(state)
            if not (row != NEVER).any():
                raise OptionError("the text cannot go on: no token of the model fits into the shape that is asked for")
            self._rows[state] = row
            if len(self._rows) > len(self.addresses):
                self.addresses = np.concatenate([self.addresses, np.zeros(len(self._rows), np.uintp)])
            self.addresses[state] = row.ctypes.data
            if sum(each is not None for each in self._rows) * row.nbytes > self._most_bytes:
                raise OptionError(f"the shape takes more than {self._most_bytes >> 20} MB: ask for a simpler one")
        return row

    def row_within(self, state: int, left: int) -> Row:
        """Return the same, of tokens after which `left` - 1 more suffice to come to an end."""
        row = self.row(state).copy()
        for after in np.unique(row).tolist():
            if after not in (NEVER, ENDED) and self.needed(after) > left - 1:
                row[row == after] = NEVER
        if not (row != NEVER).any():
            raise OptionError(
                f"the shape may not be complete within the {left} tokens that are left: give it more --length"
            )
        return row

    def needed(self, state: int) -> int:
        """Return how many tokens suffice to come from a state to an end of the text."""
        here, begun = self._keys[state]
        distance = self._automaton.distance(here)
        assert distance is not None
        if not begun or distance == 0:  # a character that has only begun is no part of the text
            return distance
        first, last, _ = code_range(begun)
        steps = {self._step(here, each) for each in self._automaton.alphabet.between(first, last)}
        after = [self._automaton.distance(each) for each in steps if not isinstance(each, str)]
        return LONGEST - len(begun) + min(each for each in after if each is not None)

    def _units(self, tokenizer: Tokenizer, token: int) -> list[int]:
        """Return the bytes of a token, or its characters' classes."""
        if self._in_bytes:
            return list(tokenizer.pieces[token])  # type: ignore[attr-defined]
        return [self._automaton.alphabet.class_of(letter) for letter in tokenizer.decode(np.array([token]))]

    def _made(self, state: int) -> Row:
        row = np.full(self._size, NEVER, np.int32)
        key = self._keys[state]
        if self._end is not None and self._automaton.final(key[0]) and not key[1]:
            row[self._end] = ENDED
        waiting = [(self._trie, key, False)]
        while waiting:
            node, here, any_character = waiting.pop()
            for unit, child in node.children.items():
                after = self._after(here, unit)
                if isinstance(after, str):
                    if after == END and not any_character:  # within a token no text ends: another token is shorter
                        row[list(child.all_tokens())] = ENDED
                    continue
                if child.tokens:
                    row[child.tokens] = self._number(after)
                if child.children:
                    waiting.append((child, after, any_character or not after[1]))
        return row

    def _number(self, key: Key) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self._keys)
            self._keys.append(key)
            self._rows.append(None)
        return self._numbers[key]

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
        if key not in self._steps:
            self._steps[key] = self._automaton.step(state, character)
        return self._steps[key]


class _Node:
    """A place in the tree of all tokens, by what they begin with."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.children: dict[int, _Node] = {}

    def add(self, units: Sequence[int], token: int) -> None:
        """Give a token, by its units, its place below this one."""
        node = self
        for unit in units:
            node = node.children.setdefault(unit, _Node())
        node.tokens.append(token)

    def all_tokens(self) -> Iterator[int]:
        """Yield the tokens here and below."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield from node.tokens
            waiting.extend(node.children.values())


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
