"""The server's page in a browser: a person and a model write a text together, and nothing of it is ever lost."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from conftest import ALPHABET, small_file
from desk import BEGINNING, LENGTH, MODELS_KNOWN, MODULE, SHOWN, Desk
from logs import SAMPLE, whole_training, write_log
from serving import Server, running

from longhand.modelfile import write_model

pytest.importorskip("fastapi", reason="serving is not installed")

KEY = "a-long-and-secret-key-of-ours"
HOSTILE = "<img src=x onerror='window.ran=1'><script>window.ran=1</script>"
ENDLESS = 90_000  # characters that nobody waits for
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

HEIGHTS = """
const field = document.getElementById("text"), lines = [...document.querySelectorAll(".line")];
field.style.alignSelf = "start";
field.style.height = "0";
const own = field.scrollHeight;
field.style.height = field.style.alignSelf = "";
return [own, lines.reduce((sum, line) => sum + line.getBoundingClientRect().height, 0)]"""
FILL = """
for (let size = 1 << 22; size; size >>= 1) {
  try { for (;;) localStorage.setItem("x" + Math.random(), "x".repeat(size)); } catch { /* no room for so much */ }
}"""
FUZZ = (Path(__file__).parent / "page_versions.js").read_text(encoding="utf-8")


def files(folder: Path) -> list[Path]:
    """Write two models that know other letters, and the folder of a training."""
    for name, alphabet, hidden in (("small", ALPHABET, 16), ("large", "".join(sorted(ALPHABET + "ABCDEF")), 24)):
        write_model(small_file(alphabet, hidden=hidden), folder / f"{name}.safetensors")
    write_log(folder / "verse.run", whole_training())
    return [folder / "small.safetensors", folder / "large.safetensors", folder / "verse.run"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return files(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def server(served: list[Path]) -> Iterator[Server]:
    with running(served) as started:
        yield started


@pytest.fixture
def desk(browser: Browser, server: Server) -> Desk:
    return Desk(browser, server)


def test_the_model_goes_on_from_what_was_typed(desk: Desk) -> None:
    desk.open(calm=False)
    text = desk.write()
    assert text.startswith(BEGINNING)
    assert len(text) == len(BEGINNING) + LENGTH
    assert desk.ask(f"return {SHOWN}") == text
    assert desk.ask("return document.querySelector('.person').textContent") == BEGINNING
    assert f"{LENGTH} characters written" in desk.status
    desk.element("write").click()
    desk.settled()
    assert desk.text.startswith(text)
    assert len(desk.text) == len(text) + LENGTH
    assert desk.harmless() == []


def test_it_writes_what_the_server_writes_with_these_settings(desk: Desk) -> None:
    desk.set(temperature=0.7, top_p=0.9, min_p=0.05, length=60, seed="5", until="")
    wanted = {"prompt": BEGINNING, "max_tokens": 60, "temperature": 0.7, "top_p": 0.9, "min_p": 0.05, "seed": 5}
    assert desk.write() == BEGINNING + desk.server.complete(model="small", **wanted)["choices"][0]["text"]


def test_the_seed_of_chance_can_be_kept(desk: Desk) -> None:
    first = desk.write()
    desk.element("clear").click()
    desk.show("settings")
    desk.page.locator("#panel-settings .used button").click()
    assert desk.write() == first


def test_it_can_be_stopped_and_the_person_takes_over(desk: Desk) -> None:
    desk.set(length=ENDLESS)
    desk.element("text").fill(BEGINNING)
    desk.page.keyboard.press("Control+Enter")
    desk.until("document.querySelectorAll('.model').length > 0")
    desk.page.keyboard.press("Escape")
    desk.settled()
    stopped = desk.text
    assert len(BEGINNING) < len(stopped) < ENDLESS
    assert desk.status.startswith("Stopped after")
    desk.page.keyboard.press("Control+Enter")
    desk.until("document.querySelector('.line:last-child').textContent")
    desk.page.keyboard.type("and")
    assert desk.text.startswith(stopped)
    assert desk.text.endswith("and")
    assert desk.ask(f"return {SHOWN}") == desk.text


def kinds_of(desk: Desk) -> list[str]:
    """Return what the list of versions says each is."""
    desk.page.wait_for_timeout(100)  # it is drawn a moment later
    said = desk.page.locator("#panel-versions .version .what").all_inner_texts()
    return [each.split(" · ")[0] for each in said]


def test_another_token_begins_a_branch_and_undo_leads_back(desk: Desk) -> None:
    text = desk.write()
    place = len(BEGINNING) + 30
    desk.click_at(place)
    choices = desk.page.locator("#alternatives .choice")
    top = desk.server.complete(model="small", prompt=text[:place], max_tokens=1, temperature=0, logprobs=5)
    likeliest = top["choices"][0]["logprobs"]["top_logprobs"][0]
    assert choices.count() in (5, 6)
    shown = [name.replace("␣", " ").replace("↵", "\n") for name in choices.locator(".token").all_inner_texts()]
    assert set(shown) == {*likeliest, text[place]}
    other = next(number for number, name in enumerate(shown) if name != text[place])
    choices.nth(other).click()
    desk.settled()
    branch = desk.text
    assert branch[: place + 1] == text[:place] + shown[other]
    assert len(branch) == place + 1 + LENGTH
    desk.page.keyboard.press("Control+z")
    assert desk.text == text
    desk.page.keyboard.press("Control+Shift+z")
    assert desk.text == branch
    desk.show("versions")
    assert kinds_of(desk) == ["the beginning", "typed", "written", "another way"]
    desk.element("undo").click()
    desk.element("text").press("Control+Home")
    desk.page.keyboard.type("or ")
    assert desk.text == "or " + text
    assert kinds_of(desk) == ["the beginning", "typed", "written", "typed", "another way"]  # a fork, then the first way
    desk.page.locator("#panel-versions .version").nth(4).click()
    assert desk.text == branch
    desk.element("undo").click()
    assert desk.text == text
    desk.element("redo").click()
    assert desk.text == branch  # where it came from, not what was typed last
    desk.element("undo").click()
    desk.element("undo").click()
    desk.element("undo").click()
    assert desk.text == ""
    assert not desk.element("undo").is_enabled()


def test_what_is_edited_by_hand_is_a_version_too_and_all_is_there_after_a_reload(desk: Desk) -> None:
    text = desk.write()
    desk.element("text").focus()
    place = len(BEGINNING) + 20
    desk.ask(f"document.getElementById('text').setSelectionRange({place}, {place + 5})")
    desk.page.keyboard.type("my own")
    edited = text[:place] + "my own" + text[place + 5 :]
    assert desk.text == desk.ask(f"return {SHOWN}") == edited
    people = desk.ask("return [...document.querySelectorAll('.person')].map((one) => one.textContent)")
    assert people == [BEGINNING, "my own"]
    desk.page.reload()
    desk.until(MODELS_KNOWN)
    assert desk.text == edited
    assert desk.ask("return [...document.querySelectorAll('.person')].length") == 2
    desk.click_at(place + 20)
    assert desk.page.locator("#alternatives .choice").count() in (5, 6)
    desk.page.keyboard.press("Escape")
    desk.element("undo").click()
    assert desk.text == text
    desk.element("clear").click()
    assert desk.text == ""
    desk.element("undo").click()
    assert desk.text == text


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


def test_another_model_can_be_chosen(desk: Desk) -> None:
    first = desk.element("facts").inner_text()
    desk.page.select_option("#model", "large")
    assert desk.element("facts").inner_text() != first
    assert "24 LSTM" in desk.element("facts").inner_text()
    assert len(desk.write("")) == LENGTH
    desk.page.reload()
    desk.until("document.getElementById('model').value === 'large'")


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
    desk.element("to-writing").click()
    assert desk.element("text").is_visible()
    assert desk.harmless() == []


def test_a_server_that_goes_away_takes_nothing_along_and_is_found_again(browser: Browser, served: list[Path]) -> None:
    with running(served, "--grace", 0) as first:
        desk = Desk(browser, first)
        desk.set(length=ENDLESS)
        desk.element("text").fill(BEGINNING)
        desk.page.keyboard.press("Control+Enter")
        desk.until(f"{SHOWN}.length > 50")
    desk.until("document.getElementById('status').dataset.kind === 'error'")
    assert "What was written stays" in desk.status
    desk.settled()
    kept = desk.text
    assert len(kept) > 50
    desk.element("text").press("End")
    desk.page.keyboard.type(" and")
    assert "looking for the server" in desk.status
    with running(served, "--port", first.port):
        desk.until("document.getElementById('status').textContent.includes('is back')")
        desk.element("write").click()
        desk.until(f"{SHOWN}.length > {len(kept) + 20}")
        desk.page.keyboard.press("Escape")
        assert desk.text.startswith(kept)
    assert desk.harmless() == []


def test_a_key_is_asked_for_and_the_page_goes_on(browser: Browser, served: list[Path], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(KEY + "\n", encoding="utf-8")
    keys.chmod(0o600)
    with running(served, "--key-file", keys) as server:
        desk = Desk(browser, server, ready="document.querySelector('#key-dialog[open]')")
        desk.page.keyboard.type("wrong")
        desk.page.keyboard.press("Enter")
        desk.until("document.getElementById('key-wrong').checkVisibility()")
        desk.page.keyboard.type(KEY)
        desk.page.keyboard.press("Enter")
        desk.until(MODELS_KNOWN)
        assert len(desk.write("")) == LENGTH
        desk.page.reload()
        desk.until(MODELS_KNOWN)
        assert desk.ask("return document.getElementById('key-dialog').open") is False
        assert desk.harmless() == []


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


def test_what_a_model_writes_is_text(desk: Desk) -> None:
    token_logprobs, top = [-1.0], [{HOSTILE: -1.0, "<b>bold</b>": -1.5}]
    logprobs = {"tokens": [HOSTILE], "token_logprobs": token_logprobs, "top_logprobs": top, "text_offset": [0]}
    choice = {"index": 0, "text": HOSTILE, "finish_reason": "length", "logprobs": logprobs}
    body = f"data: {json.dumps({'choices': [choice], 'seed': 1})}\n\ndata: [DONE]\n\n"
    desk.page.route("**/v1/completions", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    try:
        assert desk.write("") == HOSTILE
        desk.element("surprise").click()
        desk.click_at(3)
        desk.show("versions")
    finally:
        desk.page.unroute("**/v1/completions")
    assert HOSTILE in desk.page.locator("#alternatives").inner_text()
    assert HOSTILE in desk.page.locator("#panel-versions").inner_text()
    assert desk.ask("return document.querySelectorAll('img, #writing script, b').length") == 0
    assert desk.ask("return window.ran") is None
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


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_can_be_read_on_every_screen(browser: Browser, server: Server, width: int, dark: bool) -> None:
    desk = Desk(browser, server, width=width, dark=dark)
    desk.write("w" * 200 + " " + BEGINNING)

    def assert_readable() -> None:
        ratio, text = browser.lowest_contrast()
        assert ratio >= 4.5, text
        assert desk.ask("return document.documentElement.scrollWidth") <= width
        assert desk.ask(f"return {SHOWN}") == desk.text

    assert_readable()
    desk.element("surprise").click()
    assert_readable()
    for panel in PANELS:
        desk.show(panel)
        assert_readable()
    field, mirror = desk.ask(HEIGHTS)
    assert abs(field - mirror) <= 2  # the letters that are typed lie on those that are seen
    desk.element("to-training").click()
    desk.until("document.querySelector('#training svg')")
    ratio, text = browser.lowest_contrast()
    assert ratio >= 4.5, text
    assert desk.ask("return document.documentElement.scrollWidth") <= width


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


def test_a_long_text_stays_whole(desk: Desk) -> None:
    long = ("the cat sat on the mat " * 30 + "\n") * 29
    desk.element("text").fill(long)
    text = desk.write(long)
    desk.element("surprise").click()
    desk.element("text").press("End")
    desk.page.keyboard.type("x")
    desk.ask("document.getElementById('text').setSelectionRange(100, 100)")
    desk.page.keyboard.type("yz")
    assert desk.text == text[:100] + "yz" + text[100:] + "x"
    assert desk.ask(f"return {SHOWN}") == desk.text
    desk.page.reload()
    assert desk.text == text[:100] + "yz" + text[100:] + "x"


def test_it_is_printed_as_the_text_alone(desk: Desk) -> None:
    text = desk.write("")
    desk.page.emulate_media(media="print")
    try:
        assert desk.ask("return document.querySelector('.dock').checkVisibility()") is False
        assert desk.ask("return document.getElementById('mirror').innerText").split() == text.split()
    finally:
        desk.page.emulate_media(media="screen")


@pytest.mark.parametrize("seed", range(3))
def test_versions_and_the_sheet_say_the_same_whatever_is_done(desk: Desk, seed: int) -> None:
    assert desk.ask(FUZZ.replace("SEED", str(seed + 1))) == "sound"


def test_a_browser_that_is_full_is_no_loss_until_it_is_left(desk: Desk) -> None:
    desk.ask(FILL)
    desk.write()
    desk.until("document.getElementById('status').textContent.includes('keeps nothing')")
    assert len(desk.text) == len(BEGINNING) + LENGTH


def test_two_tabs_keep_a_text_each(desk: Desk) -> None:
    text = desk.write()
    other = desk.page.context.new_page()
    try:
        other.goto(desk.server.url + "/")
        assert other.locator("#text").input_value() == text  # it begins with the latest
        other.locator("#text").fill("another")
        other.close(run_before_unload=True)
        desk.page.reload()
        assert desk.text == text
    finally:
        other.close()
