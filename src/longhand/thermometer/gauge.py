"""Holding a model against the source that it learned from: what it needs, what it writes, what it remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from longhand.corpora import weather
from longhand.model import Model
from longhand.thermometer.reach import Reach, reach_of

WRITTEN = 1000  # bulletins that a model writes
FRESH = 300_000  # characters of the text that models are measured on
LONGEST = 2000  # tokens of a bulletin that a model writes: one that has learned little may come to no line end
SHOWN = 4  # bulletins that are shown
CHARACTERS_A_MINUTE, FEWEST, MOST = 1_500_000, 60_000, 6_000_000  # to learn from: about as many as are read once


@dataclass(frozen=True)
class Sample:
    """A fresh text of the source, and what the grammar itself needs for it."""

    language: str
    text: str
    bits_per_character: float


@dataclass(frozen=True)
class Gauge:
    """What came of one training.

    - tokens: what the model reads and writes at a time: "char" or "word"
    - bits: per character of the sample
    - distance: how much more that is than what the grammar needs for it, as a share of that
    - from_entropy: the same, of the source's entropy
    - seconds, network: how long it was trained, and what it is, in words
    - given: settings of the training that were given and not planned, by name
    - reach: the agreements in what it wrote
    - well_formed: the share of what it wrote that the grammar could have written
    - written: the first of its bulletins
    """

    tokens: str
    bits: float
    distance: float
    from_entropy: float
    seconds: float
    network: str
    given: Mapping[str, float]
    reach: Reach
    well_formed: float
    written: Sequence[str]


@dataclass(frozen=True)
class Result:
    """All that a demonstration found.

    - learned: characters of the text that the models learned from
    - minutes, seed: of each training
    """

    entropy: weather.Entropy
    sample: Sample
    gauges: Sequence[Gauge]
    learned: int
    minutes: float
    seed: int


def text_to_learn(language: str, minutes: float, seed: int) -> str:
    """Return a text for a training of so many minutes."""
    size = min(max(int(CHARACTERS_A_MINUTE * minutes), FEWEST), MOST)
    return weather.text(characters=size, language=language, seed=2 * seed)


def fresh_sample(language: str, seed: int) -> Sample:
    """Return a text that no model has learned from, and the bits that the grammar needs for it."""
    text = weather.text(characters=FRESH, language=language, seed=2 * seed + 1)
    return Sample(language, text, weather.bits_of(text, language) / len(text))


def gauged(model: Model, sample: Sample, seed: int, given: Mapping[str, float]) -> Gauge:
    """Measure a model: on the sample, and by 1,000 bulletins that it writes at a temperature of 1.

    - given: settings of its training that were not planned
    """
    bits = model.score(sample.text).bits_per_character
    texts = model.texts(count=WRITTEN, temperature=1.0, seed=seed, until="line", length=LONGEST)
    written = [one.text for one in texts]
    well_formed = sum(weather.is_bulletin(one, sample.language) for one in written)
    config, card = model.config, model.card
    return Gauge(
        tokens=model.tokenizer.kind,
        bits=bits,
        distance=bits / sample.bits_per_character - 1,
        from_entropy=bits / weather.entropy(sample.language).bits_per_character - 1,
        seconds=card.trained_seconds,
        network=f"{config.layers} × {config.hidden} LSTM",
        given=given,
        reach=reach_of(found for one in written for found in weather.agreements(one, sample.language)),
        well_formed=well_formed / len(written),
        written=written[:SHOWN],
    )
