"""A trained model and all that it does: `load` and `Model`. `import longhand` offers them, and what is in `api`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from longhand.arrays import DoubleArray
from longhand.config import InspectConfig, ManyConfig, NetworkConfig, RunConfig, SamplingConfig, ScoringConfig
from longhand.copies.index import CopyIndex, build_index
from longhand.copies.report import Novelty, novelty
from longhand.errors import ModelFormatError, OptionError
from longhand.generation.beam import BeamSearch
from longhand.generation.explorer import Explorer
from longhand.generation.likeliest import Next, likeliest
from longhand.generation.loop import Piece
from longhand.generation.many import Many, Written
from longhand.generation.opening import Opening
from longhand.generation.saved import WritingState
from longhand.generation.writing import Task, Writing, given_settings, go_on, task_of, write
from longhand.learned import documents_of, training_of
from longhand.modelfile import Card, ModelFile, existing_model, model_path, read_model, write_model
from longhand.runtime.choice import Runtime
from longhand.runtime.session import Session
from longhand.scoring.score import Score, Scorer, Watch
from longhand.settings import configured, sampling_for
from longhand.text.documents import NONE, marked, separator
from longhand.text.listed import ListedTokenizer
from longhand.text.passage import random_passage
from longhand.text.progress import Told, untold
from longhand.text.rereading import Text
from longhand.text.sources import Source
from longhand.text.tokenizer import Tokenizer, tokenizer_from_record
from longhand.training.planning import reading_of
from longhand.units import Unit

if TYPE_CHECKING:
    from longhand.gates.clamping import Clamps
    from longhand.gates.inspection import Inspection

PASSAGE = 100  # tokens
EXPLORED = ("temperature", "greedy", "top_k", "top_p", "min_p", "typical", "logit_bias", "seed", "length")
Corpus: TypeAlias = "Source | Iterable[Source]"


class Model:
    """A trained model: what `train` and `load` return.

    Example::

        model = longhand.load("shakespeare.safetensors")
        print(model.generate("ROMEO:", length=300, seed=1))
    """

    def __init__(self, file: ModelFile, run: RunConfig | None = None, path: Path | None = None) -> None:
        self.file, self.path = file, path
        self._run = run
        self.tokenizer: Tokenizer = tokenizer_from_record(file.tokenizer, file.config.vocabulary_size)
        if file.config.documents and (file.config.window is not None or self.tokenizer.start is None):
            raise ModelFormatError("a model of documents with a window, or without a start token: its file is damaged")

    @property
    def name(self) -> str:
        """What its file is called; empty if it came from none."""
        return "" if self.path is None else self.path.name

    @cached_property
    def copies(self) -> CopyIndex | None:
        """The index of the text that it learned from, to find copies by, if one was made (`index_copies`)."""
        if self.path is None or not (folder := copies_folder(self.path)).exists():
            return None
        return CopyIndex(folder)

    def index_copies(self, corpus: Corpus, folder: str | os.PathLike[str] | None = None) -> CopyIndex:
        """Make an index of a text, by default the one beside the model that `max_copy` and `novelty` use.

        It is read as the model's training read its text. The files take five times the text's bytes, and so does
        memory while they are made. Raises `CorpusError`, `OutputError`, `OptionError` or `MissingExtraError`.
        """
        if folder is None and self.path is None:
            raise OptionError("folder: a model that came from no file has no place for an index: name one")
        target = Path(folder) if folder is not None else copies_folder(self.path or Path())
        with Text(sources_of(corpus), reading=reading_of(training_of(self.file))) as text:
            index = build_index(text.pieces(), target, text.names)
        self.__dict__["copies"] = index
        return index

    def novelty(self, text: str) -> Novelty:
        """Say how much of a text is a copy of what the model learned from: the longest runs, and what is new.

        Raises `OptionError` where nothing is known of that text (`index_copies`).
        """
        if self.copies is None:
            raise OptionError("nothing is known of the text that the model learned from: give it with --corpus")
        return novelty(text, self.copies)

    @property
    def config(self) -> NetworkConfig:
        """The network's blueprint."""
        return self.file.config

    @property
    def card(self) -> Card:
        """What the model was trained on, for how long and how well."""
        return self.file.card

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what runs the network: it belongs to this process, and a copy makes its own."""
        return {name: value for name, value in self.__dict__.items() if name != "runtime"}

    @cached_property
    def runtime(self) -> Runtime:
        """What runs the network: `runtime.name` is "native-fp32", "native-int8" or "numpy"."""
        return Runtime(self.file.config, self.file.weights, self._run)

    def session(self, batch: int = 1) -> Session:
        """Return a session of `batch` streams that have read nothing yet, for those who work with logits.

        A model of the classic recipe makes every prediction from its last `config.window` tokens alone; any other
        carries its state (`longhand.runtime.session.RecurrentSession`).
        """
        return self.runtime.session(batch)

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

    @property
    def separator(self) -> str | None:
        """What parts the documents that it writes; None if it writes one text."""
        return separator(documents_of(self.file)) if self.config.documents else None

    def pieces(self, prompt: str = "", *, state: WritingState | None = None, **sampling: Any) -> Iterator[Piece]:
        """Return the text that follows `prompt` in pieces of as many characters as come in a moment.

        For those who pass it on: many times fewer steps than `stream`, the same text. Keywords as there, and

        - state: of a text that was left (`state_of`, `load_state`), to go on with; what is not said anew is as it was
          drawn before, its chance too if no seed is given

        Raises `ModelFormatError` for a state of another model.
        """
        if state is None:
            return write(self._task(self._sampling(sampling)), self.session(), prompt)
        self._refuse_state_of_others(state)
        before = state.settings
        if sampling.get("temperature") is not None:
            before.pop("greedy", None)
        config = self._sampling({**before, **sampling})
        return go_on(self._task(config), self.session(), state, prompt)

    def set_defaults(self, **sampling: float) -> None:
        """Keep settings in the card that it writes with where nothing is said of how; `save` keeps them in its file.

        Raises `OptionError` for what is none.
        """
        configured(SamplingConfig, sampling)
        self.file = replace(self.file, card=msgspec.structs.replace(self.card, sampling=dict(sampling)))

    def _sampling(self, values: Mapping[str, Any]) -> SamplingConfig:
        return sampling_for(self.config, values, self.card.sampling)

    def _task(self, sampling: SamplingConfig) -> Task:
        index = None if sampling.max_copy is None else self.copies
        return task_of(self.tokenizer, sampling, self.separator, index)

    def explore(self, prompt: str = "", **sampling: Any) -> Explorer:
        """Return a text to be written step by step by a person and this model, with ways back and branches.

        Keywords as for `stream`. Raises `OptionError` for a model with a window.
        """
        config = self._sampling(sampling)
        if others := [name for name in given_settings(config) if name not in EXPLORED]:
            raise OptionError(f"{others[0].replace('_', ' ')}: not for texts that are written together: leave it out")
        return Explorer(self._task(config), self.session(), prompt)

    def state_of(self, writing: Iterator[Piece]) -> WritingState:
        """Return where a text is that `pieces` writes, to be saved, and gone on with by `pieces(state=...)`.

        Raises `OptionError` for several documents, and for a model with a window, which has no state.
        """
        if not isinstance(writing, Writing):
            raise OptionError("a state is that of one text: leave --documents out, or take --until document")
        return writing.state(self.file.fingerprint, self.name)

    def texts(
        self,
        prompt: str = "",
        *,
        count: int = 1,
        unique: bool = False,
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
        - best_of: of so many, the one that the model finds most probable
        - beam: look for the most probable text with so many streams; there is one
        - log_probabilities: say how probable each token was

        Raises `OptionError`.
        """
        values = {"count": count, "unique": unique, "best_of": best_of, "beam": beam, "length_penalty": length_penalty}
        wanted = configured(ManyConfig, values)
        config = self._sampling(sampling)
        if config.documents is not None:
            raise OptionError("documents: found with --count, expected one of them: a text is a document already")
        task = self._task(config)
        if config.max_copy is not None and (self.config.window is not None or wanted.beam):
            raise OptionError("max copy: neither a beam nor a model that reads a window can go back from a copy")
        if wanted.beam:
            if wanted.count > 1 or wanted.best_of > 1 or wanted.unique:
                raise OptionError("beam: there is one most probable text: leave --count, --best-of and --unique out")
            if config.length_in == "characters":
                raise OptionError("beam: a text is counted in tokens: leave --length-in out")
            opening = Opening(self.session(), self.tokenizer, prompt, whole=task.takes_prompts_whole)
            return iter([BeamSearch(task, self.session(wanted.beam), opening, wanted.length_penalty).best()])
        if wanted.length_penalty != 1:
            raise OptionError("length penalty: of a beam alone: add --beam")
        seed = secrets.randbits(32) if config.seed is None else config.seed
        listed = log_probabilities or wanted.best_of > 1
        many = Many(task, self.session, prompt, seed, log_probabilities=listed)
        if unique:
            if wanted.best_of > 1:
                raise OptionError("unique: found with --best-of, expected one of them")
            return many.different(wanted.count)
        return many.texts(wanted.count) if wanted.best_of == 1 else many.best(wanted.count, wanted.best_of)

    def _refuse_state_of_others(self, state: WritingState) -> None:
        if state.facts.model != self.file.fingerprint:
            other, own = state.facts.model_name or "another model", self.name or "this one"
            raise ModelFormatError(
                f"the state is of {other}, not of {own}, or that was trained anew since: load that one"
            )

    def score(self, text: str | Iterable[str], *watching: Watch, **scoring: Any) -> Score:
        """Say how well the model predicts a text: bits per character and per byte, perplexity.

        Keywords are the fields of `longhand.ScoringConfig`: `adapt`, `cache`, `streams` and others.

        - text: whole, or in pieces of any length, of which no more is kept than is needed; in a text of documents these
          are parted as in the text that was learned from
        - watching: are called with each `Block` of the text and the bits of its tokens

        Raises `OptionError` for an empty text, and as the tokenizer does for what it does not know.
        """
        return self.scorer(**scoring).score(self._documents(text), *watching)

    def scorer(self, **scoring: Any) -> Scorer:
        """Return what scores texts, whose documents end with BOUNDARY; keywords as for `score`."""
        config = configured(ScoringConfig, scoring)
        return Scorer(self.tokenizer, self.config, self.file.weights, self.runtime, config)

    def log_probabilities(self, text: str, **scoring: Any) -> DoubleArray:
        """Return the natural logarithms of the probabilities of a text's tokens, (tokens,); keywords as for `score`.

        The end of a document is a token.
        """
        found: list[DoubleArray] = []
        self.score(text, lambda _, bits: found.append(-bits * np.log(2)), **scoring)
        return np.concatenate(found)

    def next(self, text: str, k: int = 10) -> list[Next]:
        """Return the `k` tokens that are likeliest to follow a text, with their probabilities, the likeliest first.

        Raises `OptionError` for an empty text where the model has no beginning of its own.
        """
        return likeliest(self.session(), self.tokenizer, text, k, ends=self.config.documents)

    def adapted(self, text: str | Iterable[str], **adapting: Any) -> Model:
        """Return a model that has learned from a text as it read it; this one stays as it is.

        Keywords are the fields of `longhand.AdaptConfig`: `adapt_layers` and `adapt_rate`. Raises `OptionError`.
        """
        scorer = self.scorer(adapt=True, **adapting)
        scorer.score(self._documents(text))
        assert scorer.adapting is not None
        return Model(replace(self.file, weights=scorer.adapting.weights()), self._run, self.path)

    def _documents(self, text: str | Iterable[str]) -> Iterable[str]:
        mode, pieces = documents_of(self.file), [text] if isinstance(text, str) else text
        return pieces if mode == NONE else marked(pieces, mode)

    def passage(self, corpus: Corpus, *, seed: int | None = None) -> str:
        """Return a random passage of a text to go on from, as the Keras tutorial's script takes its seed.

        It has as many tokens as the model's window, or 100 characters if it has none. Raises `CorpusError`, and
        `OptionError` for a seed that is none.
        """
        configured(SamplingConfig, {"seed": seed})
        random = np.random.default_rng(None if seed is None else [seed, 1])  # 1: not the numbers that sampling draws
        unit: Unit = self.tokenizer.kind if isinstance(self.tokenizer, ListedTokenizer) else "char"
        return random_passage(sources_of(corpus), unit, self.config.window or PASSAGE, random)

    def generate(self, prompt: str = "", **sampling: Any) -> str:
        """Return the text that follows `prompt`; keywords as for `stream`."""
        return "".join(piece.text for piece in self.pieces(prompt, **sampling))

    def inspect(self, text: str, *, tell: Told = untold, **settings: Any) -> Inspection:
        """Look into the network as it reads a text: gates, cells, what its units follow, how long it remembers.

        Keywords are the fields of `longhand.InspectConfig`: `probe`, `reach`, `places`, `seed`. The result's `trace`
        has the numbers, its `write_page` makes a page of them. Raises `OptionError`, `CorpusError`.
        """
        from longhand.gates.inspection import inspect

        wanted = configured(InspectConfig, settings)
        return inspect(self.file, self.tokenizer, self.runtime, text, wanted, name=self.name, tell=tell)

    def clamped(self, clamps: Clamps) -> Model:
        """Return a model whose units are held at a value, by (layer, unit) from 1; this one stays as it is.

        Raises `OptionError` for units that there are not, and for values that are not from -1 to 1.
        """
        from longhand.gates.clamping import clamped

        return Model(clamped(self.file, clamps), self._run, self.path)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the model to one file and return its path, to which ".safetensors" is added where it is missing.

        Raises `OutputError` if the file exists and `overwrite` is false, or if it cannot be written.
        """
        target = model_path(path)
        write_model(self.file, target, overwrite=overwrite)
        return target


def load(path: str | os.PathLike[str], **run: Any) -> Model:
    """Read a model file; ".safetensors" may be left out. Runs no code from it; raises `ModelFormatError`.

    Keywords are the fields of `longhand.RunConfig`: `precision` ("auto", "fp32" or "int8") and `threads`.
    """
    config = configured(RunConfig, run)
    found = existing_model(path)
    return Model(read_model(found), config, found)


def copies_folder(path: Path) -> Path:
    """Return where the index of the text lies that the model at `path` learned from."""
    from longhand.training.run_folder import folder_of

    return folder_of(path) / "copies"


def sources_of(corpus: Corpus) -> Iterable[Any]:
    """Return the sources of a corpus, of which there may be one."""
    one = isinstance(corpus, str | os.PathLike) or hasattr(corpus, "read")
    return [corpus] if one else corpus  # type: ignore[return-value]
