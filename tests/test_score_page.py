"""The page of a score in a browser: the text tinted, every character's bits, and nothing in it runs but its script."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from browser import Browser
from conftest import VERSE, small_file
from test_score import lively

from longhand.cli.score_text import page_of
from longhand.model import Model
from longhand.scoring.comparison import Comparing

ATTACK = "</p></script><img src=x onerror='window.ran=1'><script>window.ran=1</script>{{ 7 * 7 }} &amp;\u202e\x00\x1b]0;x\x07"  # noqa: E501
TEXT = f"{VERSE}the 你好 🎵 cat\n\n{ATTACK}\n{VERSE}"
MODEL = Model(lively(small_file(hidden=24)), path=Path("m<b>odel.safetensors"))


def page(tmp_path: Path, text: str = TEXT, name: str = "text.txt") -> Path:
    scorer = MODEL.scorer(adapt=True)
    found = Comparing(worst=3, page=True, learned=[VERSE, VERSE]).score(scorer, [text])
    path = tmp_path / "score.html"
    path.write_text(page_of(found, MODEL, name, scorer.settings), encoding="utf-8", newline="")
    return path


def test_it_shows_the_score_what_it_is_beside_and_the_text_and_asks_nobody(browser: Browser, tmp_path: Path) -> None:
    path = page(tmp_path)
    browser.open(path)
    score = MODEL.score(TEXT, adapt=True)
    assert browser.ask("return document.querySelector('.score strong').innerText") == f"{score.bits_per_character:.3f}"
    rows = browser.ask("return [...document.querySelectorAll('.bars tbody th')].map((one) => one.innerText)")
    assert rows[0] == "with an adapted output layer"
    assert rows[-3:] == ["6-gram model of the same text", "xz -6", "gzip -9"]
    shown = browser.ask("return [...document.querySelectorAll('.text p')].map((one) => one.textContent).join('\\n')")
    assert shown == TEXT.translate({0x202E: "\ufffd", 0: "\u2400", 0x1B: "\u241b", 7: "\u2407"})
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []


def test_nothing_in_a_text_or_a_name_runs(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path, name=ATTACK))
    assert browser.ask("return window.ran === undefined && document.images.length === 0")
    assert "{{ 7 * 7 }}" in browser.text()
    assert browser.complaints() == []


def test_the_darker_a_character_the_more_bits_it_took(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path))
    bits: list[float] = []
    MODEL.score(TEXT, lambda block, found: bits.extend(block.character_bits(found)), adapt=True)
    tints = browser.ask(
        "return [...document.querySelectorAll('.text p')].flatMap((line) => [...[...line.childNodes].flatMap((node) =>"
        " Array([...node.textContent].length).fill(node.nodeType === 3 ? 0 : Number(node.className.slice(1)))), -1])"
    )[:-1]
    letters = [place for place, letter in enumerate(TEXT) if letter != "\n"]
    assert len(tints) == len(TEXT)
    order = sorted(letters, key=lambda place: bits[place])
    assert np.all(np.diff([tints[place] for place in order]) >= 0)
    assert len({tints[place] for place in letters}) > 4


def test_arrow_keys_and_the_pointer_say_the_bits_of_each_character(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path))
    bits: list[float] = []
    MODEL.score(TEXT, lambda block, found: bits.extend(block.character_bits(found)), adapt=True)
    read = "return document.querySelector('.readout output').textContent"
    browser.page.locator(".text").focus()
    assert browser.ask(read) == f"“t”: {_sixteenths(bits[0])} bits, {_share(bits[0])} % likely"
    place = TEXT.index("🎵")
    for _ in range(place):
        browser.page.keyboard.press("ArrowRight")
    assert browser.ask(read).startswith(f"“🎵”: {_sixteenths(bits[place])} bits")
    browser.page.keyboard.press("End")
    assert browser.ask(read).startswith(f"“line end”: {_sixteenths(bits[-1])} bits")
    browser.ask(
        "const box = document.querySelector('.text p').getBoundingClientRect();"
        "document.querySelector('.text p').dispatchEvent(new PointerEvent('pointermove',"
        " {bubbles: true, clientX: box.left + 2, clientY: box.top + 10}))"
    )
    assert browser.ask(read).startswith("“t”")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1000])
def test_it_can_be_read_on_every_screen(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    browser.open(page(tmp_path, TEXT + "q" * 500, "n" * 200), width=width, dark=dark)
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    ratio, text = browser.lowest_contrast()
    assert ratio >= 4.5, text


def _sixteenths(bits: float) -> str:
    return f"{round(bits * 16) / 16:.2f}"


def _share(bits: float) -> str:
    share = 100 * 2 ** -(round(bits * 16) / 16)
    return f"{share:.0f}" if share >= 10 else f"{share:#.2g}"
