"""How often each word occurs in a text, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing

import msgspec

from longhand.text.segments import WORDS, Rule, segments
from longhand.text.workers import Workers

MOST_WORDS = 4_000_000  # different ones that are counted at a time


def counted(pieces: Iterator[str], processes: int = 1, rule: Rule = WORDS) -> Counter[str]:
    """Count the words of a text, in pieces that `longhand.text.segments.whole_segments` has made.

    Where there are too many different ones, the rarest are dropped and counted anew if they come again (the frequent
    item counts of Manku and Motwani, 2002): the counts of rare words may be too low then.
    """
    counts: Counter[str] = Counter()
    missed: dict[str, int] = {}  # of words that may have been dropped before: how often they occurred then, at most
    dropped = 0
    for words in _counts(pieces, processes, rule):
        if dropped:
            missed.update(dict.fromkeys(words.keys() - counts.keys(), dropped))
        counts.update(words)
        while len(counts) > MOST_WORDS:
            dropped += 1
            counts = Counter({word: count for word, count in counts.items() if count + missed.get(word, 0) > dropped})
            missed = {word: count for word, count in missed.items() if word in counts}
    return counts


def _counts(pieces: Iterator[str], processes: int, rule: Rule) -> Iterator[Mapping[str, int]]:
    if processes < 2:
        yield from (Counter(segments(piece, rule)) for piece in pieces)
        return
    with closing(Workers(processes, {"rule": rule})) as workers:
        for _, answer in workers.answers((0, piece) for piece in pieces):
            yield msgspec.json.decode(answer, type=dict[str, int])
