"""How much of a text is a copy of another: the longest runs that both have, and the share of sequences that are new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from longhand.copies.index import CopyIndex
from longhand.text.segments import word_spans
from longhand.text.utf8 import utf8_bytes

OF_CHARACTERS = (5, 10, 20, 40)
OF_WORDS = (1, 2, 3, 5)
LONGEST = 5  # runs that are listed
FIRST_REACH, LONGEST_RUN = 64, 4096  # bytes of a run that are looked at first, and at most


@dataclass(frozen=True)
class Run:
    """A run of characters that occurs in both texts.

    - begin, length: in the text that is looked at, in characters
    - source: where the other text has it first by its suffixes' order, in bytes
    """

    begin: int
    length: int
    text: str
    source: int


@dataclass(frozen=True)
class Novelty:
    """What a report says.

    - characters: of the text
    - longest: the longest runs, which do not overlap, the longest first; of a longer one the first 4,096 bytes
    - new_characters, new_words: of all sequences of so many, which share does not occur in the other text
    """

    characters: int
    longest: list[Run]
    new_characters: dict[int, float] = field(default_factory=dict)
    new_words: dict[int, float] = field(default_factory=dict)


def novelty(text: str, index: CopyIndex, tell: Callable[[float], None] | None = None) -> Novelty:
    """Compare a text with one that is indexed.

    - tell: is called with the share that is done
    """
    lengths = _copied(text, index, tell)
    shares = {count: _share_new(text, count, lengths) for count in OF_CHARACTERS if len(text) >= count}
    return Novelty(len(text), _longest(text, lengths, index), shares, _new_words(text, index))


def _copied(text: str, index: CopyIndex, tell: Callable[[float], None] | None) -> list[int]:
    """Return for each place how many characters from there on occur in the other text."""
    data = utf8_bytes(text)
    sizes = [len(utf8_bytes(letter)) for letter in text] if len(data) > len(text) else [1] * len(text)
    lengths, begin = [], 0
    for place, size in enumerate(sizes):
        reach = FIRST_REACH
        while (found := index.longest_beginning(data[begin : begin + reach])) == reach < LONGEST_RUN:
            reach *= 4
        lengths.append(found if len(data) == len(text) else _whole(data[begin : begin + found]))
        begin += size
        if tell is not None and place % 1024 == 0:
            tell(place / len(text))
    return lengths


def _whole(data: bytes) -> int:
    """Return how many whole characters bytes are."""
    return len(data.decode("utf-8", "ignore"))


def _share_new(text: str, count: int, lengths: list[int]) -> float:
    """Return the share of a text's sequences of `count` characters that do not occur in the other one."""
    places = len(text) - count + 1
    return sum(length < count for length in lengths[:places]) / places


def _longest(text: str, lengths: list[int], index: CopyIndex) -> list[Run]:
    """Return the longest runs that do not overlap."""
    runs: list[Run] = []
    taken: list[tuple[int, int]] = []
    for begin in sorted(range(len(text)), key=lambda place: -lengths[place]):
        if len(runs) == LONGEST or lengths[begin] == 0:
            break
        end = begin + lengths[begin]
        if all(end <= first or begin >= last for first, last in taken):
            taken.append((begin, end))
            found = text[begin:end]
            runs.append(Run(begin, end - begin, found, index.where(utf8_bytes(found))))
    return runs


def _new_words(text: str, index: CopyIndex) -> dict[int, float]:
    """Return the share of sequences of words that do not occur, letter by letter, in the other text."""
    words = word_spans(text)
    shares = {}
    for count in OF_WORDS:
        places = len(words) - count + 1
        if places > 0:
            spans = [text[words[n][0] : words[n + count - 1][1]] for n in range(places)]
            known = {span: index.occurs(span) for span in set(spans)}
            shares[count] = sum(not known[span] for span in spans) / places
    return shares
