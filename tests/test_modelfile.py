"""The model file: what is written is read, what is damaged is refused, what exists is kept."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from conftest import small_file
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import ModelFormatError, OutputError
from longhand.model import Model, load
from longhand.modelfile import Card, ModelFile, expected_shapes, model_path, read_model, write_model

CARD = Card(corpus=["a.txt"], validation_bits_per_character=2.5, training={"minutes": 5.0})


def raw(tmp_path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return tensors and metadata of a good file, to be spoilt."""
    path = tmp_path / "good.safetensors"
    write_model(replace(small_file(), card=CARD), path, overwrite=True)
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    return safetensors.numpy.load_file(path), metadata


def refused(tmp_path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str] | None) -> str:
    """Return the message with which a file is refused."""
    path = tmp_path / "bad.safetensors"
    safetensors.numpy.save_file(tensors, path, metadata)
    with pytest.raises(ModelFormatError) as error:
        load(path)
    return str(error.value)


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = replace(small_file(), card=CARD)
    write_model(model, tmp_path / "m.safetensors")
    again = read_model(tmp_path / "m.safetensors")
    assert (again.config, again.tokenizer, again.card) == (model.config, model.tokenizer, model.card)
    assert again.weights.keys() == model.weights.keys()
    assert all(np.array_equal(again.weights[name], model.weights[name]) for name in model.weights)


def test_every_tensor_has_the_shape_that_the_config_says() -> None:
    model = small_file(layers=3)
    assert {name: array.shape for name, array in model.weights.items()} == expected_shapes(model.config)
    assert model.parameters == sum(array.size for array in model.weights.values())


def test_a_missing_and_an_extra_tensor_are_named(tmp_path: Path) -> None:
    tensors, metadata = raw(tmp_path)
    tensors["head.weights"] = tensors.pop("head.weight")
    assert "missing head.weight, unexpected head.weights" in refused(tmp_path, tensors, metadata)


def test_a_wrong_shape_is_named_with_the_expected_one(tmp_path: Path) -> None:
    tensors, metadata = raw(tmp_path)
    tensors["head.bias"] = tensors["head.bias"][:-1].copy()
    assert "head.bias is F32 (29,), its config expects F32 (30,)" in refused(tmp_path, tensors, metadata)


def test_a_wrong_number_type_is_named(tmp_path: Path) -> None:
    tensors, metadata = raw(tmp_path)
    tensors["head.bias"] = tensors["head.bias"].astype(np.float64)
    assert "head.bias is F64 (30,), its config expects F32 (30,)" in refused(tmp_path, tensors, metadata)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    tensors, metadata = raw(tmp_path)
    tensors["layers.1.bias"][3] = value
    assert "layers.1.bias holds numbers that are not finite" in refused(tmp_path, tensors, metadata)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", "other", "format is 'other', not 'longhand'"),
        ("version", "2", "version '2', this Longhand reads '1'"),
        ("config", "{}", "config record is damaged"),
        ("config", "[" * 100_000, "config record is damaged"),
        ("config", '{"vocabulary_size": 30, "hidden": -1}', "config record is damaged"),
        ("config", '{"vocabulary_size": 30, "code": "import os"}', "config record is damaged"),
        ("tokenizer", "not json", "tokenizer record is damaged"),
        ("tokenizer", "[" * 100_000, "tokenizer record is damaged"),
        ("tokenizer", '{"kind": "char", "characters": "abc"}', "the tokenizer has 5 tokens, the network 30"),
        ("tokenizer", '{"kind": "pickle"}', "tokenizer kind 'pickle'"),
        ("card", '{"corpus": 3}', "card record is damaged"),
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, name: str, value: str, message: str) -> None:
    tensors, metadata = raw(tmp_path)
    assert message in refused(tmp_path, tensors, {**metadata, name: value})


def test_a_safetensors_file_of_others_is_refused(tmp_path: Path) -> None:
    assert "not Longhand's" in refused(tmp_path, {"a": np.zeros(3)}, None)


def test_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "attacked"),)

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Attack()))
    with pytest.raises(ModelFormatError, match="no model file or a damaged one"):
        load(path)
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(("make", "problem"), [("mkdir", "is a folder"), ("exists", "not found")])
def test_what_is_no_file_is_refused(tmp_path: Path, make: str, problem: str) -> None:
    path = tmp_path / "thing.safetensors"
    getattr(path, make)()
    with pytest.raises(ModelFormatError, match=problem):
        load(path)


@settings(max_examples=300)
@given(data=st.data())
def test_no_mutation_of_a_file_gives_anything_but_a_model_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    good = folder / "mutate.safetensors"
    if not good.exists():
        write_model(small_file(hidden=2, embedding=2), good)
    whole = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, min(len(whole) - 1, 2500)))] = data.draw(st.integers(0, 255))
    bad = folder / "mutated.safetensors"
    bad.write_bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole)
    try:
        model = load(bad)
    except ModelFormatError:
        return
    assert isinstance(model, Model)


def test_an_existing_file_is_kept_unless_overwriting_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(OutputError, match=r"exists.*--overwrite"):
        write_model(small_file(), path)
    assert path.read_text(encoding="utf-8") == "precious"
    write_model(small_file(), path, overwrite=True)
    assert read_model(path).config == small_file().config


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_fault_while_writing_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "m.safetensors"
    write_model(small_file(seed=1), path)
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[call], fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_model(small_file(seed=2), path, overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [("m", "m.safetensors"), ("m.safetensors", "m.safetensors"), ("v1.5", "v1.5.safetensors")],
)
def test_the_suffix_is_added_where_it_is_missing(given_name: str, expected: str) -> None:
    assert model_path(Path("folder") / given_name) == Path("folder") / expected


@pytest.mark.parametrize("name", ["", ".", "..", "/", "folder/", "folder/..", ".safetensors"])
def test_a_name_that_names_no_file_is_refused(name: str) -> None:
    with pytest.raises(OutputError, match="names no file"):
        model_path(name)


def test_the_suffix_may_be_left_out_in_reading_too(tmp_path: Path) -> None:
    write_model(small_file(), tmp_path / "m.safetensors")
    assert load(tmp_path / "m").config == small_file().config


def test_a_dangling_link_is_not_replaced_and_a_link_stays_one(tmp_path: Path) -> None:
    link, target = tmp_path / "link.safetensors", tmp_path / "target.safetensors"
    link.symlink_to(target)
    with pytest.raises(OutputError, match="exists"):
        write_model(small_file(), link)
    write_model(small_file(), link, overwrite=True)
    assert link.is_symlink()
    assert read_model(target).config == small_file().config


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * (255 - len(".safetensors")) + ".safetensors")
    write_model(small_file(), path)
    assert read_model(path).config == small_file().config


def test_a_saved_model_writes_the_same(tmp_path: Path) -> None:
    model = Model(small_file())
    path = model.save(tmp_path / "m")
    assert path.name == "m.safetensors"
    assert load(path).generate("the", length=50, seed=3) == model.generate("the", length=50, seed=3)


def test_model_files_hold_nothing_but_numbers_and_json(tmp_path: Path) -> None:
    _, metadata = raw(tmp_path)
    assert sorted(metadata) == ["card", "config", "format", "tokenizer", "version"]
    assert isinstance(small_file(), ModelFile)
