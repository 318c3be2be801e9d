"""The model file: one safetensors file with weights, blueprint, tokenizer and card. docs/model-file.md describes it.

Reading runs no code from the file: tensors are plain numbers, the rest is JSON checked against fixed types.

Gate order, here and everywhere: input, forget, cell candidate, output (i, f, g, o), as in torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
import numpy as np
import safetensors
import safetensors.numpy

from longhand.arrays import FloatArray
from longhand.config import NetworkConfig
from longhand.errors import ModelFormatError, OutputError
from longhand.files import refuse_existing, write_atomically
from longhand.json_data import decode_json

FORMAT = "longhand"
VERSION = "1"
SUFFIX = ".safetensors"

OTHER_NUMBERS = (TypeError, AttributeError, KeyError)
"""What safetensors raises for tensors of a type that NumPy does not have."""

Weights = dict[str, FloatArray]
Record = TypeVar("Record")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What the model was trained on, for how long and how well. Unknown fields are passed over."""

    longhand_version: str = ""
    created: str = ""  # ISO 8601, UTC
    corpus: list[str] = []  # names, without folders
    corpus_characters: int = 0
    corpus_bytes: int = 0
    held_out_characters: int = 0
    validation_characters: int = 0  # those of the held-out text that the score is measured on
    validation_bits_per_character: float | None = None
    validation_bits_per_byte: float | None = None  # to compare texts in other scripts, and other tokens, with
    training_bits_per_character: float | None = None  # the mean loss in learning when the weights were kept
    trained_seconds: float = 0.0
    trained_characters: int = 0  # read in training, repetitions counted
    trained_epochs: float = 0.0
    kept_epochs: float = 0.0  # after how many the weights that were kept had their score
    stopped_by: str = ""  # "time", "epochs", "no improvement", "SIGINT", "SIGTERM" or "SIGHUP"
    separator: str = ""  # between documents that are told by how they begin
    documents_written: int = 0  # by the model after its training, to see how many of them are new
    documents_new: int = 0
    training: dict[str, Any] = {}  # the TrainConfig
    normal_form: str = ""  # Unicode's, that the text is in: "NFC", "NFD", or neither
    sampling: dict[str, float] = {}  # what it writes with where nothing else is asked for (longhand tune)


@dataclass(frozen=True)
class ModelFile:
    """A model as it lies in its file; `tokenizer` is plain JSON data, which `longhand.text` understands."""

    config: NetworkConfig
    tokenizer: Mapping[str, Any]
    weights: Weights
    card: Card = field(default_factory=Card)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(array.size for array in self.weights.values())

    @property
    def size(self) -> int:
        """Bytes that its file takes, at most about."""
        record = len(msgspec.json.encode(self.tokenizer)) + len(msgspec.json.encode(self.card))
        return sum(array.nbytes + 120 for array in self.weights.values()) + 2 * record + 500

    @cached_property
    def fingerprint(self) -> str:
        """What tells this network and its tokens from others, 32 digits: BLAKE2b of everything but the card."""
        hashed = blake2b(msgspec.json.encode([self.config, self.tokenizer], order="deterministic"), digest_size=16)
        for name in sorted(self.weights):
            hashed.update(np.ascontiguousarray(self.weights[name], "<f4").data)
        return hashed.hexdigest()


def model_path(name: str | os.PathLike[str]) -> Path:
    """Return the path of the model file called `name`, to which .safetensors is added where it is missing.

    Raises `OutputError` if that names no file, as "", "..", "folder/" and ".safetensors" do.
    """
    text = os.fspath(name)
    path = Path(text)
    if path.name in ("", "..", SUFFIX) or text.endswith(("/", os.sep)):
        raise OutputError(f"{text!r} names no file: name the model, as in {path / 'book'}{SUFFIX}")
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)


def existing_model(name: str | os.PathLike[str]) -> Path:
    """Return the path of the model file called `name`, with .safetensors added if only then it is there."""
    path = Path(name)
    completed = path.with_name(path.name + SUFFIX) if path.name else path
    return completed if not path.exists() and completed.exists() else path


def expected_shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor of a network."""
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (config.vocabulary_size, config.embedding)}
    inputs = config.embedding
    for layer in range(config.layers):
        shapes[f"layers.{layer}.weight_ih"] = (4 * config.hidden, inputs)
        shapes[f"layers.{layer}.weight_hh"] = (4 * config.hidden, config.hidden)
        shapes[f"layers.{layer}.bias"] = (4 * config.hidden,)
        inputs = config.hidden
    shapes["head.weight"] = (config.vocabulary_size, config.hidden)
    shapes["head.bias"] = (config.vocabulary_size,)
    return shapes


def checked_weights(config: NetworkConfig, weights: Mapping[str, FloatArray]) -> Weights:
    """Return the weights of a network, as 32-bit floats, for code that relies on their shapes.

    Raises `ModelFormatError` for a config out of range, and for missing weights or other shapes than it says.
    """
    try:
        msgspec.convert(msgspec.to_builtins(config), NetworkConfig)
    except msgspec.ValidationError as error:
        raise ModelFormatError(f"the network's config is damaged ({error})") from None
    for name, shape in (expected := expected_shapes(config)).items():
        if name not in weights or weights[name].shape != shape:
            found = weights[name].shape if name in weights else "nothing"
            raise ModelFormatError(f"{name} is {found}, the network's config expects {shape}")
    return {name: np.asarray(weights[name], np.float32) for name in expected}


def scalar_embedding(size: int) -> FloatArray:
    """Return the Keras tutorial's input as an embedding, (size, 1): each token's number divided by `size`."""
    return (np.arange(size) / size).astype(np.float32)[:, None]


def write_model(model: ModelFile, path: Path, *, overwrite: bool = False) -> None:
    """Write `model` to `path`, whole or not at all.

    Raises `OutputError` if `path` exists and `overwrite` is false, or cannot be written.
    """
    refuse_existing(path, overwrite)
    metadata = {"format": FORMAT, "version": VERSION}
    for name, record in (("config", model.config), ("tokenizer", model.tokenizer), ("card", model.card)):
        metadata[name] = msgspec.json.encode(record).decode("utf-8")
    weights = {name: np.ascontiguousarray(array, np.float32) for name, array in model.weights.items()}
    write_atomically(path, safetensors.numpy.save(weights, metadata), overwrite=overwrite)


def read_model(path: Path) -> ModelFile:
    """Read a model file and check everything in it.

    Raises `ModelFormatError`, naming what was found and what was expected, for a file that is missing, is no
    Longhand model, has another version, lacks tensors or has others, or holds wrong shapes or non-finite numbers.
    """
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "is no regular file" if path.exists() else "not found"
        raise ModelFormatError(f"{path}: {problem}; expected a model file made by longhand train")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            config, tokenizer, card = _records(path, file.metadata() or {})
            return ModelFile(config, tokenizer, _weights(path, file, config), card)
    except OSError as error:
        raise ModelFormatError(f"{path}: cannot be read ({error.strerror or error})") from error
    except safetensors.SafetensorError as error:
        raise ModelFormatError(f"{path}: no model file or a damaged one ({error}); expected safetensors") from error


def _records(path: Path, metadata: Mapping[str, str]) -> tuple[NetworkConfig, dict[str, Any], Card]:
    if metadata.get("format") != FORMAT:
        _refuse(path, f"a safetensors file, but not Longhand's: format is {metadata.get('format')!r}, not {FORMAT!r}")
    if metadata.get("version") != VERSION:
        _refuse(path, f"version {metadata.get('version')!r}, this Longhand reads {VERSION!r}: update Longhand")
    config = _decoded(path, metadata, "config", NetworkConfig)
    tokenizer = _decoded(path, metadata, "tokenizer", dict[str, Any])
    return config, tokenizer, _decoded(path, metadata, "card", Card)


def _decoded(path: Path, metadata: Mapping[str, str], name: str, kind: type[Record]) -> Record:
    try:
        return decode_json(metadata.get(name, ""), kind)
    except ValueError as error:
        raise ModelFormatError(f"{path}: its {name} record is damaged ({error})") from None


def _weights(path: Path, file: safetensors.safe_open, config: NetworkConfig) -> Weights:
    found, expected = set(file.keys()), expected_shapes(config)  # type: ignore[no-untyped-call]
    if found != set(expected):
        missing, extra = sorted(set(expected) - found), sorted(found - set(expected))
        _refuse(path, f"its tensors do not fit its config: missing {_some(missing)}, unexpected {_some(extra)}")
    weights: Weights = {}
    for name, shape in expected.items():
        view = file.get_slice(name)  # type: ignore[no-untyped-call]
        if tuple(view.get_shape()) != shape or view.get_dtype() != "F32":
            _refuse(path, f"{name} is {view.get_dtype()} {tuple(view.get_shape())}, its config expects F32 {shape}")
        array = file.get_tensor(name)  # type: ignore[no-untyped-call]
        if not np.isfinite(array).all():
            _refuse(path, f"{name} holds numbers that are not finite; expected finite weights: the file is damaged")
        weights[name] = array
    return weights


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(name[:60] for name in names[:3]) + more if names else "none"


def _refuse(path: Path, problem: str) -> NoReturn:
    raise ModelFormatError(f"{path}: {problem}")
