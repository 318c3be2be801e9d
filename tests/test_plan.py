"""The plan: what is chosen from the text, the time and the machine, and how it is shown and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Run, assert_refused
from hypothesis import given
from hypothesis import strategies as st

from longhand.api import train
from longhand.config import PLANNED, NetworkConfig, TrainConfig
from longhand.errors import OptionError
from longhand.settings import free_settings, train_config
from longhand.state import State
from longhand.training import planning
from longhand.training.plan import MOST_EPOCHS, SIZES, Plan, chapter_for, decay_for, dropout_for, make_plan
from longhand.training.speed import MOST_SECONDS, Speed, layer_weights, measured_speed, operations

EVERYTHING = frozenset(PLANNED)
minutes = st.floats(0.01, 5000)
tokens = st.integers(1_000, 10**9)
rates = st.floats(1e9, 1e13)


def plan(rate: float = 1e11, tokens: int = 1_000_000, free: frozenset[str] = EVERYTHING, **settings: Any) -> Plan:
    measured = None if "epochs" in settings else Speed({256: rate})
    return make_plan(TrainConfig(**settings), free, tokens=tokens, vocabulary=70, speed=measured)


@given(minutes, tokens, rates)
def test_more_time_never_chooses_a_smaller_network_nor_a_faster_machine(time: float, count: int, rate: float) -> None:
    hidden = plan(rate, count, minutes=time).config.hidden
    assert hidden in SIZES
    assert plan(rate, count, minutes=4 * time).config.hidden >= hidden
    assert plan(4 * rate, count, minutes=time).config.hidden >= hidden


@given(minutes, tokens, rates)
def test_a_size_that_is_given_is_planned_around(time: float, count: int, rate: float) -> None:
    made = plan(rate, count, minutes=time, hidden=128, free=EVERYTHING - {"hidden"})
    assert made.config.hidden == 128
    assert made.config.dropout == dropout_for(min(made.epochs, MOST_EPOCHS), layer_weights(made.config) / count)


def test_dropout_grows_with_the_readings_and_with_the_network() -> None:
    shares = [dropout_for(epochs, 1.0) for epochs in (0.1, 1, 2, 4, 8, 16, 1000, 1e9)]
    assert shares == sorted(shares)
    assert shares[:3] == [0, 0, 0]
    assert 0 < shares[3] < shares[4] < shares[-1] < 1
    assert dropout_for(4, 0.1) < dropout_for(4, 1) < dropout_for(4, 4)


def test_weights_fade_in_as_many_readings_of_a_small_text_as_of_a_large_one() -> None:
    decays = [decay_for(10, steps, 6e-3) for steps in (10, 200, 900, 5_000, 1e9)]
    assert decays == sorted(decays, reverse=True)
    assert decays[1] / decays[2] == pytest.approx(900 / 200, rel=0.02)
    assert 0 <= decays[-1] < decays[0] < 10
    assert decay_for(10, 900, 3e-3) == pytest.approx(2 * decay_for(10, 900, 6e-3), rel=0.02)


def test_in_a_short_training_weights_do_not_fade_within_a_few_hundred_steps() -> None:
    assert decay_for(0, 900, 6e-3) == decay_for(0.1, 900, 6e-3) == decay_for(3, 200, 6e-3) < decay_for(5, 200, 6e-3)
    assert decay_for(0.5, 100_000, 6e-3) < decay_for(0.1, 100_000, 6e-3)


def test_of_a_text_that_is_read_in_part_more_places_are_read() -> None:
    lengths = [chapter_for(epochs) for epochs in (0.001, 0.1, 0.5, 1, 10)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1] == chapter_for(2)


def test_the_rate_has_fallen_before_a_small_text_is_known_by_heart() -> None:
    assert plan(epochs=10.0).config.anneal == 1
    made = plan(tokens=20_000, minutes=30.0)
    assert made.config.anneal * made.epochs == pytest.approx(MOST_EPOCHS, rel=0.05)


@given(st.sets(st.sampled_from(PLANNED)), minutes)
def test_what_is_given_is_never_changed(names: set[str], time: float) -> None:
    values: dict[str, Any] = {
        "hidden": 33,
        "layers": 3,
        "embedding": 7,
        "dropout": 0.05,
        "batch": 5,
        "window": 11,
        "chapter": 99,
        "anneal": 0.5,
        "weight_decay": 0.07,
        "learning_rate": 1e-3,
    }
    given_ones = {name: values[name] for name in names}
    config = train_config({**given_ones, "minutes": time})
    made = plan(free=free_settings(config, given_ones), **given_ones, minutes=time)
    assert {name: getattr(made.config, name) for name in names} == given_ones
    assert [choice.name for choice in made.choices] == list(PLANNED)
    assert {choice.name for choice in made.choices if choice.why == "as given"} == names
    assert all(choice.why and choice.value == getattr(made.config, choice.name) for choice in made.choices)


def test_the_size_fits_what_is_read_and_is_no_larger_than_a_text_can_fill() -> None:
    sizes = [plan(epochs=1.0, tokens=count).config.hidden for count in (10_000, 10**6, 10**7, 10**8)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
    many = [plan(epochs=1e6, tokens=count).config for count in (20_000, 10**5, 10**6)]
    assert all(layer_weights(config) <= 4 * count for config, count in zip(many, (20_000, 10**5, 10**6), strict=True))
    assert plan(epochs=1e6, tokens=1_000).config.hidden == SIZES[0]


def test_by_epochs_nothing_of_the_machine_enters_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "measured_speed", lambda *_: pytest.fail("measured"))
    assert plan(epochs=3.0).epochs == 3
    assert plan(epochs=3.0).speed is None


def test_the_classic_recipe_and_what_is_given_whole_are_not_planned() -> None:
    assert free_settings(train_config({"recipe": "classic"}), {}) == frozenset()
    made = plan(free=frozenset(), minutes=3.0, hidden=64)
    assert made.config == TrainConfig(minutes=3.0, hidden=64)


class Clocked:
    """An engine whose steps take some seconds of a clock that is not real."""

    def __init__(self, network: NetworkConfig, clock: list[float], rate: float) -> None:
        self.seconds, self.clock, self.steps = operations(network, network.vocabulary_size) * 16 * 64 / rate, clock, 0

    def step(self, inputs: Any, targets: Any, state: State, learning_rate: float) -> tuple[float, State]:
        assert learning_rate == 0
        assert inputs.shape == targets.shape
        assert inputs.shape in ((8, 16), (64, 16))
        self.clock[0] += self.seconds * len(inputs) / 64
        self.steps += 1
        return 1.0, state


@pytest.mark.parametrize(("rate", "time", "sizes"), [(1e11, 10.0, 3), (1e11, 0.2, 1), (1e9, 10.0, 1), (1e11, 0.01, 0)])
def test_the_speed_is_measured_in_two_seconds_or_a_fiftieth_of_the_time(
    monkeypatch: pytest.MonkeyPatch, rate: float, time: float, sizes: int
) -> None:
    clock, engines = [0.0], []
    monkeypatch.setattr("longhand.training.speed.MOST_SECONDS", MOST_SECONDS)
    monkeypatch.setattr("longhand.training.speed.time.monotonic", lambda: clock[0])

    def make(network: NetworkConfig) -> Any:
        engines.append(Clocked(network, clock, rate))
        return engines[-1]

    measured = measured_speed(TrainConfig(minutes=time), 70, make)
    slowest = max((engine.seconds for engine in engines), default=0) / 8
    assert clock[0] <= max(min(2.0, time * 60 / 50), slowest) + 1e-6
    assert len(engines) >= sizes
    if engines:
        network = NetworkConfig(vocabulary_size=70, hidden=256)
        assert measured.of(network, 70) == pytest.approx(rate / operations(network, 70))


def test_a_plan_is_a_file_of_settings_that_is_read_back(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    made = longhand("train", verse_path, "--plan", "--epochs", "2", "--window", "32")
    assert (made.returncode, made.stderr) == (0, "")
    assert "window = 32" in made.stdout
    assert "# as given" in made.stdout
    assert not list(tmp_path.glob("*.run"))
    file = tmp_path / "plan.toml"
    file.write_text(made.stdout, encoding="utf-8")
    assert "seed" not in made.stdout
    again = longhand("train", verse_path, "--plan", "--json-lines", "--settings", file, "--batch", "3")
    record = json.loads(again.stdout)
    assert {choice["why"] for choice in record["choices"]} == {"as given"}
    assert record["settings"]["batch"] == 3
    for line in made.stdout.splitlines():
        name, equals, value = line.split("#")[0].partition(" = ")
        if equals and name != "batch":
            assert record["settings"][name] == float(value)
    by_time = json.loads(
        longhand("train", verse_path, "--plan", "--json-lines", "--settings", file, "--minutes", "1").stdout
    )
    assert by_time["settings"]["minutes"] == 1
    assert by_time["settings"]["epochs"] is None
    assert by_time["expected"]["characters_per_second"] > 100


def test_the_file_of_a_plan_holds_all_that_makes_it_another_training(
    longhand: Run, verse_path: Path, tmp_path: Path
) -> None:
    file = tmp_path / "plan.toml"
    given_ones = ["--recipe", "classic", "--seed", "7", "--held-out", "0.2", "--hidden", "8"]
    file.write_text(longhand("train", verse_path, "--plan", *given_ones).stdout, encoding="utf-8")
    read = json.loads(longhand("train", verse_path, "--plan", "--json-lines", "--settings", file).stdout)["settings"]
    assert (read["recipe"], read["seed"], read["held_out"], read["hidden"]) == ("classic", 7, 0.2, 8)
    model = train(verse_path, tmp_path / "m", epochs=0.01, hidden=8, embedding=4)
    file.write_text(longhand("train", verse_path, "--plan", "--from", tmp_path / "m").stdout, encoding="utf-8")
    read = json.loads(longhand("train", verse_path, "--plan", "--json-lines", "--settings", file).stdout)["settings"]
    assert (read["base"], read["hidden"]) == ("m", model.config.hidden)


def test_a_file_may_name_settings_as_the_options_are_called(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text("lr = 0.25\nheld-out = 0.3\nepochs = 1\n", encoding="utf-8")
    read = json.loads(longhand("train", verse_path, "--plan", "--json-lines", "--settings", file).stdout)["settings"]
    assert (read["learning_rate"], read["held_out"]) == (0.25, 0.3)
    file.write_text("lr = 0.25\nlearning_rate = 0.3\n", encoding="utf-8")
    assert_refused(longhand("train", verse_path, "--settings", file), "the same setting twice")


def test_a_name_of_a_file_cannot_slip_into_the_plan(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    text = tmp_path / "a\nhidden = 3\n#\x1b.txt"
    text.write_text(verse_path.read_text(encoding="utf-8"), encoding="utf-8")
    made = longhand("train", text, "--plan", "--epochs", "1").stdout
    assert [line for line in made.splitlines() if line.startswith("hidden")] != ["hidden = 3"]
    assert "\x1b" not in made


@given(st.integers(1_000, 10**6), st.floats(0.01, 100_000), st.floats(1e9, 1e15))
def test_the_longest_training_of_the_shortest_text_has_a_plan_too(count: int, time: float, rate: float) -> None:
    made = plan(rate, count, minutes=time)
    assert train_config({name: getattr(made.config, name) for name in PLANNED})
    assert all(choice.why for choice in made.choices)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hiden = 3", "found the setting 'hiden', expected some of recipe, base, tokens, vocabulary"),
        ("hidden = 'wide'", "hidden: found 'wide', expected a whole number"),
        ("hidden = 0", "hidden: found 0, expected a whole number >= 1"),
        ("hidden = [1, 2]", "hidden: found [1, 2], expected a whole number"),
        ("hidden 3", "no TOML"),
        ("[train]\nhidden = 3", "found the setting 'train'"),
        ("minutes = 2\nepochs = 3", "both minutes and epochs"),
        ("device = 'gpu'", "device: found 'gpu', expected one of auto, cpu, cuda, mps"),
        ("minutes = nan", "minutes: found nan"),
        ("#" + "x" * 1_100_000, "more than a megabyte"),
        ("\ud800", "no TOML"),
    ],
    ids=range(11),
)
def test_bad_settings_are_refused_in_a_line(
    longhand: Run, verse_path: Path, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "plan.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert_refused(longhand("train", verse_path, "--settings", file), message)


def test_what_cannot_be_trained_is_not_planned(longhand: Run, verse_path: Path) -> None:
    refused = longhand("train", verse_path, "--plan", "--window", "60000")
    assert_refused(refused, "expected more than a window of 60000")
    assert_refused(longhand("train", verse_path, "--plan", "--held-out", "0.0001"), "nothing to score on")


def test_settings_that_are_not_there_are_refused(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    assert_refused(longhand("train", verse_path, "--settings", tmp_path / "no.toml"), "cannot be read")
    assert_refused(longhand("train", verse_path, "--settings", tmp_path), "cannot be read")
    assert_refused(longhand("train", verse_path, "--plan", "--resume"), "exclude each other")


def test_from_python_too_what_is_not_given_is_planned(verse_path: Path) -> None:
    model = train(verse_path, epochs=0.2)
    assert model.card.training["hidden"] == model.config.hidden
    assert model.config.hidden in SIZES
    with pytest.raises(OptionError, match="'hiden'"):
        train(verse_path, hiden=3)
    assert np.isfinite(model.file.weights["head.bias"]).all()
