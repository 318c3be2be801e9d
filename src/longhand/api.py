"""The rest of the Python API: `train`, `check` and `import_keras`, and what writes for a training."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from longhand.config import READING, NetworkConfig, TrainConfig
from longhand.errors import LonghandError, OptionError
from longhand.model import Corpus, Model, sources_of
from longhand.modelfile import ModelFile, model_path
from longhand.settings import configured, free_settings, refuse_without_column, resumed_settings, train_config
from longhand.text.closed import closed_vocabulary
from longhand.text.sources import STANDARD_INPUT
from longhand.units import Unit

if TYPE_CHECKING:
    from longhand.checking.checker import Check
    from longhand.training.events import Listener

REPORT_PAUSE = 30  # times as long as a report took, before the next one
WRITTEN_DOCUMENTS, WRITTEN_TOKENS = 200, 10_000
TRIED_DOCUMENTS, TRIED_TOKENS = 1000, 200  # and tokens of each at most
SAMPLE_LENGTH = 200  # tokens that a model in training writes


def train(
    corpus: Corpus,
    output: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    resume: bool = False,
    listener: Listener | None = None,
    **settings: Any,
) -> Model:
    """Train a model on a text and return the best one met.

    - corpus: a path, a pattern such as "books/*.txt", an open text stream such as `io.StringIO(text)`, or several of
      them; folders are read whole, compressed files unpacked
    - output: where to write the model file; its log goes beside it. Nothing is written if left out
    - resume: go on with the training of `output` that did not end, on the same text; of its settings only `minutes`,
      `epochs`, `threads`, `device` and `checkpoint_every` may be given anew
    - listener: is called with every event of `longhand.training.events`
    - settings: the fields of `longhand.TrainConfig`: `minutes` (5), `epochs`, `hidden`, `layers`, `seed` and so on

    Ctrl-C ends it early and returns the best model so far. Raises any `LonghandError`.
    """
    from longhand.training.events import nobody
    from longhand.training.trainer import train_model

    config, free = settings_of(output, settings, resume)
    tell = listener or nobody
    file = train_model(
        sources_of(corpus),
        config,
        output,
        free=free,
        overwrite=overwrite,
        resume=resume,
        tell=tell if output is None else reported(model_path(output), tell),
        sample=written_sample,
        write_documents=written_documents,
        try_documents=tried_documents,
    )
    return Model(file)


def check(
    corpus: Corpus,
    *,
    minutes: float = 5.0,
    estimate: bool = True,
    progress: Callable[[str, float], None] | None = None,
    **reading: Any,
) -> Check:
    """Say what is in a text, and what will trip a training.

    - corpus: as for `train`
    - minutes: how long the training is to be whose score is estimated
    - estimate: whether to measure this machine, two seconds, and estimate a score
    - progress: is called with what is being done, and which share of it is
    - reading: how the text is read, as for `train`: `column`, `encoding`, `documents`, `document_start` and others;
      documents that are left out are those suggested

    Raises `CorpusError` where a source is not there or there is no text at all; `OptionError`.
    """
    from longhand.checking.checker import check_corpus, silent
    from longhand.training.reading import documents_mode, reading_of

    if others := sorted(reading.keys() - set(READING)):
        raise OptionError(f"found the option {others[0]!r}, expected some of {', '.join(READING)}")
    given = {name: value for name, value in reading.items() if value is not None}
    config = train_config({"minutes": minutes, **given})
    refuse_without_column(config)
    return check_corpus(
        sources_of(corpus),
        reading_of(config),
        documents=documents_mode(config) if {"documents", "document_start"} & given.keys() else None,
        minutes=config.minutes,
        estimate=estimate,
        progress=progress or silent,
    )


def settings_of(
    output: str | os.PathLike[str] | None, values: Mapping[str, Any], resume: bool
) -> tuple[TrainConfig, frozenset[str]]:
    """Return the settings of a training, and which of them its plan is free to choose.

    They are the values that were given, beside those that it began with if it is resumed.
    """
    if (base := values.get("base")) and isinstance(base, str | os.PathLike):
        values = {**values, "base": str(Path(base).absolute())}  # a training may be resumed from another folder
    if validation := values.get("validation"):
        values = {**values, "validation": _absolute(validation)}
    if not resume or output is None:
        config = train_config(values)
        refuse_without_column(config)
        return config, free_settings(config, values)
    from longhand.training.run_folder import resumed_config

    return resumed_settings(resumed_config(model_path(output)), values), frozenset()


def _absolute(names: object) -> object:
    """Return paths and patterns that hold in every folder; what are none are refused later."""
    names = [names] if isinstance(names, str | os.PathLike) else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str | os.PathLike) for name in names):
        return names
    return tuple(name if name == STANDARD_INPUT else str(Path(name).absolute()) for name in names)


def reported(output: Path, tell: Listener) -> Listener:
    """Return a listener that keeps a training's report.html up to date, and passes events on.

    - output: the model file to be; what the report is made of lies in its folder
    """
    from longhand.report.page import write_report
    from longhand.training.events import EpochEnded, Evaluated, Event, Finished
    from longhand.training.run_folder import folder_of

    next_time = 0.0

    def listen(event: Event) -> None:
        nonlocal next_time
        began = time.monotonic()
        if isinstance(event, Finished) or (isinstance(event, Evaluated | EpochEnded) and began >= next_time):
            with suppress(LonghandError):  # no room for it, say: the training matters more
                write_report(folder_of(output))
            next_time = began + REPORT_PAUSE * (time.monotonic() - began)
        tell(event)

    return listen


def written_sample(model: ModelFile, prompt: str = "", length: int = SAMPLE_LENGTH) -> str:
    """Return a little of what a model writes after a prompt."""
    return Model(model).generate(prompt, length=length, seed=0)


def written_documents(model: ModelFile, seconds: float = math.inf) -> list[str]:
    """Return documents that a model writes and comes to the end of: 200, or fewer if 10,000 tokens do not suffice.

    - seconds: that this takes at most, about
    """
    writer, documents, left = Model(model), [], WRITTEN_TOKENS
    end = time.monotonic() + seconds
    for seed in range(WRITTEN_DOCUMENTS):
        if time.monotonic() > end:
            break
        pieces = list(writer.pieces(documents=1, length=left, seed=seed))
        left -= sum(piece.tokens for piece in pieces)
        if left <= 0:
            break
        if text := "".join(piece.text for piece in pieces[:-1]):  # the last piece is what parts documents
            documents.append(text)
    return documents


def tried_documents(model: ModelFile, sampling: Mapping[str, float]) -> list[str]:
    """Return 1,000 documents that a model writes with settings that are tried, 200 tokens of each at most."""
    settings: dict[str, Any] = dict(sampling)
    return [text.text for text in Model(model).texts(count=TRIED_DOCUMENTS, length=TRIED_TOKENS, seed=0, **settings)]


def import_keras(
    weights: str | os.PathLike[str],
    corpus: Corpus | None = None,
    *,
    vocabulary: str | os.PathLike[str] | None = None,
    tokens: Unit | None = None,
    window: int | None = None,
    note: Callable[[str], None] | None = None,
) -> Model:
    """Return the model that Keras saved as `.keras`, `.weights.h5`, `.h5` or `.hdf5`; needs h5py and no Keras.

    - corpus: the text that it was trained on, whose sorted characters or words are the vocabulary
    - vocabulary: in place of a corpus, a JSON file: a list of tokens, {token: number} or {number: token}
    - tokens: "char" or "word"; left out, characters for a corpus, and for a vocabulary what its tokens are
    - window: how many tokens the model reads, where the file does not say; 100 if left out
    - note: is called with what the file did not say

    Raises `ModelFormatError`, naming the layer, `OptionError`, `CorpusError` or `MissingExtraError`.
    """
    from longhand.interop import keras_import
    from longhand.interop.vocabulary import of_json

    if (corpus is None) == (vocabulary is None):
        raise OptionError(
            "expected either a corpus (--corpus TEXT) or a vocabulary (--vocabulary FILE.json), to number the tokens"
        )
    if tokens not in (None, *get_args(Unit)):
        raise OptionError(f"tokens: found {tokens!r}, expected one of {', '.join(get_args(Unit))}")
    if window is not None:
        configured(NetworkConfig, {"vocabulary_size": 1, "window": window})
    if vocabulary is not None:
        tokenizer = of_json(Path(vocabulary), tokens)
    else:
        assert corpus is not None
        tokenizer = closed_vocabulary(sources_of(corpus), tokens or "char")
    file, notes = keras_import.import_keras(Path(weights), tokenizer, window)
    for line in notes:
        (note or _unsaid)(line)
    return Model(file)


def _unsaid(line: str) -> None:
    """Say nothing."""
