"""Importing: Keras 2's layouts, vocabularies, and files that are damaged, hostile or of other networks."""

from __future__ import annotations

import io
import json
import random
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import Run, assert_refused, fresh
from keras_models import as_keras_reads, legacy_file, to_keras

from longhand.errors import LonghandError, ModelFormatError, OptionError
from longhand.model import Model, import_keras, load

LETTERS = "abcdefghi"
WINDOW = 12
LEGACY = ["keras-2.0-model.hdf5", "keras-2.4-model.hdf5", "plain-weights.h5", "cudnn-weights.h5"]
FIRST = "keras-2.4-model.hdf5"

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

Change = Callable[[h5py.File], None]


def imported(path: Path, **options: Any) -> Model:
    return import_keras(path, io.StringIO(LETTERS), **options)


def changed(folder: Path, change: Change, name: str = FIRST) -> Path:
    path = folder / name
    shutil.copy(legacy_file(name), path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def configured(change: Callable[[list[Any]], None]) -> Change:
    """Return what changes the list of layers in a model's configuration."""

    def apply(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        change(config["config"]["layers"])
        file.attrs["model_config"] = json.dumps(config)

    return apply


@pytest.mark.parametrize("name", LEGACY[:3])
def test_keras_reads_the_legacy_fixtures_as_we_do(keras: Any, name: str) -> None:
    import torch

    model = imported(legacy_file(name), window=WINDOW)
    weights = model.file.weights
    first = [keras.Input((WINDOW, 1))] if model.config.embedding == 1 else [keras.Input((WINDOW,))]
    if model.config.embedding > 1:
        first.append(keras.layers.Embedding(len(LETTERS), model.config.embedding))
    lstms = [keras.layers.LSTM(6, return_sequences=True), keras.layers.LSTM(6)]
    theirs = keras.Sequential([*first, *lstms, keras.layers.Dense(len(LETTERS), activation="softmax")])
    theirs.load_weights(legacy_file(name))
    for one, other in zip(to_keras(weights), theirs.get_weights(), strict=True):
        assert np.array_equal(one, other)
    ids = np.random.default_rng(0).integers(0, len(LETTERS), (5, WINDOW))
    logits = model.session(5).feed(ids.T)[-1].astype(np.float64)
    with torch.no_grad():
        expected = theirs(as_keras_reads(ids, weights)).numpy()
    found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_cudnn_kernel_is_turned_as_keras_2_turned_it() -> None:
    # Keras 2's own conversion, in keras/engine/saving.py: the transpose, laid out anew in Fortran's order.
    converted = imported(legacy_file("cudnn-weights.h5"), window=WINDOW).file.weights
    with h5py.File(legacy_file("cudnn-weights.h5")) as file:
        layer = file["cu_dnnlstm_1/cu_dnnlstm_1"]
        kernel, recurrent, bias = (layer[f"{name}:0"][()] for name in ("kernel", "recurrent_kernel", "bias"))
    gates = [gate.T.reshape(gate.shape, order="F") for gate in np.split(kernel, 4, axis=1)]
    assert np.array_equal(converted["layers.0.weight_ih"], np.concatenate(gates, axis=1).T)
    recurrents = [gate.T for gate in np.split(recurrent, 4, axis=1)]
    assert np.array_equal(converted["layers.0.weight_hh"], np.concatenate(recurrents, axis=1).T)
    assert np.array_equal(converted["layers.0.bias"], bias.reshape(2, -1).sum(axis=0))


def test_cudnns_matrices_and_double_biases_are_the_plain_layers_weights() -> None:
    plain, cudnn = (imported(legacy_file(name), window=WINDOW).file.weights for name in LEGACY[2:])
    for name, array in plain.items():
        np.testing.assert_allclose(cudnn[name], array, rtol=0, atol=1e-6, err_msg=name)


def test_a_model_without_configuration_is_imported_with_a_note_on_what_was_taken_for_granted(
    longhand: Run, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text(LETTERS, encoding="utf-8")
    model = tmp_path / "new"
    done = longhand("import", legacy_file("plain-weights.h5"), "--corpus", tmp_path / "text.txt", "-o", model)
    assert done.returncode == 0
    assert "taken for granted" in done.stderr
    assert "taken for 100, --window says other" in done.stderr
    assert load(model).config.window == 100
    assert_refused(longhand("import", legacy_file(FIRST), "--corpus", tmp_path / "text.txt", "-o", model), "exists")


def test_layers_of_other_widths_and_one_hot_input_give_keras_probabilities(keras: Any, tmp_path: Path) -> None:
    import torch

    layers = [keras.Input((WINDOW, len(LETTERS))), keras.layers.LSTM(5, return_sequences=True)]
    layers += [keras.layers.LSTM(8, return_sequences=True, use_bias=False), keras.layers.LSTM(3)]
    layers += [keras.layers.Dense(len(LETTERS)), keras.layers.Activation("softmax")]
    theirs = keras.Sequential(layers)
    theirs.save(tmp_path / "m.keras")
    model = imported(tmp_path / "m.keras")
    assert (model.config.layers, model.config.hidden, model.config.embedding) == (3, 8, len(LETTERS))
    ids = np.random.default_rng(0).integers(0, len(LETTERS), (5, WINDOW))
    logits = model.session(5).feed(ids.T)[-1].astype(np.float64)
    with torch.no_grad():
        expected = theirs(np.eye(len(LETTERS), dtype=np.float32)[ids]).numpy()
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), expected, rtol=0, atol=1e-5)


def test_one_hot_input_of_many_tokens_takes_no_square_of_them_in_memory(tmp_path: Path) -> None:
    count = 20_000
    path = legacy_weights(tmp_path / "m.h5", ("lstm", lstm_shapes(count, 2)), ("dense", [(2, count), (count,)]))
    kernel = np.random.default_rng(0).standard_normal((count, 8)).astype(np.float32)
    with h5py.File(path, "r+") as file:
        file["lstm/0"][...] = kernel
    words = io.StringIO(" ".join(map(str, range(count))))
    model = import_keras(path, words, tokens="word", window=2)
    weights = model.file.weights
    ids = np.array([5, 7, 11])
    assert np.array_equal(weights["embedding.weight"][ids] @ weights["layers.0.weight_ih"].T, kernel[ids])


@pytest.mark.parametrize(
    "content",
    [
        list(LETTERS),
        {letter: number for number, letter in enumerate(LETTERS)},
        {str(number): letter for number, letter in enumerate(LETTERS)},
    ],
)
def test_a_vocabulary_file_numbers_the_tokens(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    model = import_keras(legacy_file(FIRST), vocabulary=path)
    assert model.generate("abc", length=50) == imported(legacy_file(FIRST)).generate("abc", length=50)


def test_a_number_without_a_token_is_never_written_and_words_are_words(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "slept"]
    path.write_text(json.dumps({word: number for number, word in enumerate(words, 1)}), encoding="utf-8")
    model = import_keras(legacy_file(FIRST), vocabulary=path)  # 0 is Keras's padding
    assert model.tokenizer.kind == "word"
    text = model.generate("the cat", length=300, temperature=5.0, seed=0)
    assert set(text.split()) == set(words)
    assert len(text.split()) == 300
    with pytest.raises(OptionError, match="does not know 'dog'"):
        model.generate("the dog")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "no JSON"),
        ("3", "expected a list of tokens"),
        ('{"a": 0, "b": 0}', "the number 0 stands for 'a' and for 'b'"),
        ('{"a": 1.5}', "found 1.5 for 'a'"),
        ('{"a": -1}', "found -1 for 'a'"),
        ('{"a": 4000000000}', "1 tokens, numbered up to 4000000000"),
        ('["a", "a"]', "listed twice"),
        ('["a b", "c"]', "no single word"),
        ('{"x": "a"}', "found 'x' for 'a'"),
        ("[]", "0 tokens"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_vocabulary_that_is_none_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(OptionError, match=message):
        import_keras(legacy_file(FIRST), vocabulary=path)


def test_a_text_with_another_number_of_characters_is_refused_with_both_numbers() -> None:
    with pytest.raises(OptionError, match="the vocabulary has 3 tokens, layer 'dense' predicts 9"):
        import_keras(legacy_file(FIRST), io.StringIO("abc"))


def test_a_byte_order_mark_counts_as_a_character_as_in_the_script(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(LETTERS[:8], encoding="utf-8-sig")
    tokens = import_keras(legacy_file(FIRST), text).tokenizer.to_record()["tokens"]
    assert tokens == sorted(set(text.read_text(encoding="utf-8")))


def test_a_special_token_among_characters_stands_for_nothing_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps({"<OOV>": 1, **{letter: n for n, letter in enumerate(" bcdefg", 2)}}), encoding="utf-8")
    model = import_keras(legacy_file(FIRST), vocabulary=path, tokens="char")
    assert set(model.generate("bcd", length=300, temperature=5.0, seed=0)) == set(" bcdefg")
    with pytest.raises(OptionError, match="no single word"):
        import_keras(legacy_file(FIRST), vocabulary=path)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"tokens": "line"}, "tokens: found 'line'"), ({"window": 0}, "window: found 0"), ({"window": 10**9}, "window")],
)
def test_nonsense_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        import_keras(legacy_file(FIRST), io.StringIO(LETTERS), **options)


def test_a_window_that_contradicts_the_file_is_refused() -> None:
    with pytest.raises(OptionError, match="found 50, but the file says that the model reads 12"):
        imported(legacy_file(FIRST), window=50)


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


def keras_3_weights(path: Path) -> Path:
    """Write the weights of a fixture as Keras 3 does."""
    weights = imported(legacy_file(FIRST)).file.weights
    names = ["lstm/cell", "lstm/cell", "lstm/cell", "lstm_1/cell", "lstm_1/cell", "lstm_1/cell", "dense", "dense"]
    with h5py.File(path, "w") as file:
        for place, (name, array) in enumerate(zip(names, to_keras(weights), strict=True)):
            file[f"layers/{name}/vars/{place % 3}"] = array
    return path


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


def test_weights_below_the_name_that_keras_2_gave_them_are_found(tmp_path: Path) -> None:
    path = keras_3_weights(tmp_path / "m.weights.h5")
    expected = imported(path).file.weights
    with h5py.File(path, "r+") as file:
        file.move("layers", "_layer_checkpoint_dependencies")
    found = imported(path).file.weights
    assert all(np.array_equal(found[name], array) for name, array in expected.items())


def test_weights_alone_of_a_keras_with_other_gates_by_default_are_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda file: file.attrs.__setitem__("keras_version", b"2.1.6"), "plain-weights.h5")
    with pytest.raises(ModelFormatError, match=r"layer 'lstm_1' was saved by Keras 2\.1\.6, .*hard_sigmoid"):
        imported(path)
    path = changed(tmp_path, lambda file: file.attrs.__setitem__("keras_version", b"2.1.6"), "cudnn-weights.h5")
    assert imported(path).config.layers == 2


def legacy_weights(path: Path, *layers: tuple[str, list[tuple[int, ...]]]) -> Path:
    """Write layers of zeros of these shapes, without a configuration."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([name.encode() for name, _ in layers])
        for name, shapes in layers:
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array([str(number).encode() for number in range(len(shapes))])
            for number, shape in enumerate(shapes):
                group[str(number)] = np.zeros(shape, np.float32)
    return path


def lstm_shapes(inputs: int, units: int) -> list[tuple[int, ...]]:
    return [(inputs, 4 * units), (units, 4 * units), (4 * units,)]


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


def test_without_h5py_it_says_what_to_install(tmp_path: Path) -> None:
    python = Path(__file__).parents[1] / ".venv-base" / "bin" / "python"
    if not python.exists():
        pytest.skip("no base install here: make test prepares it")
    words = ("import", legacy_file(FIRST), "--corpus", __file__, "-o", tmp_path / "new")
    done = fresh(*words, python=str(python), cwd=tmp_path)
    assert_refused(done, "pip install 'longhand[keras]'")


def test_text_and_vocabulary_are_asked_for_once(longhand: Run, tmp_path: Path) -> None:
    words = ("import", legacy_file(FIRST), "-o", tmp_path / "new")
    assert_refused(longhand(*words), "expected either a corpus (--corpus TEXT) or a vocabulary")
    assert_refused(longhand(*words, "--corpus", "a", "--vocabulary", "b"), "expected either a corpus")
