"""The report in a browser: it can be read, pointed at and printed, and nothing in it runs but its own script."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from logs import epoch, evaluated, finished, started, step, whole_training, write_log

from longhand.report.page import write_report

ATTACK = (
    "</pre></script></style></title><img src=x onerror='window.ran=1'><script>window.ran=1</script>"
    "<svg onload='window.ran=1'><a href='javascript:window.ran=1'>x</a><style>*{display:none}</style>"
    "<meta http-equiv=refresh content='0;url=http://example.invalid/'><link rel=stylesheet href='//example.invalid/'>"
    "{{ 7 * 7 }}{% include 'x' %}\u2028\u202e\x00\x1b]0;x\x07"
)
TURNS = [
    {"event": "resumed", "step": 1403, "problems": ["checkpoint-0000001500.safetensors: damaged"]},
    {"event": "rolled back", "step": 1500, "to_step": 1403, "problem": "the loss became nan", "learning_rate": 0.003},
]


def page(tmp_path: Path, records: list[dict[str, Any]], name: str = "verse") -> Path:
    return write_report(write_log(tmp_path / f"{name}.run", records))


def eventful() -> list[dict[str, Any]]:
    training = whole_training()
    return [*training[:-2], *TURNS, *training[-2:]]


def test_it_shows_the_score_the_sections_and_the_samples_and_asks_nobody(browser: Browser, tmp_path: Path) -> None:
    path = page(tmp_path, eventful())
    browser.open(path)
    assert browser.ask("return document.querySelector('.score strong').innerText") == "2.170"
    assert browser.ask("return document.querySelector('h1').innerText") == "verse"
    headings = browser.ask("return [...document.querySelectorAll('h2')].map((one) => one.innerText)")
    assert headings == ["How it learned", "Notes and problems", "What it wrote", "The plan", "The card"]
    shown = browser.text()
    assert all(
        words in shown for words in ("1.504 nats", "best 2.170", "Well, in the gods for your crown.", "Finished")
    )
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1000])
def test_it_can_be_read_on_every_screen(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    long = [{"name": "a" * 300, "value": "b" * 300, "why": "c" * 300}]
    wide = [
        started(time="t" * 300, choices=long, notes=["d" * 500]),
        *eventful(),
        epoch(20, 1.5, 2.3, sample="e" * 2000),
    ]
    browser.open(page(tmp_path, wide, "n" * 100), width=width, dark=dark)
    browser.ask("for (const each of document.querySelectorAll('details')) each.open = true")
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    cut_off = (
        "return [...document.querySelectorAll('svg.plot text')].map((one) => one.getBoundingClientRect())"
        ".filter((box) => box.left < 0 || box.right > innerWidth).length"
    )
    assert browser.ask(cut_off) == 0
    ratio, text = browser.lowest_contrast()
    assert ratio >= 4.5, text


def test_it_is_dark_where_that_is_preferred(browser: Browser, tmp_path: Path) -> None:
    path, colours = page(tmp_path, whole_training()), []
    for dark in (False, True):
        browser.open(path, dark=dark)
        colours.append(browser.ask("return getComputedStyle(document.documentElement).backgroundColor"))
    light, black = (sum(json.loads(f"[{colour[4:-1]}]")) for colour in colours)
    assert light > 700 > 100 > black


def point_at(browser: Browser, share: float) -> None:
    box = browser.ask("return document.querySelector('.plot').getBoundingClientRect().toJSON()")
    place = {"x": box["x"] + share * box["width"], "y": box["y"] + 20}
    browser.command("Input.dispatchMouseEvent", type="mouseMoved", **place)


def values(browser: Browser) -> list[str]:
    found = browser.ask(
        "const chart = document.querySelector('figure.chart');"
        "return [...chart.querySelectorAll('.value, output')].map((one) => one.innerText)"
    )
    return [str(value) for value in found]


def test_pointing_at_a_chart_shows_the_values_there(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path, whole_training()))
    browser.ask("document.querySelector('.plot').scrollIntoView()")
    assert values(browser) == ["", "", ""]
    point_at(browser, 1.0)
    assert values(browser) == ["2.054", "2.170", "At 2 min, step 1,842"]
    assert browser.ask("return document.querySelectorAll('.cross circle').length") == 2
    point_at(browser, 0.14)
    training, held_out, when = values(browser)
    assert training.startswith("2.9")
    assert held_out == "2.734" or held_out.startswith("2.734 (at 17 s)")
    assert when.startswith("At 17 s, step ")
    browser.command("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    assert values(browser) == ["", "", ""]
    assert browser.complaints() == []


def test_a_tap_shows_the_values_there(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path, whole_training()), width=360)
    browser.command("Emulation.setTouchEmulationEnabled", enabled=True)
    browser.ask("document.querySelector('.plot').scrollIntoView()")
    box = browser.ask("return document.querySelector('.plot').getBoundingClientRect().toJSON()")
    touched = [{"x": box["x"] + 0.765 * box["width"], "y": box["y"] + 30}]
    browser.command("Input.dispatchTouchEvent", type="touchStart", touchPoints=touched)
    browser.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    browser.command("Emulation.setTouchEmulationEnabled", enabled=False)
    assert values(browser)[1].startswith("2.219")


def test_the_keys_go_from_score_to_score(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path, whole_training()))
    browser.page.keyboard.press("Tab")
    assert values(browser)[1] == "2.170"
    seen = []
    for key in ("ArrowLeft", "ArrowLeft", "Home", "ArrowLeft", "ArrowRight", "End", "Escape"):
        browser.page.keyboard.press(key)
        seen.append(values(browser)[1])
    assert seen == ["2.219", "2.431", "2.734", "2.734", "2.431", "2.170", ""]


def test_without_scripts_it_is_complete(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path, eventful()), scripts=False)
    source = browser.text()
    assert all(words in source for words in ("2.170", "best 2.170", "seconds of training", "Rolled back"))
    assert "Point at the chart" not in source  # which would do nothing
    browser.open(tmp_path / "verse.run" / "report.html")
    assert "Point at the chart" in browser.text()


def test_nothing_that_a_log_says_runs(browser: Browser, tmp_path: Path) -> None:
    choices = [{"name": ATTACK, "value": ATTACK, "why": ATTACK}, {"name": [ATTACK], "value": {ATTACK: ATTACK}}]
    records = [
        started(time=ATTACK, longhand_version=ATTACK, plan=[ATTACK], notes=[ATTACK], choices=choices),
        started(settings={ATTACK: ATTACK}),
        step(5, 1),
        *(evaluated(number, number, 3.0 - number / 100, ATTACK) for number in range(1, 9)),
        {"event": "no checkpoint", "step": 9, "problem": ATTACK},
        {"event": "rolled back", "step": 9, "to_step": 8, "problem": ATTACK, "learning_rate": ATTACK},
        {"event": "resumed", "step": 8, "problems": [ATTACK]},
        finished(2.92, corpus=[ATTACK], stopped_by=ATTACK, created=ATTACK, longhand_version=ATTACK),
    ]
    path = page(tmp_path, records, "<img src=x onerror=window.ran=1>&amp;")
    browser.open(path)
    browser.ask("for (const each of document.querySelectorAll('details')) each.open = true")
    point_at(browser, 0.5)
    assert browser.ask("return window.ran") is None
    foreign = "return document.querySelectorAll('img, a, link, style:not(head style), meta[http-equiv=refresh]').length"
    assert browser.ask(foreign) == 0
    assert browser.ask("return document.querySelectorAll('script:not([type])').length") == 1
    assert browser.text().count("<img src=x onerror='window.ran=1'>") >= 20
    assert "{{ 7 * 7 }}" in browser.text()
    assert not set("\u202e\u2028\x00\x1b\x07") & set(path.read_text(encoding="utf-8"))
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []


def test_the_policy_stops_what_is_not_the_pages_own(browser: Browser, tmp_path: Path) -> None:
    path = page(tmp_path, whole_training())
    foul = (
        "<script>window.ran = 1</script><img src='http://example.invalid/'>"
        "<p onclick='window.ran = 1' style='color: red'></p>"
    )
    path.write_text(path.read_text(encoding="utf-8").replace("<main>", f"<main>{foul}"), encoding="utf-8")
    browser.open(path)
    browser.ask("document.querySelector('p[onclick]').click()")
    assert browser.ask("return window.ran") is None
    assert browser.ask("return getComputedStyle(document.querySelector('p[onclick]')).color") != "rgb(255, 0, 0)"
    assert browser.requests() == [path.as_uri()]
    assert len(browser.complaints()) >= 4


def test_it_is_well_formed_for_those_who_do_not_see_it(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path, eventful()))
    assert browser.ask("return document.documentElement.lang") == "en"
    named = (
        "return [...document.querySelectorAll('[aria-labelledby]')].flatMap((one) => "
        "one.getAttribute('aria-labelledby').split(' '))"
        ".filter((id) => !document.getElementById(id)?.textContent.trim())"
    )
    assert browser.ask(named) == []
    told = "return [...document.querySelectorAll('svg.plot > title, svg.plot > desc')].map((one) => one.textContent)"
    assert len([text for text in browser.ask(told) if text.strip()]) == 4
    assert browser.ask("return document.querySelectorAll('figure:not(:has(figcaption)), th:not([scope])').length") == 0
    levels = browser.ask("return [...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = browser.ask("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_on_paper_it_is_black_on_white(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path, whole_training()), dark=True)
    browser.command(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    try:
        assert browser.ask("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.lowest_contrast()[0] >= 4.5
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")
