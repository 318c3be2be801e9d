"""Importing: Keras 2's layouts, vocabularies, and what files do not say."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import Run, assert_refused, fresh
from keras_models import (
    FIRST,
    LEGACY,
    LETTERS,
    WINDOW,
    as_keras_reads,
    changed,
    imported,
    keras_3_weights,
    legacy_file,
    legacy_weights,
    lstm_shapes,
    to_keras,
)

from longhand.api import import_keras
from longhand.errors import ModelFormatError, OptionError
from longhand.interop.hdf5 import explained
from longhand.interop.keras_file import read_keras
from longhand.interop.vocabulary import of_json
from longhand.model import load

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own


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


def test_a_limit_of_a_library_is_not_called_damage(tmp_path: Path) -> None:
    path = tmp_path / "locked.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    data = bytearray(path.read_bytes())
    data[6] |= 1  # encrypted, in both headers of the entry
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ModelFormatError, match=r"a zip of a kind that Keras does not write .*password"):
        read_keras(path)
    with pytest.raises(ModelFormatError, match="needs more memory than there is"), explained("a.h5"):
        raise MemoryError
    with pytest.raises(ModelFormatError, match="compressed by a filter that h5py does not have"), explained("a.h5"):
        raise OSError("Can't read data (required filter 'lzf' is not registered)")


def test_a_vocabulary_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_bytes(b'\xef\xbb\xbf["a", "b"]')
    assert of_json(tmp_path / "v.json", None).tokens == ["a", "b"]
