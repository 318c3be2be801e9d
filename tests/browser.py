"""Chromium without a window, for tests of pages: what it shows, what it says, and what it asks the network for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

ARGUMENTS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


class Browser:
    """A browser; `driver` is Selenium's own."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver

    def open(self, page: Path, *, width: int = 1000, dark: bool = False, scripts: bool = True) -> None:
        """Open a page in a window so wide; what was said and asked for before is forgotten."""
        scheme = "dark" if dark else "light"
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.driver.get("about:blank")
        self.complaints()
        self.requests()
        self.driver.get(page.resolve().as_uri())

    def command(self, name: str, **arguments: Any) -> Any:
        """Give a command of Chromium's development tools."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def ask(self, script: str) -> Any:
        """Return what a script in the page returns."""
        return self.driver.execute_script(script)

    def text(self) -> str:
        """Return all text that is to be seen."""
        return str(self.ask("return document.body.innerText"))

    def complaints(self) -> list[str]:
        """Return what came up on the console since the last call: errors, and what the page's policy forbade."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last call, but for those the policy forbade."""
        entries = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        told = [(each["method"], each["params"]) for each in messages]
        stopped = {params["requestId"] for _, params in told if params.get("blockedReason") == "csp"}
        return [
            str(params["request"]["url"])
            for method, params in told
            if method == "Network.requestWillBeSent" and params["requestId"] not in stopped
        ]

    def lowest_contrast(self) -> tuple[float, str]:
        """Return the lowest contrast of a text that is to be seen with what is behind it, and the text."""
        ratio, text = self.ask(CONTRAST)
        return float(ratio), str(text)


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser with a new profile; skip the test where there is none."""
    pytest.importorskip("selenium")
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if found is None or driver is None:
        pytest.skip("no Chromium here, or no chromedriver")
    options = ChromeOptions()
    options.binary_location = found
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=ChromeService(driver))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()
