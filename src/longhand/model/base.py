"""What a trained model is: its file, its tokenizer, and what runs its network."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from longhand.config import NetworkConfig, RunConfig
from longhand.errors import ModelFormatError
from longhand.learned import separator_of
from longhand.modelfile import Card, ModelFile, model_path, write_model
from longhand.runtime.choice import Runtime
from longhand.runtime.session import Session
from longhand.text.corpus import with_newlines
from longhand.text.mojibake import MojibakeRepair, repaired
from longhand.text.normal_form import Normalizer
from longhand.text.tokenizer import Tokenizer, tokenizer_from_record
from longhand.training.reading import normal_form_of
from longhand.units import NormalForm


class ModelBase:
    """A model file, ready to run.

    - file: what is in it
    - run: how it is to be run
    - path: where it came from, if it came from a file

    Raises `ModelFormatError` for a tokenizer that is damaged, or does not fit the network.
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

    @cached_property
    def normal_form(self) -> NormalForm | None:
        """Unicode's normal form of the text that it learned from; None where that is in none, or it is not known."""
        return normal_form_of(self.file)

    def as_read(self, text: str) -> str:
        r"""Return a text as the model's training would have read it, so that the model finds in it what it knows.

        Line ends become `\n`, the normal form is that of the text that it learned from, and what was decoded wrongly is
        repaired if it was there. All that a model is given to read goes through this, or is read by `longhand.learned`.
        """
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if text.isascii():
            return text
        if self.card.training.get("fix_mojibake"):
            text = repaired(text)[0]
        return text if self.normal_form is None else unicodedata.normalize(self.normal_form, text)

    def pieces_as_read(self, text: str | Iterable[str]) -> Iterable[str]:
        """Return a text, whole or in pieces, as `as_read` does, in pieces."""
        if isinstance(text, str):
            return [self.as_read(text)]
        pieces = with_newlines(text)
        if self.card.training.get("fix_mojibake"):
            pieces = MojibakeRepair().pieces(pieces)
        return pieces if self.normal_form is None else Normalizer(self.normal_form).pieces(pieces)

    @property
    def separator(self) -> str | None:
        """What parts the documents that it writes; None if it writes one text."""
        return separator_of(self.file) if self.config.documents else None

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the model to one file and return its path, to which ".safetensors" is added where it is missing.

        Raises `OutputError` if the file exists and `overwrite` is false, or if it cannot be written.
        """
        target = model_path(path)
        write_model(self.file, target, overwrite=overwrite)
        return target
