"""`longhand inspect` and `Model.inspect`: what they say, in the terminal and as JSON, and what they refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from conftest import VERSE, Finished, assert_refused, small_file

import longhand as package
from longhand.cli.inspect_text import SHOWN, coloured, lines
from longhand.errors import CorpusError, ModelFormatError, OptionError, OutputError
from longhand.gates import page as pages
from longhand.gates.charts import influence_curve, lifetime_histogram
from longhand.gates.memory import Influence
from longhand.model import Model
from longhand.modelfile import write_model

Run = Callable[..., Finished]


def test_a_summary_says_what_was_found_as_plain_data(model: Model) -> None:
    found = model.inspect(VERSE * 5, probe=["vowel=[aeiou]"], reach=30)
    summary = json.loads(json.dumps(found.summary()))
    assert summary["characters"] == summary["tokens"] == len(VERSE) * 5
    assert summary["bits_per_character"] == pytest.approx(float(found.trace.surprise.mean()), rel=1e-5)
    assert len(summary["layers"]) == 2
    assert summary["layers"][1]["forget"] == pytest.approx(float(found.trace.forget[1].astype(float).mean()))
    probes = {each["name"]: each for each in summary["probes"]}
    assert probes["vowel"]["best"][0]["auc"] > 0.5
    assert "missing" in probes["inside brackets"]
    assert summary["influence"]["places"] == 256
    assert list(summary["influence"]["bits"]) == ["1", "2", "5", "10", "20"]
    first = summary["longest_lived"][0]
    assert first["half_life"] == pytest.approx(np.log(2) * found.lifetimes.max())
    assert isinstance(found, package.Inspection)


def test_the_same_seed_finds_the_same(model: Model) -> None:
    one, other = (model.inspect(VERSE * 5, reach=20, seed=3).summary() for _ in range(2))
    assert one == other


def test_the_command_prints_a_table(longhand: Run, model_path: Path) -> None:
    done = longhand("inspect", model_path, "--text", VERSE * 5, "--probe", "vowel=[aeiou]")
    assert done.returncode == 0
    assert done.stdout.startswith(f"{5 * len(VERSE)} characters, ")
    for words in (
        "layer 2",
        "units that remember longest",
        "vowel",
        "to look for: inside quotes, inside brackets",
        "after 1: ",
        "after 100: ",
    ):
        assert words in " ".join(done.stdout.split())
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_unit_is_listed_with_what_it_does(longhand: Run, model_path: Path) -> None:
    text = "the cat\n\x1b" + VERSE
    done = longhand("inspect", model_path, "--text", text, "--unit", "2:3")
    listed = done.stdout[done.stdout.index("unit 2:3") :].splitlines()
    assert listed[1].split() == ["read", "bits", "input", "forget", "output", "cell", "hidden", "expects"]
    found = package.load(model_path).inspect(text)
    values = [float(found.trace.forget[1, place, 2]) for place in range(40)]
    assert [float(line.split()[3]) for line in listed[2:42]] == pytest.approx(values, abs=0.006)
    assert [line.split()[0] for line in listed[2:11]] == [*"the", "␣", *"cat", "⏎", "·"]
    assert listed[-1].strip().startswith(f"… {len(text) - 40:,} more")


def test_json_is_one_object(longhand: Run, model_path: Path, verse_path: Path) -> None:
    done = longhand("inspect", model_path, "--text-file", verse_path, "--json")
    assert json.loads(done.stdout)["characters"] == 40 * len(VERSE)
    assert done.stdout.count("\n") == 1


def test_it_looks_at_what_the_model_writes(longhand: Run, model_path: Path) -> None:
    asked = ("inspect", model_path, "--generate", 300, "--prompt", "the ", "--json")
    one, again, other = longhand(*asked), longhand(*asked), longhand(*asked, "--seed", 1)
    assert json.loads(one.stdout)["characters"] == 304
    assert one.stdout == again.stdout != other.stdout


def test_a_page_is_written_and_none_is_overwritten_unasked(longhand: Run, model_path: Path, tmp_path: Path) -> None:
    page = tmp_path / "gates.html"
    asked = ("inspect", model_path, "--text", VERSE, "-o", page)
    done = longhand(*asked)
    assert done.stdout == f"{page}\n"
    assert "who has the page has the model" in done.stderr
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert_refused(longhand(*asked), "exists")
    assert longhand(*asked, "--overwrite").returncode == 0
    assert_refused(longhand("inspect", model_path, "--text", VERSE, "-o", tmp_path / "no" / "a.html"), "is no folder")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".html"] == ["gates.html"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "expected one of --text, --text-file and --generate"),
        (("--text", "a", "--generate", 3), "expected one of --text, --text-file and --generate"),
        (("--text", "a", "--prompt", "b"), "--prompt is for --generate"),
        (("--text", ""), "an empty text"),
        (("--text-file", "nowhere.txt"), "not found"),
        (("--text", "a", "--unit", "3:1"), "the model has layers 1 to 2 with units 1 to 16"),
        (("--text", "a", "--unit", "one"), "expected LAYER:UNIT"),
        (("--text", "a", "--probe", "x"), "expected NAME=REGEX"),
        (("--text", "a", "--probe", "x=["), "is no regular expression"),
        (("--text", "a", "--reach", 0), "reach: found 0"),
        (("--text", "a", "--places", 5000), "places: found 5000"),
        (("--generate", 0), "0 is not in the range"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    longhand: Run, model_path: Path, options: tuple[object, ...], problem: str
) -> None:
    assert_refused(longhand("inspect", model_path, *options), problem)


def test_models_of_the_classic_recipe_are_refused(longhand: Run, tmp_path: Path) -> None:
    file = small_file()
    windowed = replace(file, config=msgspec.structs.replace(file.config, window=9))
    write_model(windowed, tmp_path / "classic.safetensors")
    for options in (("--text", "the"), ("--generate", 10)):
        assert_refused(longhand("inspect", tmp_path / "classic", *options), "window of 9 tokens afresh")


def test_long_texts_have_no_page_but_a_table(
    longhand: Run, model: Model, model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LONGEST", 50)
    monkeypatch.setattr("longhand.gates.trace.LARGEST", 1 << 20)
    found = model.inspect(VERSE)
    with pytest.raises(CorpusError, match="a page shows up to 50"):
        found.write_page(tmp_path / "gates.html")
    assert lines(found)
    asked = ("inspect", model_path, "--text", VERSE, "-o", tmp_path / "gates.html")
    monkeypatch.setattr(Model, "inspect", None)  # it is refused before anything is computed
    assert_refused(longhand(*asked), "a page shows up to 50")
    assert_refused(longhand("inspect", model_path, "--generate", 1_000_000), "give a shorter one")
    (tmp_path / "there.html").touch()
    with pytest.raises(OutputError, match="exists"):
        found.write_page(tmp_path / "there.html")


def test_the_terminal_shows_the_text_in_colours(model: Model) -> None:
    found = model.inspect(VERSE + "\x1b[31m x" * 2 + VERSE * 50)
    text = coloured(found, None)
    assert text.plain.startswith(VERSE)
    assert "\x1b" not in text.plain
    assert text.plain.endswith(f"{len(found.trace) - SHOWN:,} more")
    surprise = found.trace.surprise[: len(VERSE)]
    styles = {span.start: str(span.style) for span in text.spans}
    letters = [place for place in np.argsort(surprise).tolist() if VERSE[place] != "\n"]
    red = [int(re.findall(r"on rgb\((\d+),", styles[place])[0]) for place in letters]
    assert red == sorted(red)
    assert red[-1] > red[0]
    by_unit = {str(span.style) for span in coloured(found, (2, 3)).spans}
    assert any("on rgb(30,98,160)" in style or "on rgb(176,58,38)" in style for style in by_unit)
    assert len(by_unit) > 10
    few = {str(span.style) for span in coloured(found, (2, 3), few=True).spans}
    assert few <= {"", "red", "blue", "bold red", "bold blue"}
    assert few & {"bold red", "bold blue"}


def test_a_held_unit_is_written_with(longhand: Run, model_path: Path) -> None:
    asked = ("generate", model_path, "--seed", 1, "--length", 60)
    plain, held = longhand(*asked), longhand(*asked, "--clamp", "1:2=0.9", "--clamp", "2:2=-0.9")
    assert held.returncode == 0
    assert held.stdout != plain.stdout
    assert held.stdout == package.load(model_path).clamped({(1, 2): 0.9, (2, 2): -0.9}).generate(seed=1, length=60)
    assert_refused(longhand(*asked, "--clamp", "9:1=0"), "found unit 9:1, the model has layers 1 to 2")
    assert_refused(longhand(*asked, "--clamp", "1:1=2"), "a unit shows -1 to 1")
    assert_refused(longhand(*asked, "--clamp", "1:1"), "expected LAYER:UNIT=VALUE")


@pytest.mark.parametrize("scale", [1e10, 1e25, 3e37])
@pytest.mark.parametrize("part", ["head", "layers", "embedding", ""])
def test_absurd_weights_are_inspected_or_refused(tmp_path: Path, scale: float, part: str) -> None:
    file = small_file()
    weights = {
        name: np.clip(array.astype(float) * scale, -3e38, 3e38).astype(np.float32) if name.startswith(part) else array
        for name, array in file.weights.items()
    }
    with suppress(ModelFormatError):  # a prediction that is no number is refused, whatever else can be shown
        found = Model(replace(file, weights=weights)).inspect(VERSE * 4, reach=20)
        assert found.write_page(tmp_path / "gates.html").exists()
        assert np.isfinite(found.trace.cell).all()


def test_settings_are_checked(model: Model) -> None:
    with pytest.raises(OptionError, match="found the option 'colour'"):
        model.inspect("the", colour="red")
    with pytest.raises(OptionError, match="reach"):
        model.inspect("the", reach=0)


def test_charts_stay_within_their_frames() -> None:
    bits = np.geomspace(5, 1e-9, 256)
    influence = Influence(bits, 10)
    told = {k: influence.around(k) for k in (1, 2, 5, 10, 100)}
    curve = influence_curve(influence, told)
    assert curve is not None
    numbers = [tuple(map(float, pair.split())) for pair in curve.path.removeprefix("M").split("L")]
    assert all(0 <= value <= 100 for pair in numbers for value in pair)
    assert [spot[2] for spot in curve.spots] == list(told)
    assert curve.spots[0][0] == 0
    assert curve.spots[0][1] < curve.spots[-1][1] <= 100
    assert influence_curve(Influence(np.zeros(0), 0), {}) is None
    for half_lives in (np.array([[0.01, 0.4, 1e7], [1.0, 1.0, 1.0]]), np.full((1, 4), 5.0)):
        histogram = lifetime_histogram(half_lives)
        assert len(histogram.bars) == len(histogram.medians) == len(half_lives)
        assert all(0 <= left <= 100 and 0 <= height <= 100 for bars in histogram.bars for left, _, height in bars)
        assert max(height for bars in histogram.bars for _, _, height in bars) == 100
        assert all(0 <= tick.at <= 100 for tick in histogram.x_ticks)


def test_influence_around_a_distance_is_a_mean_of_neighbours() -> None:
    influence = Influence(np.arange(1.0, 301.0), 1)
    assert influence.around(1) == 1
    assert influence.around(9) == 9
    assert influence.around(100) == pytest.approx(np.arange(90, 111).mean())
    assert influence.around(300) == pytest.approx(np.arange(270, 301).mean())
