"""Reading a Keras file in a process of its own, with a limit on its time and its memory.

There are damaged HDF5 files on which the HDF5 library never returns, takes memory without end, or crashes (LOG.md).
In a process of its own that is an error like others. Its answer is a safetensors file: nothing in it is run.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from longhand.arrays import FloatArray
from longhand.errors import MissingExtraError, ModelFormatError
from longhand.interop.keras_file import Saved, read_keras
from longhand.interop.keras_layers import Layer
from longhand.json_data import decode_json
from longhand.text.sources import printable

SECONDS = 30.0  # a start takes less than one, a slow computer some
BYTES_A_SECOND = 10e6
MEMORY_ALLOWED = 256 << 20  # bytes, beyond those of the start, to any file
MEMORY_A_BYTE = 16  # of the file: a zip unpacks to four times it, of which the arrays and the answer are copies
REFUSED = 3  # the exit status with which the answer is a message
START = (
    "import sys; path, sys.path[:] = sys.argv[1], sys.argv[2:]; "
    "from longhand.interop.apart import answer; sys.exit(answer(path))"
)
CONTENTS = "contents"


class Contents(msgspec.Struct):
    """What an answer says beside the arrays, which are named by the places of layer and array."""

    layers: list[tuple[Layer, int]]  # with the number of its arrays
    window: int | None
    configured: bool


def read_apart(path: Path) -> Saved:
    """Read what Keras saved, as `read_keras` does, in a process of its own.

    Raises `ModelFormatError` for what that refuses and for what takes too long, too much memory or crashes, and
    `MissingExtraError` where h5py is not installed.
    """
    if importlib.util.find_spec("h5py") is None:
        raise MissingExtraError(
            "reading Keras's weights needs h5py, which is not installed: pip install 'longhand[keras]'"
        )
    label = printable(str(path))
    seconds = SECONDS + _size(path) / BYTES_A_SECOND
    command = [sys.executable, "-c", START, str(path), *sys.path]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # fewer threads, less memory, an earlier start
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter, and no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelFormatError(
            f"{label}: not read within {seconds:.0f} seconds: damaged, or the machine is very busy: try again"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelFormatError(f"{label}: no process could be started to read it ({error})") from None
    if child.returncode == REFUSED:
        raise ModelFormatError(child.stdout.decode("utf-8", "replace"))
    if child.returncode != 0:
        last = " ".join(child.stderr.decode("utf-8", "replace").splitlines()[-1:]) or "a crash"
        raise ModelFormatError(f"{label}: damaged? Reading it ended with status {child.returncode} ({last[:200]})")
    return _saved(child.stdout, label)


def answer(name: str) -> int:
    """Read a file, in the process for it, write the answer to standard output and return the exit status."""
    path = Path(name)
    _limit_memory(_size(path))
    try:
        saved = read_keras(path)
        sys.stdout.buffer.write(_packed(saved))
    except ModelFormatError as error:
        sys.stdout.buffer.write(str(error).encode("utf-8", "replace"))
        return REFUSED
    except MemoryError:
        sys.stdout.buffer.write(f"{printable(name)}: takes many times its own size in memory; damaged?".encode())
        return REFUSED
    return 0


def _packed(saved: Saved) -> bytes:
    layers = [(layer, len(arrays)) for layer, arrays in saved.layers]
    contents = msgspec.json.encode(Contents(layers, saved.window, saved.configured))
    packed: dict[str, FloatArray | npt.NDArray[np.uint8]] = {CONTENTS: np.frombuffer(contents, np.uint8)}
    for place, (_, arrays) in enumerate(saved.layers):
        packed.update({f"{place}.{number}": array for number, array in enumerate(arrays)})
    return save(packed)


def _saved(packed: bytes, label: str) -> Saved:
    try:
        arrays: dict[str, FloatArray] = load(packed)
        contents = decode_json(arrays.pop(CONTENTS).tobytes(), Contents)
        layers = [
            (layer, [arrays[f"{place}.{number}"] for number in range(count)])
            for place, (layer, count) in enumerate(contents.layers)
        ]
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelFormatError(f"{label}: damaged: reading it gave nothing that can be used ({error})") from None
    return Saved(layers, contents.window, contents.configured)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def _limit_memory(size: int) -> None:
    """Let this process have only so much more memory than now, in proportion to the file, where the system can."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MEMORY_ALLOWED + MEMORY_A_BYTE * size
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ImportError, OSError, ValueError):
        return
