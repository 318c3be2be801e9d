"""A trained model and all that it does: `load` and `Model`. `import longhand` offers them, and what is in `api`."""

from __future__ import annotations

import os
from typing import Any

from longhand.config import RunConfig
from longhand.model.reading import ReadingModel
from longhand.model.writing import Corpus, WritingModel, copies_folder, sources_of
from longhand.modelfile import existing_model, read_model
from longhand.settings import configured

__all__ = ["Corpus", "Model", "copies_folder", "load", "sources_of"]


class Model(WritingModel, ReadingModel):
    """A trained model: what `train` and `load` return.

    Example::

        model = longhand.load("shakespeare.safetensors")
        print(model.generate("ROMEO:", length=300, seed=1))
    """


def load(path: str | os.PathLike[str], **run: Any) -> Model:
    """Read a model file; ".safetensors" may be left out. Runs no code from it; raises `ModelFormatError`.

    Keywords are the fields of `longhand.RunConfig`: `precision` ("auto", "fp32" or "int8") and `threads`.
    """
    config = configured(RunConfig, run)
    found = existing_model(path)
    return Model(read_model(found), config, found)
