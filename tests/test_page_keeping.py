"""The server's page in a browser: nothing of a text is ever lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Browser
from desk import BEGINNING, ENDLESS, LENGTH, MODELS_KNOWN, SHOWN, Desk
from serving import running

pytest.importorskip("fastapi", reason="serving is not installed")

KEY = "a-long-and-secret-key-of-ours"
FILL = """
for (let size = 1 << 22; size; size >>= 1) {
  try { for (;;) localStorage.setItem("x" + Math.random(), "x".repeat(size)); } catch { /* no room for so much */ }
}"""
FUZZ = (Path(__file__).parent / "page_versions.js").read_text(encoding="utf-8")


def test_what_is_edited_by_hand_is_a_version_too_and_all_is_there_after_a_reload(desk: Desk) -> None:
    text = desk.write()
    desk.element("text").focus()
    place = len(BEGINNING) + 20
    desk.ask(f"document.getElementById('text').setSelectionRange({place}, {place + 5})")
    desk.page.keyboard.type("MY OWN")
    edited = text[:place] + "MY OWN" + text[place + 5 :]
    assert desk.text == desk.ask(f"return {SHOWN}") == edited
    people = desk.ask("return [...document.querySelectorAll('.person')].map((one) => one.textContent)")
    assert people == [BEGINNING, "MY OWN"]
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


def test_versions_and_the_sheet_say_the_same_whatever_is_done(desk: Desk) -> None:
    for seed in range(1, 4):
        assert desk.ask(FUZZ.replace("SEED", str(seed))) == "sound", seed


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


def test_a_tab_and_its_copy_keep_a_text_each(desk: Desk) -> None:
    desk.element("text").fill("one")
    leave = "window.dispatchEvent(new Event('pagehide'))"  # it is kept at once then
    desk.ask(leave)
    kept = "Object.keys(localStorage).filter((name) => name.startsWith('longhand.text.')).length"
    desk.until(f"{kept} === 1")
    name = desk.ask("return sessionStorage.getItem('longhand.tab')")
    copy = desk.page.context.new_page()
    try:
        copy.goto(desk.server.url + "/health")
        copy.evaluate("(name) => sessionStorage.setItem('longhand.tab', name)", name)  # as a browser copies a tab
        copy.goto(desk.server.url + "/")
        assert copy.locator("#text").input_value() == "one"
        copy.locator("#text").fill("two")
        copy.reload()
        desk.element("text").fill("three")
        desk.ask(leave)
        desk.until(f"{kept} === 2")
        copy.reload()
        desk.page.reload()
        assert (copy.locator("#text").input_value(), desk.text) == ("two", "three")
    finally:
        copy.close()


def test_a_server_that_goes_away_takes_nothing_along_and_is_found_again(
    browser: Browser, page_models: list[Path]
) -> None:
    with running(page_models, "--grace", 0) as first:
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
    with running(page_models, "--port", first.port):
        desk.until("document.getElementById('status').textContent.includes('is back')")
        desk.element("write").click()
        desk.until(f"{SHOWN}.length > {len(kept) + 20}")
        desk.page.keyboard.press("Escape")
        assert desk.text.startswith(kept)
    assert desk.harmless() == []


def test_a_key_is_asked_for_and_the_page_goes_on(browser: Browser, page_models: list[Path], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(KEY + "\n", encoding="utf-8")
    keys.chmod(0o600)
    with running(page_models, "--key-file", keys) as server:
        desk = Desk(browser, server, ready="document.querySelector('#key-dialog[open]')")
        desk.page.keyboard.press("Escape")
        desk.until("document.getElementById('status').textContent.includes('without its key')")
        assert desk.ask("return document.getElementById('key-dialog').open") is False  # it is asked for once
        desk.page.keyboard.press("Control+Enter")
        desk.until("document.querySelector('#key-dialog[open]')")
        for wrong in ("wrong", "密钥"):
            desk.page.keyboard.type(wrong)
            desk.page.keyboard.press("Enter")
            desk.until(
                "document.getElementById('key-wrong').checkVisibility() && !document.getElementById('key').value"
            )
        desk.page.keyboard.type(KEY)
        desk.page.keyboard.press("Enter")
        desk.until(f"{SHOWN}.length === {LENGTH}")  # what was wanted before
        desk.settled()
        desk.page.reload()
        desk.until(MODELS_KNOWN)
        assert desk.ask("return document.getElementById('key-dialog').open") is False
        assert desk.harmless() == []
