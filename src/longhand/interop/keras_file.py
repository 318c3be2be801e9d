"""The formats in which Keras saves a model or its weights, told apart by what is in them, never by their names.

==================  ======================================================================================
format              content
==================  ======================================================================================
`.keras`            Keras 3: a zip of `config.json` and `model.weights.h5`
`.weights.h5`       Keras 3: HDF5, arrays under `layers/`, named by class and number; no configuration
`.h5`, `.hdf5`      Keras 2 and 3, model.save and ModelCheckpoint: HDF5, configuration as an attribute, arrays
                    under `model_weights/`, named in attributes
the same, smaller   Keras 2, save_weights: that group alone, without configuration
==================  ======================================================================================
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from longhand.arrays import FloatArray
from longhand.errors import ModelFormatError
from longhand.interop.hdf5 import Group, opened
from longhand.interop.keras_layers import (
    LONGEST_SHOWN,
    UNDERSTOOD,
    WITH_ARRAYS,
    Architecture,
    Layer,
    architecture,
    check_order,
)
from longhand.text.sources import printable

HDF5_MARK, ZIP_MARK = b"\x89HDF\r\n\x1a\n", b"PK"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
LARGEST_RATIO = 4  # of what a zip unpacks to: weights hardly compress
LARGEST_CONFIG = 4 << 20  # bytes
MOST_ARRAYS = 12  # in a layer: those of Keras 1
FOLDERS = ("layers", "_layer_checkpoint_dependencies")  # Keras 3, and what Keras 2.12 to 2.15 wrote as .keras
SNAKE = {"embedding": "Embedding", "lstm": "LSTM", "dense": "Dense"}
WITHOUT_ARRAYS = ("dropout", "input_layer", "activation", "softmax", "spatial_dropout1d")

Arrays = list[FloatArray]


@dataclass(frozen=True)
class Saved:
    """What a file holds.

    - layers: those with arrays, in order, each with its arrays: kernel, recurrent kernel, bias
    - window: how many steps the model reads; None where the file does not say
    - configured: whether the file has the model's configuration; without it, activations are taken for Keras's defaults
    """

    layers: list[tuple[Layer, Arrays]]
    window: int | None
    configured: bool


def read_keras(path: Path) -> Saved:
    """Read what Keras saved.

    Raises `ModelFormatError`, naming the layer, for what is missing, damaged, hostile or not understood. `read_apart`
    does this with limits on time and memory.
    """
    label = printable(str(path))
    if not path.is_file():
        problem = "a folder" if path.is_dir() else "not found"
        raise ModelFormatError(f"{label}: {problem}; expected a .keras, .weights.h5, .h5 or .hdf5 file of Keras")
    try:
        with path.open("rb") as file:
            mark, size = file.read(8), path.stat().st_size
    except OSError as error:
        raise ModelFormatError(f"{label}: cannot be read ({error.strerror or error})") from error
    if mark.startswith(ZIP_MARK):
        return _zipped(path, label, size)
    if mark != HDF5_MARK:
        raise ModelFormatError(f"{label}: neither a zip nor HDF5; expected a .keras, .weights.h5, .h5 or .hdf5 file")
    with opened(path, label, size) as root:
        return _hdf5(root, label)


def _zipped(path: Path, label: str, size: int) -> Saved:
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", entry.filename):
                    raise ModelFormatError(f"{label}: an entry named {entry.filename[:60]!r}, which points outside")
            config = _unpacked(archive, CONFIG, label, LARGEST_CONFIG)
            weights = _unpacked(archive, WEIGHTS, label, LARGEST_RATIO * size)
    except OSError as error:
        raise ModelFormatError(f"{label}: cannot be read ({error.strerror or error})") from error
    except (NotImplementedError, RuntimeError) as error:  # a password, or a feature that Python does not have
        raise ModelFormatError(f"{label}: a zip of a kind that Keras does not write ({error})") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise ModelFormatError(f"{label}: a damaged zip ({error})") from None
    try:
        plan = architecture(config.decode("utf-8"), label)
    except UnicodeDecodeError as error:
        raise ModelFormatError(f"{label}: its configuration is damaged ({error})") from None
    if not weights.startswith(HDF5_MARK):
        raise ModelFormatError(f"{label}: {WEIGHTS} is no HDF5 file")
    with opened(io.BytesIO(weights), label, len(weights)) as root:
        return _keras_3(root, plan)


def _unpacked(archive: zipfile.ZipFile, name: str, label: str, most: int) -> bytes:
    entries = [entry for entry in archive.infolist() if entry.filename == name]
    if len(entries) != 1:
        raise ModelFormatError(f"{label}: {len(entries)} entries named {name}, expected one; no .keras file?")
    if entries[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack all before they stop
        raise ModelFormatError(
            f"{label}: {name} is packed in a way that Keras does not use; expected stored or deflated"
        )
    if entries[0].file_size > most:
        raise ModelFormatError(f"{label}: {name} unpacks to {entries[0].file_size:,} bytes, expected at most {most:,}")
    with archive.open(entries[0]) as file:
        return file.read(most + 1)


def _hdf5(root: Group, label: str) -> Saved:
    if (texts := root.texts("model_config")) is not None:
        config = "".join(texts)
        if len(config) > LARGEST_CONFIG:
            raise ModelFormatError(f"{label}: a configuration of {len(config):,} characters")
        return _legacy(root.group("model_weights"), architecture(config, label))
    if root.texts("layer_names") is not None:
        saved = _legacy(root, None)
        _refuse_hard_sigmoid("".join(root.texts("keras_version") or []), saved.layers, label)
        return saved
    if any(folder in root for folder in FOLDERS):
        return _keras_3(root, None)
    raise ModelFormatError(f"{label}: HDF5, but not as Keras saves models or weights")


def _refuse_hard_sigmoid(version: str, layers: list[tuple[Layer, Arrays]], label: str) -> None:
    """Raise `ModelFormatError` for weights alone of a Keras whose LSTM was another network by default.

    CuDNNLSTM, known by its double bias, always had sigmoid gates; versions ending in -tf are TensorFlow's own.
    """
    parts = re.fullmatch(r"(\d{1,3})\.(\d{1,3})[\d.]*", version)
    if parts is None or (int(parts[1]), int(parts[2])) >= (2, 3):
        return
    for layer, arrays in layers:
        if layer.kind == "LSTM" and len(arrays) == 3 and len(arrays[2]) != 2 * arrays[1].shape[1]:
            raise ModelFormatError(
                f"{label}: layer {layer.shown} was saved by Keras {version}, whose LSTM has recurrent_activation "
                "'hard_sigmoid' unless told otherwise, and weights alone do not say; expected Keras 2.3 or later"
            )


def _keras_3(root: Group, plan: Architecture | None) -> Saved:
    """Arrays are numbered below folders named by class: lstm, lstm_1, and so on."""
    folder = next((root.group(name) for name in FOLDERS if name in root), None)
    if folder is None:
        raise ModelFormatError(f"{root.label}: no {FOLDERS[0]}, where Keras keeps weights")
    layers = plan.layers if plan is not None else _guessed(folder)
    used: dict[str, int] = {}
    found = []
    for layer in layers:
        base = next(snake for snake, kind in SNAKE.items() if layer.kind.endswith(kind))
        name = f"{base}_{used[base]}" if base in used else base
        used[base] = used.get(base, 0) + 1
        inside = f"{name}/cell/vars" if base == "lstm" else f"{name}/vars"
        arrays = folder.group(inside)
        numbers = [str(number) for number in range(len(arrays.names()))]
        found.append((layer, _arrays(arrays, numbers)))
    return Saved(found, plan.window if plan else None, plan is not None)


def _guessed(folder: Group) -> list[Layer]:
    """Return the layers that the folders' names stand for: Embedding first, Dense last, LSTMs by their numbers."""
    found: list[tuple[int, int, Layer]] = []
    for name in folder.names():
        base, number = re.fullmatch(r"(.*?)(?:_(\d{1,6}))?", name, re.DOTALL).groups()  # type: ignore[union-attr]
        if base in SNAKE:
            place = list(SNAKE).index(base)
            found.append((place, int(number or 0), Layer(SNAKE[base], name)))
        elif base not in WITHOUT_ARRAYS:
            raise ModelFormatError(f"{folder.label}: layer {name[:60]!r}; {UNDERSTOOD}")
    layers = [layer for _, _, layer in sorted(found, key=lambda entry: entry[:2])]
    check_order(layers, folder.label)
    return layers


def _legacy(group: Group, plan: Architecture | None) -> Saved:
    """Each layer has a group, whose attribute says where in it the arrays are, and in which order."""
    names = group.texts("layer_names") or []
    kinds = {layer.name: layer for layer in plan.layers} if plan else {}
    found: list[tuple[Layer, Arrays]] = []
    for name in names:
        inside = group.group(name)
        arrays = _arrays(inside, inside.texts("weight_names") or [])
        if plan is None and arrays:
            found.append((Layer(_kind(arrays, bool(found), inside.label), name), arrays))
        elif name in kinds:
            found.append((kinds[name], arrays))
        elif arrays:
            raise ModelFormatError(f"{inside.label}: has weights, but the configuration has no such layer with weights")
    missing = [name for name in kinds if name not in names]
    if missing:
        raise ModelFormatError(f"{group.label}: no weights for layer {missing[0][:LONGEST_SHOWN]!r}")
    if plan is not None:
        found.sort(key=lambda entry: plan.layers.index(entry[0]))
    layers = [layer for layer, _ in found]
    if plan is not None and layers != plan.layers:
        raise ModelFormatError(f"{group.label}: has the weights of a layer twice, or two layers of one name")
    check_order(layers, group.label)
    return Saved(found, plan.window if plan else None, plan is not None)


def _arrays(group: Group, paths: list[str]) -> Arrays:
    if len(paths) > MOST_ARRAYS:
        raise ModelFormatError(f"{group.label}: {len(paths)} arrays, expected kernel, recurrent kernel and bias")
    return [group.array(path) for path in paths]


def _kind(arrays: Arrays, above: bool, label: str) -> str:
    """Return the class of a layer whose name may be anything, by its arrays' shapes, and whether others are below."""
    shapes = [array.shape for array in arrays]
    dimensions = [len(shape) for shape in shapes]
    if dimensions == [2] and not above:
        return "Embedding"
    if dimensions in ([2], [2, 1]):
        return "Dense"
    if dimensions in ([2, 2], [2, 2, 1]) and shapes[0][1] == shapes[1][1] == 4 * shapes[1][0]:
        return "LSTM"
    raise ModelFormatError(f"{label}: arrays of shapes {shapes[:12]}, which are of none of {', '.join(WITH_ARRAYS)}")
