"""The server's page in a browser: what it shows of a text, of the network and of a training, to everybody."""

from __future__ import annotations

import math
import re

import pytest
from browser import Browser
from desk import BEGINNING, LENGTH, MODULE, SHOWN, Desk
from logs import SAMPLE
from serving import Server

pytest.importorskip("fastapi", reason="serving is not installed")

PANELS = ("settings", "versions", "gates")
WORDS = """
return Promise.all([import("/assets/english.js"), import("/assets/chinese.js")]).then(([{ english }, { chinese }]) => {
  const filled = (text) => [...text.matchAll(/\\{\\w+\\}/g)].map(String).sort().join();
  const missing = Object.keys(english).filter((name) => !(name in chinese));
  return [missing, Object.keys(chinese).filter((name) => filled(chinese[name]) !== filled(english[name] ?? ""))];
})"""
LABELS = """
const seen = (one) => one.checkVisibility() && !one.closest(".languages");
return [...document.querySelectorAll("button, label, h2, .lead, .hint")].filter(seen).map((one) => one.innerText)"""
NAMELESS = """
const name = (one) => one.getAttribute("aria-label") ?? one.labels?.[0]?.innerText ?? one.innerText;
const controls = [...document.querySelectorAll("button, input, select, textarea")];
return controls.filter((one) => one.checkVisibility() && !name(one).trim()).map((one) => one.outerHTML)"""
BROKEN = """
const words = [...document.querySelectorAll("h1, .views button, .languages button, #write")];
return words.filter((one) => one.getBoundingClientRect().height > 50).map((one) => one.textContent)"""
HEIGHTS = """
const field = document.getElementById("text"), lines = [...document.querySelectorAll(".line")];
field.style.alignSelf = "start";
field.style.height = "0";
const own = field.scrollHeight;
field.style.height = field.style.alignSelf = "";
return [own, lines.reduce((sum, line) => sum + line.getBoundingClientRect().height, 0)]"""


def test_surprise_is_the_bits_that_the_model_says(desk: Desk) -> None:
    text = desk.write()
    desk.element("surprise").click()
    tinted = desk.ask(
        "return [...document.querySelectorAll('.model')].filter((one) => / s[0-6]/.test(one.className)).length"
    )
    assert tinted > 0
    assert "8+ surprising" in desk.element("legend").inner_text()
    place = len(BEGINNING) + 10
    scored = desk.server.post("/v1/score", {"model": "small", "input": text, "per_token": True}).json
    desk.click_at(place)
    said = str(desk.page.locator("#alternatives .card-head").inner_text())
    found = re.search(r"([\d.]+) bits", said)
    assert found
    assert math.isclose(float(found[1]), scored["token_bits"][place]["bits"], abs_tol=0.06)


def test_a_unit_of_the_network_colours_the_text(desk: Desk) -> None:
    text = desk.write()
    desk.show("gates")
    inspected = desk.server.post("/v1/inspect", {"model": "small", "input": text}).json
    order = sorted(range(inspected["units"]), key=lambda unit: -inspected["half_life"][unit])
    for step in range(2):
        said = desk.ask("return document.getElementById('unit').getAttribute('aria-valuetext')")
        assert f"Unit {order[step] + 1}:" in said
        values = desk.ask(
            f"return import('{MODULE.format('tints')}').then(({{ tint }}) => tint.unit.values.map((value) => value[3]))"
        )
        assert values == [row[order[step]] for row in inspected["values"]]
        desk.element("unit").press("ArrowRight")
    assert desk.ask("return document.querySelectorAll(\"[class*=' u']\").length") > 10
    desk.page.select_option("#show", "forget")
    desk.until("document.querySelector(\"[class*=' g']\")")
    desk.element("panel-close").click()
    assert desk.ask("return document.querySelectorAll(\"[class*=' g']\").length") == 0


def test_the_unit_that_was_picked_stays_though_its_row_becomes_another(desk: Desk) -> None:
    desk.write()
    desk.show("gates")
    for _ in range(3):
        desk.element("unit").press("ArrowRight")
    picked = "document.getElementById('unit').getAttribute('aria-valuetext').split(':')[0]"
    unit = desk.ask(f"return {picked}")
    rows = set()
    for _ in range(4):
        legend = desk.element("legend").inner_text()
        desk.element("text").press("Control+End")
        desk.page.keyboard.type("a dog lay in the sun ")
        desk.page.keyboard.press("Control+Enter")
        desk.settled()
        desk.until("!document.getElementById('legend').hidden")
        assert desk.ask(f"return {picked}") == unit
        assert desk.element("legend").inner_text() == legend
        rows.add(desk.element("unit").input_value())
    desk.element("surprise").click()  # in the place of the unit
    assert desk.ask("return document.querySelectorAll(\"[class*=' s']\").length") > 0
    assert not desk.element("colour-text").is_checked()


def test_a_training_is_shown(desk: Desk) -> None:
    desk.element("to-training").click()
    desk.until("document.querySelector('#training svg')")
    shown = desk.browser.text()
    assert all(
        words in shown for words in ("This training is finished.", "2.17", SAMPLE.splitlines()[1], "on held-out text")
    )
    assert "Lower is better" in desk.ask("return document.querySelector('#training desc').textContent")
    record = desk.server.get("/v1/runs/verse").json
    assert desk.ask("return document.querySelectorAll('#training circle').length") == len(record["held_out"])
    desk.element("of-plan").focus()
    desk.page.reload()
    desk.until("document.querySelector('#training svg')")  # the same view
    desk.element("to-writing").click()
    assert desk.element("text").is_visible()
    assert desk.harmless() == []


def test_a_training_that_goes_on_is_drawn_anew_without_losing_the_place(desk: Desk) -> None:
    record = {**desk.server.get("/v1/runs/verse").json, "state": "running or stopped", "progress": 0.5}
    steps = iter(range(1, 1000))
    desk.page.route("**/v1/runs/verse", lambda route: route.fulfill(json={**record, "step": next(steps)}))
    try:
        desk.element("to-training").click()
        desk.until("document.querySelector('#training svg')")
        desk.element("of-plan").press("Enter")
        desk.ask("window.before = document.querySelector('#training svg')")
        desk.ask("document.getElementById('to-training').click()")  # it looks again at once
        desk.until("document.querySelector('#training svg') !== window.before")
        assert desk.ask("return [document.activeElement.id, document.activeElement.parentElement.open]") == [
            "of-plan",
            True,
        ]
        desk.element("to-writing").click()
    finally:
        desk.page.unroute("**/v1/runs/verse")


def test_it_asks_this_server_alone_and_complains_of_nothing(desk: Desk) -> None:
    desk.write()
    for panel in PANELS:
        desk.show(panel)
    desk.element("to-training").click()
    desk.until("document.querySelector('#training svg')")
    asked = desk.browser.requests()
    assert len(asked) > 20
    assert {url for url in asked if not url.startswith((desk.server.url + "/", "data:"))} == set()
    assert desk.browser.complaints() == []


def test_all_of_it_is_there_in_chinese(desk: Desk) -> None:
    desk.page.locator("[data-language=zh-Hans]").click()
    desk.write()
    for panel in PANELS:
        desk.show(panel)
    assert desk.ask("return document.documentElement.lang") == "zh-Hans"
    assert f"写了 {LENGTH} 个字符" in desk.status
    missing, different = desk.ask(WORDS)
    assert missing == []
    assert different == []
    latin = [
        each for each in desk.ask(LABELS) if re.search(r"[a-z]{3}", each) and not re.search(r"[\u4e00-\u9fff]", each)
    ]
    assert set(latin) <= {"Top-p", "Min-p"}
    desk.page.locator("[data-language=en]").click()
    assert desk.ask("return document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", [360, 740, 1200])
def test_it_can_be_read_on_every_screen(browser: Browser, page_server: Server, width: int) -> None:
    desk = Desk(browser, page_server, width=width)
    desk.write("w" * 200 + " " + BEGINNING)

    def assert_readable() -> None:
        for dark in (True, False):
            desk.look(dark=dark)
            ratio, text = browser.lowest_contrast()
            assert ratio >= 4.5, text
        assert desk.ask("return document.documentElement.scrollWidth") <= width
        assert desk.ask(BROKEN) == []

    assert_readable()
    desk.element("surprise").click()
    assert_readable()
    for panel in PANELS:
        desk.show(panel)
        assert_readable()
        assert desk.ask(f"return {SHOWN}") == desk.text
    field, mirror = desk.ask(HEIGHTS)
    assert abs(field - mirror) <= 2  # the letters that are typed lie on those that are seen
    desk.element("to-training").click()
    desk.until("document.querySelector('#training svg')")
    assert_readable()


def test_all_can_be_done_with_the_keyboard(desk: Desk) -> None:
    assert desk.ask("return document.activeElement.id") == "text"
    desk.page.keyboard.type(BEGINNING)
    desk.page.keyboard.press("Control+Enter")
    desk.settled()
    text = desk.text
    desk.page.keyboard.press("Control+Home")
    for _ in range(len(BEGINNING) + 3):
        desk.page.keyboard.press("ArrowRight")
    desk.page.keyboard.press("Alt+ArrowDown")
    assert desk.ask("return document.activeElement.className").startswith("choice")
    first = desk.element("alternatives").get_attribute("aria-label")
    desk.page.keyboard.press("ArrowRight")
    assert desk.ask("return document.activeElement.className").startswith("choice")
    desk.page.keyboard.press("ArrowLeft")
    assert desk.element("alternatives").get_attribute("aria-label") == first
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Escape")
    assert desk.ask("return [document.activeElement.id, document.activeElement.selectionStart]") == [
        "text",
        len(BEGINNING) + 3,
    ]
    desk.page.keyboard.press("Alt+ArrowDown")
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    desk.settled()
    assert desk.text[: len(BEGINNING) + 3] == text[: len(BEGINNING) + 3]
    assert desk.ask("return document.activeElement.id") == "text"
    reached = []
    for _ in range(12):
        desk.page.keyboard.press("Tab")
        reached.append(desk.ask("return document.activeElement.id"))
    assert reached[:10] == [
        "write",
        "undo",
        "choose",
        "surprise",
        "open-gates",
        "open-versions",
        "open-settings",
        "copy",
        "download",
        "clear",
    ]
    desk.element("open-settings").press("Enter")
    assert desk.ask("return document.activeElement.id") == "panel-title"
    desk.page.keyboard.press("Escape")
    assert desk.ask("return document.activeElement.id") == "open-settings"
    assert desk.ask(NAMELESS) == []


def test_it_is_printed_as_the_text_alone(desk: Desk) -> None:
    text = desk.write("")
    desk.page.emulate_media(media="print")
    try:
        assert desk.ask("return document.querySelector('.dock').checkVisibility()") is False
        assert desk.ask("return document.getElementById('mirror').innerText").split() == text.split()
    finally:
        desk.page.emulate_media(media="screen")
