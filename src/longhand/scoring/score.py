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
from longhand.scoring.passing import Pass, never_pause
from longhand.text.documents import BOUNDARY
from longhand.text.points import CODE_POINTS
from longhand.text.segments import count_words
from longhand.text.tokenizer import Tokenizer
from longhand.text.words import WordTokenizer

BLOCK = 1 << 19  # tokens that are read at a time
ADAPTED = 1 << 16  # the same, where all layers learn: that is slow, and those who wait hear of each block
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
    """What scores a text with a model: one, for what is adapted, cached and carried belongs to it.

    - runtime: of the network, `config` and `weights`
    - pause: is called between pieces of the work, of some thousandths of a second; what it raises ends the work
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        config: NetworkConfig,
        weights: Weights,
        runtime: Runtime,
        settings: ScoringConfig,
        pause: Callable[[], None] = never_pause,
    ) -> None:
        self._tokenizer, self._config, self._weights = tokenizer, config, weights
        self.settings = settings
        if settings.cache and config.window is not None:
            raise OptionError("cache: a model that reads a window shows nothing to remember: leave it out")
        self.adapting: Adapting | None = None
        if settings.adapt:
            self.adapting = adapting_for(config, weights, tokenizer.start, settings, pause)
            if settings.cache and isinstance(self.adapting, AdaptedNetwork):
                raise OptionError("cache: goes with --adapt-layers output, found all: take one of them")
        self._cache = NeuralCache(settings.cache_size, config.hidden, pause) if settings.cache else None
        self._pass, self._ahead = (
            Pass(
                runtime.session,
                vocabulary=config.vocabulary_size,
                start=tokenizer.start,
                documents=config.documents,
                streams=settings.streams,
                pause=pause,
            )
            for _ in range(2)
        )

    def score(self, pieces: Iterable[str], *watching: Watch) -> Score:
        """Score a text that comes in pieces, of any length, in constant memory.

        Raises `OptionError` for a text without a character, or with what the model does not know, if it has no token
        for that.
        """
        bits = unadapted = naming = 0.0
        characters = size = words = tokens = unknown = 0
        ends = BOUNDARY if self._config.documents else ""
        for block in blocks(pieces, self._tokenizer, self._most, ends):
            alone = self._pass.log_probabilities(block.ids)
            found = -self._improved(block.ids, alone) / math.log(2)
            bits += float(found.sum())
            unadapted -= float(alone.sum()) / math.log(2)
            characters += len(block.text)
            size += int(block.character_sizes.sum())
            words += count_words(block.text)
            tokens += len(block.ids)
            unknown, naming = unknown + len(lengths := self._unknown(block)), naming + self._naming(lengths)
            for watch in watching:
                watch(block, found)
        if not tokens:
            raise OptionError("the text: found nothing in it, expected at least a character to score")
        plain = None if self.adapting is None and self._cache is None else unadapted
        return Score(bits, characters, size, words, tokens, unknown, naming, plain)

    @property
    def _most(self) -> int:
        """How many tokens a block has."""
        if isinstance(self.adapting, AdaptedNetwork):
            return ADAPTED
        return BLOCK if self._cache is None and self.adapting is None else max(1, OUTPUTS // self._config.hidden)

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

    def _unknown(self, block: Block) -> TokenIds:
        """Return how many characters each unknown token of a block stands for, (unknown,)."""
        unknown = self._tokenizer.unknown
        return np.zeros(0, np.int64) if unknown is None else block.token_lengths[block.ids == unknown]

    def _naming(self, lengths: TokenIds) -> float:
        """Return how many bits it takes to say what unknown tokens of so many characters are: any of Unicode each.

        Where a token is a word, it also takes one to say that the word ends.
        """
        ends = len(lengths) if isinstance(self._tokenizer, WordTokenizer) and not self._tokenizer.spells else 0
        return (int(lengths.sum()) + ends) * math.log2(CODE_POINTS)
