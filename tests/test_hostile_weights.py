"""Weight files that are damaged, hostile or of other networks: one error that names the place, little memory."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from keras_models import (
    FIRST,
    LEGACY,
    LETTERS,
    WINDOW,
    Change,
    changed,
    imported,
    keras_3_weights,
    legacy_file,
    legacy_weights,
    lstm_shapes,
)

from longhand.api import import_keras
from longhand.errors import LonghandError, ModelFormatError
from longhand.interop import keras_file, keras_import

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files here, where their memory can be traced; test_apart.py is about the process of its own."""
    monkeypatch.setattr(keras_import, "read_apart", keras_file.read_keras)


def configured(change: Callable[[list[Any]], None]) -> Change:
    """Return what changes the list of layers in a model's configuration."""

    def apply(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        change(config["config"]["layers"])
        file.attrs["model_config"] = json.dumps(config)

    return apply


def first_lstm(**settings: Any) -> Callable[[list[Any]], None]:
    return lambda layers: layers[1]["config"].update(settings)


def replaced(place: int, **record: Any) -> Callable[[list[Any]], None]:
    return lambda layers: layers[place].update(record)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (first_lstm(recurrent_activation="hard_sigmoid"), "'lstm' is with recurrent_activation 'hard_sigmoid'"),
        (first_lstm(activation={"class_name": "function", "config": "evil"}), "'lstm' is with activation"),
        (first_lstm(activation="relu"), "'lstm' is with activation 'relu', expected 'tanh'"),
        (first_lstm(stateful=True), "'lstm' is with stateful True"),
        (first_lstm(go_backwards=True), "'lstm' is with go_backwards True"),
        (first_lstm(return_sequences=False), "'lstm' gives its last output only"),
        (replaced(1, class_name="GRU"), "'lstm' is of class GRU"),
        (replaced(1, class_name="Bidirectional"), "'lstm' is of class Bidirectional"),
        (replaced(2, class_name="Lambda"), "'dropout' is of class Lambda"),
        (replaced(2, class_name="os.system"), "'dropout' is of class os.system"),
        (replaced(2, config=None), "layer 2: its configuration is damaged"),
        (lambda layers: layers[-1]["config"].update(activation="sigmoid"), "'dense' is with activation 'sigmoid'"),
        (lambda layers: layers[-1]["config"].update(activation="linear"), "no softmax at its end"),
        (lambda layers: layers.append(layers[-1]), "'dense' is a Dense after the softmax"),
        (lambda layers: layers.pop(1), "has weights, but the configuration has no such layer"),
        (lambda layers: layers.pop(), "no softmax at its end"),
        (first_lstm(name="other"), "'lstm': has weights|model_weights/lstm: has weights"),
    ],
)
def test_other_networks_are_refused_by_the_layers_name(
    tmp_path: Path, change: Callable[[list[Any]], None], message: str
) -> None:
    with pytest.raises(ModelFormatError, match=message):
        imported(changed(tmp_path, configured(change)))


KERNEL = "model_weights/lstm/lstm/lstm_cell/kernel:0"


def instead(make: Callable[[h5py.Group, str], None], path: str = KERNEL) -> Change:
    """Return what puts something else in an array's place."""

    def apply(file: h5py.File) -> None:
        parent, name = path.rsplit("/", 1)
        del file[path]
        make(file[parent], name)

    return apply


def with_array(values: Any, **options: Any) -> Change:
    return instead(lambda group, name: group.create_dataset(name, data=values, **options))


def declared(shape: tuple[int, ...], **options: Any) -> Change:
    return instead(lambda group, name: group.create_dataset(name, shape, "f4", **options))


def linked(link: Any) -> Change:
    return instead(lambda group, name: group.__setitem__(name, link))


def virtual(group: h5py.Group, name: str) -> None:
    layout = h5py.VirtualLayout((1, 24), "f4")
    layout[:] = h5py.VirtualSource(other(group), "kernel", (1, 24))
    group.create_virtual_dataset(name, layout)


def outside(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (1, 24), "f4", external=[(str(Path(other(group)).with_suffix(".raw")), 0, 96)])


def elsewhere(group: h5py.Group, name: str) -> None:
    group[name] = h5py.ExternalLink(other(group), "/kernel")


def other(group: h5py.Group) -> str:
    """Write files with numbers that would fit, if they were read."""
    path = Path(group.file.filename).with_name("other.h5")
    with h5py.File(path, "w") as file:
        file["kernel"] = np.zeros((1, 24), "f4")
    path.with_suffix(".raw").write_bytes(bytes(96))
    return str(path)


def huge(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (1 << 14, 1 << 15), "f4", chunks=(64, 64))


def reference(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (1, 24), h5py.ref_dtype)


def lstm_names(*names: str) -> Change:
    return lambda file: file["model_weights/lstm"].attrs.__setitem__("weight_names", [name.encode() for name in names])


CELL = "lstm/lstm_cell"
TWICE = [b"lstm", b"lstm_1", b"lstm_1", b"dense"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_array(np.zeros((1, 20), "f4")), "layer 'lstm': arrays of shapes .*expected .inputs, 4 units"),
        (with_array(np.zeros((2, 24), "f4")), "layer 'lstm' reads 2 numbers a step, expected 1"),
        (with_array(np.zeros((0, 24), "f4")), "layer 'lstm': arrays of shapes"),
        (with_array(np.full((1, 24), np.nan, "f4")), "lstm/lstm_cell/kernel:0: holds numbers that are not finite"),
        (with_array(np.full((1, 24), 1e300, "f8")), "kernel:0: holds numbers that are not finite"),
        (with_array(np.zeros((1, 24), "i4")), "kernel:0: expected floating-point numbers, found int32"),
        (with_array(np.zeros((1, 24, 1), "f4")), "kernel:0: of shape .*one or two dimensions"),
        (with_array(np.zeros((1, 24), "f4"), compression="gzip"), "kernel:0: stored compressed"),
        (with_array([b"text"]), "kernel:0: expected floating-point numbers"),
        (declared((1 << 14, 1 << 15)), r"kernel:0: declares \(16384, 32768\), 2,147,483,648 bytes, of which .* 0"),
        (declared((1 << 14, 1 << 15), chunks=(64, 64)), "kernel:0: declares .* of which the file holds 0"),
        (instead(elsewhere), "kernel:0: a link to another place or file"),
        (linked(h5py.SoftLink("/model_weights")), "kernel:0: a link to another place"),
        (instead(virtual), "kernel:0: its numbers lie in another file"),
        (instead(outside), "kernel:0: its numbers lie in another file"),
        (instead(reference), "kernel:0: expected floating-point numbers, found object"),
        (instead(lambda group, name: group.create_group(name)), "kernel:0: expected an array, found a group"),
        (lambda file: file.__delitem__(KERNEL), "kernel:0: missing"),
        (lambda file: file.__delitem__("model_weights/lstm"), "model_weights/lstm: missing"),
        (lambda file: file.__delitem__("model_weights"), "model_weights: missing"),
        (lstm_names(), "layer 'lstm': arrays of shapes"),
        (lstm_names(f"{CELL}/bias:0"), "layer 'lstm': arrays of shapes"),
        (lstm_names("../lstm_1/lstm_1/lstm_cell_1/kernel:0"), "missing"),
        (lstm_names(*[f"{CELL}/kernel:0"] * 12), "12 arrays a layer are Keras 1's"),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"lstm"]), "no weights for layer 'lstm_1'"),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", np.zeros(3)), "layer_names: expected text"),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"\xff"]), "damaged"),
        (
            lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"x"] * 1000),
            "1000 texts, expected at most",
        ),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", ["x", "y"]), "model_weights/x: missing"),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"lstm"] * 100), "same numbers several times"),
        (lstm_names(*[f"{CELL}/kernel:0"] * 60), "60 arrays, expected kernel, recurrent kernel and bias"),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", TWICE), "the weights of a layer twice"),
        (lambda file: file.attrs.__setitem__("model_config", "{"), "configuration is damaged"),
        (lambda file: file.attrs.__setitem__("model_config", "[" * 50_000), "configuration is damaged"),
        (lambda file: file.attrs.__setitem__("model_config", "{}"), "a model of class 'None'"),
        (lambda f: f.attrs.__setitem__("model_config", '{"class_name": "Functional"}'), "'Functional', expected"),
        (lambda f: f.attrs.__setitem__("model_config", '{"class_name": "Sequential"}'), "lists no layers"),
    ],
)
def test_a_damaged_or_hostile_file_is_refused_with_the_place_in_little_memory(
    tmp_path: Path, change: Change, message: str
) -> None:
    path = changed(tmp_path, change)
    tracemalloc.start()
    with pytest.raises(ModelFormatError, match=message) as raised:
        imported(path)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("make", [virtual, outside, elsewhere])
def test_h5py_itself_would_have_read_what_lies_outside(tmp_path: Path, make: Callable[[h5py.Group, str], None]) -> None:
    path = changed(tmp_path, instead(make))
    with h5py.File(path, "r") as file:
        assert file[KERNEL][()].shape == (1, 24)


KERAS_3_KERNEL = "layers/lstm/cell/vars/0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (instead(elsewhere, KERAS_3_KERNEL), "lstm/cell/vars/0: a link to another place"),
        (instead(virtual, KERAS_3_KERNEL), "lstm/cell/vars/0: its numbers lie in another file"),
        (instead(outside, KERAS_3_KERNEL), "lstm/cell/vars/0: its numbers lie in another file"),
        (instead(reference, KERAS_3_KERNEL), "lstm/cell/vars/0: expected floating-point"),
        (instead(huge, KERAS_3_KERNEL), "lstm/cell/vars/0: declares .* 2,147,483,648 bytes"),
        (lambda file: file.__delitem__(KERAS_3_KERNEL), "lstm/cell/vars/0: missing"),
        (lambda file: file.__delitem__("layers/lstm"), "layers/lstm: missing"),
        (lambda file: file.__delitem__("layers/dense"), "its layers with weights are LSTM, LSTM"),
        (lambda file: file.__delitem__("layers/dense/vars/0"), "dense/vars/0: missing"),
        (lambda file: file["layers/dense/vars"].create_group("2"), "dense/vars/2: expected an array"),
    ],
)
def test_hostile_weights_of_keras_3_are_refused_with_the_place(tmp_path: Path, change: Change, message: str) -> None:
    path = keras_3_weights(tmp_path / "m.weights.h5")
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ModelFormatError, match=message):
        imported(path)


def test_what_would_take_many_times_the_file_in_memory_is_refused(tmp_path: Path) -> None:
    wide = [("wide", lstm_shapes(1, 600))] + [(f"l{n}", lstm_shapes(600 if n == 0 else 1, 1)) for n in range(40)]
    path = legacy_weights(tmp_path / "a.h5", *wide, ("dense", [(1, 9), (9,)]))
    with pytest.raises(ModelFormatError, match=r"widths too different, up to 600: .* would have [\d,]+ weights"):
        imported(path, window=WINDOW)
    head = [("wide", lstm_shapes(1, 600)), ("narrow", lstm_shapes(600, 1)), ("dense", [(1, 100_000), (100_000,)])]
    words = io.StringIO(" ".join(map(str, range(100_000))))
    with pytest.raises(ModelFormatError, match="widths too different"):
        import_keras(legacy_weights(tmp_path / "b.h5", *head), words, tokens="word", window=WINDOW)
    many = [("first", lstm_shapes(1, 2))] + [(f"l{n}", lstm_shapes(2, 2)) for n in range(64)]
    with pytest.raises(ModelFormatError, match="layers: found 65, expected a whole number <= 64"):
        imported(legacy_weights(tmp_path / "c.h5", *many, ("dense", [(2, 9), (9,)])), window=WINDOW)


def zipped(path: Path, entries: dict[str, bytes], **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


CONFIG = b'{"class_name": "Sequential", "config": {"layers": []}}'


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"../config.json": CONFIG, "config.json": CONFIG, "model.weights.h5": b""}, "which points outside"),
        ({"/etc/config.json": CONFIG}, "which points outside"),
        ({"a\\..\\..\\b": CONFIG}, "which points outside"),
        ({"config.json": CONFIG}, "0 entries named model.weights.h5"),
        ({"config.json": CONFIG, "model.weights.h5": bytes(1 << 26)}, "unpacks to 67,108,864 bytes, expected at most"),
        ({"config.json": bytes(1 << 26), "model.weights.h5": b""}, "config.json unpacks to"),
        ({"config.json": b"\xff\xfe", "model.weights.h5": b""}, "configuration is damaged"),
        ({"config.json": CONFIG, "model.weights.h5": b"text"}, "no softmax at its end"),
    ],
)
def test_a_hostile_zip_is_refused(tmp_path: Path, entries: dict[str, bytes], message: str) -> None:
    path = zipped(tmp_path / "m.keras", entries, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFormatError, match=message):
        imported(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_unpacks_without_bounds_is_refused(tmp_path: Path, packing: int) -> None:
    path = zipped(tmp_path / "m.keras", {"config.json": CONFIG, "model.weights.h5": b""}, compression=packing)
    with pytest.raises(ModelFormatError, match="packed in a way that Keras does not use"):
        imported(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither a zip nor HDF5"),
        (b"\x80\x04\x95pickle", "neither a zip nor HDF5"),
        (b"PK\x03\x04", "a damaged zip"),
        (b"\x89HDF\r\n\x1a\n", "damaged, or no HDF5 file"),
    ],
)
def test_a_file_that_keras_did_not_save_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(content)
    with pytest.raises(ModelFormatError, match=message):
        imported(path)


def test_hdf5_that_is_no_model_a_folder_and_nothing_at_all_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["numbers"] = np.zeros(3)
    for wrong, message in ((path, "not as Keras saves"), (tmp_path, "a folder"), (tmp_path / "none", "not found")):
        with pytest.raises(ModelFormatError, match=message):
            imported(wrong)


@pytest.mark.parametrize("base", ["gru", "bidirectional", "time_distributed", "lambda"])
def test_weights_alone_of_other_layers_are_refused_by_name(tmp_path: Path, base: str) -> None:
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_group(f"layers/{base}_1/vars")
    with pytest.raises(ModelFormatError, match=f"layer '{base}_1'"):
        imported(path)


@pytest.mark.parametrize("name", LEGACY)
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    whole = legacy_file(name).read_bytes()
    path = tmp_path / name
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFormatError):
            imported(path, window=WINDOW)


def test_a_file_with_some_bytes_changed_is_imported_or_refused_in_one_line(keras: Any, tmp_path: Path) -> None:
    layers = [keras.Input((WINDOW, 1)), keras.layers.LSTM(6), keras.layers.Dense(len(LETTERS), activation="softmax")]
    keras.Sequential(layers).save(tmp_path / "m.keras")
    chance = random.Random(0)
    refused = []
    for path in (legacy_file(FIRST), legacy_file(LEGACY[3]), tmp_path / "m.keras"):
        for _ in range(60):
            content = bytearray(path.read_bytes())
            for _ in range(chance.choice((1, 4, 16))):
                content[chance.randrange(len(content))] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
            (tmp_path / "changed").write_bytes(content)
            try:
                imported(tmp_path / "changed", window=WINDOW)
            except LonghandError as error:
                refused.append(str(error))
    assert 40 < len(refused) < 180
    assert not any("\n" in message for message in refused)
