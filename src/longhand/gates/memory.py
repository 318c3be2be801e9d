"""How long a network remembers: by what it says, and by what its forget gates do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longhand.arrays import DoubleArray, TokenIds
from longhand.gates.trace import Trace
from longhand.generation.sampler import logsumexp
from longhand.runtime.choice import Runtime
from longhand.runtime.session import RecurrentSession, checked_logits
from longhand.state import State
from longhand.text.progress import Told, untold

STREAMS = 64  # texts that are read side by side
MOST_LOGITS = 1 << 22  # that are looked at in one piece
NEARBY = 10
FEWEST = 32  # tokens of a text that says something of memory


@dataclass(frozen=True)
class Influence:
    """How much one token changes what is predicted later.

    - bits: (distances,), the mean divergence of the predictions for the token so many places later, from 1 on, when
      another one of the text's own tokens stands in its place: KL(as it is || as it would be)
    - places: at how many places that was tried
    """

    bits: DoubleArray
    places: int

    def around(self, distance: int) -> float:
        """Return the mean influence at about this distance, up to a tenth nearer or farther: single ones scatter."""
        away = distance // NEARBY
        return float(self.bits[distance - away - 1 : distance + away].mean())


def influence(
    runtime: Runtime,
    trace: Trace,
    *,
    reach: int,
    places: int,
    seed: int,
    start: int | None = None,
    tell: Told = untold,
) -> Influence:
    """Return how much a token influences predictions up to `reach` tokens later, by substitution.

    - places: how many tokens of the text are replaced, each in a text of its own
    - seed: of which places, and by what
    - start: the token before which a network of documents begins anew, so that nothing reaches beyond it

    The text may be too short for that: then `reach` is half of it, and of one shorter than 32 tokens nothing is known.
    """
    time = len(trace)
    reach = min(reach, time // 2)
    tokens = trace.reading.tokens
    pool = tokens if start is None else tokens[tokens != start]
    possible = np.arange(1, time - reach + 1) if time >= FEWEST else np.zeros(0, np.int64)
    possible = possible[tokens[possible] != start]
    if not len(possible) or len(np.unique(pool)) < 2:
        return Influence(np.zeros(0), 0)
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(possible, min(places, len(possible)), replace=False))
    total = np.zeros(reach)
    for begin in range(0, len(chosen), STREAMS):
        some = chosen[begin : begin + STREAMS]
        others = _substitutes(pool, tokens[some], random)
        total += _divergences(runtime.recurrent(2 * len(some)), trace, some, others, reach, start)
        tell("measuring how long it remembers", min(1.0, (begin + STREAMS) / len(chosen)))
    return Influence(total / len(chosen), len(chosen))


def _substitutes(tokens: TokenIds, there: TokenIds, random: np.random.Generator) -> TokenIds:
    """Return other tokens than these, one each, drawn as often as they occur among `tokens`."""
    kinds, counts = np.unique(tokens, return_counts=True)
    own, until = np.searchsorted(kinds, there), np.cumsum(counts)
    chance = (random.random(len(there)) * (len(tokens) - counts[own])).astype(np.int64)
    chance += np.where(chance >= until[own] - counts[own], counts[own], 0)  # passes over the token that stands there
    drawn: TokenIds = kinds[np.searchsorted(until, chance, side="right")]
    return drawn


def _divergences(
    session: RecurrentSession, trace: Trace, places: TokenIds, others: TokenIds, reach: int, start: int | None
) -> DoubleArray:
    """Return the sum over the places of the divergences, in bits, after each of `reach` tokens."""
    count = len(places)
    before = State(*(np.asarray(state[:, places - 1], np.float32) for state in (trace.hidden, trace.cell)))
    session.put(
        State(*(np.concatenate([part, part], axis=1) for part in (before.hidden, before.cell))), range(2 * count)
    )
    read = trace.reading.tokens[places + np.arange(reach)[:, None]]
    reached = ~np.logical_or.accumulate(read == start) if start is not None else np.ones(read.shape, np.bool_)
    read = np.concatenate([read, read], axis=1)
    read[0, count:] = others
    result = np.zeros(reach)
    width = session.logits(np.zeros((1, before.hidden.shape[-1]), np.float32)).shape[-1]
    piece = max(1, MOST_LOGITS // (2 * count * width))
    for begin in range(0, reach, piece):
        logits = checked_logits(session.feed(np.ascontiguousarray(read[begin : begin + piece]))).astype(np.float64)
        logits -= logsumexp(logits)
        as_is, changed = logits[:, :count], logits[:, count:]
        result[begin : begin + piece] = (
            (np.exp(as_is) * (as_is - changed)).sum(axis=2).sum(axis=1, where=reached[begin : begin + len(logits)])
        )
    bits: DoubleArray = np.maximum(result / np.log(2), 0)
    return bits


def lifetimes(trace: Trace) -> DoubleArray:
    """Return the mean lifetime of what each unit's cell remembers, in tokens, (layers, hidden).

    A forget gate f leaves the share f of a cell at every step; over many steps the share falls as by one f whose
    logarithm is the mean: tau = -1 / mean(log f) tokens after which 1/e is left, and half after tau log 2 (Gers,
    Schmidhuber and Cummins 2000).
    """
    result: DoubleArray = -1.0 / trace.decay
    return result
