"""What a training should reach in some minutes: an estimate, from this machine's speed and from an n-gram model."""

from __future__ import annotations

import lzma
from dataclasses import dataclass

import numpy as np

from longhand.settings import free_settings, train_config
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer
from longhand.text.encoded import EncodedCorpus
from longhand.text.ngram import bits_per_character
from longhand.training.plan import tokens_read
from longhand.training.planning import plan_for

LEARNED, HELD_OUT, COMPRESSED = 2_000_000, 200_000, 1_000_000  # characters at most
# Bits per character that a training reaches, in those of the n-gram model: FLOOR + OF_FEW / characters read, give or
# take WITHIN. Fitted by eye to trainings in LOG.md ("what a check expects"), from 0.5 to 16 million characters read.
FLOOR, OF_FEW, WITHIN = 0.885, 130_000, 0.11
SORTED_FLOOR = 0.52  # a network sees the order of sorted lines, which the few characters of an n-gram do not show


@dataclass(frozen=True)
class Estimate:
    """What to expect of a training.

    - minutes: how long it is, layers, hidden: the network that would be planned
    - speed: tokens a second, readings: how often the text would be read
    - low, high: bits per character on held-out text, an estimate
    - ngram: what the n-gram model reaches, in bits per character
    - xz_per_character, xz_per_byte: what xz makes of a part of the text, in bits
    """

    minutes: float
    layers: int
    hidden: int
    speed: float
    readings: float
    low: float
    high: float
    ngram: float
    xz_per_character: float
    xz_per_byte: float


def estimated(learned: str, held_out: str, characters: int, different: str, size: int, settings: Settings) -> Estimate:
    """Measure this machine, in two seconds, and return what a training should reach.

    - learned, held_out: samples of the parts of the text
    - characters, size: the length of what is learned from, in characters and in bytes
    - different: the different characters, sorted

    Raises `MissingExtraError` where there is nothing here to train with.
    """
    config = train_config({"minutes": settings.minutes, "tokens": settings.tokens})
    tokenizer = ByteTokenizer() if settings.tokens == "byte" else CharacterTokenizer(different)
    tokens = size if settings.tokens == "byte" else characters
    nothing = np.broadcast_to(np.zeros(1, np.uint8), tokens + 1)  # a plan asks no more of a text than its length
    corpus = EncodedCorpus(
        nothing,
        1,
        tokenizer,
        characters,
        size,
        np.zeros(tokenizer.size, np.int64),
        "",
        documents=int(settings.of_documents),
    )
    plan = plan_for(corpus, config, free_settings(config, {}), expect=True)
    assert plan.speed is not None
    ngram = bits_per_character(learned, held_out)
    read = max(tokens_read(config, tokens, plan.speed) / tokens * characters, 1.0)  # of a tiny text, fewer do as well
    factor = FLOOR + OF_FEW / read
    packed = learned[:COMPRESSED]
    bits = 8 * len(lzma.compress(packed.encode("utf-8", "surrogatepass")))
    return Estimate(
        settings.minutes,
        plan.config.layers,
        plan.config.hidden,
        plan.speed,
        plan.epochs,
        ngram * min(SORTED_FLOOR if settings.is_sorted else 1.0, factor * (1 - WITHIN)),
        ngram * min(factor * (1 + WITHIN), 1.5),
        ngram,
        bits / len(packed),
        bits / len(packed.encode("utf-8", "surrogatepass")),
    )


@dataclass(frozen=True)
class Settings:
    """What is to be estimated: a training of so many minutes with such tokens.

    - is_sorted: whether the text's lines are
    - of_documents: whether it is of documents
    """

    minutes: float
    tokens: str
    is_sorted: bool
    of_documents: bool = False
