"""The page of gates in a browser: it computes what NumPy computes, can be read and moved through, and asks nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from browser import Browser
from conftest import VERSE, small_file

from longhand.config import NetworkConfig
from longhand.gates.inspection import Inspection
from longhand.gates.memory import Influence, lifetimes
from longhand.gates.trace import HalfArray, Reading, Trace
from longhand.model import Model
from longhand.modelfile import Card, ModelFile
from longhand.runtime.reference import Cells
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer
from longhand.training.initial import initial_weights

ATTACK = (
    "</pre></script></style></title><img src=x onerror='window.ran=1'><script>window.ran=1</script>"
    "<svg onload='window.ran=1'>{{ 7 * 7 }}&lt;\u2028\u202e\x00\x1b]0;x\x07 漢字 e\u0301 \U0001f600\t.\n"
)
QUOTED = 'he said (so it is): "well, 7 or 8"\n\tand She went\n'
FACTS = ("input", "forget", "output", "cell", "hidden")


def lively(hidden: int = 16, alphabet: str = "\n abcdefghijklmnopqrstuvwxyz", layers: int = 2) -> ModelFile:
    """Return a model whose gates open and shut."""
    file = small_file(alphabet, hidden=hidden, layers=layers)
    weights = {
        name: array * (1.6 if "weight" in name and "head" not in name else 1) for name, array in file.weights.items()
    }
    return replace(file, weights=weights)


@pytest.fixture(scope="module")
def found() -> Inspection:
    return Model(lively()).inspect(VERSE * 20, reach=40, places=40)


@pytest.fixture(scope="module")
def page(found: Inspection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found.write_page(tmp_path_factory.mktemp("gates") / "gates.html")


@contextmanager
def before_scripts(browser: Browser, script: str) -> Iterator[None]:
    """Run a script of ours in every page before its own."""
    number = browser.command("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]
    try:
        yield
    finally:
        browser.command("Page.removeScriptToEvaluateOnNewDocument", identifier=number)


def until(browser: Browser, condition: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not browser.ask(f"return Boolean({condition})"):
        assert time.monotonic() < end, f"{condition} does not come about"
        time.sleep(0.02)


def settled(browser: Browser) -> None:
    """Wait until two frames were drawn."""
    browser.ask("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def largest_difference(browser: Browser, traced: Trace) -> float:
    """Return how far the page's values are from NumPy's at many places: of cells, as a share of 1 or their size."""
    layers, time_, hidden = traced.cell.shape
    random = np.random.default_rng(0)
    places = np.stack([random.integers(0, most, 150) for most in (time_, layers, hidden)], axis=1).tolist()
    values = browser.ask(f"return {places}.map(([t, layer, unit]) => gates.at(t, layer, unit))")
    worst = 0.0
    for (t, layer, unit), each in zip(places, values, strict=True):
        for fact in FACTS:
            expected = float(getattr(traced, fact)[layer, t, unit])
            worst = max(worst, abs(each[fact] - expected) / max(1.0, abs(expected)))
    return worst


@pytest.mark.parametrize("workers", [True, False])
def test_it_computes_what_numpy_computes_in_workers_or_without(
    browser: Browser, found: Inspection, page: Path, workers: bool
) -> None:
    none = "" if workers else "window.Worker = function () { throw new Error('none here') }"
    with before_scripts(browser, none):
        browser.open(page)
        until(browser, "gates.computed === 1")
        assert browser.ask("return gates.alone") is not workers
        assert largest_difference(browser, found.trace) < 2e-2
    assert browser.requests()[0] == page.as_uri()
    assert browser.complaints() == []


def test_documents_begin_anew_in_the_page_too(browser: Browser, tmp_path: Path) -> None:
    file = lively()
    documents = Model(replace(file, config=msgspec.structs.replace(file.config, documents=True)))
    found = documents.inspect(VERSE * 12)
    browser.open(found.write_page(tmp_path / "documents.html"))
    until(browser, "gates.computed === 1")
    assert largest_difference(browser, found.trace) < 2e-2
    trace = found.trace
    place = int(np.flatnonzero(trace.reading.tokens == documents.tokenizer.start)[3])
    there = browser.ask(f"return gates.at({place}, 1, 5)")
    assert there["before"] == 0
    assert there["added"] == pytest.approx(float(trace.input[1, place, 5] * trace.candidate[1, place, 5]), abs=1e-2)
    browser.ask(f"gates.go({place - 1})")
    settled(browser)
    came = browser.ask(
        "return [...document.querySelectorAll('#next .came')].map((one) => one.innerText.split(/\\s/)[0])"
    )
    expected = ["end"] if documents.tokenizer.start in trace.likely[place - 1] else []
    assert came == expected
    one_text = Model(file).inspect(VERSE * 12).trace
    assert largest_difference(browser, one_text) > 0.1


def test_a_worker_that_fails_is_replaced_by_the_page_itself(browser: Browser, found: Inspection, page: Path) -> None:
    with before_scripts(browser, "const real = Blob; window.Blob = function () { return new real(['throw 1']) }"):
        browser.open(page)
        until(browser, "gates.alone && gates.computed === 1")
        assert largest_difference(browser, found.trace) < 2e-2


def test_it_shows_its_parts_and_asks_nobody(browser: Browser, page: Path, found: Inspection) -> None:
    browser.open(page)
    until(browser, "gates.computed === 1")
    settled(browser)
    headings = browser.ask("return [...document.querySelectorAll('h2')].map((one) => one.innerText)")
    assert headings == [
        "Watch it read",
        "Units that follow something",
        "How long it remembers",
        "The three gates, in this model’s numbers",
    ]
    shown = browser.text()
    assert f"{found.trace.bits_per_character:.2f}" in shown
    assert "the cat sat on the mat" in browser.ask(
        "return document.querySelector('.rows').innerText.replace(/\\n/g, '')"
    )
    assert "In layer 1 a cell keeps" in shown
    assert "holds the model’s weights" in shown
    assert {address for address in browser.requests() if not address.startswith("blob:")} == {page.as_uri()}
    assert browser.complaints() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_can_be_read_on_every_screen_in_every_colour(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page, width=width, dark=dark)
    until(browser, "gates.computed === 1")
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    for tint in ("", "gates.pick(0, 3, 'cell')", "gates.pick(1, 2, 'forget')", "gates.pick(1, 5, 'hidden')"):
        browser.ask(tint)
        settled(browser)
        ratio, text = browser.lowest_contrast()
        assert ratio >= 4.5, (tint, text)


def test_a_unit_that_is_picked_colours_the_text(browser: Browser, page: Path, found: Inspection) -> None:
    browser.open(page)
    until(browser, "gates.computed === 1")
    browser.ask("gates.go(0); gates.pick(1, 4, 'cell')")
    settled(browser)
    colours = browser.ask(
        "return [...document.querySelectorAll('.row span')].slice(0, 200).map((one) => one.style.backgroundColor)"
    )
    values = found.trace.cell[1, :200, 4].astype(float)
    blue = np.array([eval(each.removeprefix("rgb"))[2] for each in colours])  # noqa: S307 (three numbers)
    assert blue[values.argmin()] > blue[values.argmax()] + 40  # from blue to orange
    button = browser.page.locator("button.unit").first
    layer, unit = (int(button.get_attribute(f"data-{name}") or 0) for name in ("layer", "unit"))
    button.click()
    settled(browser)
    assert browser.ask("return document.getElementById('unit-name').textContent") == f"{layer}:{unit}"
    assert browser.ask("return document.getElementById('by-unit').getAttribute('aria-pressed')") == "true"
    scores = {each.name: float(each.scores[layer - 1, unit - 1]) for each in found.probes if each.scores is not None}
    most = max(scores, key=lambda name: scores[name])
    assert scores[most] > 0.7
    follows = browser.ask("return document.getElementById('follows').textContent")
    assert follows == f"follows “{most}”, AUC {scores[most]:.3f} on the first half"


def test_pointing_at_a_character_shows_its_values_and_leaving_takes_them_back(
    browser: Browser, page: Path, found: Inspection
) -> None:
    browser.open(page)
    until(browser, "gates.computed === 1")
    browser.ask(
        "document.getElementById('text').scrollIntoView({block: 'center'}); gates.pick(0, 2, 'cell'); gates.go(0)"
    )
    settled(browser)
    box = browser.ask("return document.querySelector('[data-t=\"11\"]').getBoundingClientRect().toJSON()")
    browser.command("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + 3, y=box["y"] + 8)
    settled(browser)
    assert browser.ask("return document.getElementById('place').textContent").startswith("character 12 of")
    gate = float(browser.ask("return document.querySelector('[data-gate=forget] output').textContent"))
    assert gate == pytest.approx(float(found.trace.forget[0, 11, 2]), abs=0.02)
    said = browser.ask("return document.getElementById('surprise').textContent")
    assert float(said.split()[0]) == pytest.approx(float(found.trace.surprise[11]), abs=0.01)
    shares = browser.ask(
        "return [...document.querySelectorAll('#next output')].map((one) => parseFloat(one.textContent))"
    )
    assert shares == pytest.approx((100 * found.trace.probability[11]).tolist(), abs=0.6)
    average = browser.ask("return document.getElementById('average').textContent")
    half_life = np.log(2) * found.lifetimes[0, 2]
    assert average.endswith(f"half of what it remembers is left after {half_life:.1f} characters.")
    assert f"keeps {found.gate_means('forget')[0, 2]:.0%}".replace("%", " %") in average
    browser.command("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    settled(browser)
    assert browser.ask("return document.getElementById('place').textContent").startswith("character 1 of")


def test_the_map_picks_a_unit_and_drags_the_text_along(browser: Browser, page: Path) -> None:
    browser.open(page)
    until(browser, "gates.computed === 1")
    browser.ask("document.getElementById('map').scrollIntoView({block: 'center'}); gates.go(0)")
    settled(browser)
    box = browser.ask("return document.querySelector('#map canvas').getBoundingClientRect().toJSON()")
    up = (box["height"] - 20) / 16
    mouse: dict[str, Any] = {
        "x": box["x"] + box["width"] / (box["width"] // 8) * 20.5,
        "y": box["y"] + 20 + 6.5 * up,
        "button": "left",
        "clickCount": 1,
    }
    for kind in ("mousePressed", "mouseReleased"):
        browser.command("Input.dispatchMouseEvent", type=kind, **mouse)
    settled(browser)
    assert browser.ask("return document.getElementById('unit').value") == "7"
    assert browser.ask("return document.getElementById('place').textContent").startswith("character 21 of")
    before = browser.ask("return document.getElementById('text').scrollTop")
    browser.command("Input.dispatchMouseEvent", type="mousePressed", **mouse)
    for _ in range(3):
        for x in (mouse["x"] - 60, mouse["x"] - 400):
            browser.command("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=mouse["y"], button="left")
    browser.command("Input.dispatchMouseEvent", type="mouseReleased", x=mouse["x"] - 400, y=mouse["y"], button="left")
    for _ in range(12):
        browser.ask(
            "document.getElementById('map').dispatchEvent(new WheelEvent('wheel', {deltaX: 800, cancelable: true}))"
        )
    settled(browser)
    assert browser.ask("return document.getElementById('text').scrollTop") > before


def test_keys_move_through_text_and_units(browser: Browser, page: Path) -> None:
    browser.open(page)
    until(browser, "gates.computed === 1")
    text = browser.page.locator("#text")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "End"):
        text.press(key)
    settled(browser)
    second_line = VERSE.index("\n") + 1
    end = VERSE.index("\n", second_line)
    assert browser.ask("return document.getElementById('place').textContent").startswith(f"character {end + 1} of")
    live = browser.ask("return document.getElementById('live').textContent")
    assert "bits of surprise" in live
    assert "it keeps" in live
    text.press("Control+End")
    settled(browser)
    assert "character 1,780 of 1,780" in browser.ask("return document.getElementById('place').textContent")
    browser.ask("gates.pick(0, 4, 'cell')")
    settled(browser)
    browser.page.locator("#map").press("ArrowDown")
    assert browser.ask("return document.getElementById('unit').value") == "6"


def test_units_are_sorted_by_what_is_asked_for(browser: Browser, page: Path, found: Inspection) -> None:
    browser.open(page)
    until(browser, "gates.computed === 1")
    probe = next(place for place, each in enumerate(found.probes) if each.scores is not None)
    scores = found.probes[probe].scores
    assert scores is not None
    orders = {"life": found.lifetimes[0], "forget": found.gate_means("forget")[0], f"probe {probe}": scores[0]}
    for name, by in orders.items():
        chosen = f"const sort = document.getElementById('sort'); sort.value = {name!r};"
        browser.ask(f"{chosen} sort.dispatchEvent(new Event('change'))")
        browser.ask(f"gates.pick(0, {int(by.argmax())}, 'cell')")
        settled(browser)
        browser.page.locator("#map").press("ArrowDown")
        second = int(np.argsort(-by, kind="stable")[1])
        assert browser.ask("return document.getElementById('unit').value") == str(second + 1), name


def test_it_speaks_two_languages(browser: Browser, page: Path) -> None:
    browser.open(page)
    english = browser.text()
    assert "Forget gate" in english
    assert "遗忘门" not in english
    browser.page.locator("[data-language=zh-Hans]").click()
    settled(browser)
    chinese = browser.text()
    assert "遗忘门" in chinese
    assert "Forget gate" not in chinese
    assert browser.ask("return document.documentElement.lang") == "zh-Hans"
    assert browser.ask("return document.getElementById('place').textContent").startswith("第 1 个字符")
    assert "遗忘门" in browser.ask("return document.getElementById('quantity').innerText")
    assert browser.complaints() == []


def test_nothing_that_a_text_or_a_model_says_runs(browser: Browser, tmp_path: Path) -> None:
    text = ATTACK + QUOTED * 3 + ATTACK
    file = lively(alphabet="".join(sorted(set(text))))
    hostile = msgspec.structs.replace(Card(), corpus=[ATTACK], training={"documents": ATTACK})
    model = Model(replace(file, card=hostile), path=Path("<img src=x onerror=window.ran=1>&amp;.safetensors"))
    path = model.inspect(text, probe=["<img src=x onerror=window.ran=1>'\"=e"], reach=8).write_page(tmp_path / "a.html")
    browser.open(path)
    until(browser, "gates.computed === 1")
    for place in (0, 60, len(text) - 5):
        browser.ask(f"gates.go({place}); gates.pick(1, 1, 'cell')")
        settled(browser)
    assert browser.ask("return window.ran") is None
    foreign = "return document.querySelectorAll('img, a, link, style:not(head style), meta[http-equiv=refresh]').length"
    assert browser.ask(foreign) == 0
    assert browser.ask("return document.querySelectorAll('script:not([type])').length") == 1
    rows = browser.ask("return document.querySelector('.rows').textContent")
    assert "<img src=x onerror='window.ran=1'>" in rows
    assert "{{ 7 * 7 }}" in rows
    assert "␀" in rows
    assert not set("\u202e\u2028\x00\x1b\x07") & set(path.read_text(encoding="utf-8"))
    assert {address for address in browser.requests() if not address.startswith("blob:")} == {path.as_uri()}
    assert browser.complaints() == []


def test_bytes_words_and_a_single_character_have_a_page_too(browser: Browser, tmp_path: Path) -> None:
    tokenizer = ByteTokenizer()
    config = NetworkConfig(vocabulary_size=tokenizer.size, embedding=4, hidden=6, layers=1)
    weights = initial_weights(config, np.ones(tokenizer.size, np.int64), None, np.random.Generator(np.random.PCG64(0)))
    model = Model(ModelFile(config, tokenizer.to_record(), weights))
    for name, text in (("long", "é漢 " * 150), ("short", "x")):
        path = model.inspect(text).write_page(tmp_path / f"{name}.html")
        browser.open(path)
        until(browser, "gates.computed === 1")
        settled(browser)
        assert browser.ask("return document.getElementById('place').textContent").startswith("byte 1 of")
        assert browser.complaints() == []


def test_it_is_well_formed_for_those_who_do_not_see_it(browser: Browser, page: Path) -> None:
    browser.open(page)
    until(browser, "gates.computed === 1")
    named = (
        "return [...document.querySelectorAll('[aria-labelledby]')].flatMap((one) => "
        "one.getAttribute('aria-labelledby').split(' '))"
        ".filter((id) => !document.getElementById(id)?.textContent.trim())"
    )
    assert browser.ask(named) == []
    unnamed = "return [...document.querySelectorAll('select, input')].filter((one) => !one.labels.length).length"
    assert browser.ask(unnamed) == 0
    assert browser.ask("return document.getElementById('strip').getAttribute('aria-label')").startswith(
        "The whole text"
    )
    levels = browser.ask("return [...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = browser.ask("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a page of 20,000 characters of a model of two layers of 256 units, without what makes no page larger."""
    tokenizer = CharacterTokenizer("".join(map(chr, [10, *range(32, 127)])))
    config = NetworkConfig(vocabulary_size=tokenizer.size, embedding=128, hidden=256, layers=2)
    weights = initial_weights(config, np.ones(tokenizer.size, np.int64), 0, np.random.Generator(np.random.PCG64(0)))
    file = ModelFile(config, tokenizer.to_record(), weights)
    random, time_ = np.random.default_rng(0), 20_000
    tokens = random.integers(2, tokenizer.size, time_)
    tokens[::45] = tokenizer.line_end or 2
    states: HalfArray = (random.standard_normal((2, time_, 256), np.float32) / 4).astype(np.float16)
    likely = random.integers(2, tokenizer.size, (time_, 5))
    numbers = random.random((time_, 5), np.float32)
    reading = Reading(tokens, list(tokenizer.decode(tokens)), time_)
    gates = dict.fromkeys(Cells._fields, states)
    traced = Trace(
        reading, **gates, surprise=9 * numbers[:, 0], likely=likely, probability=numbers, decay=np.full((2, 256), -0.1)
    )
    seen = Inspection(file, tokenizer, "large", traced, [], Influence(np.zeros(0), 0), lifetimes(traced))
    return seen.write_page(tmp_path_factory.mktemp("large") / "large.html")


def test_twenty_thousand_characters_of_two_layers_of_256_are_under_ten_megabytes(large: Path) -> None:
    assert large.stat().st_size < 10_000_000


def test_twenty_thousand_characters_scroll_smoothly(browser: Browser, large: Path) -> None:
    browser.open(large, width=1200)
    settled(browser)
    frames = browser.ask("""return new Promise((done) => {
        const text = document.getElementById("text"), times = [];
        let last = performance.now(), most = 0;
        const turn = (now) => {
            times.push(now - last);
            last = now;
            most = Math.max(most, document.querySelectorAll(".row span").length);
            text.scrollTop += 400;
            if (times.length < 40) requestAnimationFrame(turn); else done([times, most, text.scrollTop]);
        };
        requestAnimationFrame(turn);
    })""")
    times, spans, top = frames
    assert top > 10_000
    assert spans < 6000  # of 20,000
    assert np.median(times) < 100  # on a machine that others use too; 17 where it is free
    browser.ask("gates.go(15000)")
    until(browser, "!Number.isNaN(gates.at(15000, 1, 255).cell)", 30)  # what is looked at comes first
    assert browser.ask("return gates.computed") < 1
    assert browser.complaints() == []
