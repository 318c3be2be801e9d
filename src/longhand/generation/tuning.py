"""Which temperature and min-p make a model's texts like those it learned from: as surprising, as varied, as new.

The measure is of passages of equal length, half of them real (what was held out of the training), half written:

- surprise: bits a character, by the model itself; a text that is too likely for its model is duller than people's
  (Holtzman et al. 2020)
- repetition: the share of sequences of words (or of characters, where there are few spaces) that came before in the
  same passage
- novelty: the share of words (or of short sequences of characters) that what was learned from does not have
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from longhand.text.segments import words

TEMPERATURES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
MIN_PS = (0.0, 0.02, 0.05, 0.1)
SCALES = (0.1, 0.05, 0.05)  # a difference of as much counts one: of surprise as a share of it
OF_WORDS, OF_CHARACTERS = 3, 6  # sequences that are looked at for repetition
SHORT = 3  # characters of which a sequence stands for a word, where there are few spaces
MOST_UNSPACED = 0.2  # of the characters of a text that is compared by words
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]")


@dataclass(frozen=True)
class Likeness:
    """What passages are like.

    - surprise: bits a character
    - repetition, novelty: shares
    """

    surprise: float
    repetition: float
    novelty: float

    def distance(self, other: Likeness) -> float:
        """Return how far others are from these."""
        differences = (
            self.surprise / max(other.surprise, 1e-9) - 1,
            self.repetition - other.repetition,
            self.novelty - other.novelty,
        )
        return math.hypot(*(difference / scale for difference, scale in zip(differences, SCALES, strict=True)))


@dataclass(frozen=True)
class Trial:
    """A pair of settings, and what they write."""

    temperature: float
    min_p: float
    likeness: Likeness
    distance: float


class Known:
    """The words, or short sequences of characters, of what was learned from.

    - pieces: that text, in pieces; what stands across two of them may be missed
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        sample = "".join(pieces)[: 1 << 20]
        self.by_words = len(_UNSPACED.findall(sample)) < MOST_UNSPACED * max(len(sample), 1)
        self._units: set[str] = set()
        for piece in pieces:
            self._units.update(self.units(piece))

    def units(self, text: str) -> list[str]:
        """Return the words of a text, or its short sequences."""
        if self.by_words:
            return [word.lower() for word in words(text)]
        return [text[place : place + SHORT] for place in range(len(text) - SHORT + 1)]

    def likeness(self, texts: Sequence[str], surprise: float) -> Likeness:
        """Return what passages are like. `surprise`: that of all of them."""
        repeated = [_repeated(self._sequences(text)) for text in texts]
        units = [unit for text in texts for unit in self.units(text)]
        novelty = sum(unit not in self._units for unit in units) / max(len(units), 1)
        return Likeness(surprise, float(np.mean(repeated)), novelty)

    def _sequences(self, text: str) -> list[tuple[str, ...]] | list[str]:
        if not self.by_words:
            return [text[place : place + OF_CHARACTERS] for place in range(len(text) - OF_CHARACTERS + 1)]
        words = self.units(text)
        return [tuple(words[place : place + OF_WORDS]) for place in range(len(words) - OF_WORDS + 1)]


def _repeated(sequences: Sequence[object]) -> float:
    return 1 - len(set(sequences)) / len(sequences) if sequences else 0.0


def tuned(
    real: Likeness,
    known: Known,
    write: Callable[[float, float], tuple[list[str], float]],
    tell: Callable[[Trial], None],
) -> Trial:
    """Return the trial that is nearest to real passages.

    - write: returns passages and their surprise, by temperature and min-p
    - tell: is called with each trial
    """
    trials = []
    for temperature, min_p in _pairs():
        texts, surprise = write(temperature, min_p)
        likeness = known.likeness(texts, surprise)
        trials.append(Trial(temperature, min_p, likeness, likeness.distance(real)))
        tell(trials[-1])
    return min(trials, key=lambda trial: trial.distance)


def _pairs() -> Iterator[tuple[float, float]]:
    """Yield what is tried."""
    for temperature in TEMPERATURES:
        for min_p in MIN_PS:
            yield temperature, min_p
