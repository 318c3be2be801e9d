"""A text's state as a file: gone on with as if never left, branched, refused where it does not belong."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.numpy
from conftest import VERSE, Run, assert_refused, small_file

from longhand.api import train
from longhand.errors import ModelFormatError, OptionError
from longhand.generation.saved import load_state
from longhand.model import Model
from longhand.native.loading import SWITCH

SETTINGS: list[dict[str, Any]] = [
    {},
    {"temperature": 1.2, "top_k": 20, "min_p": 0.01},
    {"repetition_penalty": 1.3, "frequency_penalty": 0.1, "penalty_window": 30},
    {"typical": 0.8, "logit_bias": {"e": 1.0}},
]


def written(model: Model, length: int, prompt: str = "", **settings: Any) -> tuple[str, Any]:
    """Return a text, and where it was left."""
    pieces = model.pieces(prompt, length=length, **settings)
    text = "".join(piece.text for piece in pieces)
    return text, model.state_of(pieces)


@pytest.fixture(scope="module", params=["char", "byte", "word", "whitespace", "bpe:300"])
def learned(request: pytest.FixtureRequest) -> Model:
    """Return a model that has learned a little."""
    text = (VERSE + "é中👍\n") * 30
    settings: dict[str, Any] = {"epochs": 1, "hidden": 16, "layers": 2, "embedding": 8, "window": 16}
    return train(io.StringIO(text), tokens=request.param, **settings)


@pytest.mark.parametrize("native", ["1", "0"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_text_goes_on_as_if_it_had_never_been_left(
    settings: dict[str, Any], native: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, native)
    model = Model(small_file())
    whole = model.generate("ab", length=600, seed=7, **settings)
    first = model.pieces("ab", length=210, seed=7, **settings)
    text = "".join(piece.text for piece in first)
    path = model.state_of(first).save(tmp_path / "state")
    again = Model(small_file())
    assert text + again.generate(state=load_state(path), length=390) == whole


def test_whatever_the_tokens_and_wherever_it_was_left(learned: Model, tmp_path: Path) -> None:
    whole = learned.generate(length=120, seed=3, temperature=2.0)
    for length in range(1, 60, 7):
        text, state = written(learned, length, seed=3, temperature=2.0)
        state.save(tmp_path / "state", overwrite=True)
        more = learned.generate(state=load_state(tmp_path / "state"), length=120 - length)
        assert text + more == whole


def test_a_text_that_was_stopped_goes_on_behind_the_stop(learned: Model) -> None:
    whole = learned.generate(length=150, seed=5)
    for stop in (whole[30:33], whole[50:52]):
        text, state = written(learned, 150, seed=5, stop=stop)
        rest = learned.generate(state=state, length=100, stop=())
        assert whole.startswith(text + stop + rest[:20])


def test_lines_one_after_another_are_the_whole_text() -> None:
    model = Model(small_file())
    whole = model.generate(length=300, seed=9)
    text, state = written(model, 300, seed=9, until="line")
    for _ in range(5):
        pieces = model.pieces(state=state, length=300)
        more = "".join(piece.text for piece in pieces)
        state = model.state_of(pieces)
        text += more
    assert whole.startswith(text)
    assert text.strip("\n").count("\n") >= 4


@pytest.mark.parametrize("until", ["line", "sentence"])
def test_a_text_cut_at_its_end_ends_when_it_goes_on(until: str) -> None:
    text = "One. Two words here.\nAnd a line.\n" * 60
    settings: dict[str, Any] = {"epochs": 8, "hidden": 24, "layers": 1, "embedding": 8, "window": 16}
    model = train(io.StringIO(text), **settings)
    whole = model.generate("One", length=300, seed=2, until=until)
    for length in range(max(1, len(whole) - 2), len(whole) + 1):
        first, state = written(model, length, prompt="One", seed=2, until=until)
        assert first == whole[:length]
        assert first + model.generate(state=state, length=300) == whole


def test_a_stop_string_across_two_texts_is_found() -> None:
    model = Model(small_file())
    whole = model.generate(length=200, seed=3)
    stop = whole[100:104]
    end = whole.index(stop)
    for length in (end + 1, end + 3):
        text, state = written(model, length, seed=3, stop=stop)
        assert text == whole[:length]
        assert model.generate(state=state, length=200) == ""


def test_biases_by_number_and_what_waits_are_kept(learned: Model) -> None:
    token = int(learned.tokenizer.encode("t")[-1])
    settings: dict[str, Any] = {"seed": 4, "logit_bias": {token: 5.0}, "length_in": "characters"}
    whole = learned.generate("the", length=80, **settings)
    text, state = written(learned, 40, prompt="the", **settings)
    assert text + learned.generate(state=state, length=40) == whole
    pieces = learned.pieces("the c", length=60, seed=5)
    state = learned.state_of(pieces)
    assert learned.generate(state=state, length=60)[:20] == "".join(piece.text for piece in pieces)[:20]


def test_a_temperature_takes_the_place_of_greed() -> None:
    model = Model(small_file())
    _, state = written(model, 20, greedy=True)
    greedy = model.generate(state=state, length=50)
    assert greedy == model.generate(greedy=True, length=70)[20:]
    assert len({model.generate(state=state, length=50, temperature=1.5, seed=seed) for seed in (1, 2)} | {greedy}) == 3


def test_a_branch_has_another_seed_or_another_text() -> None:
    model = Model(small_file())
    _, state = written(model, 100, seed=1)
    same, other, told = (
        model.generate(state=state, length=80),
        model.generate(state=state, length=80, seed=2),
        model.generate("xyz", state=state, length=80),
    )
    assert len({same, other, told}) == 3
    assert model.generate(state=state, length=80) == same
    assert model.generate(state=state, length=80, seed=2) == other


def test_the_temperature_goes_on_changing() -> None:
    model = Model(small_file())
    schedule: dict[str, Any] = {"temperature": 0.2, "temperature_end": 2.0}
    whole = model.generate(length=600, seed=4, **schedule)
    pieces = model.pieces(length=600, seed=4, **schedule)
    text = ""
    while len(text) < 100:
        text += next(pieces).text
    assert text + model.generate(state=model.state_of(pieces), length=600 - len(text)) == whole


def test_a_state_is_small(tmp_path: Path) -> None:
    from longhand.config import NetworkConfig
    from longhand.modelfile import ModelFile, expected_shapes
    from longhand.text.characters import CharacterTokenizer

    tokenizer = CharacterTokenizer("\n abcdefghijklmnopqrstuvwxyz")
    config = NetworkConfig(vocabulary_size=tokenizer.size, embedding=8, hidden=512, layers=2)
    random = np.random.default_rng(0)
    weights = {
        name: random.normal(0, 0.05, shape).astype(np.float32) for name, shape in expected_shapes(config).items()
    }
    model = Model(ModelFile(config, tokenizer.to_record(), weights))
    whole = model.generate(length=10_000, seed=0)
    text, state = written(model, 5000, seed=0)
    path = state.save(tmp_path / "state")
    assert path.stat().st_size < 65_536
    assert text + model.generate(state=load_state(path), length=5000) == whole


def test_the_state_of_another_model_is_refused_by_name() -> None:
    model, other = Model(small_file(), path=Path("one.safetensors")), small_file()
    other.weights["head.bias"][3] += 1
    _, state = written(model, 10, seed=0)
    with pytest.raises(
        ModelFormatError, match=r"the state is not of two\.safetensors as it is here, but of one\.safetensors"
    ):
        Model(other, path=Path("two.safetensors")).generate(state=state)


def damaged(path: Path, target: Path, **changes: Any) -> Path:
    """Write a state with other facts or arrays."""
    with safetensors.safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dictionary)
        metadata = dict(file.metadata())
    facts = msgspec.json.decode(metadata["facts"])
    for name, value in changes.items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif name in ("format", "version"):
            metadata[name] = value
        else:
            facts[name] = value
    metadata["facts"] = msgspec.json.encode(facts).decode()
    target.write_bytes(safetensors.numpy.save(arrays, metadata))
    return target


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "longhand"},
        {"version": "2"},
        {"hidden": np.zeros(3, np.float32)},
        {"hidden": np.full((2, 12), np.nan, np.float32)},
        {"hidden": np.full((2, 12), 5, np.float32)},
        {"cell": np.zeros((1, 12), np.float32)},
        {"recent": np.zeros(3, np.float32)},
        {"recent": np.full(3, 10**6)},
        {"last": 10**6},
        {"last": -1},
        {"random": "x"},
        {"begun": "zz"},
        {"settings": {"temperature": -1}},
        {"settings": {"nothing": 1}},
        {"settings": 5},
        {"other": 5},
    ],
    ids=str,
)
def test_a_damaged_state_is_refused_in_one_line(
    changes: dict[str, Any], longhand: Run, tmp_path: Path, model_path: Path
) -> None:
    state = tmp_path / "state"
    assert longhand("generate", model_path, "--length", "50", "--seed", "1", "--save-state", state).returncode == 0
    bad = damaged(state, tmp_path / "bad", **changes)
    settings = ("--repetition-penalty", "1.1") if "recent" in changes else ()
    done = longhand("generate", model_path, "--load-state", bad, "--length", "50", *settings)
    assert_refused(done, "")


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x08\0\0\0\0\0\0\0{}      "])
def test_what_is_no_state_is_refused(data: bytes, longhand: Run, tmp_path: Path, model_path: Path) -> None:
    (tmp_path / "state").write_bytes(data)
    assert_refused(longhand("generate", model_path, "--load-state", tmp_path / "state"), "state: no state")
    assert_refused(longhand("generate", model_path, "--load-state", tmp_path / "none"), "none: not found")


def test_the_command_saves_and_goes_on(longhand: Run, tmp_path: Path, model_path: Path) -> None:
    state, words = tmp_path / "state", ("generate", model_path, "--seed", "3", "--temperature", "0.7")
    whole = longhand(*words, "--length", "300").stdout
    first = longhand(*words, "--length", "100", "--save-state", state).stdout
    second = longhand("generate", model_path, "--load-state", state, "--length", "200", "--save-state", tmp_path / "2")
    assert first + second.stdout == whole
    assert_refused(longhand(*words, "--save-state", state), "state exists: choose another name")
    assert longhand(*words, "--save-state", state, "--overwrite").returncode == 0
    assert_refused(longhand(*words, "--count", "2", "--save-state", state, "--overwrite"), "are for one text")


def test_several_documents_have_no_state() -> None:
    settings: dict[str, Any] = {"epochs": 1, "hidden": 8, "layers": 1, "embedding": 4, "window": 16}
    model = train(io.StringIO("anna\nbert\n" * 200), documents="line", **settings)
    pieces = model.pieces(documents=2, seed=0)
    with pytest.raises(OptionError, match="a state is that of one text"):
        model.state_of(pieces)
