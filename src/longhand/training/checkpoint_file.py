"""The file of a checkpoint: safetensors for the arrays, JSON in its metadata for all else. Reading runs no code.

It belongs to one training on one text: settings and a fingerprint of the text lie beside what the parts remember.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import safetensors
import safetensors.numpy

from longhand.config import TrainConfig
from longhand.errors import ModelFormatError
from longhand.files import write_atomically
from longhand.json_data import decode_json
from longhand.modelfile import OTHER_NUMBERS
from longhand.training.saved import Count, Saved, checked_facts, part_of

FORMAT = "longhand-checkpoint"
VERSION = "1"


@dataclass(frozen=True)
class Checkpoint:
    """A training as it was after a step.

    - fingerprint: of the text, as `EncodedCorpus.fingerprint`
    """

    config: TrainConfig
    fingerprint: str
    saved: Saved

    @property
    def step(self) -> int:
        """The step after which it was taken; 0 if that is damaged, which restoring finds out."""
        try:
            return checked_facts(part_of(self.saved, "learner"), Stepped).steps
        except (KeyError, ValueError):
            return 0


class Stepped(msgspec.Struct):
    """Of the facts of a learner, how many steps it has made."""

    steps: Count


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint, whole or not at all. Raises `OutputError`."""
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "config": msgspec.json.encode(checkpoint.config).decode("utf-8"),
        "fingerprint": checkpoint.fingerprint,
        "facts": json.dumps(checkpoint.saved.facts),  # not msgspec: a generator's state has numbers of 128 bits
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in checkpoint.saved.arrays.items()}
    write_atomically(path, safetensors.numpy.save(arrays, metadata), private=True)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises `ModelFormatError` for what is none, or a damaged one."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
                found = f"{metadata.get('format')!r}, version {metadata.get('version')!r}"
                raise ModelFormatError(
                    f"{path}: found {found}, expected a checkpoint ({FORMAT!r}, version {VERSION!r})"
                )
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ModelFormatError(f"{path}: a damaged checkpoint ({name} holds numbers that are not finite)")
        config = _config(decode_json(metadata["config"], dict[str, Any]))
        facts = decode_json(metadata["facts"], dict[str, Any])
        return Checkpoint(config, metadata["fingerprint"], Saved(arrays, facts))
    except OSError as error:
        raise ModelFormatError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ModelFormatError:
        raise
    except (safetensors.SafetensorError, ValueError, *OTHER_NUMBERS) as error:
        raise ModelFormatError(f"{path}: a damaged checkpoint ({error})") from error


def _config(values: dict[str, Any]) -> TrainConfig:
    """Return settings; where they say nothing of the split, they were made when all texts were split at the end."""
    return msgspec.convert({"split": "end", **values}, TrainConfig)
