"""Models held against a source whose entropy is known: measured and counted right, on the page as in the table."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from conftest import Run, assert_refused

from longhand.cli.weather import table
from longhand.corpora import weather
from longhand.corpora.language import Agreement
from longhand.thermometer import gauge as gauging
from longhand.thermometer.gauge import Gauge, Result, Sample
from longhand.thermometer.page import errors, result_page
from longhand.thermometer.reach import BINS, bin_name, bin_of, reach_of

LEARNED: dict[str, Any] = {"epochs": 2, "hidden": 24, "layers": 1, "embedding": 8, "window": 16}


def found(*outcomes: str, kind: str = "place", distance: int = 5) -> list[Agreement]:
    return [Agreement(kind, distance, outcome) for outcome in outcomes]  # type: ignore[arg-type]


def gauge(tokens: str = "char", distance: float = 0.0124, **others: object) -> Gauge:
    agreements = [
        *found(*["right", "right", "wrong", "missing"] * 10, distance=210),
        *found("right", distance=5),
        *found("right", "wrong", distance=60, kind="wind"),
        *found(*["right"] * 20, distance=160),
    ]
    made = Gauge(
        tokens,
        0.5 * (1 + distance),
        distance,
        0.02,
        120.4,
        "2 × 192 LSTM",
        {"memory": 300},
        reach_of(agreements),
        0.75,
        ["a\n"],
    )
    return replace(made, **others)  # type: ignore[arg-type]


def result(*gauges: Gauge, language: str = "en", text: str = "Fog in Corby. From Corby, 1:00.\n") -> Result:
    return Result(weather.entropy(language), Sample(language, text, 0.5), gauges or (gauge(),), 3_000_000, 2.0, 7)


def test_agreements_are_counted_by_kind_and_distance() -> None:
    reach = reach_of(
        [
            *found("right", "wrong", distance=9),
            *found("missing", distance=10),
            *found("wrong", kind="wind", distance=150),
        ]
    )
    assert [(tally.count, tally.wrong, tally.missing) for tally in reach.of("place")[:3]] == [
        (2, 1, 0),
        (1, 0, 1),
        (0, 0, 0),
    ]
    assert reach.of("place")[0].error_rate == 0.5
    assert reach.of("place")[2].error_rate is None
    assert [tally.count for tally in reach.of("temperature")] == [0] * len(BINS)
    assert (reach.all_long().count, reach.all_long().errors) == (1, 1)
    assert [bin_of(distance) for distance in (0, 9, 10, 199, 200, 10_000)] == [0, 0, 1, 5, 6, 6]
    assert [bin_name(place) for place in (0, 1, 6)] == ["0–9", "10–24", "200+"]


def test_the_page_and_the_table_say_the_same() -> None:
    shown = result(gauge(), gauge("word", -0.0008, reach=reach_of(found("wrong", "right", "right", distance=300))))
    page, lines = html.unescape(result_page(shown)), "\n".join(table(shown))
    numbers = ["0.5062", "+1.24 %", "0.4996", "−0.08 %", "+2.00 %", "20 of 40", "1 of 2", "1 of 3", "0 of 1", "75.0 %"]
    numbers += [f"{weather.entropy().bits_per_character:.4f}", "66.7 %"]
    for number in numbers:
        assert number in lines
        assert number in page
    bars = re.findall(r'<rect class="(char|word)" width="100%" y="([\d.]+)%" height="([\d.]+)%"/>', page)
    assert bars == [("char", "100.00", "0.0"), ("char", "0.00", "100.0")]  # 0 of 20, 20 of 40; the strips end at 50 %
    assert errors(shown.gauges[0].reach.of("place")[1]) == "–"


def test_all_text_on_the_page_is_escaped() -> None:
    foul = "<script>alert(1)</script><img src=x onerror=1>&\u202e{{ 7 * 7 }}"
    page = result_page(result(gauge(written=[foul], network=foul), text=foul + "\n"))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3
    assert page.count("<script>") == 1


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1000])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_can_be_read_on_every_screen(
    browser: Browser, tmp_path: Path, width: int, dark: bool, language: str
) -> None:
    path = tmp_path / "weather.html"
    wide = gauge("word", 5.0, written=["w" * 3000])
    path.write_text(result_page(result(gauge(), wide, language=language)), encoding="utf-8")
    browser.open(path, width=width, dark=dark)
    browser.ask("for (const each of document.querySelectorAll('details')) each.open = true")
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    cut_off = (
        "return [...document.querySelectorAll('svg text')].map((one) => one.getBoundingClientRect())"
        ".filter((box) => box.left < 0 || box.right > innerWidth).length"
    )
    assert browser.ask(cut_off) == 0
    ratio, text = browser.lowest_contrast()
    assert ratio >= 4.5, text
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []


def test_pointing_at_a_bar_says_its_numbers(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "weather.html"
    path.write_text(result_page(result()), encoding="utf-8")
    browser.open(path)
    browser.ask("[...document.querySelectorAll('.strip')].at(-1).scrollIntoView()")
    box = browser.ask(
        "return [...document.querySelectorAll('.strip')].at(-1).querySelector('.cell:last-child')"
        ".getBoundingClientRect().toJSON()"
    )
    browser.command("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + 5, y=box["y"] + 5)
    said = browser.ask("return document.querySelector('.readout output').innerText")
    assert said == "200+ characters, character by character 20 of 40"


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure on little text, and let no bulletin become long."""
    monkeypatch.setattr(gauging, "FRESH", 5_000)
    monkeypatch.setattr(gauging, "LONGEST", 30)


@pytest.mark.usefixtures("_small")
def test_the_demo_measures_and_shows_what_it_found(longhand: Run, tmp_path: Path) -> None:
    name = tmp_path / "weather"
    done = longhand("demo", "weather", "-o", name, "--minutes", "0.02", "--seed", "5")
    assert done.returncode == 0
    page = html.unescape((tmp_path / "weather.html").read_text(encoding="utf-8"))
    for kind in ("character by character", "word by word"):
        line = re.search(rf"the model, {kind} +([\d.]+) +(\S+ %) +(\S+ %)", done.stdout)
        assert line
        assert f"The model, {kind}</th><td>{line[1]}</td><td>{line[2]}</td><td>{line[3]}</td>" in page
    rows = re.findall(r"^place +(.+)$", done.stdout, re.MULTILINE)
    cells = re.findall(r'<th scope="row">place</th>(.*?)</tr>', page)
    assert [re.split(r"  +", row.strip()) for row in rows] == [re.findall("<td>(.*?)</td>", cell) for cell in cells]
    assert sum(int(count.replace(",", "")) for count in re.findall(r" of ([\d,]+)", rows[0])) <= 1000
    assert (tmp_path / "weather-char.safetensors").is_file()
    assert (tmp_path / "weather-word.run" / "report.html").is_file()
    again = longhand("demo", "weather", "-o", name, "--minutes", "0.02")
    assert_refused(again, "weather.html exists")


@pytest.mark.usefixtures("_small")
def test_one_kind_of_tokens_in_chinese_is_enough(longhand: Run, tmp_path: Path) -> None:
    done = longhand(
        *("demo", "weather", "-o", tmp_path / "w", "--minutes", "0.01", "--tokens", "char", "--language", "zh")
    )
    assert done.returncode == 0
    assert "word by word" not in done.stdout + (tmp_path / "w.html").read_text(encoding="utf-8")
    assert not (tmp_path / "w-word.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--language", "zh"), "language: of longhand demo weather alone"),
        (("--seed", "1"), "seed: of longhand demo weather alone"),
        (("weather", "--seed", "-1"), "seed: found -1"),
        (("weather", "--minutes", "0"), "minutes: found 0"),
        (("weather", "--minutes", "nan"), "minutes: found nan"),
        (("weather", "--tokens", "byte"), "'byte' is not one of"),
        (("weather", "-o", "no/such/folder/name"), "is no folder"),
        (("rain",), "'rain' is not one of"),
    ],
)
def test_what_the_demo_cannot_do_is_said_in_one_line(
    longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(longhand("demo", *words), message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_two_minutes_come_near_the_entropy_and_remember_what_is_far(
    longhand: Run, tmp_path: Path, language: str
) -> None:
    done = longhand("demo", "weather", "-o", tmp_path / "w", "--language", language, "--overwrite")
    assert done.returncode == 0
    shares = re.findall(r"^the model, .* ([+−][\d.]+) %$", done.stdout, re.MULTILINE)
    from_entropy = [float(share.replace("−", "-")) for share in shares]
    long = [
        float(share) for share in re.findall(r"^150 characters and more apart: ([\d.]+) %", done.stdout, re.MULTILINE)
    ]
    assert len(from_entropy) == len(long) == 2
    assert all(share < 3 for share in from_entropy)
    assert all(share >= 90 for share in long)
    counted = [int(count) for count in re.findall(r"apart: [\d.]+ % of ([\d,]+) right", done.stdout)]
    assert all(count > 150 for count in counted)
    places = [re.findall(r"of (\d+)", line) for line in re.findall(r"^place .*$", done.stdout, re.MULTILINE)]
    assert [sum(map(int, counts)) for counts in places] == [1000, 1000]
    faultless = re.findall(r"^faultless bulletins: ([\d.]+) %", done.stdout, re.MULTILINE)
    assert all(float(share) > 75 for share in faultless)
