"""The browser that tests open pages in: what it hears, what it forgets, and that it is in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from browser import Browser

POLICY = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"


def written(tmp_path: Path, body: str, head: str = "") -> Path:
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{head}<title>page</title><body>{body}", encoding="utf-8")
    return path


class Greeting(BaseHTTPRequestHandler):
    """A server of one page, which asks for another."""

    def do_GET(self) -> None:
        found = self.path == "/"
        body = b"<!doctype html><title>page</title><p>hello<script>fetch('/more')</script>" if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Greeting) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_it_hears_what_a_page_says_does_wrong_and_asks_for(browser: Browser, tmp_path: Path) -> None:
    script = "<script>console.log('one'); fetch('{}'); setTimeout(() => { thrown = 1; throw Error('two') })</script>"
    path = written(tmp_path, script.replace("{}", (tmp_path / "none.txt").as_uri()))
    browser.open(path)
    browser.page.wait_for_function("window.thrown")
    said = browser.complaints()
    assert all(any(word in line for line in said) for word in ("one", "two"))
    assert browser.requests() == [path.as_uri(), (tmp_path / "none.txt").as_uri()]
    assert browser.complaints() == browser.requests() == []


def test_what_a_policy_forbids_is_a_complaint_and_no_request(browser: Browser, tmp_path: Path) -> None:
    path = written(tmp_path, "<img src='http://example.invalid/'><script>window.ran = 1</script>", POLICY)
    browser.open(path)
    assert browser.ask("return window.ran") is None
    assert browser.requests() == [path.as_uri()]
    assert len(browser.complaints()) == 2
    browser.open(path)
    browser.open(written(tmp_path, "quiet"))
    assert browser.complaints() == []


def test_a_page_of_a_server_opens_too(browser: Browser, address: str) -> None:
    browser.open_address(address)
    assert browser.text().strip() == "hello"
    browser.page.wait_for_load_state("networkidle")
    assert browser.requests() == [address, f"{address}more"]
    assert any("404" in line for line in browser.complaints())


def test_between_its_tests_others_run_event_loops_of_their_own(shared_browser: Browser, tmp_path: Path) -> None:
    async def answer() -> int:
        await asyncio.sleep(0.001)
        return 42

    path = written(tmp_path, "<p>hello")
    for _ in range(2):
        with shared_browser.at_hand():
            shared_browser.open(path)
            assert shared_browser.text() == "hello"
        assert asyncio.run(answer()) == 42
