"""The whole check of a text, and what comes of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from longhand.checking import characters as found_characters
from longhand.checking import duplicates
from longhand.checking.characters import Characters, Met, Mojibake
from longhand.checking.checked_text import CheckedText, Progress
from longhand.checking.duplicates import Documents
from longhand.checking.encodings import FileFacts
from longhand.checking.estimate import HELD_OUT, LEARNED, Estimate, Settings, estimated
from longhand.checking.finding import LEVELS, Finding, Place
from longhand.checking.leakage import MOST_HELD_OUT, Copies, Folding, Leakage
from longhand.checking.lines import Lines
from longhand.checking.samples import cut, spread, whole_lines
from longhand.config import TrainConfig
from longhand.errors import CorpusError, MissingExtraError
from longhand.text.document_suggestion import suggested_documents
from longhand.text.documents import BOUNDARY, LINE, NONE
from longhand.text.encoded import FEWEST_CHARACTERS
from longhand.text.kinds import Kind
from longhand.text.reading import PLAIN, Reading
from longhand.text.repeats import Repeated
from longhand.text.sources import Source
from longhand.text.suggestion import Suggestion, suggested_tokens

SLICES = 32  # of a long text, for what is found in a sample
MOST_FILES = 100  # that are listed


@dataclass(frozen=True)
class Check:
    """What is in a text. Its fields are the keys of `longhand check --json`.

    - trainable: whether a training would read it
    - findings: what stops a training, then what harms it, then what is good to know
    - files, bytes, characters, lines, longest_line, longest_at, empty_files: how much there is
    - encodings: files whose bytes are not plain UTF-8, the first hundred
    - line_ends, blank_lines, trailing_spaces, tabs: how many there are
    - different, scripts, rare, rare_characters, odd, mojibake, not_nfc: of the characters; rare ones occur less than 10
      times, `rare_characters` is how many of the text's characters they are
    - repeated_lines, frequent_lines, documents, same_files: what occurs more than once
    - leakage: what of the held-out text was learned from
    - tokens, suggested_documents: what suits the text, and why
    - estimate: what a training should reach; null where that was not asked for or cannot be said
    """

    trainable: bool
    findings: list[Finding]
    files: int
    empty_files: list[str]
    bytes: int
    characters: int
    lines: int
    longest_line: int
    longest_at: Place
    encodings: list[FileFacts]
    line_ends: dict[str, int]
    blank_lines: int
    trailing_spaces: int
    tabs: int
    different: int
    scripts: dict[str, int]
    rare: str
    rare_characters: int
    odd: dict[Kind, Met]
    mojibake: Mojibake | None
    not_nfc: int
    repeated_lines: Repeated
    frequent_lines: list[tuple[str, int]]
    documents: Documents | None
    same_files: list[list[str]]
    leakage: Leakage
    tokens: Suggestion
    suggested_documents: Suggestion
    estimate: Estimate | None


def silent(doing: str, share: float) -> None:
    """Tell nobody what is being done."""


def check_corpus(
    sources: Iterable[Source],
    reading: Reading = PLAIN,
    *,
    documents: str | None = None,
    minutes: float = 5.0,
    estimate: bool = True,
    progress: Progress = silent,
) -> Check:
    """Read a text and return what is in it, what will trip a training, and what this one should reach.

    - reading: how its files are read
    - documents: what its documents are; what is suggested, if left out
    - minutes: how long the training is to be
    - estimate: whether to measure this machine and estimate a score
    - progress: is called with what is being done, and which share of it is

    Raises `CorpusError` where a source is not there, or there is no text at all.
    """
    with CheckedText(sources, reading, progress) as text:
        return _Checking(text, documents, progress).check(minutes if estimate else None)


class _Checking:
    def __init__(self, text: CheckedText, documents: str | None, progress: Progress) -> None:
        self._text, self._documents, self._progress = text, documents, progress
        self._characters, self._lines = Characters(), Lines()
        self._held_out = TrainConfig().held_out

    def check(self, minutes: float | None) -> Check:
        """Return what is found; estimates what a training of so many minutes reaches, if any."""
        text, characters, lines = self._text, self._characters, self._lines
        for piece in text.pieces("reading the text"):
            characters.add(piece, lines.done)
            lines.add(piece)
        lines.end()
        count = characters.counts.characters
        of_files = text.findings()
        if not count:
            raise self._nothing(of_files)
        learned, held_out, whole = self._samples(count)
        sample = "".join(map(whole_lines, learned)) if len(learned) > 1 else learned[0]
        sizes = [facts.size for facts in text.facts if facts.size]
        tokens, suggested = suggested_tokens(characters.counts), suggested_documents(sample, sizes)
        leakage = self._leakage(whole, count)
        of_documents = self._of_documents(self._documents or suggested.value)
        odd, mojibake = characters.odd(text.place), characters.found_mojibake(text.place)
        findings = [
            *of_files,
            *self._of_length(count),
            *self._of_given_documents(of_documents),
            *duplicates.file_findings(text.same_files)[:3],
            *leakage.findings(),
            *(of_documents.findings() if of_documents else []),
            *lines.findings(text.place),
            *found_characters.findings(characters, odd, mojibake),
        ]
        findings.sort(key=lambda finding: LEVELS.index(finding.level))
        trainable = all(finding.level != "stops" for finding in findings)
        expected = None
        if minutes is not None and count >= FEWEST_CHARACTERS:
            expected = self._estimate("".join(learned), "".join(held_out), count, minutes, tokens)
        rare = characters.rare()
        return Check(
            trainable,
            findings,
            len(text.facts),
            text.empty_files,
            text.size,
            count,
            lines.count,
            lines.longest,
            text.place(lines.longest_line),
            [facts for facts in text.facts if not facts.is_utf8 or facts.mark][:MOST_FILES],
            text.line_ends(lines.done),
            lines.blank,
            lines.trailing,
            lines.tabs,
            len(characters.counts.different),
            characters.scripts(),
            rare,
            characters.counts.of(rare),
            odd,
            mojibake,
            characters.changing,
            lines.repeats.repeated(),
            lines.most_frequent,
            of_documents,
            text.same_files,
            leakage,
            tokens,
            suggested,
            expected,
        )

    def _nothing(self, findings: list[Finding]) -> CorpusError:
        """Return why there is no text to check."""
        facts = self._text.facts
        if problems := self._text.problems:
            return CorpusError(problems[0])
        if stopping := [finding for finding in findings if finding.level == "stops"]:
            return CorpusError(f"{stopping[0].found}, so there is no text to check: {stopping[0].advice}")
        if any(one.size for one in facts):
            return CorpusError(f"{facts[0].file}: no text in it; expected some")
        return CorpusError(f"{facts[0].file} is empty{' and so are all others' * (len(facts) > 1)}; expected a text")

    def _of_length(self, count: int) -> list[Finding]:
        if count >= FEWEST_CHARACTERS:
            return []
        found = f"{count:,} characters, expected at least {FEWEST_CHARACTERS:,}"
        return [Finding("stops", "too-short", found, "a good model wants a hundred thousand and more")]

    def _of_given_documents(self, documents: Documents | None) -> list[Finding]:
        """Return why a training would refuse the documents that were asked for."""
        if self._documents in (None, NONE):
            return []
        if documents is None:
            found = "the text has the character U+FDD0, which ends documents in a training"
            return [Finding("stops", "boundary", found, "take it out")]
        if documents.repeated.parts > 1:
            return []
        found = "one document, so that nothing is left to score on"
        return [Finding("stops", "one-document", found, f"is --documents {shlex.quote(documents.mode)} right?")]

    def _samples(self, count: int) -> tuple[list[str], list[str], str]:
        """Return slices of what is learned from and of what is held out, and the beginning of the latter."""
        split = count - round(count * self._held_out)
        spans = [spread(0, split, LEARNED, SLICES), spread(split, count, HELD_OUT, SLICES // 4)]
        pieces = self._text.pieces("taking samples")
        learned, held_out, (whole,) = cut(pieces, [*spans, [(split, min(count, split + MOST_HELD_OUT))]])
        return learned, held_out, whole

    def _leakage(self, held_out: str, count: int) -> Leakage:
        split = count - round(count * self._held_out)
        lines = 0

        def learned() -> Iterator[str]:
            nonlocal lines
            left = split
            for piece in self._text.pieces("looking for copies"):
                part = piece[:left]
                left -= len(part)
                lines += part.count("\n")
                yield part
                if not left:
                    return

        copies = Copies(held_out, Folding(self._characters.counts.different))
        copies.look_in(learned())
        return copies.leakage(self._text.place, lines)

    def _of_documents(self, mode: str) -> Documents | None:
        if mode == NONE or self._characters.counts.of(BOUNDARY):
            return None
        if mode == LINE:
            return duplicates.documents_in(mode, self._lines.repeats, self._held_out)
        pieces = self._text.pieces("comparing documents", mode)
        return duplicates.documents_in(mode, duplicates.repeats_of(pieces), self._held_out)

    def _estimate(self, learned: str, held_out: str, count: int, minutes: float, tokens: Suggestion) -> Estimate | None:
        settings = Settings(minutes, "byte" if tokens.value == "byte" else "char", self._lines.is_sorted)
        self._progress("measuring this machine", 0.0)
        counts = self._characters.counts
        share = 1 - self._held_out
        try:
            return estimated(
                learned, held_out, round(count * share), counts.different, round(counts.size * share), settings
            )
        except MissingExtraError:
            return None
