"""The server's page in a browser: a person and a model write a text together."""

from __future__ import annotations

import json

import pytest
from desk import BEGINNING, ENDLESS, LENGTH, SHOWN, Desk

pytest.importorskip("fastapi", reason="serving is not installed")

HOSTILE = "<img src=x onerror='window.ran=1'><script>window.ran=1</script>"


def test_the_model_goes_on_from_what_was_typed(desk: Desk) -> None:
    desk.set(length=40)
    desk.open(calm=False)
    text = desk.write()
    assert text.startswith(BEGINNING)
    assert len(text) == len(BEGINNING) + 40
    assert desk.ask(f"return {SHOWN}") == text
    assert desk.ask("return document.querySelector('.person').textContent") == BEGINNING
    assert "40 characters written" in desk.status
    desk.element("write").click()
    desk.settled()
    assert desk.text.startswith(text)
    assert len(desk.text) == len(text) + 40
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


def test_the_person_may_look_elsewhere_while_it_writes(desk: Desk) -> None:
    below = "document.documentElement.scrollHeight - window.innerHeight - window.scrollY"
    desk.set(length=ENDLESS)
    desk.page.keyboard.press("Control+Enter")
    desk.until("window.scrollY > 600")
    assert desk.ask(f"return {below}") < 200
    desk.page.mouse.move(300, 300)
    desk.page.mouse.wheel(0, -40)
    desk.until(f"{below} > 600")
    place = desk.ask("return window.scrollY")
    desk.until(f"{below} > 1500")
    assert desk.ask("return window.scrollY") <= place
    desk.ask("window.scrollTo(0, document.documentElement.scrollHeight)")
    height = desk.ask("return document.documentElement.scrollHeight")
    desk.until(f"document.documentElement.scrollHeight > {height} + 1500")
    assert desk.ask(f"return {below}") < 200
    desk.page.keyboard.press("Escape")


def assert_kinds(desk: Desk, *kinds: str) -> None:
    """Wait until the list of versions says that it consists of these (it is drawn a moment later than the text)."""
    said = (
        "[...document.querySelectorAll('#panel-versions .what')].map((one) => one.textContent.split(' · ')[0]).join()"
    )
    desk.until(f"{said} === {json.dumps(','.join(kinds))}")


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
    assert_kinds(desk, "the beginning", "typed", "written", "another way")
    desk.element("undo").click()
    desk.element("text").press("Control+Home")
    desk.page.keyboard.type("or ")
    assert desk.text == "or " + text
    assert_kinds(desk, "the beginning", "typed", "written", "typed", "another way")  # a fork, then the first way
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


def test_another_model_can_be_chosen(desk: Desk) -> None:
    first = desk.element("facts").inner_text()
    desk.page.select_option("#model", "large")
    assert desk.element("facts").inner_text() != first
    assert "24 LSTM" in desk.element("facts").inner_text()
    assert len(desk.write("")) == LENGTH
    desk.page.reload()
    desk.until("document.getElementById('model').value === 'large'")


@pytest.mark.parametrize(
    ("status", "said"), [(429, "try again in 7 s"), (400, "not so"), (502, "looking for the server")]
)
def test_what_the_server_refuses_is_said_and_leaves_the_text_alone(desk: Desk, status: int, said: str) -> None:
    error = {"message": "not so", "type": "invalid_request_error", "param": None, "code": None}
    headers = {"Retry-After": "7"} if status == 429 else {}
    body = json.dumps({"error": error}) if status < 500 else "<h1>Bad Gateway</h1>"
    answer = {"status": status, "headers": headers, "body": body}
    desk.page.route("**/v1/completions", lambda route: route.fulfill(**answer))
    try:
        assert desk.write() == BEGINNING
    finally:
        desk.page.unroute("**/v1/completions")
    assert said in desk.status
    desk.show("versions")
    assert_kinds(desk, "the beginning", "typed")
    assert len(desk.write()) == len(BEGINNING) + LENGTH


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
