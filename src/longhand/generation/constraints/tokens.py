"""A model's tokens by what they begin with: made once, for all shapes of the model."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from longhand.generation.constraints.alphabet import CodePoints, writable
from longhand.text.tokenizer import Tokenizer

Numbers = npt.NDArray[np.int64]

_trees: WeakKeyDictionary[Tokenizer, TokenTree] = WeakKeyDictionary()


class Level(NamedTuple):
    """All beginnings of tokens of one length.

    - parents: of each, its own beginning among those of the level above
    - units: of each, the last byte, or the place of the last character among `TokenTree.characters`
    - tokens, places: the tokens of this length, and which of the beginnings each is
    """

    parents: Numbers
    units: Numbers
    tokens: Numbers
    places: Numbers


class TokenTree:
    """The beginnings of all tokens that can be written, by their length.

    - in_bytes: whether the units are bytes rather than characters
    - characters: the different characters of all tokens, ascending; none where the units are bytes
    - points: the code points that can be written
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.in_bytes = tokenizer.kind in ("byte", "bpe")
        self.points: CodePoints = writable(tokenizer)
        tokens = np.setdiff1d(np.arange(tokenizer.size), tokenizer.never_written)
        if self.in_bytes:
            pieces = [tokenizer.pieces[token] for token in tokens.tolist()]  # type: ignore[attr-defined]
            units = np.frombuffer(b"".join(pieces), np.uint8).astype(np.int64)
            self.characters: CodePoints = np.zeros(0, np.int64)
        else:
            pieces = [tokenizer.decode(np.array([token])) for token in tokens.tolist()]
            points = np.frombuffer("".join(pieces).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
            self.characters, units = np.unique(points, return_inverse=True)
        self.levels = _levels(tokens, np.array([len(each) for each in pieces], np.int64), units.reshape(-1))


def _levels(tokens: Numbers, lengths: Numbers, units: Numbers) -> list[Level]:
    levels: list[Level] = []
    begins = np.cumsum(lengths) - lengths
    left = lengths > 0
    tokens, lengths, begins = tokens[left], lengths[left], begins[left]
    places = np.zeros(len(tokens), np.int64)
    different = int(units.max(initial=0)) + 1
    while len(tokens):
        last = units[begins + len(levels)]
        keys, places = np.unique(places * different + last, return_inverse=True)
        places = places.reshape(-1)
        ends = lengths == len(levels) + 1
        levels.append(Level(keys // different, keys % different, tokens[ends], places[ends]))
        tokens, lengths, begins, places = tokens[~ends], lengths[~ends], begins[~ends], places[~ends]
    return levels


def tree_of(tokenizer: Tokenizer) -> TokenTree:
    """Return the tree of a tokenizer's tokens."""
    tree = _trees.get(tokenizer)
    if tree is None:
        tree = _trees[tokenizer] = TokenTree(tokenizer)
    return tree
