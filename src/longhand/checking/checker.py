"""The whole check of a text, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from longhand.checking import characters as found_characters
from longhand.checking import duplicates
from longhand.checking.characters import Characters, Met, Mojibake
from longhand.checking.checked_split import CheckedSplit, document_list
from longhand.checking.checked_text import CheckedText, Progress
from longhand.checking.duplicates import Documents
from longhand.checking.encodings import FileFacts
from longhand.checking.estimate import HELD_OUT, LEARNED, Estimate, Settings, estimated
from longhand.checking.finding import LEVELS, Finding, Place
from longhand.checking.leakage import MOST_HELD_OUT, Copies, Folding, Leakage
from longhand.checking.lines import Lines
from longhand.checking.samples import cut, spread, whole_lines
from longhand.checking.tables import TableFacts
from longhand.config import TrainConfig
from longhand.errors import CorpusError, MissingExtraError
from longhand.text.corpus_parts import parts_of
from longhand.text.document_suggestion import mode_of, suggested_documents
from longhand.text.documents import BLANK, BOUNDARY, LINE, NONE, ROW, is_told_by_text, never_met, option_for
from longhand.text.encoded import FEWEST_CHARACTERS
from longhand.text.held_out_end import ADVICE, SORTED_SHARE, Stretches, end_warning
from longhand.text.kinds import Kind
from longhand.text.points import code_points
from longhand.text.reading import PLAIN, Reading
from longhand.text.repeats import Repeated
from longhand.text.sources import Source
from longhand.text.suggestion import Suggestion, suggested_tokens

SORTED_DOCUMENTS = "as documents they are learned in a shuffled order, and held out from all over the text"
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
    - different, scripts, rare, rare_characters, odd, not_nfc: of the characters; rare ones occur less than 10 times,
      `rare_characters` is how many of the text's characters they are
    - mojibake, escaped_mojibake: text that was decoded wrongly, and how often there is some within escapes of JSON
    - tables: files that are tables of which no column is read, a few: their columns with an example of each
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
    escaped_mojibake: int
    not_nfc: int
    tables: list[TableFacts]
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
    parts = parts_of(sources)
    with CheckedText(parts.learned, reading, progress, parts.validation) as text:
        return _Checking(text, documents, progress, parts.notes).check(minutes if estimate else None)


class _Checking:
    def __init__(self, text: CheckedText, documents: str | None, progress: Progress, notes: list[str]) -> None:
        self._text, self._documents, self._progress, self._notes = text, documents, progress, notes
        self._characters, self._lines, self._stretches = Characters(), Lines(), Stretches()
        self._held_out = TrainConfig().held_out

    def check(self, minutes: float | None) -> Check:
        """Return what is found; estimates what a training of so many minutes reaches, if any."""
        text, characters, lines = self._text, self._characters, self._lines
        for piece in text.pieces("reading the text"):
            characters.add(piece, lines.done)
            lines.add(piece)
            self._stretches.add(code_points(piece))
        lines.end()
        count = characters.counts.characters
        of_files = text.findings()
        if not count:
            raise self._nothing(of_files)
        repaired = characters.counts.without_c1() if characters.mojibake else characters.counts
        tokens, suggested = suggested_tokens(repaired), self._suggested_documents(count)
        of_documents, split = self._split(self._documents or mode_of(suggested), count)
        leakage = self._leakage(split)
        odd, mojibake = characters.odd(text.place), characters.found_mojibake(text.place)
        findings = [
            *of_files,
            *(Finding("know", "divided", note, "a training does so, too") for note in self._notes),
            *self._of_length(count),
            *self._of_given_documents(of_documents),
            *duplicates.file_findings(text.same_files)[:3],
            *leakage.findings(),
            *(of_documents.findings() if of_documents else []),
            *self._of_split(split),
            *lines.findings(text.place),
            *found_characters.findings(characters, odd, mojibake),
        ]
        findings.sort(key=lambda finding: LEVELS.index(finding.level))
        trainable = all(finding.level != "stops" for finding in findings)
        expected = None
        if minutes is not None and count >= FEWEST_CHARACTERS:
            expected = self._estimate(split, count, minutes, tokens, suggested)
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
            characters.escaped,
            characters.changing,
            text.tables,
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
            told = is_told_by_text(documents.mode) and documents.repeated.parts <= len(self._text.facts)
            found = f"{never_met(documents.mode)}, so that each file is one document"
            return [Finding("harms", "never-met", found, "is it written so in the text?")] * told
        found = "one document, so that nothing is left to score on"
        return [Finding("stops", "one-document", found, f"is {option_for(documents.mode)} right?")]

    def _suggested_documents(self, count: int) -> Suggestion:
        (slices,) = cut(self._text.pieces("taking samples"), [spread(0, count, LEARNED, SLICES)])
        sample = "".join(map(whole_lines, slices)) if len(slices) > 1 else slices[0]
        found = suggested_documents(sample, [facts.size for facts in self._text.facts if facts.size])
        if self._text.reads_column and found.value in (LINE, BLANK):
            return Suggestion(ROW, f"rows of the column: {found.why}")
        return found

    def _split(self, mode: str, count: int) -> tuple[Documents | None, CheckedSplit]:
        """Return what is known of the documents, if there are any, and how a training would split the text."""
        if mode == NONE or self._characters.counts.of(BOUNDARY):
            return None, CheckedSplit(self._text, NONE, self._held_out, count, None)
        documents, pieces = document_list(self._text.pieces("comparing documents", mode))
        repeats = duplicates.repeats_of(pieces)
        if not len(documents.ends):
            return duplicates.documents_in(mode, repeats, np.zeros(0, np.bool_)), CheckedSplit(
                self._text, NONE, self._held_out, count, None
            )
        split = CheckedSplit(self._text, mode, self._held_out, count, documents)
        return duplicates.documents_in(mode, repeats, split.held_out_documents()), split

    def _of_split(self, split: CheckedSplit) -> list[Finding]:
        """Return what a person should know of the part of the text that is held out."""
        order = self._lines.order
        if split.documents is not None:
            found = f"{order.share:.0%} of the lines are in alphabetical order"
            return [Finding("know", "sorted", found, SORTED_DOCUMENTS)] * order.is_sorted
        share = 0.0 if self._text.has_validation else self._held_out
        if not (warning := end_warning(order, self._stretches, share)):
            return []
        return [Finding("harms", "sorted" if order.is_sorted else "unlike-end", warning, ADVICE)]

    def _leakage(self, split: CheckedSplit) -> Leakage:
        beginning = [(0, min(split.sizes[1], MOST_HELD_OUT))]
        ((held_out,),) = cut(split.pieces(1, "taking samples"), [beginning])
        copies = Copies(held_out, Folding(self._characters.counts.different))
        copies.look_in(split.counted(split.pieces(0, "looking for copies")))
        return copies.leakage(lambda line: split.place(1, line), lambda line: split.place(0, line))

    def _estimate(
        self, split: CheckedSplit, count: int, minutes: float, tokens: Suggestion, documents: Suggestion
    ) -> Estimate | None:
        is_sorted = split.documents is None and self._lines.order.share >= SORTED_SHARE
        unit, mode = "byte" if tokens.value == "byte" else "char", self._documents or documents.value
        settings = Settings(minutes, unit, is_sorted, mode != NONE)
        spans = [spread(0, split.sizes[0], LEARNED, SLICES), spread(0, split.sizes[1], HELD_OUT, SLICES // 4)]
        learned, held_out = ("".join(cut(split.pieces(half, "taking samples"), [spans[half]])[0]) for half in (0, 1))
        if not learned or not held_out:
            return None
        self._progress("measuring this machine", 0.0)
        counts = self._characters.counts
        share = split.sizes[0] / max(sum(split.sizes), 1)
        try:
            return estimated(
                learned, held_out, round(count * share), counts.different, round(counts.size * share), settings
            )
        except MissingExtraError:
            return None
