"""From files to a model file: the way into training."""

from __future__ import annotations

import datetime
import math
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from longhand.config import CHANGEABLE, TrainConfig
from longhand.copies.documents import KnownDocuments
from longhand.errors import LonghandError, OptionError, TrainingError
from longhand.modelfile import Card, ModelFile, model_path
from longhand.text.encoded import EncodedCorpus
from longhand.text.sources import Source
from longhand.training.base import Base, read_base
from longhand.training.checkpoint_file import Checkpoint
from longhand.training.choice import engine_for
from longhand.training.classic_recipe import ClassicRecipe
from longhand.training.corpus_record import record_of
from longhand.training.course import (
    Course,
    DocumentTrier,
    DocumentWriter,
    Outcome,
    Sampler,
    Store,
    no_documents,
    no_sample,
    remarks,
)
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.engine import Engine
from longhand.training.events import (
    Finished,
    Listener,
    Preparing,
    Resumed,
    Started,
    nobody,
)
from longhand.training.footprint import refuse_too_large
from longhand.training.initial import PANEL
from longhand.training.interrupt import Interrupt, listening
from longhand.training.novelty import known_documents, suited_sampling
from longhand.training.pace import MAX_SCORES, MIN_SCORES, Pace, StepPace, TimePace
from longhand.training.plan import Plan
from longhand.training.planning import described, plan_for, read_corpus
from longhand.training.recipe import Recipe
from longhand.training.recorder import Recorder
from longhand.training.run_folder import CORPUS, DOCUMENTS, RunFolder
from longhand.training.saved import Saved
from longhand.version import VERSION

WRITING_SHARE, MOST_WRITING = 0.01, 3.0  # of the time, and seconds, in which a finished model writes documents
WORDS_CHANGED = " (a training with --tokens word that an earlier version began cut words by another rule)"
MUCH_READ = 0.25  # of the time before the first step, of which a person should know


def train_model(
    sources: Iterable[Source],
    config: TrainConfig,
    output: str | os.PathLike[str] | None = None,
    *,
    free: frozenset[str] = frozenset(),
    overwrite: bool = False,
    resume: bool = False,
    tell: Listener = nobody,
    sample: Sampler = no_sample,
    write_documents: DocumentWriter = no_documents,
    try_documents: DocumentTrier = no_documents,
    began: float | None = None,
) -> ModelFile:
    """Train a model on a corpus, write it to `output` if given, and return it.

    - sources: paths of files and folders, "-" for standard input, or open text streams
    - output: the model file's name; .safetensors is added where it is missing
    - free: the settings that are to be planned (`longhand.training.plan`)
    - resume: go on from the newest checkpoint of the training of that name, on the same text and with its settings
      (`longhand.training.run_folder.resumed_config`): on the same machine and with `epochs` bit for bit as if it had
      never stopped
    - tell: is called with every event; see `longhand.training.events`
    - sample: lets a model write after a prompt, for those who watch
    - write_documents: lets the finished model write documents, to see how many of them are new
    - try_documents: lets it write documents with settings that are tried, where these are to be chosen
    - began: when the minutes begin, by `time.monotonic`; now if left out

    From the first step on, SIGINT, SIGTERM and SIGHUP end it early and leave the best model so far (in the main thread;
    the card's `stopped_by` names the signal). Raises any `LonghandError`; what was at `output` before is then still
    there.
    """
    began = time.monotonic() if began is None else began
    if resume and output is None:
        raise OptionError("resume: expected the name of the model whose training is to go on")
    run = None if output is None else RunFolder(model_path(output), overwrite=overwrite, resume=resume)
    base, sources = read_base(config, None if run is None else run.kept_base()), list(sources)
    refuse_too_large(config)
    corpus = read_corpus(sources, config, base, lambda what, share: tell(Preparing(what, share)))
    with _explained_lack_of_memory(), listening() as interrupt:
        plan = plan_for(corpus, config, free, base)
        if plan.config.hidden > PANEL:
            tell(Preparing("making the initial weights", None))
        config, recipe = plan.config, _recipe(corpus, plan.config, base)
        corpus.notes.extend(_much_read(time.monotonic() - began, config))
        training = _Training(recipe, plan, began, sample)
        engine = engine_for(recipe, config)
        known = known_documents(corpus) if recipe.network.documents else None
        told_of = partial(
            _with_documents,
            corpus=corpus,
            known=known,
            pace=training,
            interrupt=interrupt,
            write=write_documents,
            attempt=try_documents,
        )
        if run is None:
            return told_of(training.model(training.run(engine, tell, interrupt)))
        with run.claimed(), _told_what_is_kept(run):
            if base is not None:
                run.keep_base(base.file)
            tell = Recorder(run, tell)
            resumed = _resumed(run, recipe, config, tell) if resume else None
            corpus.notes.extend(_keep_corpus(run, sources, corpus, known))  # of the same text, where it was resumed
            store = _Store(run, config, recipe.corpus.fingerprint)
            outcome = training.run(engine, tell, interrupt, store, resumed)
            model = told_of(training.model(outcome))
            settled = outcome.last and (outcome.whole or not corpus.held_out)
            run.finish(model, keep_checkpoint=interrupt.asked() or not settled)
            tell(Finished(model.card, run.output, remarks(outcome, corpus.held_out > 0, config.recipe == "classic")))
    return model


def _with_documents(
    model: ModelFile,
    corpus: EncodedCorpus[Any],
    known: KnownDocuments | None,
    pace: _Training,
    interrupt: Interrupt,
    write: DocumentWriter,
    attempt: DocumentTrier,
) -> ModelFile:
    """Return a model whose card says how many documents it writes are new, and, of a tiny text, how it writes best.

    Not where there is no time.
    """
    if known is None or interrupt.asked():
        return model
    share = pace.seconds_to_write()
    sampling = suited_sampling(corpus, known, partial(attempt, model), share)
    model = replace(model, card=msgspec.structs.replace(model.card, sampling=sampling)) if sampling else model
    documents = write(model, min(share, MOST_WRITING))
    new = sum(text not in known for text in documents)
    card = msgspec.structs.replace(model.card, documents_written=len(documents), documents_new=new)
    return replace(model, card=card)


def _keep_corpus(
    run: RunFolder, sources: list[Source], corpus: EncodedCorpus[Any], known: KnownDocuments | None
) -> list[str]:
    """Keep where the text lies, and which documents it has; return what to say where that fails."""
    try:
        run.keep_private(CORPUS, record_of(sources, corpus))
        if known is not None:
            run.keep_private(DOCUMENTS, known.to_bytes())
    except LonghandError as error:
        return [f"{error}; later commands need the training text with --corpus"]
    return []


def _much_read(seconds: float, config: TrainConfig) -> list[str]:
    """Return what to say where much of the time went by before the first step."""
    if config.epochs is not None or seconds < MUCH_READ * 60 * config.minutes:
        return []
    took = f"{seconds:.0f} of the {60 * config.minutes:.0f} seconds went by before the first step"
    return [f"{took}, in reading the text and measuring: give it more --minutes"]


def _per_byte(outcome: Outcome) -> float | None:
    bits = outcome.validation_bits
    return None if bits is None or not outcome.scored_bytes else bits * outcome.scored / outcome.scored_bytes


def _recipe(corpus: EncodedCorpus[Any], config: TrainConfig, base: Base | None) -> Recipe:
    return ClassicRecipe(corpus, config) if config.recipe == "classic" else DefaultRecipe(corpus, config, base)


def _resumed(run: RunFolder, recipe: Recipe, config: TrainConfig, tell: Listener) -> Saved:
    checkpoint, problems = run.latest()
    for name in TrainConfig.__struct_fields__:
        if name not in CHANGEABLE and getattr(config, name) != (before := getattr(checkpoint.config, name)):
            raise OptionError(f"{name}: found {getattr(config, name)}, the training to resume has {before}")
    if checkpoint.fingerprint != recipe.corpus.fingerprint:
        raise OptionError(
            f"{', '.join(recipe.corpus.names)}: not the text that the training to resume has read: give the same files "
            f"in the same order, or start anew{WORDS_CHANGED * (config.tokens == 'word')}"
        )
    tell(Resumed(checkpoint.step, problems))
    return checkpoint.saved


class _Store:
    """Where the checkpoints of a training go; see `longhand.training.course.Store`."""

    def __init__(self, run: RunFolder, config: TrainConfig, fingerprint: str) -> None:
        self._run, self._config, self._fingerprint = run, config, fingerprint

    def write(self, step: int, saved: Saved) -> str:
        """See `Store.write`."""
        return self._run.checkpoint(step, Checkpoint(self._config, self._fingerprint, saved))


@contextmanager
def _told_what_is_kept(run: RunFolder) -> Iterator[None]:
    """Where a training fails, say where its best model is."""
    try:
        yield
    except LonghandError as error:
        if (kept := run.described_kept()) is not None:
            raise type(error)(f"{error}; the best model so far is {kept}") from error
        raise


@contextmanager
def _explained_lack_of_memory() -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise TrainingError(
            f"out of memory ({error or 'for the network'}): take a smaller --hidden, --batch or --window"
        ) from error


class _Training:
    """What a training has whatever its recipe: a clock, a plan, a card."""

    def __init__(self, recipe: Recipe, plan: Plan, began: float, sample: Sampler) -> None:
        self._recipe, self._plan, self._config, self._began = recipe, plan, plan.config, began
        self._sample = sample
        self._pace: Pace | None = None

    def run(
        self,
        engine: Engine,
        tell: Listener,
        interrupt: Interrupt,
        store: Store | None = None,
        resumed: Saved | None = None,
    ) -> Outcome:
        """Train with an engine and return what it ended with."""
        recipe = self._recipe
        untrained = self.model(Outcome(recipe.weights))
        tell(Started(recipe.network, self._lines(), recipe.corpus.notes, untrained, recipe.prompt, self._plan))
        self._pace, every = self._new_pace(), self._config.checkpoint_every
        prompt = recipe.prompt
        course = Course(
            engine=engine,
            pace=self._pace,
            snapshot=self.model,
            sample=lambda model: self._sample(model, prompt),
            tell=tell,
            interrupt=interrupt,
            store=store,
            every=every,
            resumed=resumed,
        )
        return recipe.run(course)

    def seconds_to_write(self) -> float:
        """Return how long the finished model may write: a share of the time, or what is left of it."""
        if self._config.epochs is not None:
            return math.inf
        total = 60 * self._config.minutes
        return max(WRITING_SHARE * total, total - (time.monotonic() - self._began))

    def _steps_per_epoch(self) -> float:
        return self._recipe.targets_per_epoch / self._recipe.targets_per_step

    def _epochs(self, steps: int) -> float:
        return round(steps / self._steps_per_epoch(), 3)

    def _new_pace(self) -> Pace:
        scorer = self._recipe.scorer
        sample, held_out = (0, 0) if scorer is None else (scorer.tokens_in(scorer.sample), scorer.tokens)
        if self._config.epochs is None:
            return TimePace(self._began, sample, held_out, self._config.minutes * 60)
        steps = max(1, round(self._config.epochs * self._steps_per_epoch()))
        between = max(1, min(round(self._steps_per_epoch()), steps // (MIN_SCORES + 1)), -(-steps // MAX_SCORES))
        return StepPace(self._began, sample, held_out, steps, between)

    def _lines(self) -> list[str]:
        parameters = sum(array.size for array in self._recipe.weights.values())
        return [*described(self._recipe.corpus), f"{self._recipe.plan()}, {parameters:,} weights, {self._plan.length}"]

    def model(self, outcome: Outcome) -> ModelFile:
        """Return weights as a model file, whose card says how they came about."""
        recipe, corpus = self._recipe, self._recipe.corpus
        characters = outcome.steps * recipe.targets_per_step * corpus.characters / len(corpus.ids)
        settings = msgspec.to_builtins(self._config)
        if self._config.epochs is not None:
            del settings["minutes"]
        if self._config.base is not None:
            settings["base"] = Path(self._config.base).name  # where it lies is nobody else's business
        settings["validation"] = corpus.validation  # without folders, too
        card = Card(
            longhand_version=VERSION,
            created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            corpus=corpus.names,
            corpus_characters=corpus.characters,
            corpus_bytes=corpus.size,
            held_out_characters=corpus.held_out_characters,
            validation_characters=outcome.scored,
            validation_bits_per_character=outcome.validation_bits,
            validation_bits_per_byte=_per_byte(outcome),
            training_bits_per_character=outcome.training_bits,
            trained_seconds=0.0 if self._pace is None else round(self._pace.seconds(), 2),
            trained_characters=round(characters),
            trained_epochs=self._epochs(outcome.steps),
            kept_epochs=self._epochs(outcome.kept_steps),
            stopped_by=outcome.stopped_by,
            normal_form=corpus.normal_form,
            separator="" if self._config.document_start is None else corpus.separator,
            training={name: value for name, value in settings.items() if value not in (None, [], ())},
        )
        return ModelFile(recipe.network, corpus.tokenizer.to_record(), outcome.weights, card)
