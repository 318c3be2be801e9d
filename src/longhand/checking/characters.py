"""The characters of a text: scripts, rare ones, those that nobody sees, and what went wrong when it was decoded."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import regex

from longhand.checking.finding import Finding, Place
from longhand.text.kinds import Kind, maybe_odd, named_few, odd_ones
from longhand.text.mojibake import LEADS, escaped, mojibake
from longhand.text.points import code_points, text_of
from longhand.text.suggestion import CharacterCounts

RARE = 10  # a character that occurs less often is learned badly
MOST_EXAMPLES = 4
MOST_CHANGING = 1_000_000  # characters that are not in NFC are counted up to there
FEW_MOJIBAKE = 2  # once may be meant
TOO_RARE = 50  # how often a character must occur in the mean, where there are many
SCRIPTS = """
Latin Greek Cyrillic Armenian Hebrew Arabic Syriac Thaana Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu
Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Georgian Hangul Ethiopic Cherokee Khmer Mongolian Hiragana
Katakana Bopomofo Han Yi Gothic Javanese Balinese Coptic Runic Egyptian_Hieroglyphs Cuneiform
"""
_LEADS = code_points(LEADS)
_PARTS = regex.compile("[\x80-\xbf]")  # of wrongly decoded characters: controls and a soft hyphen are among them
_COMPOSING = regex.compile(r"\P{M}\p{M}+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|[\uac00-\ud7a3][\u11a8-\u11c2]")


Places = Callable[[int], Place]
"""Tells where a line of the whole text is; the first is 0."""


@dataclass(frozen=True)
class Met:
    """Characters of one kind: how often they occur, which there are, and where the first one is."""

    count: int
    characters: str
    first: Place


@dataclass(frozen=True)
class Mojibake:
    """UTF-8 that was decoded as Latin-1 or Windows-1252: how often, an example and its meaning, the first."""

    count: int
    example: str
    meant: str
    first: Place


class Characters:
    """Is given a text, piece by piece.

    - mojibake: how often there is some; escaped: how often within escapes of JSON, which is read as plain text
    - changing: how many sequences of characters the normal form NFC would change; it stops at `MOST_CHANGING`
    """

    def __init__(self) -> None:
        self.counts = CharacterCounts()
        self.mojibake = self.escaped = self.changing = 0
        self._first_lines: dict[str, int] = {}
        self._example: tuple[str, str, int] | None = None

    def add(self, piece: str, line: int) -> None:
        """Take in a piece.

        - line: line ends before it
        """
        counts = self.counts.add(piece)
        new = (counts > 0) & (self.counts.counts[: len(counts)] == counts)
        for character in maybe_odd(text_of(np.flatnonzero(new).astype(np.uint32))):
            self._first_lines[character] = line + piece.count("\n", 0, piece.index(character))
        self.escaped += escaped(piece)
        if piece.isascii():
            return
        if counts[_LEADS[len(counts) > _LEADS]].any():
            self._look_for_mojibake(piece, line)
        if self.changing < MOST_CHANGING and not unicodedata.is_normalized("NFC", piece):
            self.changing += _changing(piece, counts)

    def _look_for_mojibake(self, piece: str, line: int) -> None:
        for place, found, meant in mojibake(piece):
            self.mojibake += 1
            if self._example is None:
                self._example = found, meant, line + piece.count("\n", 0, place)

    def odd(self, place: Places) -> dict[Kind, Met]:
        """Return the odd characters by their kind; those that are parts of wrongly decoded ones are not odd."""
        different = self.counts.different
        if self.mojibake >= FEW_MOJIBAKE:
            different = _PARTS.sub("", different)
        return {
            kind: Met(self.counts.of(characters), characters, place(min(self._first_lines[one] for one in characters)))
            for kind, characters in odd_ones(different, self.counts.of).items()
        }

    def found_mojibake(self, place: Places) -> Mojibake | None:
        """Return what was decoded wrongly; None where that is little."""
        if self._example is None or self.mojibake < FEW_MOJIBAKE:
            return None
        example, meant, line = self._example
        return Mojibake(self.mojibake, example, meant, place(line))

    def scripts(self) -> dict[str, int]:
        """Return how many characters there are of each script, most first; what belongs to none is "signs"."""
        left, found = self.counts.different, {}
        for script in SCRIPTS.split():
            of_script = "".join(regex.findall(rf"\p{{Script={script}}}", left))
            if of_script:
                found[script.replace("_", " ")] = self.counts.of(of_script)
                left = regex.sub(rf"\p{{Script={script}}}", "", left)
        signs = "".join(regex.findall(r"[\p{Script=Common}\p{Script=Inherited}]", left))
        found["signs"] = self.counts.of(signs)
        found["others"] = self.counts.of(left) - found["signs"]
        return dict(sorted(((name, count) for name, count in found.items() if count), key=lambda item: -item[1]))

    def rare(self) -> str:
        """Return the characters that occur less than `RARE` times, the most frequent first."""
        points = np.flatnonzero((self.counts.counts > 0) & (self.counts.counts < RARE))
        return text_of(points[np.argsort(-self.counts.counts[points], kind="stable")].astype(np.uint32))


def findings(characters: Characters, odd: dict[Kind, Met], mojibake: Mojibake | None) -> list[Finding]:
    """Return what a person should know."""
    found = []
    if (lost := odd.get("lost")) is not None:
        what = f"U+FFFD, {_times(lost.count)}, the first in {lost.first}: what stood there was lost in decoding"
        found.append(Finding("harms", "lost-characters", what, "make the text anew from its source"))
    if mojibake is not None:
        what = (
            f"text that was decoded wrongly, {_times(mojibake.count)}, such as {mojibake.example!r} for "
            f"{mojibake.meant!r} in {mojibake.first}"
        )
        advice = "it is UTF-8 that was read as Latin-1 or Windows-1252: --fix-mojibake repairs it and nothing else"
        found.append(Finding("harms", "mojibake", what, advice))
    if characters.escaped:
        what = f"wrongly decoded text within escapes of JSON, {_times(characters.escaped)}"
        found.append(Finding("harms", "escaped-mojibake", what, "read one key, with --column, and --fix-mojibake"))
    for kind, what in (("control", "control characters"), ("invisible", "characters that nobody sees")):
        if (met := odd.get(kind)) is not None:  # type: ignore[call-overload]
            which = f"{what}, {_times(met.count)}, the first in {met.first}: {named_few(met.characters)}"
            found.append(Finding("know", f"{kind}-characters", which, "are they meant? The model writes them too"))
    different, total = len(characters.counts.different), characters.counts.characters
    if different >= 1000 and total < TOO_RARE * different:
        many = f"{different:,} different characters in {total:,}: most are too rare to be learned"
        found.append(Finding("harms", "many-characters", many, "take more text, or --tokens byte"))
    if characters.changing:
        many = f"{characters.changing:,} characters are not in the normal form NFC"
        advice = "the same letter is written in two ways, or in parts: train with --normalize NFC"
        found.append(Finding("harms", "not-nfc", many, advice))
    for kind, what in (("private", "for private use"), ("unassigned", "that Unicode does not have")):
        if (met := odd.get(kind)) is not None:  # type: ignore[call-overload]
            which = f"characters {what}, {_times(met.count)}, the first in {met.first}: {named_few(met.characters)}"
            found.append(Finding("know", f"{kind}-characters", which, "no font shows them: are they meant?"))
    return found


def examples(characters: str) -> str:
    """Return the names of a few characters."""
    return named_few(characters, MOST_EXAMPLES)


def _times(count: int) -> str:
    return f"{count:,} time{'s' * (count != 1)}"


def _changing(piece: str, counts: npt.NDArray[np.int64]) -> int:
    """Return how many characters, with the marks on them, the normal form NFC would change."""
    alone = sum(
        int(counts[ord(letter)])
        for letter in text_of(np.flatnonzero(counts).astype(np.uint32))
        if not unicodedata.is_normalized("NFC", letter)
    )
    return alone + sum(not unicodedata.is_normalized("NFC", found[0]) for found in _COMPOSING.finditer(piece))
