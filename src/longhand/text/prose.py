"""Whether lines or blocks of a text are prose, whose paragraphs belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

import regex

from longhand.text.sentences import SENTENCE_ENDS, STOPS

FILLED, GOING_ON = 0.75, 0.4  # of the longest line; share of the lines that go on with a sentence
SHORT_PARAGRAPH, LONG_PARAGRAPH = 60, 200  # characters of one line, from which on it may be, or is, a paragraph
MOST_OF, SPOKEN, ENDED = 0.5, 0.1, 0.6  # shares of blocks or lines
_CLOSING = r"\"'\u201d\u2019\u00bb\u203a)\]\u300d\u300f*_"
_ENDS_SENTENCE = regex.compile(rf"[{SENTENCE_ENDS}][{_CLOSING}\p{{SB=Close}}]*\s*\Z", regex.V1)
_SENTENCES = regex.compile(
    rf"[.!?\u2026][{_CLOSING}]*\s+[\"'\u201c\u2018\u00ab(]*[^\W\d_]|[[{STOPS}]--[!?]]\s*[^\s{_CLOSING}]", regex.V1
)
_SPOKEN = re.compile(r"\s*(?:[\"“„«»‘「『]|[—–―-]\s*\w|'\w)")  # noqa: RUF001 (they are meant)


def ends_sentence(text: str) -> bool:
    """Whether a text ends as a sentence does."""
    return _ENDS_SENTENCE.search(text) is not None


def are_paragraphs(blocks: Sequence[str]) -> bool:
    """Whether blocks, which blank lines part, are the paragraphs of one text: most are filled, or spoken in turn."""
    return sum(map(_is_paragraph, blocks)) >= MOST_OF * len(blocks)


def are_spoken(lines: Sequence[str]) -> bool:
    """Whether lines are the paragraphs of a story: they end as sentences do, and some of them are speech."""
    ended = sum(map(ends_sentence, lines))
    spoken = sum(_SPOKEN.match(line) is not None for line in lines)
    return ended >= ENDED * len(lines) and spoken >= SPOKEN * len(lines)


def _is_paragraph(block: str) -> bool:
    lines = [line for line in block.strip("\n").split("\n") if line.strip()]
    if not lines:
        return False
    last = lines[-1]
    if len(lines) == 1 and _SPOKEN.match(last) is not None:
        return ends_sentence(last)
    if sum(len(line) for line in lines if _is_full(line)) > MOST_OF * len(block):  # each line is a paragraph
        return True
    if len(lines) == 1 or not _are_filled(lines):
        return False
    return ends_sentence(last) or _SENTENCES.search(" ".join(lines)) is not None


def _is_full(line: str) -> bool:
    """Whether a line is a paragraph by itself."""
    signs = (len(line) >= SHORT_PARAGRAPH, _SENTENCES.search(line) is not None, ends_sentence(line))
    return len(line) >= LONG_PARAGRAPH or sum(signs) >= 2  # it is long, has several sentences, or ends with one


def _are_filled(lines: Sequence[str]) -> bool:
    """Whether the lines of a block are broken where they are full, and not where a verse or an entry ends."""
    longest = max(map(len, lines))
    if longest < SHORT_PARAGRAPH // 2 or median(map(len, lines[:-1])) < FILLED * longest:
        return False
    if lines[0].lower() == lines[0].upper():  # in scripts without case
        return sum(map(ends_sentence, lines[:-1])) < MOST_OF * len(lines[:-1])
    going_on = sum(line.lstrip()[:1].islower() for line in lines[1:])
    return going_on >= GOING_ON * (len(lines) - 1)
