"""Weather bulletins whose entropy is known: a source that a model's score can be held against.

A text is bulletins one after another, each drawn anew and ended by a line end. So bulletins are renewals, and by the
renewal-reward theorem (Ross, "Stochastic Processes", 1996, section 3.6) the text's entropy per character is the
expected bits of a bulletin over its expected characters. No model predicts such texts with fewer bits in the long run.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from longhand.corpora.chinese import CHINESE
from longhand.corpora.english import ENGLISH
from longhand.corpora.grammar import Reader, expected, write
from longhand.corpora.language import Agreement, Language
from longhand.errors import CorpusError, OptionError

LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
SHOWN = 24  # characters of a bulletin around the place where it leaves the grammar


@dataclass(frozen=True)
class Entropy:
    """What a text of bulletins has, computed from the grammar: nothing is drawn or estimated.

    - bits, characters, size: of a bulletin in the mean; its bytes in UTF-8, and its line end among the characters
    """

    bits: float
    characters: float
    size: float

    @property
    def bits_per_character(self) -> float:
        """The least that any model needs in the long run."""
        return self.bits / self.characters

    @property
    def bits_per_byte(self) -> float:
        """The same, for each byte of the text in UTF-8."""
        return self.bits / self.size


def language_of(language: str) -> Language:
    """Return a language by its code, "en" or "zh"; raises `OptionError` for another one."""
    if language not in LANGUAGES:
        raise OptionError(f"language: found {language!r}, expected one of {', '.join(LANGUAGES)}")
    return LANGUAGES[language]


def bulletins(*, count: int, language: str = "en", seed: int = 0) -> Iterator[str]:
    """Yield so many bulletins, each a line with its end; the same for the same seed.

    Raises `OptionError` at once for a language that there is not, or a count or seed below zero.
    """
    node = language_of(language).bulletin
    for name, number in (("count", count), ("seed", seed)):
        if number < 0:
            raise OptionError(f"{name}: found {number}, expected a whole number from 0")
    chance = random.Random(seed)
    return (write(node, chance.random) for _ in range(count))


def text(*, characters: int, language: str = "en", seed: int = 0) -> str:
    """Return whole bulletins of at least so many characters together; raises `OptionError` as `bulletins` does."""
    if characters < 0:
        raise OptionError(f"characters: found {characters}, expected a whole number from 0")
    parts, length = [], 0
    drawn = bulletins(count=characters, language=language, seed=seed)
    while length < characters:
        parts.append(next(drawn))
        length += len(parts[-1])
    return "".join(parts)


@functools.cache
def entropy(language: str = "en") -> Entropy:
    """Return the entropy of the bulletins of a language, from its grammar; raises `OptionError`."""
    mean = expected(language_of(language).bulletin)
    return Entropy(mean.bits, mean.characters, mean.size)


def bits_of(text: str, language: str = "en") -> float:
    """Return -log2 of the probability that the grammar gives to this text of bulletins.

    It is what no model can be expected to do better than on this very sample. Raises `CorpusError`, naming the line and
    the place, for what is no text of bulletins; `OptionError`.
    """
    reader = Reader(language_of(language).bulletin)
    total = 0.0
    for number, bulletin in enumerate(text.splitlines(keepends=True), 1):
        found = reader.derivations(bulletin)
        if not found:
            right, rest = bulletin[: reader.furthest][-SHOWN:], bulletin[reader.furthest :][:SHOWN]
            raise CorpusError(
                f"line {number} is no bulletin of this grammar: after {right!r} found {rest!r}; expected a text as "
                "longhand.corpora.weather.bulletins writes it, each bulletin with its line end"
            )
        assert len(found) == 1, bulletin  # the grammars are made so; what entropy says depends on it
        total += found[0]
    return total


def is_bulletin(line: str, language: str = "en") -> bool:
    """Whether a line, with its end or without, is a bulletin of the grammar; raises `OptionError`."""
    return bool(Reader(language_of(language).bulletin).derivations(line.removesuffix("\n") + "\n"))


def agreements(bulletin: str, language: str = "en") -> list[Agreement]:
    """Return the agreements in a bulletin that a model may have written, well or not; raises `OptionError`."""
    return [found for bond in language_of(language).bonds for found in bond.found(bulletin)]
