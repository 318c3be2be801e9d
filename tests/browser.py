"""Chromium without a window, for tests of pages: what it shows, what it says, and what it asks the network for."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Request

ARGUMENTS = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


class Browser:
    """A browser with one tab; `page` is Playwright's own, and `loop` the event loop that Playwright runs in."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = context.pages[0]
        self._tools = context.new_cdp_session(self.page)
        self._complaints: list[str] = []
        self._requests: list[Request] = []
        self.loop = asyncio.get_running_loop()
        context.on("request", lambda request: self._requests.append(request))
        context.on("console", lambda message: self._complaints.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self._complaints.append(str(error.error)))
        self.command("Page.enable")

    @contextmanager
    def at_hand(self) -> Iterator[Browser]:
        """Let the browser be used in this block alone, in which `asyncio.run` cannot be; what it shows ends with it.

        Playwright leaves its event loop marked as the one that runs in this thread; elsewhere it is not to be found.
        """
        asyncio._set_running_loop(self.loop)
        try:
            yield self
            self.page.goto("about:blank")
        finally:
            asyncio._set_running_loop(None)

    def open(self, page: Path, *, width: int = 1000, dark: bool = False, scripts: bool = True) -> None:
        """Open a page that is a file; see `open_address`."""
        self.open_address(page.resolve().as_uri(), width=width, dark=dark, scripts=scripts)

    def open_address(self, url: str, *, width: int = 1000, dark: bool = False, scripts: bool = True) -> None:
        """Open a page in a window so wide; what was said and asked for before is forgotten."""
        scheme = "dark" if dark else "light"
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.page.goto("about:blank")
        self.complaints()
        self.requests()
        self.page.goto(url)

    def command(self, name: str, **arguments: Any) -> Any:
        """Give a command of Chromium's development tools."""
        return self._tools.send(name, arguments)

    def ask(self, script: str) -> Any:
        """Return what a script in the page returns, which may be a promise."""
        return self.page.evaluate(f"() => {{ {script}\n }}")

    def text(self) -> str:
        """Return all text that is to be seen."""
        return str(self.ask("return document.body.innerText"))

    def complaints(self) -> list[str]:
        """Return what came up on the console since the last call: errors, and what the page's policy forbade."""
        self._catch_up()
        found, self._complaints[:] = self._complaints[:], []
        return found

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last call, but for those the policy forbade."""
        self._catch_up()
        found, self._requests[:] = self._requests[:], []
        return [each.url for each in found if each.failure != "csp"]

    def lowest_contrast(self) -> tuple[float, str]:
        """Return the lowest contrast of a text that is to be seen with what is behind it, and the text."""
        ratio, text = self.ask(CONTRAST)
        return float(ratio), str(text)

    def _catch_up(self) -> None:
        """Hear what happened until now: Playwright listens while it waits for an answer."""
        self.ask("")


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser with a new profile; skip the test where there is none."""
    pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=found,
            args=ARGUMENTS,
            ignore_default_args=["--hide-scrollbars"],
            no_viewport=True,
            color_scheme="null",
        )
        browser = Browser(context)
        asyncio._set_running_loop(None)
        try:
            yield browser
        finally:
            asyncio._set_running_loop(browser.loop)
            context.close()
