"""From a text to its tokens: surveyed, split, its vocabulary made, and numbered. Those of a large one are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from longhand.errors import CorpusError
from longhand.native.processors import processors
from longhand.text.cache import cache_folder, held
from longhand.text.document_split import SPLIT_FORMAT, DocumentSplit
from longhand.text.documents import is_told_by_text, never_met, option_for
from longhand.text.encoded import EncodedCorpus, fingerprint_of, refuse_too_short
from longhand.text.normal_form import FormWatch
from longhand.text.numbering import CUT_AT_WORDS, in_halves, numbered
from longhand.text.progress import Told, untold
from longhand.text.quick_look import QuickLook
from longhand.text.reading import PLAIN, Reading
from longhand.text.rereading import Text
from longhand.text.sources import Source
from longhand.text.store import InMemory, OnDisk, Split, Store
from longhand.text.suggestion import CharacterCounts
from longhand.text.survey import Survey, split_of, surveyed
from longhand.text.tokenizer import Tokenizer
from longhand.text.utf8 import utf8_bytes
from longhand.text.vocabulary import CHARACTERS, Wanted, decided, tokenizer_for, word_rule
from longhand.text.words import WordTokenizer
from longhand.units import WORD_KINDS, HeldOutFrom

FORMAT = 3  # of what is kept
MOST_PROCESSES = 8  # each has a tokenizer, and a piece of the text
# Bytes of a text, by its tokens, from which on these are kept.
KEPT_FROM = {"char": 1 << 26, "byte": 1 << 26, **dict.fromkeys(CUT_AT_WORDS, 1 << 24)}


def encode_corpus(
    sources: Iterable[Source],
    held_out: float = 0.1,
    known: Tokenizer | None = None,
    wanted: Wanted = CHARACTERS,
    reading: Reading = PLAIN,
    tell: Told = untold,
    *,
    split: HeldOutFrom = "documents",
    validation: Iterable[Source] = (),
) -> EncodedCorpus[Tokenizer]:
    """Read `sources` and return them as token numbers, a share of their characters, `held_out`, held out.

    - split: whether documents from all over the text are held out, or its end; of running text its end always is
    - validation: sources that are held out in place of a share of the others

    The vocabulary is that of the part that is learned from, and that of `known`: characters that only the held-out part
    has are unknown, as they will be in any other text. The tokens of a large text are kept in a file
    (`longhand.text.cache`) and found there the next time; what was interrupted goes on.

    Raises `CorpusError` for a source that cannot be read, or too little text.
    """
    with Text(sources, wanted.documents, reading, tell, validation) as text:
        look, forms, counts = QuickLook(), FormWatch(), CharacterCounts()
        watching = [look.look, forms.look, *[counts.add] * (wanted.kind == "auto")]
        survey = surveyed(text, *watching, stretches=look.stretches)
        refuse_too_short(survey.characters, text.names)
        wanted, why = decided(wanted, counts, known)
        preparation = _Preparation(text, survey, (held_out, split), known, wanted, tell)
        corpus = preparation.kept() if preparation.large else preparation.in_memory()
        share = 0.0 if text.has_validation else held_out
        of_split = look.of_split(share, is_shuffled=text.of_documents and split == "documents" and share > 0)
    notes = [*of_split, *look.warnings(survey), *corpus.notes]
    return replace(corpus, notes=notes, why_tokens=why, normal_form=forms.form or "")


class _Preparation:
    def __init__(
        self,
        text: Text,
        survey: Survey,
        held_out: tuple[float, HeldOutFrom],
        known: Tokenizer | None,
        wanted: Wanted,
        tell: Told,
    ) -> None:
        self._text, self._survey, self._known, self._wanted, self._tell = text, survey, known, wanted, tell
        self._split = split_of(text, survey, *held_out)
        self._tokens = known.kind if known is not None else wanted.kind
        self.large = text.size >= KEPT_FROM[self._tokens]
        self._notes: list[str] = []
        record = None
        if known is not None:  # it decides
            wanted, record = Wanted(documents=wanted.documents), known.to_record()
        facts: list[object] = [FORMAT, text.fingerprint, held_out[0], wanted, record]
        if known is None and wanted.kind in WORD_KINDS:
            facts.append(word_rule(wanted.kind))
        if text.has_validation:
            facts.append(("validation", text.learned))
        elif isinstance(self._split, DocumentSplit):
            facts.append(("documents", SPLIT_FORMAT))
        self._key = fingerprint_of(*facts)

    def in_memory(self) -> EncodedCorpus[Tokenizer]:
        """Prepare the text in memory."""
        tokenizer = self._tokenizer()
        store = InMemory(tokenizer)
        self._number(tokenizer, store)
        return self._corpus(tokenizer, store)

    def kept(self) -> EncodedCorpus[Tokenizer]:
        """Prepare the text in a file, or find it there; where none can be written, in memory."""
        if (folder := cache_folder()) is None:
            return self.in_memory()
        try:
            return self._kept(folder / self._key[:32])
        except OSError as error:
            self._notes = [
                f"its tokens cannot be kept in {folder} ({error.strerror or error}): they take memory instead, and the "
                "text is prepared anew the next time (LONGHAND_CACHE in the environment names another folder)"
            ]
            return self.in_memory()

    def _kept(self, folder: Path) -> EncodedCorpus[Tokenizer]:
        with held(folder, self._tell):
            store = OnDisk(folder)
            store.check()
            if store.complete and store.progress.characters != self._survey.characters:
                store.forget()  # it is not of this text, whatever its checksum says
            if store.split is None:
                self._begin(store, self._tokenizer())
            assert store.split is not None
            try:
                if not store.complete:
                    if not self._read_before(store):
                        self._begin(store, store.tokenizer)
                    store.open()
                    self._number(store.tokenizer, store)
                return self._corpus(store.tokenizer, store)
            except OSError:
                store.forget()  # a disk that is full is not to stay so
                raise
            finally:
                store.close()

    def _begin(self, store: OnDisk, tokenizer: Tokenizer) -> None:
        learned = self._split.learned if isinstance(self._split, DocumentSplit) else self._split
        store.begin(Split(learned, tokenizer.to_record(), self._text.names), tokenizer)

    def _read_before(self, store: OnDisk) -> bool:
        """Whether the text begins with what was numbered before: that may be of a text which changed meanwhile."""
        hashed, left = hashlib.blake2b(), store.progress.seen
        pieces = self._text.pieces("looking for the place")
        while left and (piece := next(pieces, "")):
            hashed.update(utf8_bytes(piece[:left]))
            left -= min(left, len(piece))
        return left == 0 and store.progress.read in ("", hashed.hexdigest())

    def _tokenizer(self) -> Tokenizer:
        return tokenizer_for(
            self._text,
            self._survey,
            self._split,
            self._wanted,
            self._known,
            processes=self._processes,
            notes=self._notes,
        )

    @property
    def _processes(self) -> int:
        return min(processors(), MOST_PROCESSES) if self.large and self._tokens in CUT_AT_WORDS else 1

    def _number(self, tokenizer: Tokenizer, store: Store) -> None:
        progress, ends = store.progress, self._text.ends
        pieces = in_halves(self._text, self._split, tokenizer.kind, "numbering")
        missing = _after(pieces, [half.characters for half in progress.halves])
        for half, piece, ids in numbered(missing, tokenizer, ends, self._processes):
            size = len(piece) if piece.isascii() else len(utf8_bytes(piece))
            progress.halves[half].add(piece, size, ids, ends, tokenizer)
            progress.seen, progress.read = self._text.gone_by()
            store.write(half, ids)

    def _corpus(self, tokenizer: Tokenizer, store: Store) -> EncodedCorpus[Tokenizer]:
        learned, last = store.progress.halves
        documents, names = learned.documents + last.documents, self._text.names
        if documents == 1:
            raise CorpusError(
                f"{', '.join(names)}: one document, so nothing is left to score on: is "
                f"{option_for(self._wanted.documents)} right?"
            )
        if is_told_by_text(self._wanted.documents) and documents <= len(names):
            self._notes.append(f"{never_met(self._wanted.documents)}: each file is one document")
        assert learned.characters + last.characters == self._survey.characters
        ids, counts = store.finish(self._split.orders if isinstance(self._split, DocumentSplit) else [])
        if last.unknown:
            self._notes.append(f"{last.unknown} {_unknown(tokenizer)} and count as unknown")
        return EncodedCorpus(
            ids,
            last.tokens,
            tokenizer,
            self._survey.characters,
            self._text.size,
            counts,
            fingerprint_of(self._key, tokenizer.to_record()),
            documents,
            held_out_characters=last.characters,
            held_out_bytes=last.size,
            lost_characters=last.lost_characters,
            lost_bytes=last.lost_size,
            release=store.release,
            names=names,
            validation=self._text.validation_names,
            separator=self._text.separator,
            notes=self._text.notes + self._notes,
        )


def _after(pieces: Iterator[tuple[int, str]], places: list[int]) -> Iterator[tuple[int, str]]:
    """Yield what comes after a place in each half, in characters, where a piece ended when it came in other ones."""
    for half, piece in pieces:
        begin = min(places[half], len(piece))
        places[half] -= begin
        if begin < len(piece):
            yield half, piece[begin:]


def _unknown(tokenizer: Tokenizer) -> str:
    if isinstance(tokenizer, WordTokenizer) and not tokenizer.spells:
        return "words of the held-out text have no token"
    return "characters of the held-out text occur nowhere else"
