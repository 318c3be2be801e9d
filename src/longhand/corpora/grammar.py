"""Probabilistic grammars whose texts depend on what was chosen earlier, and what can be known of them exactly.

A grammar is a node: a text; nodes that follow one another, as a tuple; a `Pick` of one of several; or a `Recall`, whose
choice was made by an earlier pick. There is no recursion, so that each text is finite.

Where each text has one derivation, the probability of a text is that of its derivation, the product of its picks'. Then
the entropy of the texts is the expected number of bits of all picks (the chain rule: Cover and Thomas, "Elements of
Information Theory", 2006, chapter 2), which `expected` adds up from the grammar itself, without drawing a single text.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeAlias

Node: TypeAlias = "str | tuple[Node, ...] | Pick | Recall"
Known: TypeAlias = "Mapping[str, str]"
"""What named picks chose so far."""
Names: TypeAlias = "frozenset[str]"


@dataclass(frozen=True)
class Pick:
    """One of several nodes.

    - options: nodes by the value that a pick of them is remembered as
    - weights: of the options, in proportion to their probabilities; equal if left out
    - name: what it is recalled by; nothing is remembered if it is empty
    """

    options: Mapping[str, Node]
    weights: tuple[float, ...] = ()
    name: str = ""
    chances: tuple[float, ...] = field(init=False)
    _sums: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        weights = self.weights or (1.0,) * len(self.options)
        if len(weights) != len(self.options) or not all(0 < weight < math.inf for weight in weights):
            raise ValueError(
                f"{len(self.options)} options have the weights {weights}, expected one above zero for each"
            )
        chances = tuple(weight / math.fsum(weights) for weight in weights)
        object.__setattr__(self, "chances", chances)
        object.__setattr__(self, "_sums", (*accumulate(chances[:-1]), 1.0))

    def drawn(self, chance: float) -> tuple[str, Node]:
        """Return the value and the node that a number in [0, 1) stands for."""
        return tuple(self.options.items())[bisect_right(self._sums, chance)]


@dataclass(frozen=True)
class Recall:
    """The node that an earlier pick's value stands for; `otherwise` where there was no such pick, or another value."""

    name: str
    nodes: Mapping[str, Node]
    otherwise: Node = ""

    def of(self, known: Known) -> Node:
        """Return the node that stands here after what is known."""
        return self.nodes.get(known.get(self.name, ""), self.otherwise)


@dataclass(frozen=True)
class Expected:
    """What texts of a grammar have in the mean: bits of their derivations, characters, and bytes in UTF-8."""

    bits: float = 0.0
    characters: float = 0.0
    size: float = 0.0

    def plus(self, other: Expected, share: float = 1.0) -> Expected:
        """Return the sum of this and a share of another one."""
        return Expected(
            self.bits + share * other.bits,
            self.characters + share * other.characters,
            self.size + share * other.size,
        )


def one_of(*texts: Node, name: str = "", weights: tuple[float, ...] = ()) -> Pick:
    """Return a pick of some nodes: of texts that are remembered as themselves, or of others by their number."""
    values = [text if isinstance(text, str) else str(number) for number, text in enumerate(texts)]
    return Pick(dict(zip(values, texts, strict=True)), weights, name)


def maybe(chance: float, node: Node) -> Pick:
    """Return a node that is there with a chance, and otherwise nothing."""
    return Pick({"": "", "there": node}, (1 - chance, chance))


def numbers(wanted: Iterable[int], form: str = "{}") -> Pick:
    """Return a pick of whole numbers, all as likely, written as `form` says."""
    return one_of(*(form.format(number) for number in wanted))


def chain(nodes: Sequence[Node], chances: Sequence[float]) -> Node:
    """Return as many of these nodes as chance will have, from the first one on.

    - chances: of each of them, where the one before is there
    """
    rest: Node = ""
    for node, chance in zip(reversed(nodes), reversed(chances), strict=True):
        rest = maybe(chance, (node, rest))
    return rest


def write(node: Node, random: Callable[[], float], known: dict[str, str] | None = None) -> str:
    """Return a text of a grammar.

    - random: gives a number in [0, 1) for each pick
    - known: what named picks chose so far, added to by those of this node
    """
    known = {} if known is None else known
    if isinstance(node, str):
        return node
    if isinstance(node, tuple):
        return "".join([write(part, random, known) for part in node])
    if isinstance(node, Recall):
        return write(node.of(known), random, known)
    value, option = node.drawn(random())
    if node.name:
        known[node.name] = value
    return write(option, random, known)


class Reader:
    """Finds the derivations of texts.

    - furthest: how many characters of the text that was read last some beginning of a derivation explains
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._text = ""
        self.furthest = 0

    def derivations(self, text: str) -> list[float]:
        """Return the bits of each derivation of a text; of none if it is not of the grammar."""
        self._text, self.furthest = text, 0
        return [bits for end, _, bits in self._read(self._node, 0, {}) if end == len(text)]

    def _read(self, node: Node, place: int, known: Known) -> Iterator[tuple[int, Known, float]]:
        """Yield where each reading of a node ends that begins at a place, what is known then, and its bits."""
        if isinstance(node, str):
            if self._text.startswith(node, place):
                self.furthest = max(self.furthest, place + len(node))
                yield place + len(node), known, 0.0
        elif isinstance(node, tuple):
            yield from self._read_all(node, place, known)
        elif isinstance(node, Recall):
            yield from self._read(node.of(known), place, known)
        else:
            for (value, option), chance in zip(node.options.items(), node.chances, strict=True):
                after = {**known, node.name: value} if node.name else known
                for end, later, bits in self._read(option, place, after):
                    yield end, later, bits - math.log2(chance)

    def _read_all(self, nodes: tuple[Node, ...], place: int, known: Known) -> Iterator[tuple[int, Known, float]]:
        if not nodes:
            yield place, known, 0.0
            return
        for middle, after, first in self._read(nodes[0], place, known):
            for end, later, rest in self._read_all(nodes[1:], middle, after):
                yield end, later, first + rest


Situations: TypeAlias = "dict[tuple[tuple[str, str], ...], float]"
"""Probabilities of what may be known at a place: names and values, sorted."""


def expected(node: Node) -> Expected:
    """Return what the texts of a grammar have in the mean, exactly, without drawing any.

    The entropy of the texts is its `bits` if no text has two derivations.
    """
    return _expected(node, {(): 1.0}, frozenset())[0]


def _expected(node: Node, before: Situations, later: Names) -> tuple[Expected, Situations]:
    """Return what a node adds in the mean, and what is known after it.

    - before: what may be known before it; the probabilities add up to that of coming here
    - later: names that are recalled after it; all others are forgotten, to keep situations few
    """
    if _depends_on_nothing(node):
        return Expected().plus(_mean(node), math.fsum(before.values())), _without(before, later)
    total, after = Expected(), before
    if isinstance(node, tuple):
        for number, part in enumerate(node):
            found, after = _expected(part, after, later.union(*map(recalled, node[number + 1 :])))
            total = total.plus(found)
        return total, after
    assert not isinstance(node, str)
    branches, after = _recalled(node, before) if isinstance(node, Recall) else _picked(node, before), {}
    for option, situations in branches:
        found, ended = _expected(option, situations, later)
        total = total.plus(found)
        for known, chance in ended.items():
            after[known] = after.get(known, 0.0) + chance
    if isinstance(node, Pick):
        total = total.plus(Expected(_bits(node)), math.fsum(before.values()))
    return total, after


def _mean(node: Node) -> Expected:
    """Return what a node that depends on nothing has in the mean."""
    if isinstance(node, str):
        return Expected(0.0, len(node), len(node.encode()))
    assert not isinstance(node, Recall)
    parts = (
        [(part, 1.0) for part in node]
        if isinstance(node, tuple)
        else zip(node.options.values(), node.chances, strict=True)
    )
    total = Expected(_bits(node) if isinstance(node, Pick) else 0.0)
    for part, chance in parts:
        total = total.plus(_mean(part), chance)
    return total


def _bits(node: Pick) -> float:
    """Return the entropy of a pick itself, without what follows from it."""
    return -math.fsum(chance * math.log2(chance) for chance in node.chances)


def _depends_on_nothing(node: Node) -> bool:
    """Whether a node neither recalls anything nor is there anything in it to be recalled."""
    if isinstance(node, str | Recall):
        return isinstance(node, str)
    if isinstance(node, tuple):
        return all(map(_depends_on_nothing, node))
    return not node.name and all(map(_depends_on_nothing, node.options.values()))


def _picked(node: Pick, before: Situations) -> Iterator[tuple[Node, Situations]]:
    for (value, option), chance in zip(node.options.items(), node.chances, strict=True):
        yield option, {_with(known, node.name, value): chance * share for known, share in before.items()}


def _recalled(node: Recall, before: Situations) -> Iterator[tuple[Node, Situations]]:
    values = {dict(known).get(node.name, "") for known in before}
    for value in sorted(values):
        yield (
            node.of({node.name: value}),
            {known: share for known, share in before.items() if dict(known).get(node.name, "") == value},
        )


def _with(known: tuple[tuple[str, str], ...], name: str, value: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({**dict(known), name: value}.items())) if name else known


def _without(before: Situations, later: Names) -> Situations:
    """Return situations in which only those names are known that are still needed."""
    after: Situations = {}
    for known, chance in before.items():
        needed = tuple(pair for pair in known if pair[0] in later)
        after[needed] = after.get(needed, 0.0) + chance
    return after


def recalled(node: Node) -> Names:
    """Return the names that are recalled somewhere in a node."""
    if isinstance(node, str):
        return frozenset()
    if isinstance(node, Recall):
        inner: tuple[Node, ...] = (*node.nodes.values(), node.otherwise)
        return frozenset({node.name}).union(*map(recalled, inner))
    return frozenset().union(*map(recalled, node if isinstance(node, tuple) else tuple(node.options.values())))
