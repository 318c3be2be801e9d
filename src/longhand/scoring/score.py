"""The score of a text: how many bits a model needs for it, in the units that texts and models are compared in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from longhand.arrays import DoubleArray, TokenIds
from longhand.config import NetworkConfig, ScoringConfig
from longhand.errors import OptionError
from longhand.modelfile import Weights
from longhand.runtime.choice import Runtime
from longhand.scoring.adapting import AdaptedNetwork, Adapting, adapting_for
from longhand.scoring.blocks import Block, blocks
from longhand.scoring.cache import NeuralCache
from longhand.scoring.passing import Pass
from longhand.text.documents import BOUNDARY
from longhand.text.points import CODE_POINTS
from longhand.text.segments import count_words
from longhand.text.tokenizer import Tokenizer

BLOCK = 1 << 19  # tokens that are read at a time
OUTPUTS = 1 << 24  # numbers that are kept of them where what the last layer shows is asked for
Watch = Callable[[Block, DoubleArray], None]
"""Takes each block of a text, and how many bits each of its tokens took, (tokens,)."""


@dataclass(frozen=True)
class Score:
    """How many bits a model needs for a text, lower is better.

    - bits: in all
    - characters, bytes, words, tokens: what they are of; the end of a document is a character
    - unknown: how many tokens stand for what the model does not know
    - naming: how many bits more it would take to say what these are
    - unadapted: bits in all without adapting and cache; None where neither was asked for
    """

    bits: float
    characters: int
    bytes: int
    words: int
    tokens: int
    unknown: int = 0
    naming: float = 0.0
    unadapted: float | None = None

    @property
    def bits_per_character(self) -> float:
        """Bits for a character, in the mean."""
        return self.bits / self.characters

    @property
    def bits_per_byte(self) -> float:
        """Bits for a byte of UTF-8: to compare texts in other scripts with, and compressors."""
        return self.bits / self.bytes

    @property
    def perplexity(self) -> float:
        """Between how many equally likely tokens the model is undecided, in the mean."""
        return _perplexity(self.bits, self.tokens)

    @property
    def perplexity_per_word(self) -> float:
        """The same for words, whatever the tokens are."""
        return _perplexity(self.bits, self.words)


def _perplexity(bits: float, count: int) -> float:
    mean = bits / count if count else math.inf
    return 2.0**mean if mean < 1000 else math.inf


class Scorer:
    """What scores texts with a model.

    - runtime: of the network, `config` and `weights`
    """

    def __init__(
        self, tokenizer: Tokenizer, config: NetworkConfig, weights: Weights, runtime: Runtime, settings: ScoringConfig
    ) -> None:
        self._tokenizer, self._config, self._weights = tokenizer, config, weights
        self.settings = settings
        if settings.cache and config.window is not None:
            raise OptionError("cache: a model that reads a window shows nothing to remember: leave it out")
        self.adapting: Adapting | None = None
        if settings.adapt:
            self.adapting = adapting_for(config, weights, tokenizer.start, settings)
            if settings.cache and isinstance(self.adapting, AdaptedNetwork):
                raise OptionError("cache: goes with --adapt-layers output, found all: take one of them")
        self._cache = NeuralCache(settings.cache_size, config.hidden) if settings.cache else None
        self._pass, self._ahead = (
            Pass(
                runtime.session,
                vocabulary=config.vocabulary_size,
                start=tokenizer.start,
                documents=config.documents,
                streams=settings.streams,
            )
            for _ in range(2)
        )

    def score(self, pieces: Iterable[str], *watching: Watch) -> Score:
        """Score a text that comes in pieces, of any length, in constant memory.

        Raises `OptionError` for a text without a character, or with what the model does not know, if it has no token
        for that.
        """
        bits = unadapted = 0.0
        characters = size = words = tokens = unknown = 0
        for block in blocks(pieces, self._tokenizer, self._most):
            alone = self._pass.log_probabilities(block.ids)
            found = -self._improved(block.ids, alone) / math.log(2)
            bits += float(found.sum())
            unadapted -= float(alone.sum()) / math.log(2)
            characters += len(block.text)
            size += int(block.sizes.sum())
            words += count_words(block.text)
            tokens += len(block.ids)
            unknown += self._unknown(block.ids)
            for watch in watching:
                watch(block, found)
        if not tokens:
            raise OptionError("the text: found nothing in it, expected at least a character to score")
        plain = None if self.adapting is None and self._cache is None else unadapted
        return Score(bits, characters, size, words, tokens, unknown, unknown * math.log2(CODE_POINTS), plain)

    @property
    def _most(self) -> int:
        """How many tokens a block has."""
        whole = self._cache is None and (self.adapting is None or isinstance(self.adapting, AdaptedNetwork))
        return BLOCK if whole else max(1, OUTPUTS // self._config.hidden)

    def _improved(self, ids: TokenIds, alone: DoubleArray) -> DoubleArray:
        """Return the logarithms of a block's probabilities, (tokens,), with all that was asked for."""
        if self.adapting is None and self._cache is None:
            return alone
        outputs = None
        if not isinstance(self.adapting, AdaptedNetwork):
            outputs = self._ahead.outputs(ids, self._config.hidden)
        if self.adapting is not None:
            alone = self.adapting.log_probabilities(ids, outputs)
        if self._cache is not None:
            assert outputs is not None
            alone = self._cache.mixed(ids, outputs, alone)
        return alone

    def _unknown(self, ids: TokenIds) -> int:
        unknown = self._tokenizer.unknown
        return 0 if unknown is None else int(np.count_nonzero(ids == unknown))


def character_bits(block: Block, bits: DoubleArray) -> DoubleArray:
    """Return how many bits each character of a block took, (characters,): each token's, evenly over its bytes."""
    ends = np.concatenate([[0], np.cumsum(block.sizes)])
    until = np.concatenate([[0.0], np.cumsum(bits)])
    found: DoubleArray = np.diff(np.interp(np.cumsum(block.character_sizes), ends, until), prepend=0.0)
    return found


def readable(text: str) -> str:
    """Return a block's text with a line end where a document ends."""
    return text.replace(BOUNDARY, "\n")
