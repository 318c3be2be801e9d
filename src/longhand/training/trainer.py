"""From files to a model file: the way into training."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from longhand.config import TrainConfig
from longhand.errors import LonghandError, MissingExtraError, TrainingError
from longhand.modelfile import Card, ModelFile, model_path
from longhand.text.encoded import encode_closed, encode_corpus
from longhand.text.sources import Source
from longhand.training.classic_recipe import ClassicRecipe
from longhand.training.default_recipe import DefaultRecipe
from longhand.training.engine import Engine
from longhand.training.events import EpochEnded, Evaluated, Event, Finished, Listener, Started, nobody
from longhand.training.interrupt import Interrupt, listening
from longhand.training.loop import Outcome
from longhand.training.pace import Pace, StepPace, TimePace
from longhand.training.recipe import Course, Recipe
from longhand.training.run_folder import RunFolder
from longhand.version import VERSION

FEWEST_SCORES, MOST_SCORES = 4, 20  # in a training that counts epochs, which otherwise scores after each


def train_model(
    sources: Iterable[Source],
    config: TrainConfig,
    output: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    tell: Listener = nobody,
) -> ModelFile:
    """Train a model on a corpus, write it to `output` if given, and return it.

    - sources: paths of files and folders, "-" for standard input, or open text streams
    - output: the model file's name; .safetensors is added where it is missing
    - tell: is called with every event; see `longhand.training.events`

    Once the corpus is read, SIGINT and SIGTERM end it early and leave the best model so far (in the main thread; the
    card's `stopped_by` names the signal). Raises any `LonghandError`; what was at `output` before is then still there.
    """
    began = time.monotonic()
    run = None if output is None else RunFolder(model_path(output), overwrite)
    recipe = _recipe(sources, config)
    with _explained_lack_of_memory(), listening() as interrupt:
        training = _Training(recipe, config, began)
        engine = _engine(recipe, config)
        if run is None:
            return training.run(engine, tell, interrupt)
        run.claim()
        with _kept_or_abandoned(run):
            model = training.run(engine, _logged(tell, run), interrupt)
            run.finish(model)
    tell(Finished(model.card, run.output))
    return model


def _recipe(sources: Iterable[Source], config: TrainConfig) -> Recipe:
    if config.recipe == "classic":
        return ClassicRecipe(encode_closed(sources, config.tokens, config.held_out), config)
    return DefaultRecipe(encode_corpus(sources, config.held_out), config)


@contextmanager
def _kept_or_abandoned(run: RunFolder) -> Iterator[None]:
    """Where a training fails, say where its best model is, or leave no folder that would be in the next one's way."""
    try:
        yield
    except LonghandError as error:
        if (kept := run.kept()) is not None:
            raise type(error)(f"{error}; the best model so far is {kept}") from error
        raise
    finally:
        if not run.output.exists():
            run.abandon()


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

    def __init__(self, recipe: Recipe, config: TrainConfig, began: float) -> None:
        self._recipe, self._config, self._began = recipe, config, began

    def run(self, engine: Engine, tell: Listener, interrupt: Interrupt) -> ModelFile:
        """Train with an engine and return the best model."""
        recipe = self._recipe
        untrained = self._model(Outcome(recipe.weights))
        tell(Started(recipe.network, self._plan(), recipe.corpus.notes, untrained, recipe.prompt))
        return self._model(recipe.run(Course(engine, self._pace(), self._model, tell, interrupt)))

    def _steps_per_epoch(self) -> float:
        return self._recipe.targets_per_epoch / self._recipe.targets_per_step

    def _epochs(self, steps: int) -> float:
        return round(steps / self._steps_per_epoch(), 3)

    def _pace(self) -> Pace:
        held_out = len(self._recipe.corpus.held_out_ids)
        if self._config.epochs is None:
            return TimePace(self._began, held_out, self._config.minutes * 60, self._recipe.fewest_scored)
        steps = max(1, round(self._config.epochs * self._steps_per_epoch()))
        between = max(1, min(round(self._steps_per_epoch()), steps // FEWEST_SCORES), steps // MOST_SCORES)
        return StepPace(self._began, held_out, steps, between)

    def _plan(self) -> list[str]:
        corpus, config = self._recipe.corpus, self._config
        length = _counted(config.minutes, "minute") if config.epochs is None else _counted(config.epochs, "epoch")
        parameters = sum(array.size for array in self._recipe.weights.values())
        names = ", ".join([*corpus.names[:3], *["..."] * (len(corpus.names) > 3)])
        words = f"{len(corpus.ids):,} words, " if corpus.tokenizer.kind == "word" else ""
        held_out = f"{corpus.characters_of(corpus.held_out_ids):,}" if corpus.held_out else "none"
        different = corpus.tokenizer.size - len(corpus.tokenizer.never_written)
        return [
            f"{names}: {corpus.characters:,} characters, {words}{different:,} different, {held_out} held out",
            f"{self._recipe.plan()}, {parameters:,} weights, {length}",
        ]

    def _model(self, outcome: Outcome) -> ModelFile:
        recipe, corpus = self._recipe, self._recipe.corpus
        characters = outcome.steps * recipe.targets_per_step * corpus.characters / len(corpus.ids)
        settings = msgspec.to_builtins(self._config)
        if self._config.epochs is not None:
            del settings["minutes"]
        card = Card(
            longhand_version=VERSION,
            created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            corpus=corpus.names,
            corpus_characters=corpus.characters,
            corpus_bytes=corpus.size,
            held_out_characters=corpus.characters_of(corpus.held_out_ids),
            validation_characters=outcome.scored,
            validation_bits_per_character=outcome.validation_bits,
            training_bits_per_token=outcome.training_bits,
            trained_seconds=round(time.monotonic() - self._began, 1),
            trained_characters=round(characters),
            trained_epochs=self._epochs(outcome.steps),
            kept_epochs=self._epochs(outcome.kept_steps),
            stopped_by=outcome.stopped_by,
            training={name: value for name, value in settings.items() if value is not None},
        )
        return ModelFile(recipe.network, corpus.tokenizer.to_record(), outcome.weights, card)


def _counted(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def _engine(recipe: Recipe, config: TrainConfig) -> Engine:
    try:
        from longhand.training.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError(
            "training needs torch, which is not installed: pip install 'longhand[train]' (generating does not need it)"
        ) from None
    return TorchEngine(
        recipe.network,
        recipe.weights,
        update=recipe.update,
        dropout=config.dropout,
        input_dropout=recipe.input_dropout,
        fixed_embedding=config.embedding == 0,
        device=config.device,
        threads=config.threads,
        seed=config.seed,
    )


def _logged(tell: Listener, run: RunFolder) -> Listener:
    """Return a listener that logs events, keeps each best model in the run's folder, and passes events on."""

    def listen(event: Event) -> None:
        if isinstance(event, Started):
            run.log("started", plan=event.plan, notes=event.notes)
        elif isinstance(event, Evaluated):
            run.log("evaluated", **_record(event), best=event.best)
            if event.best:
                run.keep(event.model)
        elif isinstance(event, EpochEnded):
            epoch = {"epoch": event.epoch, "whole": event.whole, "loss": round(event.training_nats, 4)}
            run.log("epoch", **epoch, improved=event.improved, **_record(event))
            if event.improved:
                run.keep(event.model, event.checkpoint if event.whole else None)
        tell(event)

    return listen


def _record(event: Evaluated | EpochEnded) -> dict[str, float | None]:
    last, bits = event.last, event.validation_bits
    return {
        "step": last.step,
        "seconds": round(last.seconds, 1),
        "characters_per_second": round(last.characters_per_second),
        "training_bits_per_character": round(last.training_bits, 4),
        "validation_bits_per_character": None if bits is None else round(bits, 4),
    }
