"""Drawing the next token from logits.

This is the one place that says in which order things are done:

1. penalties of tokens among the last ones: repetition (Keskar et al. 2019), then frequency and presence (as OpenAI's)
2. what is added to the logits of some tokens (logit bias)
3. tokens that are never written go, and those that do not fit into the shape that is asked for
4. temperature and softmax; temperature 0 takes the likeliest token, and what follows does nothing
5. top-k, and of what is left top-p (Holtzman et al. 2020)
6. min-p (Nguyen et al. 2024)
7. typical (Meister et al. 2023), by the probabilities of what is left
8. one draw by the inverse of the cumulative distribution

One random number is used for each token, so that a runtime that draws itself (`longhand.runtime.native`) draws the
same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.config import TEMPERATURE, SamplingConfig
from longhand.errors import OptionError
from longhand.generation.constraints.guide import BEGIN, ENDED, NEVER, Guide, Row
from longhand.generation.saved import Facts
from longhand.runtime.session import Drawing, checked_logits, no_choice
from longhand.settings import length_of

NO_TOKENS: TokenIds = np.zeros(0, np.int64)
LARGEST_LOGIT = float(np.finfo(np.float32).max)  # of either sign: logits are 32-bit floats, whatever is added to them
PERIOD = 2**128  # of PCG64: so many draws later it is where it was


class Sampler:
    """Draws the tokens of one text with a random generator of its own (PCG64).

    - sampling: temperature, penalties, filters and seed; without a seed the system's chance decides
    - never_written: tokens that are never drawn
    - bias: what is added to the logits of tokens
    - guide: what says which may come
    - drawing: what the settings, `never_written` and `bias` come to, if that is known (`drawing_of`)
    """

    def __init__(
        self,
        sampling: SamplingConfig,
        never_written: tuple[int, ...] = (),
        bias: tuple[tuple[int, float], ...] = (),
        guide: Guide | None = None,
        drawing: Drawing | None = None,
    ) -> None:
        self.drawing = drawing or drawing_of(sampling, never_written, bias)
        self._bits = np.random.PCG64(sampling.seed)
        self._random = np.random.Generator(self._bits)
        self._last_temperature = None if sampling.greedy else sampling.temperature_end
        self._steps = max(length_of(sampling) - 1, 1)
        self._drawn = 0
        self.recent: TokenIds = NO_TOKENS
        self.guide, self.at = guide, BEGIN
        self.left = length_of(sampling)  # tokens that may still be drawn
        self._refused: list[int] = []

    def begin(self, tokens: TokenIds) -> None:
        """Begin a text: after these tokens, which penalties look back at."""
        self.recent, self.at = self._kept(tokens), BEGIN

    def note(self, tokens: TokenIds) -> None:
        """Take note of tokens that were drawn, and have become a part of the text."""
        self._drawn += len(tokens)
        self._refused = [] if len(tokens) else self._refused
        if self.guide is not None:
            for token in tokens.tolist():
                self.at = int(self.guide.row(self.at)[token])
        if self.drawing.looks_back:
            self.recent = self._kept(np.concatenate([self.recent, tokens]))

    def refuse(self, token: int) -> None:
        """Take note that a token may not come next; another one is drawn, with another chance."""
        self._refused.append(token)

    def over_at(self, tokens: TokenIds) -> int:
        """Return how many of the tokens that were drawn belong to the text before its guide ends it; all, if not."""
        if self.guide is None:
            return len(tokens)
        at = self.at
        for place, token in enumerate(tokens.tolist()):
            at = int(self.guide.row(at)[token])
            if at == ENDED:
                return place
        return len(tokens)

    @property
    def closely(self) -> bool:
        """Whether the next token is to be drawn by itself.

        So it is where one was refused, or where the end is so near that each has to leave enough to come to it.
        """
        return bool(self._refused) or (self.guide is not None and self.left <= self.guide.bound)

    @property
    def guided(self) -> tuple[Guide, int] | None:
        """What guides the text, and its state there."""
        return None if self.guide is None else (self.guide, self.at)

    def facts(self) -> dict[str, Any]:
        """Return what another sampler needs to draw on from here (`longhand.generation.saved.Facts`)."""
        state = self._bits.state["state"]
        digits = {"random": str(state["state"]), "increment": str(state["inc"])}
        return {"drawn": self._drawn, "steps": self._steps, **digits}

    def restore(self, facts: Facts, *, chance: bool) -> None:
        """Draw on from there; with its own chance if `chance` is not to be restored."""
        self._drawn, self._steps = facts.drawn, max(facts.steps, 1)
        if chance:
            state = self._bits.state
            state["state"] = {"state": int(facts.random) % PERIOD, "inc": int(facts.increment) % PERIOD | 1}
            self._bits.state = state

    def prepared(self, seconds: float) -> bool:
        """Work on what may come next for some seconds at most; return whether it is known."""
        return self.guide is None or self.guide.prepare(self.at, seconds)

    def _allowed(self, size: int) -> Row | None:
        row = None
        if self.guide is not None:
            near = self.left <= self.guide.bound
            row = self.guide.row_within(self.at, self.left) if near else self.guide.row(self.at)
        if not self._refused:
            return row
        row = np.zeros(size, np.int32) if row is None else row.copy()
        row[self._refused] = NEVER
        if not np.delete(row >= 0, list(self.drawing.never)).any():
            raise OptionError("max copy: whatever followed would be a copy: allow longer ones")
        return row

    def _kept(self, tokens: TokenIds) -> TokenIds:
        return tokens[max(0, len(tokens) - self.drawing.looks_back) :]

    def uniforms(self, count: int) -> DoubleArray:
        """Return the chances, (count,), of the next draws."""
        return self._random.random(count)

    def give_back(self, count: int) -> None:
        """Take the last of the chances for the next draws once more: the text ended before them."""
        if count:
            self._bits.advance(PERIOD - count)

    @property
    def changes(self) -> bool:
        """Whether the temperature changes over the text."""
        return self._last_temperature is not None

    def temperatures(self, count: int) -> DoubleArray:
        """Return the temperatures, (count,), of the next draws."""
        first = self.drawing.temperature
        last = first if self._last_temperature is None else self._last_temperature
        share = np.minimum((self._drawn + np.arange(count)) / self._steps, 1)
        return first + (last - first) * share

    def draw(self, logits: FloatArray) -> int:
        """Return a token drawn from `logits`, (vocabulary,).

        Raises `ModelFormatError` if they are not finite: finite weights may be so large that their products are not.
        """
        drawing = replace(self.drawing, temperature=float(self.temperatures(1)[0])) if self.changes else self.drawing
        return draw(logits, drawing, self.uniforms(1)[0], self.recent, self._allowed(len(logits)))

    def draw_among(self, logarithms: DoubleArray) -> int:
        """Return which of some ways is drawn from the logarithms of their probabilities, (ways,)."""
        drawing = replace(self.drawing, never=(), bias=(), memory=0)
        return draw(logarithms, drawing, self.uniforms(1)[0])


def drawing_of(
    sampling: SamplingConfig, never_written: tuple[int, ...] = (), bias: tuple[tuple[int, float], ...] = ()
) -> Drawing:
    """Return how settings say that tokens are drawn; the arguments are `Sampler`'s."""
    temperature = TEMPERATURE if sampling.temperature is None else sampling.temperature
    return Drawing(
        never=never_written,
        temperature=0.0 if sampling.greedy else temperature,
        top_k=sampling.top_k or 0,
        top_p=1.0 if sampling.top_p is None else sampling.top_p,
        min_p=sampling.min_p or 0.0,
        typical=1.0 if sampling.typical is None else sampling.typical,
        repetition=sampling.repetition_penalty,
        frequency=sampling.frequency_penalty,
        presence=sampling.presence_penalty,
        memory=sampling.penalty_window,
        bias=bias,
    )


def draw(
    logits: FloatArray | DoubleArray,
    drawing: Drawing,
    uniform: float,
    recent: TokenIds = NO_TOKENS,
    allowed: Row | None = None,
) -> int:
    """Return the token that the chance `uniform` in [0, 1) draws from `logits`, (vocabulary,).

    - recent: the tokens before, (tokens,)
    - allowed: below zero for tokens that may not come, (vocabulary,)

    Raises `ModelFormatError` for logits that are not finite, `OptionError` if no token may come.
    """
    changed = adjusted(logits, drawing, recent)
    if allowed is not None:
        changed[allowed < 0] = -np.inf
    if changed.max() == -np.inf:
        raise no_choice()
    if drawing.heat == 0:
        return int(np.argmax(changed))
    return pick(kept(changed, drawing), uniform)


def adjusted(logits: FloatArray | DoubleArray, drawing: Drawing, recent: TokenIds = NO_TOKENS) -> DoubleArray:
    """Return logits, (vocabulary,), with penalties and biases; those of tokens that are never drawn are -infinity.

    All others are finite. Raises `ModelFormatError` if `logits` are not.
    """
    result: DoubleArray = checked_logits(logits).astype(np.float64)
    if back := drawing.looks_back:
        tokens, times = np.unique(recent[-back:], return_counts=True)
        before = result[tokens]
        scaled = np.where(before > 0, before / drawing.repetition, before * drawing.repetition)
        result[tokens] = scaled - (drawing.frequency * times + drawing.presence)
    tokens, values = drawing.changes
    np.add.at(result, tokens, values)
    never = np.isneginf(result)
    np.clip(result, -LARGEST_LOGIT, LARGEST_LOGIT, out=result)
    result[never] = -np.inf
    return result


def probabilities(logits: DoubleArray, temperature: float) -> DoubleArray:
    """Return softmax(logits / temperature), (vocabulary,)."""
    with np.errstate(over="ignore", under="ignore"):  # a tiny temperature leaves minus infinity or zero: both right
        weights = np.exp((logits - logits.max()) / temperature)
    result: DoubleArray = weights / weights.sum()
    return result


def logsumexp(logits: DoubleArray) -> DoubleArray:
    """Return the logarithm of the sum of exponentials, (..., 1), over the last axis."""
    most = logits.max(axis=-1, keepdims=True)
    result: DoubleArray = most + np.log(np.exp(logits - most).sum(axis=-1, keepdims=True))
    return result


def kept(logits: DoubleArray, drawing: Drawing) -> DoubleArray:
    """Return the probabilities, (vocabulary,), with zeros for what top-k, top-p, min-p and typical leave out.

    The likeliest are those with the largest logits: some that differ have the same probability when rounded.
    """
    result = probabilities(logits, drawing.heat)
    if 0 < drawing.top_k < len(result) or drawing.top_p < 1:
        likeliest = np.argsort(-logits, kind="stable")[: drawing.top_k or None]
        shares = np.cumsum(result[likeliest])
        within = 1 + np.count_nonzero(shares[:-1] < drawing.top_p * shares[-1])
        mask = np.ones(len(result), np.bool_)
        mask[likeliest[:within]] = False
        result[mask] = 0
    result[result < drawing.min_p * result.max()] = 0
    if drawing.typical < 1:
        _keep_typical(result, drawing.typical)
    return result


def _keep_typical(shares: DoubleArray, least: float) -> None:
    """Set to zero what is not among the fewest, those nearest to the mean information first, that add up to `least`."""
    some = np.flatnonzero(shares)
    total = shares[some].sum()
    information = np.log(total) - np.log(shares[some])
    distance = np.abs(information - (shares[some] * information).sum() / total)
    nearest = some[np.argsort(distance, kind="stable")]
    sums = np.cumsum(shares[nearest])
    shares[nearest[1 + np.count_nonzero(sums[:-1] < least * total) :]] = 0


def pick(probabilities: DoubleArray, uniform: float) -> int:
    """Return the first token whose cumulative probability exceeds `uniform` of their sum; it lies in [0, 1)."""
    cumulative = np.cumsum(probabilities)
    below_total = np.nextafter(cumulative[-1], 0)  # the product may round up to the total itself
    return int(np.searchsorted(cumulative, min(uniform * cumulative[-1], below_total), side="right"))
