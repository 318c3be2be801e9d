"""From files to a model file: the way into training."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
import numpy as np
import numpy.typing as npt

from longhand.arrays import TokenIds
from longhand.config import NetworkConfig, TrainConfig
from longhand.errors import CorpusError, LonghandError, MissingExtraError, TrainingError
from longhand.modelfile import Card, ModelFile, Weights, model_path
from longhand.text.encoded import EncodedCorpus, encode_corpus
from longhand.text.sources import Source
from longhand.training.batches import Streams
from longhand.training.engine import Engine
from longhand.training.events import Evaluated, Event, Finished, Listener, Started, nobody
from longhand.training.initial import initial_weights
from longhand.training.interrupt import Interrupt, listening
from longhand.training.loop import Loop, Outcome
from longhand.training.pace import Pace, StepPace, TimePace
from longhand.training.run_folder import RunFolder
from longhand.version import VERSION

FEWEST_SCORES, MOST_SCORES = 4, 20  # in a training that counts epochs, which otherwise scores after each
COUNTED_AT_ONCE = 1 << 20  # tokens


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
    corpus = encode_corpus(sources)
    if len(corpus.learned_ids) <= config.window:
        raise CorpusError(
            f"{len(corpus.learned_ids)} characters to learn from, expected more than a window of {config.window}: "
            "take a smaller --window, or more text"
        )
    with _explained_lack_of_memory(), listening() as interrupt:
        training = _Training(corpus, config, began)
        engine = _engine(config, training.network, training.weights)
        if run is None:
            return training.run(engine, tell, interrupt)
        run.claim()
        with _kept_or_abandoned(run):
            model = training.run(engine, _logged(tell, run), interrupt)
            run.finish(model)
    tell(Finished(model.card, run.output))
    return model


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
    """All that one training needs and that needs no torch."""

    def __init__(self, corpus: EncodedCorpus, config: TrainConfig, began: float) -> None:
        self.corpus, self.config, self.began = corpus, config, began
        self.network = NetworkConfig(
            vocabulary_size=corpus.tokenizer.size,
            embedding=config.embedding,
            hidden=config.hidden,
            layers=config.layers,
        )
        self._random = np.random.Generator(np.random.PCG64(config.seed))
        counts = _counts(corpus.learned_ids, corpus.tokenizer.size)
        self.weights = initial_weights(self.network, counts, corpus.tokenizer.unknown, self._random)

    def run(self, engine: Engine, tell: Listener, interrupt: Interrupt) -> ModelFile:
        """Train with an engine and return the best model."""
        untrained = self._model(Outcome(self.weights, None, 0, 0, 0, ""))
        tell(Started(self.network, self._plan(), self.corpus.notes, untrained))
        tokenizer = self.corpus.tokenizer
        outcome = Loop(
            config=self.config,
            network=self.network,
            engine=engine,
            streams=Streams(
                self.corpus.learned_ids,
                batch=self.config.batch,
                window=self.config.window,
                start=tokenizer.start,
                line_end=tokenizer.line_end,
                random=self._random,
            ),
            held_out=self.corpus.held_out_ids,
            start=tokenizer.start,
            pace=self._pace(),
            snapshot=self._model,
            tell=tell,
            interrupt=interrupt,
        ).run()
        return self._model(outcome)

    def _steps_per_epoch(self) -> float:
        return len(self.corpus.learned_ids) / (self.config.batch * self.config.window)

    def _epochs(self, steps: int) -> float:
        return round(steps / self._steps_per_epoch(), 3)

    def _pace(self) -> Pace:
        held_out = len(self.corpus.held_out_ids)
        if self.config.epochs is None:
            return TimePace(self.began, held_out, self.config.minutes * 60)
        steps = max(1, round(self.config.epochs * self._steps_per_epoch()))
        between = max(1, min(round(self._steps_per_epoch()), steps // FEWEST_SCORES), steps // MOST_SCORES)
        return StepPace(self.began, held_out, steps, between)

    def _plan(self) -> list[str]:
        corpus, config = self.corpus, self.config
        length = _counted(config.minutes, "minute") if config.epochs is None else _counted(config.epochs, "epoch")
        parameters = sum(array.size for array in self.weights.values())
        names = ", ".join([*corpus.names[:3], *["..."] * (len(corpus.names) > 3)])
        return [
            f"{names}: {corpus.characters:,} characters, "
            f"{len(corpus.tokenizer.characters):,} different, {len(corpus.held_out_ids):,} held out",
            f"{config.layers} x {config.hidden} LSTM, {parameters:,} weights, {config.batch} streams, "
            f"windows of {config.window}, {length}",
        ]

    def _model(self, outcome: Outcome) -> ModelFile:
        characters = outcome.steps * self.config.batch * self.config.window
        settings = msgspec.to_builtins(self.config)
        if self.config.epochs is not None:
            del settings["minutes"]
        card = Card(
            longhand_version=VERSION,
            created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            corpus=self.corpus.names,
            corpus_characters=self.corpus.characters,
            corpus_bytes=self.corpus.size,
            held_out_characters=len(self.corpus.held_out_ids),
            validation_characters=outcome.scored,
            validation_bits_per_character=outcome.validation_bits,
            trained_seconds=round(time.monotonic() - self.began, 1),
            trained_characters=characters,
            trained_epochs=self._epochs(outcome.steps),
            kept_epochs=self._epochs(outcome.kept_steps),
            stopped_by=outcome.stopped_by,
            training={name: value for name, value in settings.items() if value is not None},
        )
        return ModelFile(self.network, self.corpus.tokenizer.to_record(), outcome.weights, card)


def _counted(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def _counts(ids: TokenIds, size: int) -> npt.NDArray[np.int64]:
    """Return how often each token occurs, (vocabulary,); in pieces, for bincount makes eight bytes of each token."""
    pieces = (ids[begin : begin + COUNTED_AT_ONCE] for begin in range(0, len(ids), COUNTED_AT_ONCE))
    counts: npt.NDArray[np.int64] = np.sum([np.bincount(piece, minlength=size) for piece in pieces], axis=0)
    return counts


def _engine(config: TrainConfig, network: NetworkConfig, weights: Weights) -> Engine:
    try:
        from longhand.training.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError(
            "training needs torch, which is not installed: pip install 'longhand[train]' (generating does not need it)"
        ) from None
    return TorchEngine(
        network, weights, dropout=config.dropout, device=config.device, threads=config.threads, seed=config.seed
    )


def _logged(tell: Listener, run: RunFolder) -> Listener:
    """Return a listener that logs events, keeps each best model in the run's folder, and passes events on."""

    def listen(event: Event) -> None:
        if isinstance(event, Started):
            run.log("started", plan=event.plan, notes=event.notes)
        elif isinstance(event, Evaluated):
            last = event.last
            run.log(
                "evaluated",
                step=last.step,
                seconds=round(last.seconds, 1),
                characters_per_second=round(last.characters_per_second),
                training_bits_per_character=round(last.training_bits, 4),
                validation_bits_per_character=round(event.validation_bits, 4),
                best=event.best,
            )
            if event.best:
                run.keep(event.model)
        tell(event)

    return listen
