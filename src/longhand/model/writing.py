"""A model writes: one text or many, alone or with a person, in what shape, and how much of it is a copy."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

from longhand.config import ManyConfig, SamplingConfig
from longhand.copies.documents import KnownDocuments
from longhand.copies.index import CopyIndex, build_index
from longhand.copies.report import Novelty, novelty
from longhand.errors import CorpusError, ModelFormatError, OptionError
from longhand.generation.beam import BeamSearch
from longhand.generation.constraints.bounds import USUAL, Bounds, never_interrupt
from longhand.generation.explorer import Explorer
from longhand.generation.loop import Piece
from longhand.generation.many import Many, Written
from longhand.generation.opening import opened
from longhand.generation.saved import WritingState
from longhand.generation.writing import Task, Writing, given_settings, go_on, task_of, write
from longhand.learned import corpus_of, learned_text, other_text, reading_of_other, training_of
from longhand.model.base import ModelBase
from longhand.settings import configured, length_of, sampling_for
from longhand.text.documents import documents_of_text
from longhand.text.listed import ListedTokenizer
from longhand.text.passage import beginning_of_a_document, random_passage
from longhand.text.rereading import Text
from longhand.text.sources import Source
from longhand.training.reading import reading_of
from longhand.units import Unit

PASSAGE = 100  # tokens
EXPLORED = ("temperature", "greedy", "top_k", "top_p", "min_p", "typical", "logit_bias", "seed", "length")
Corpus: TypeAlias = "Source | Iterable[Source]"


class WritingModel(ModelBase):
    """What a model does to write."""

    def generate(self, prompt: str = "", **sampling: Any) -> str:
        """Return the text that follows `prompt`; keywords as for `stream`."""
        return "".join(piece.text for piece in self.pieces(prompt, **sampling))

    def stream(self, prompt: str = "", **sampling: Any) -> Iterator[str]:
        """Yield the text that follows `prompt`, character by character as it is drawn.

        Keywords are the fields of `longhand.SamplingConfig`: `length` (1000), `documents`, `temperature` (0.8; 0 for a
        model with a window), `greedy`, `top_k`, `top_p`, `min_p`, `seed`. Without a seed every call that draws writes
        something else. Characters that the model does not know are read as the unknown token, or refused where it has
        none. Raises `OptionError` at once, before the first character is asked for.
        """
        pieces = self.pieces(prompt, **sampling)
        whole = self.tokenizer.kind not in ("char", "byte")
        return (part for piece in pieces for part in ([piece.text] * bool(piece.text) if whole else piece.text))

    def pieces(self, prompt: str = "", *, state: WritingState | None = None, **sampling: Any) -> Iterator[Piece]:
        """Return the text that follows `prompt` in pieces of as many characters as come in a moment.

        For those who pass it on: many times fewer steps than `stream`, the same text. Keywords as there, and

        - state: of a text that was left (`state_of`, `load_state`), to go on with; what is not said anew is as it was
          drawn before, its chance too if no seed is given

        Raises `ModelFormatError` for a state of another model.
        """
        task, prompt = self.task(state, **sampling), self.as_read(prompt)
        if state is None:
            return write(task, self.session(), prompt)
        return go_on(task, self.session(), state, prompt)

    def task(
        self,
        state: WritingState | None = None,
        *,
        bounds: Bounds = USUAL,
        interrupt: Callable[[], None] = never_interrupt,
        **sampling: Any,
    ) -> Task:
        """Return how a text is to be written, made ready for this model: what `longhand.serving` writes by.

        Keywords and `state` as for `pieces`; a shape may be as large as `bounds` say. `interrupt` is called while it is
        prepared, and raises an error to stop. Raises `OptionError` and `ModelFormatError` as `pieces` does.
        """
        if state is not None:
            self._refuse_state_of_others(state)
            before = state.settings
            if sampling.get("temperature") is not None:
                before.pop("greedy", None)
            sampling = {**before, **sampling}
        config = self._sampling(sampling)
        index = None if config.max_copy is None else self.copies
        return task_of(self.tokenizer, config, self.separator, index, bounds, interrupt)

    def texts(
        self,
        prompt: str = "",
        *,
        count: int = 1,
        unique: bool = False,
        new: bool = False,
        best_of: int = 1,
        beam: int = 0,
        length_penalty: float = 1.0,
        log_probabilities: bool = False,
        **sampling: Any,
    ) -> Iterator[Written]:
        """Return `count` texts that follow `prompt`, which advance together: many times as fast as one by one.

        Each is what `generate` writes with its seed: `seed`, `seed` + 1 and so on. Keywords as for `stream`, and those
        of `longhand.ManyConfig`:

        - unique: no text twice
        - new: no document that is in the training text (`known_documents`)
        - best_of: of so many, the one that the model finds most probable
        - beam: look for the most probable text with so many streams; there is one
        - log_probabilities: say how probable each token was

        With `documents` there are as many times more texts: each is a document. Raises `OptionError`, after those texts
        that there are where not enough different or new ones come.
        """
        prompt = self.as_read(prompt)
        values = {"count": count, "unique": unique, "new": new, "best_of": best_of, "beam": beam}
        wanted = configured(ManyConfig, {**values, "length_penalty": length_penalty})
        config = self._sampling(sampling)
        if new and not self.config.documents:
            raise OptionError("new: the model was not trained on documents (longhand train --documents)")
        if config.documents is not None and self.config.documents:
            values["count"] = count * config.documents
            wanted = configured(ManyConfig, {**values, "length_penalty": length_penalty})
            sampling = {**sampling, "documents": None, "length": length_of(config)}
        task = self.task(**sampling)
        if config.max_copy is not None and (self.config.window is not None or wanted.beam):
            raise OptionError("max copy: neither a beam nor a model that reads a window can go back from a copy")
        if wanted.beam:
            if wanted.count > 1 or wanted.best_of > 1 or wanted.unique or wanted.new:
                raise OptionError(
                    "beam: there is one most probable text: leave --count, --documents, --best-of, --unique, --new out"
                )
            if config.length_in == "characters":
                raise OptionError("beam: a text is counted in tokens: leave --length-in out")
            opening = opened(self.session(), self.tokenizer, prompt, whole=task.takes_prompts_whole)
            return iter([BeamSearch(task, self.session(wanted.beam), opening, wanted.length_penalty).best()])
        if wanted.length_penalty != 1:
            raise OptionError("length penalty: of a beam alone: add --beam")
        seed = secrets.randbits(32) if config.seed is None else config.seed
        listed = log_probabilities or wanted.best_of > 1
        many = Many(task, self.session, prompt, seed, log_probabilities=listed)
        if not (unique or new or wanted.best_of > 1):
            return many.texts(wanted.count)
        return many.chosen(wanted.count, wanted.best_of, unique=unique, known=self.known_documents if new else None)

    @cached_property
    def known_documents(self) -> KnownDocuments:
        """The documents of the training text, as its training listed them beside the model, or `know_documents` read.

        Raises `OptionError` where nothing is known of them, `CorpusError` for a damaged list, or another training's.
        """
        from longhand.training.corpus_record import REMEDY, refuse_folder_of_others
        from longhand.training.run_folder import DOCUMENTS, folder_of

        if self.path is None:
            raise OptionError(f"new: nothing is known of the documents that the model learned from: {REMEDY}")
        refuse_folder_of_others(self.path, self.card)
        place = folder_of(self.path) / DOCUMENTS
        try:
            return KnownDocuments.read(place)
        except OSError:
            raise OptionError(f"new: no list of the training text's documents ({place}): {REMEDY}") from None

    def know_documents(self, corpus: Corpus | None = None) -> KnownDocuments:
        """Read a training text, and return its documents, which are then the model's `known_documents`.

        - corpus: what it learned from; left out, it is found as the training recorded it

        Raises `CorpusError`, `OptionError`.
        """
        sources = self.recorded_corpus() if corpus is None else sources_of(corpus)
        with learned_text(self.file, sources) as text:
            found = KnownDocuments.of(documents_of_text(text.pieces()))
        self.__dict__["known_documents"] = found
        return found

    def explore(self, prompt: str = "", **sampling: Any) -> Explorer:
        """Return a text to be written step by step by a person and this model, with ways back and branches.

        Keywords as for `stream`. Raises `OptionError` for a model with a window.
        """
        task = self.task(**sampling)
        if others := [name for name in given_settings(task.sampling) if name not in EXPLORED]:
            raise OptionError(f"{others[0].replace('_', ' ')}: not for texts that are written together: leave it out")
        return Explorer(task, self.session(), self.as_read(prompt), self.as_read)

    def state_of(self, writing: Iterator[Piece]) -> WritingState:
        """Return where a text is that `pieces` writes, to be saved, and gone on with by `pieces(state=...)`.

        Raises `OptionError` for several documents, and for a model with a window, which has no state.
        """
        if not isinstance(writing, Writing):
            raise OptionError("a state is that of one text: leave --documents out, or take --until document")
        return writing.state(self.file.fingerprint, self.name)

    def set_defaults(self, **sampling: float) -> None:
        """Keep settings in the card that it writes with where nothing is said of how; `save` keeps them in its file.

        Raises `OptionError` for what is none.
        """
        configured(SamplingConfig, sampling)
        self.file = replace(self.file, card=msgspec.structs.replace(self.card, sampling=dict(sampling)))

    def passage(self, corpus: Corpus, *, seed: int | None = None) -> str:
        """Return a random passage of a text to go on from, as the Keras tutorial's script takes its seed.

        It has as many tokens as the model's window, or 100 characters if it has none; of documents it is the first half
        of one, or 100 characters. Raises `CorpusError`, and
        `OptionError` for a seed that is none.
        """
        configured(SamplingConfig, {"seed": seed})
        random = np.random.default_rng(None if seed is None else [seed, 1])  # 1: not the numbers that sampling draws
        unit: Unit = self.tokenizer.kind if isinstance(self.tokenizer, ListedTokenizer) else "char"
        sources = list(sources_of(corpus))
        if self.config.documents:
            with other_text(self.file, sources) as text:
                return beginning_of_a_document(text, PASSAGE, random)
        return random_passage(sources, unit, self.config.window or PASSAGE, random, reading_of_other(self.file))

    @cached_property
    def copies(self) -> CopyIndex | None:
        """The index of the text that it learned from, to find copies by, if one was made (`index_copies`)."""
        if self.path is None or not os.access(folder := copies_folder(self.path), os.X_OK):  # none, or of another user
            return None
        return CopyIndex(folder)

    def recorded_corpus(self) -> list[str]:
        """Return the sources of the text that it learned from, as its training recorded them beside the model.

        Raises `CorpusError` where there is no such record, or the text is no longer there as it was.
        """
        from longhand.training.corpus_record import REMEDY, recorded_sources

        if self.path is None:
            raise CorpusError(f"the model came from no file, beside which its training text is recorded: {REMEDY}")
        return recorded_sources(self.path, self.card)

    def index_copies(self, corpus: Corpus | None = None, folder: str | os.PathLike[str] | None = None) -> CopyIndex:
        """Make an index of a text, by default the one beside the model that `max_copy` and `novelty` use.

        - corpus: what it learned from; left out, it is found as the training recorded it

        It is read as the model's training read its text. The files take five times the text's bytes, and so does
        memory while they are made. Raises `CorpusError`, `OutputError`, `OptionError` or `MissingExtraError`.
        """
        if folder is None and self.path is None:
            raise OptionError("folder: a model that came from no file has no place for an index: name one")
        target = Path(folder) if folder is not None else copies_folder(self.path or Path())
        sources = self.recorded_corpus() if corpus is None else sources_of(corpus)
        learned = corpus_of(self.file, sources).learned
        with Text(learned, reading=reading_of(training_of(self.file))) as text:
            index = build_index(text.pieces(), target, text.names)
        self.__dict__["copies"] = index
        return index

    def novelty(self, text: str) -> Novelty:
        """Say how much of a text is a copy of what the model learned from: the longest runs, and what is new.

        Raises `OptionError` where nothing is known of that text (`index_copies`).
        """
        if self.copies is None:
            raise OptionError("nothing is known of the text that the model learned from: give it with --corpus")
        return novelty(self.as_read(text), self.copies)

    def _sampling(self, values: Mapping[str, Any]) -> SamplingConfig:
        return sampling_for(self.config, self.as_read_settings(values), self.card.sampling)

    def as_read_settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings of sampling whose texts are in the normal form of what the model writes."""
        return {name: self._as_read_setting(value) for name, value in values.items()}

    def _as_read_setting(self, value: Any) -> Any:
        """Return a setting of sampling whose texts are in the normal form of what the model writes."""
        if isinstance(value, str):
            return self.as_read(value)
        if isinstance(value, tuple | list):
            return type(value)(map(self._as_read_setting, value))
        if isinstance(value, dict):
            return {self._as_read_setting(key): number for key, number in value.items()}
        return value

    def _refuse_state_of_others(self, state: WritingState) -> None:
        if state.facts.model != self.file.fingerprint:
            other, own = state.facts.model_name or "another model", self.name or "this one"
            raise ModelFormatError(
                f"the state is not of {own} as it is here, but of {other}, before it was trained anew, or with another "
                "--adapt-to or --clamp: load that one"
            )


def copies_folder(path: Path) -> Path:
    """Return where the index of the text lies that the model at `path` learned from."""
    from longhand.training.run_folder import COPIES, folder_of

    return folder_of(path) / COPIES


def sources_of(corpus: Corpus) -> Iterable[Any]:
    """Return the sources of a corpus, of which there may be one."""
    one = isinstance(corpus, str | os.PathLike) or hasattr(corpus, "read")
    return [corpus] if one else corpus  # type: ignore[return-value]
