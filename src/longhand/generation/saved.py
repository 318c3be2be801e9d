"""A text's state as a file: go on, branch or undo days later, at the same cost however long the text was.

One safetensors file of a few kilobytes: the hidden and cell state, the last tokens as far as penalties look back, and
JSON for the rest. Reading runs no code from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import safetensors
import safetensors.numpy
from msgspec import Meta

from longhand.arrays import TokenIds
from longhand.errors import ModelFormatError
from longhand.files import write_atomically
from longhand.json_data import decode_json
from longhand.modelfile import OTHER_NUMBERS
from longhand.state import State

FORMAT, VERSION = "longhand-state", "1"
LARGEST_FILE = 1 << 28  # bytes
Number = Annotated[int, Meta(ge=0, lt=2**53)]
Digits = Annotated[str, Meta(pattern="^[0-9]{1,39}$")]


class Facts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is no array.

    - model, model_name: which model's state it is, by its fingerprint, and what its file was called
    - last: the token that is read next
    - drawn, steps: tokens drawn so far, and over how many a temperature that changes does
    - random, increment: of the PCG64 generator, in decimal digits
    - begun: bytes of a character that is not whole yet, in hexadecimal digits
    - unsaid: what its tokens say beyond the end of the text so far
    - tail, inside: what of its end may be the beginning of what ends it, and whether that is inside a line
    - settings: with which it was drawn
    - bias: tokens, and what was added to their logits
    """

    model: str
    model_name: str
    last: Number
    drawn: Number
    steps: Number
    random: Digits
    increment: Digits
    begun: Annotated[str, Meta(pattern="^([0-9a-f]{2}){0,4}$")] = ""
    unsaid: str = ""
    tail: str = ""
    inside: bool = False
    settings: dict[str, Any] = {}
    bias: list[tuple[Number, float]] = []


class _Header(msgspec.Struct, rename={"metadata": "__metadata__"}):
    """The header of a safetensors file, as far as it is no tensor's."""

    metadata: dict[str, str] = {}


@dataclass(frozen=True)
class WritingState:
    """Where a text was left.

    - state: of one stream, which has read everything but the last token
    - recent: the last tokens, the very last one included
    """

    state: State
    recent: TokenIds
    facts: Facts

    @property
    def settings(self) -> dict[str, Any]:
        """With which it was drawn, and is to be drawn on."""
        return self.facts.settings | ({"logit_bias": dict(self.facts.bias)} if self.facts.bias else {})

    def with_unsaid(self, unsaid: str) -> WritingState:
        """Return it with another text that its tokens say beyond the end."""
        return replace(self, facts=msgspec.structs.replace(self.facts, unsaid=unsaid))

    def to_bytes(self) -> bytes:
        """Return it as the bytes of its file."""
        arrays = {"hidden": self.state.hidden[:, 0], "cell": self.state.cell[:, 0], "recent": self.recent}
        metadata = {"format": FORMAT, "version": VERSION, "facts": msgspec.json.encode(self.facts).decode()}
        kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        return safetensors.numpy.save(kept, metadata)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it to a file that only its owner can read, whole or not at all; raises `OutputError`."""
        target = Path(path)
        write_atomically(target, self.to_bytes(), overwrite=overwrite, private=True)
        return target


def load_state(path: str | Path) -> WritingState:
    """Read a state file and check everything in it but whose state it is.

    Raises `ModelFormatError`.
    """
    source = Path(path)
    if not source.is_file():
        raise ModelFormatError(f"{path}: not found; expected a state that longhand generate --save-state wrote")
    try:
        if source.stat().st_size > LARGEST_FILE:
            raise ModelFormatError(f"{path}: larger than any state is")
        return state_of_bytes(source.read_bytes())
    except OSError as error:
        raise ModelFormatError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ModelFormatError as error:
        raise ModelFormatError(f"{path}: {error}") from None


def state_of_bytes(data: bytes) -> WritingState:
    """Read the bytes of a state file, as `load_state` does. Raises `ModelFormatError`."""
    try:
        arrays = safetensors.numpy.load(data)
        header = decode_json(data[8 : 8 + int.from_bytes(data[:8], "little")], _Header)
        if header.metadata.get("format") != FORMAT or header.metadata.get("version") != VERSION:
            raise ModelFormatError("no state of this version of Longhand (--save-state writes such)")
        if arrays.keys() != {"hidden", "cell", "recent"}:
            raise ModelFormatError(f"a damaged state, it has {', '.join(sorted(arrays))[:80]}")
        facts = decode_json(header.metadata.get("facts", ""), Facts)
    except ModelFormatError:
        raise
    except (safetensors.SafetensorError, ValueError, *OTHER_NUMBERS) as error:
        raise ModelFormatError(f"no state or a damaged one ({error})") from None
    recent = arrays["recent"]
    if recent.ndim != 1 or recent.dtype.kind not in "iu" or any(arrays[name].ndim != 2 for name in ("hidden", "cell")):
        raise ModelFormatError("a damaged state, its arrays have other shapes")
    state = State(arrays["hidden"][:, None], arrays["cell"][:, None])
    return WritingState(state, recent.astype(np.int64), facts)
