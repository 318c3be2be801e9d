"""The page of a server as a person has it before them: a text, a model, buttons and panels."""

from __future__ import annotations

import json
import time
from typing import Any

from browser import Browser
from serving import Server

BEGINNING = "the cat "
LENGTH = 120  # characters that are written where a test says nothing of it
ENDLESS = 90_000  # characters that nobody waits for
MODULE = "/assets/{}.js"
MODELS_KNOWN = "document.getElementById('model').options.length > 0"
PATIENCE = 20.0  # seconds that a busy machine may take for anything
SHOWN = "[...document.querySelectorAll('.line')].map((one) => one.textContent).join('\\n')"


class Desk:
    """The page, with nothing kept from before; `page` is Playwright's own."""

    def __init__(self, browser: Browser, server: Server, **window: Any) -> None:
        self.browser, self.server, self.page = browser, server, browser.page
        kept = json.dumps(json.dumps({"length": LENGTH}))
        clean = f"localStorage.clear(); sessionStorage.clear(); localStorage.setItem('longhand.settings', {kept})"
        first = {"source": f"try {{ {clean} }} catch {{ /* an empty page has nothing kept */ }}"}
        script = browser.command("Page.addScriptToEvaluateOnNewDocument", **first)
        self.open(**window)
        browser.command("Page.removeScriptToEvaluateOnNewDocument", **script)

    def open(self, ready: str = MODELS_KNOWN, *, dark: bool = False, calm: bool = True, **window: Any) -> None:
        """Open the page, as somebody who likes it so, and wait until it knows the models, or `ready` is so."""
        self.browser.open_address(self.server.url + "/", dark=dark, **window)
        self.look(dark=dark, calm=calm)
        self.until(ready)

    def look(self, *, dark: bool = False, calm: bool = True) -> None:
        """Be somebody who likes it dark, or no moving letters."""
        features = {
            "color-scheme": "dark" if dark else "light",
            "reduced-motion": "reduce" if calm else "no-preference",
        }
        media = [{"name": f"prefers-{name}", "value": value} for name, value in features.items()]
        self.browser.command("Emulation.setEmulatedMedia", features=media)

    def ask(self, script: str) -> Any:
        return self.browser.ask(script)

    def element(self, name: str) -> Any:
        return self.page.locator(f"#{name}")

    @property
    def text(self) -> str:
        return str(self.element("text").input_value())

    @property
    def status(self) -> str:
        return str(self.element("status").inner_text())

    def until(self, condition: str) -> None:
        """Wait until this is so (Playwright's own waiting evaluates text in the page, which its policy forbids)."""
        end = time.monotonic() + PATIENCE
        while not self.ask(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"{condition} does not come about"
            self.page.wait_for_timeout(15)

    def settled(self) -> None:
        """Wait until the model has written."""
        self.until("!document.getElementById('write').classList.contains('stop')")

    def set(self, **settings: Any) -> None:
        """Have these settings, as if they were chosen before the page was opened."""
        self.ask(f"localStorage.setItem('longhand.settings', {json.dumps(json.dumps(settings))})")
        self.page.reload()
        self.until(MODELS_KNOWN)

    def write(self, beginning: str = BEGINNING) -> str:
        """Type a beginning, have the model go on, and return the text."""
        self.element("text").fill(beginning)
        self.page.keyboard.press("Control+Enter")
        self.settled()
        return self.text

    def click_at(self, place: int) -> None:
        """Click on a character of the text."""
        script = f"""
            return import('{MODULE.format("manuscript")}').then(({{ boxOf }}) => {{
              window.scrollBy(0, boxOf({place}, {place + 1}).top - 300);
              const box = boxOf({place}, {place + 1});
              return [box.left + box.width / 2, box.top + box.height / 2];
            }})"""
        self.page.mouse.click(*self.ask(script))

    def show(self, panel: str) -> None:
        """Open a panel."""
        self.element(f"open-{panel}").click()
        if panel == "gates":
            self.until("document.getElementById('unit')")

    def harmless(self) -> list[str]:
        """Return what the page complained of, but for answers that the test wanted to fail."""
        return [line for line in self.browser.complaints() if "Failed to load resource" not in line]
