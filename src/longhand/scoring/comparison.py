"""All that is measured of a text while a model reads it: its score, and what others make of the same bytes."""

from __future__ import annotations

import lzma
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any

from longhand.arrays import DoubleArray
from longhand.errors import CorpusError
from longhand.scoring.blocks import Block
from longhand.scoring.line_records import LineRecords
from longhand.scoring.page import Beginning
from longhand.scoring.passages import RANKED_BY, CharacterLines, Passage, Worst
from longhand.scoring.score import Score, Scorer
from longhand.text.documents import BOUNDARY
from longhand.text.ngram import ORDER, NgramModel
from longhand.text.utf8 import utf8_bytes

GZIP = 31  # zlib's word for gzip's own frame, with the largest window
FEWEST_LEARNED, MOST_LEARNED = 100, 1 << 23  # characters for an n-gram model: the last ones, if there are more


@dataclass(frozen=True)
class Comparison:
    """A score, and how many bits others need for the same text.

    - gzip, xz: by gzip -9 and by xz -6, which is its default
    - ngram: by an n-gram model that learned from the same text as the model; None if that was not given
    - worst: the least expected passages, the worst first; None if none were asked for
    - beginning: of the text, for a page
    """

    score: Score
    gzip: int
    xz: int
    ngram: float | None = None
    worst: list[Passage] | None = None
    beginning: Beginning | None = None

    def facts(self) -> dict[str, Any]:
        """Return all figures, by name."""
        score = self.score
        facts: dict[str, Any] = {
            "bits_per_character": score.bits_per_character,
            "bits_per_byte": score.bits_per_byte,
            "perplexity": _finite(score.perplexity),
            "perplexity_per_word": _finite(score.perplexity_per_word),
            "characters": score.characters,
            "bytes": score.bytes,
            "words": score.words,
            "tokens": score.tokens,
            "unknown_tokens": score.unknown,
            "named_bits_per_character": (score.bits + score.naming) / score.characters,
            "gzip_bits_per_byte": self.gzip / score.bytes,
            "xz_bits_per_byte": self.xz / score.bytes,
        }
        if self.ngram is not None:
            facts["ngram_bits_per_byte"] = self.ngram / score.bytes
        if score.unadapted is not None:
            facts["unadapted_bits_per_character"] = score.unadapted / score.characters
        if self.worst is not None:
            facts["worst_ranked_by"] = RANKED_BY
            facts["worst"] = [
                {"line": found.line, "begin": found.begin, "bits_per_character": found.bits, "text": found.text}
                for found in self.worst
            ]
        return facts


class Comparing:
    """Measures a text beside its score, as it comes.

    - learned: what the model learned from, in pieces, for an n-gram model; None if that is not known
    - worst: how many of the least expected passages are kept
    - page: whether the beginning of the text is kept for a page
    - characters: a file to which a line of JSON is written for each character
    - lines: what writes a record for each line
    """

    def __init__(
        self,
        *,
        learned: Iterable[str] | None = None,
        worst: int = 0,
        page: bool = False,
        characters: IO[bytes] | None = None,
        lines: LineRecords | None = None,
    ) -> None:
        self._compressors = _Compressors()
        self._ngram = None if learned is None else _Ngram(learned)
        self._worst = Worst(worst) if worst else None
        self._beginning = Beginning() if page else None
        self._lines, each = lines, None if characters is None else CharacterLines(characters)
        others = (self._worst, self._ngram, self._beginning, each, lines)
        self._watchers = [self._compressors, *(watcher for watcher in others if watcher is not None)]

    def score(self, scorer: Scorer, pieces: Iterable[str]) -> Comparison:
        """Score a text, in pieces, as `Scorer.score` does."""
        score = scorer.score(pieces, *(watcher.watch for watcher in self._watchers))
        if self._lines is not None:
            self._lines.finish()
        gzip, xz = self._compressors.bits()
        ngram = None if self._ngram is None else self._ngram.bits
        passages = self._worst.passages() if self._worst is not None else None
        return Comparison(score, gzip, xz, ngram, passages, self._beginning)


class _Compressors:
    """Compress a text in constant memory."""

    def __init__(self) -> None:
        self._gzip, self._xz = zlib.compressobj(9, zlib.DEFLATED, GZIP), lzma.LZMACompressor(preset=6)
        self._sizes = [0, 0]

    def watch(self, block: Block, _bits: DoubleArray) -> None:
        data = utf8_bytes(block.readable)
        self._sizes[0] += len(self._gzip.compress(data))
        self._sizes[1] += len(self._xz.compress(data))

    def bits(self) -> tuple[int, int]:
        gzip, xz = self._sizes[0] + len(self._gzip.flush()), self._sizes[1] + len(self._xz.flush())
        return 8 * gzip, 8 * xz


class _Ngram:
    """Scores a text with an n-gram model that learns from another one first."""

    def __init__(self, learned: Iterable[str]) -> None:
        text = ""
        for piece in learned:
            text = (text + piece.replace(BOUNDARY, "\n"))[-MOST_LEARNED:]
        if len(text) < FEWEST_LEARNED:
            raise CorpusError(
                f"corpus: found {len(text)} characters that the model learned from, expected at least {FEWEST_LEARNED}"
            )
        self._model, self._before = NgramModel(text), text[-ORDER:]
        self.bits = 0.0

    def watch(self, block: Block, _bits: DoubleArray) -> None:
        text = block.readable
        self.bits += float(self._model.bits(text, self._before).sum())
        self._before = (self._before + text)[-ORDER:]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
