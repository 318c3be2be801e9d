"""Which documents of a text are held out, and in which order the others are learned: by a rule of their content alone.

Documents are ranked by a hash of their characters. Those held out are the first of them, as many as make up the wanted
share; so they come from all over the text, equal documents are on one side, and the same text is always split alike.
Of a document that occurs often, such as the "yes" of a chat, some are on each side, as they will be in other texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from longhand.arrays import BoolArray, TokenIds
from longhand.text.documents import BOUNDARY
from longhand.text.points import CodePoints, code_points

SPLIT_FORMAT = 1  # of the rule, which what is kept and checkpoints depend on
BLOCK = 1 << 24  # characters of a text whose documents are shuffled together
COPIES_TOGETHER = 8  # equal documents that are on one side; of more, each falls where it may
CLOSE_ENOUGH = 0.95  # of the wanted share, beside which no smaller document is looked for
MAX_SKIPPED = 1000  # documents that are too long for what is left of the share
DOCUMENTS_AT_ONCE = 1 << 12
_BOUNDARY_POINT = ord(BOUNDARY)
_FACTOR = 0x9E3779B97F4A7C15  # any odd number: 2**64 / the golden ratio
_INVERSE = pow(_FACTOR, -1, 1 << 64)

Numbers = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Order = npt.NDArray[np.int32]


def mixed(numbers: Numbers) -> Numbers:
    """Return numbers whose every bit depends on every bit given: the finaliser of SplitMix64 (Steele et al., 2014)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))


@dataclass(frozen=True)
class DocumentSplit:
    """A text of documents, some of which are held out.

    - held_out: which of them are, (documents,)
    - learned: how many characters the others have, their ends included
    - orders: in which order the others are learned: of each block in turn, the numbers of its documents, int32
    """

    held_out: BoolArray
    learned: int
    orders: list[Order]

    def parts(self, pieces: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Yield a text, in pieces, with the number of the half before each part: 0 learned, 1 held out."""
        number = 0  # of the document in which a piece begins
        for piece in pieces:
            ends = np.flatnonzero(code_points(piece) == _BOUNDARY_POINT) + 1
            held_out = self.held_out[number : number + len(ends) + 1]
            number += len(ends)
            if not held_out.any():
                yield 0, piece
                continue
            changes = np.flatnonzero(held_out[1:] != held_out[:-1])
            places = [0, *ends[changes].tolist(), len(piece)]
            runs = [piece[begin:end] for begin, end in pairwise(places)]  # of documents of one half
            for half in (0, 1):
                if part := "".join(runs[int(held_out[0]) ^ half :: 2]):
                    yield half, part

    def half(self, pieces: Iterable[str], which: int) -> Iterator[str]:
        """Yield one half of a text that comes in pieces."""
        return (part for half, part in self.parts(pieces) if half == which)


class DocumentList:
    """The documents of a text, by the hash and the length of each: 12 bytes a document."""

    def __init__(self) -> None:
        self._hashes: list[Numbers] = []
        self._lengths: list[npt.NDArray[np.uint32]] = []
        self._powers = self._inverses = np.ones(1, np.uint64)
        self._open, self._since = 0, 0  # the open document's hash and length

    def add(self, points: CodePoints) -> None:
        """Take in a piece of the text, as code points, in which each document ends with BOUNDARY."""
        ends = np.flatnonzero(points == _BOUNDARY_POINT)
        self._grow(len(points))
        sums = np.zeros(len(points) + 1, np.uint64)
        np.cumsum(points * self._powers[: len(points)], out=sums[1:])
        begins = np.concatenate([[0], ends + 1])
        closes = np.append(ends, len(points))
        hashes = (sums[closes] - sums[begins]) * self._inverses[begins]
        first = (self._open + pow(_FACTOR, self._since, 1 << 64) * int(hashes[0])) % (1 << 64)
        if not len(ends):
            self._open, self._since = first, self._since + len(points)
        else:
            hashes[0] = first
            lengths = (closes - begins)[:-1].astype(np.uint64)
            lengths[0] += np.uint64(self._since)
            self._hashes.append(mixed(hashes[:-1] + mixed(lengths)))
            self._lengths.append((lengths + np.uint64(1)).astype(np.uint32))
            self._open, self._since = int(hashes[-1]), len(points) - int(begins[-1])

    def _grow(self, length: int) -> None:
        """Make the powers of the factor and of its inverse that a piece of some length needs."""
        if len(self._powers) <= length:
            self._powers, self._inverses = _powers(_FACTOR, length), _powers(_INVERSE, length)

    @property
    def ends(self) -> Places:
        """Where each document ends, in characters of the text, (documents,)."""
        return np.cumsum(self.lengths, dtype=np.int64)

    @property
    def lengths(self) -> Places:
        """How many characters each document has, its end included, (documents,)."""
        return np.concatenate([np.zeros(0, np.int64), *self._lengths], dtype=np.int64)

    def number_at(self, places: Places) -> Places:
        """Return the number of the document that is at each of some places of the text, in characters."""
        return np.searchsorted(self.ends, places, "right")

    def split(self, share: float) -> DocumentSplit:
        """Return the split of the text that holds out a share of its characters, at least one document if any."""
        lengths, hashes = self.lengths, np.concatenate([np.zeros(0, np.uint64), *self._hashes])
        copies, is_frequent = _copies(hashes)
        held_out = _held_out(mixed(hashes + mixed(copies * is_frequent)), lengths, share)
        learned, keys = lengths[~held_out], mixed(hashes ^ mixed(copies + np.uint64(1)))[~held_out]
        return DocumentSplit(held_out, int(learned.sum()), _orders(keys, learned))


def _powers(factor: int, length: int) -> Numbers:
    """Return the powers of a factor modulo 2**64, from the first one, which is 1, (length + 1,)."""
    powers = np.full(length + 1, factor, np.uint64)
    powers[0] = 1
    np.cumprod(powers, out=powers)
    return powers


def _held_out(ranks: Numbers, lengths: Places, share: float) -> BoolArray:
    """Return which documents are held out, (documents,): those that come first by their ranks.

    - share: of the characters, that they are to have
    """
    held_out, wanted = np.zeros(len(ranks), np.bool_), round(int(lengths.sum()) * share)
    if not wanted or len(ranks) < 2:
        return held_out
    order = np.argsort(ranks)
    firsts = _firsts(ranks[order])
    if len(firsts) == 1:  # all are equal: any of them, as there is no other way
        firsts = np.arange(len(ranks))
    sizes = np.add.reduceat(lengths[order], firsts)
    held_out[order] = np.repeat(_chosen(sizes, wanted), np.diff(firsts, append=len(ranks)))
    return held_out


def _chosen(sizes: Places, wanted: int) -> BoolArray:
    """Return which of some sizes are taken, in their order, to come close to a sum: one at least, and never all."""
    chosen, taken, begin = np.zeros(len(sizes), np.bool_), 0, 0
    sums = np.concatenate([[0], np.cumsum(sizes)])
    for _ in range(MAX_SKIPPED):
        end = int(np.searchsorted(sums, sums[begin] + wanted - taken, "right")) - 1  # all up to here fit in
        chosen[begin:end] = True
        taken += int(sums[end] - sums[begin])
        if end == len(sizes) or taken >= CLOSE_ENOUGH * wanted:
            break
        if sizes[end] <= 2 * (wanted - taken):  # closer with it than without
            chosen[end] = True
            break
        begin = end + 1
    if not chosen.any():
        chosen[np.argmin(sizes)] = True
    if chosen.all():
        chosen[np.argmax(sizes)] = False
    return chosen


def _orders(keys: Numbers, lengths: Places) -> list[Order]:
    """Return the order of the documents in each block of a text, by their keys; a longer one is a block by itself."""
    if not len(keys):
        return []
    long = lengths > BLOCK
    blocks = (np.cumsum(lengths) - lengths) // BLOCK
    changes = (np.diff(blocks) != 0) | long[1:] | long[:-1]
    return [np.argsort(block).astype(np.int32) for block in np.split(keys, np.flatnonzero(changes) + 1)]


def _copies(hashes: Numbers) -> tuple[Numbers, BoolArray]:
    """Return a number for each of the documents that are equal, from 0, and whether there are many, (documents,)."""
    copies, is_frequent = np.zeros(len(hashes), np.uint64), np.zeros(len(hashes), np.bool_)
    order = np.argsort(hashes)
    firsts = _firsts(hashes[order])
    if len(firsts) < len(hashes):
        sizes = np.diff(firsts, append=len(hashes))
        copies[order] = np.arange(len(hashes)) - np.repeat(firsts, sizes)
        is_frequent[order] = np.repeat(sizes > COPIES_TOGETHER, sizes)
    return copies, is_frequent


def _firsts(ordered: Numbers) -> Places:
    """Return where each different one of some numbers first is, which are in order."""
    return np.flatnonzero(np.diff(ordered, prepend=~ordered[:1]) != 0)


def shuffled(pieces: Iterable[TokenIds], orders: Iterable[Order], start: int) -> Iterator[TokenIds]:
    """Yield token numbers whose documents, each of which ends with `start`, are put into another order block by block.

    - orders: the order of the documents in each block
    """
    source = iter(pieces)
    rest: TokenIds = np.zeros(0, np.int32)

    def documents(count: int) -> Iterator[TokenIds]:
        nonlocal rest
        while count and (len(rest) or (rest := next(source, rest[:0])).size):
            ends = np.flatnonzero(rest == start)[:count]
            cut = int(ends[-1]) + 1 if len(ends) == count else len(rest)
            count -= len(ends)
            part, rest = rest[:cut], rest[cut:]
            yield part

    for order in orders:
        if len(order) == 1:  # and perhaps too long to be held
            yield from documents(1)
        else:
            block = np.concatenate(list(documents(len(order))))  # a copy, for what it is of may be written over
            yield from _reordered(block, order, start)


def _reordered(ids: TokenIds, order: Order, start: int) -> Iterator[TokenIds]:
    ends = np.flatnonzero(ids == start) + 1
    lengths = np.diff(ends, prepend=0)
    begins = ends - lengths
    for first in range(0, len(order), DOCUMENTS_AT_ONCE):
        some = order[first : first + DOCUMENTS_AT_ONCE]
        new = np.cumsum(lengths[some]) - lengths[some]  # where they begin now
        places = np.repeat((begins[some] - new).astype(np.int32), lengths[some])
        places += np.arange(len(places), dtype=np.int32)
        yield ids[places]
