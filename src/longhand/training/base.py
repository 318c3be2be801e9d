"""Starting from a model that has learned another text: fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from longhand.config import TrainConfig
from longhand.errors import OptionError
from longhand.modelfile import ModelFile, Weights, existing_model, read_model
from longhand.text.characters import CharacterTokenizer
from longhand.text.documents import NONE, ROW, start_of
from longhand.text.listed import ListedTokenizer
from longhand.text.tokenizer import Tokenizer, tokenizer_from_record
from longhand.training.initial import OF_TOKENS
from longhand.training.reading import documents_learned, documents_mode, normal_form_of

SHAPE = ("hidden", "layers", "embedding")  # of a network, which its weights fix


@dataclass(frozen=True)
class Base:
    """The model that a training starts from."""

    file: ModelFile
    tokenizer: Tokenizer

    def weights(self, initial: Weights, tokenizer: Tokenizer) -> Weights:
        """Return the model's weights for a vocabulary that may have more characters.

        - initial: where unknown tokens start from, of the weights that have a row for each token; changed
        - tokenizer: has the model's characters and others, or is as the model's
        """
        if not isinstance(self.tokenizer, CharacterTokenizer):
            return dict(self.file.weights)
        known = [*self.tokenizer.never_written, *tokenizer.encode(self.tokenizer.characters)]
        for name in OF_TOKENS:
            initial[name][known] = self.file.weights[name]
        return {**self.file.weights, **initial}


def read_base(config: TrainConfig, kept: Path | None = None) -> Base | None:
    """Return the model that a training is to start from, if one is.

    - kept: where the model is kept that a training to resume has started from

    Raises `ModelFormatError` if it cannot be read, `OptionError` if it is none that the default recipe trains.
    """
    if config.base is None:
        return None
    path = kept or existing_model(config.base)
    file = read_model(path)
    tokenizer = tokenizer_from_record(file.tokenizer, file.config.vocabulary_size)
    if isinstance(tokenizer, ListedTokenizer) or file.config.window is not None:
        raise OptionError(
            f"{path}: a model of the classic recipe, or from Keras; expected one that the default recipe has trained"
        )
    if file.card.training.get("embedding") == 0:
        raise OptionError(f"{path}: trained with --embedding 0, whose numbers depend on the vocabulary's size")
    if config.tokens not in ("auto", "char", tokenizer.kind):
        raise OptionError(f"tokens: found {config.tokens}, the model to start from has {tokenizer.kind}: leave it out")
    return Base(file, tokenizer)


def documents_of(config: TrainConfig, base: Base | None) -> str:
    """Return what a text's documents are: as it was said, or else as the model to start from has learned them.

    Raises `OptionError` where these are rows, and no column was said that has such.
    """
    if (said := documents_mode(config)) != NONE or base is None or not base.file.config.documents:
        return said
    documents = documents_learned(base.file)
    if documents == ROW and config.column is None:
        raise OptionError(
            "documents: the model to start from has learned rows: add --column, or say what --documents are"
        )
    return documents


def with_shape_of(base: Base, config: TrainConfig, free: frozenset[str]) -> tuple[TrainConfig, frozenset[str]]:
    """Return the settings with the shape of the model to start from, which is no longer free.

    Raises `OptionError` if another shape was asked for.
    """
    shape = {name: getattr(base.file.config, name) for name in SHAPE}
    for name, value in shape.items():
        if name not in free and getattr(config, name) != value:
            raise OptionError(
                f"{name}: found {getattr(config, name)}, the model to start from has {value}: leave it out"
            )
    documents = documents_of(config, base)
    start = start_of(documents)
    config = msgspec.structs.replace(
        config,
        **shape,
        tokens=base.tokenizer.kind,
        documents=documents if start is None else NONE,
        document_start=start,
        normalize=config.normalize or normal_form_of(base.file),
    )
    return config, free - set(SHAPE)
