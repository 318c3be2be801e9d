"""Where texts were left: signed strings that clients keep, so that servers remember nobody and any may go on."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from conftest import VERSE, small_file
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import Server, eventually, running

from longhand.api import train
from longhand.generation.saved import WritingState
from longhand.model import Model
from longhand.modelfile import write_model
from longhand.serving.problems import ApiError
from longhand.serving.sealing import Sealer

SMALL: dict[str, Any] = {"epochs": 1, "hidden": 16, "embedding": 8, "window": 16, "batch": 4}
TEXT = (VERSE + "größe 你好 🎵. ") * 12
MODELS = {
    "char": Model(small_file(seed=1)),
    "word": train(io.StringIO(TEXT), tokens="word", **SMALL),
    "byte": train(io.StringIO("🎵你好ß\n" * 300), tokens="byte", **SMALL | {"epochs": 12}),
    "names": train(io.StringIO("\n".join(["anna", "otto", "emma", "hanna"] * 90)), documents="line", **SMALL),
}
KEY = b"0123456789abcdef-of-states"


class Servers(NamedTuple):
    one: Server
    other: Server
    stranger: Server  # that has another key


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("states")
    (folder / "key").write_bytes(KEY)
    paths = [folder / f"{name}.safetensors" for name in MODELS]
    for path, model in zip(paths, MODELS.values(), strict=True):
        write_model(model.file, path)
    same = (paths, "--state-key-file", folder / "key")
    with ExitStack() as stack, ThreadPoolExecutor() as pool:  # they start at the same time
        yield Servers(*pool.map(lambda how: stack.enter_context(running(*how)), [same, same, (paths[:1],)]))


def go(server: Server, **fields: Any) -> tuple[str, str, str]:
    """Return a text, why it ended, and where it was left."""
    (choice,) = server.complete(return_state=True, **fields)["choices"]
    return choice["text"], choice["finish_reason"], choice["state"]


def left(model: Model = MODELS["char"], **sampling: Any) -> WritingState:
    """Return where a text was left that `model` wrote."""
    writing = model.pieces("the ", length=20, seed=1, **sampling)
    for _ in writing:
        pass
    return model.state_of(writing)


def refused(sealer: Sealer, sealed: str) -> str:
    """Return the code with which a state is refused."""
    with pytest.raises(ApiError, match="send the text so far as prompt") as error:
        sealer.open(sealed)
    assert (error.value.status, error.value.problem.param) == (400, "state")
    return str(error.value.problem.code)


def test_every_change_of_a_character_is_noticed() -> None:
    sealer = Sealer(KEY, 60)
    sealed = sealer.seal(left())
    assert sealer.open(sealed).facts == left().facts
    places = {*range(0, len(sealed), 37), *range(len(sealed) - 60, len(sealed))}  # all of what signs it
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place in places:
        for character in alphabet if place > len(sealed) - 3 else "A9_-.=\n é\0":
            changed = sealed[:place] + character + sealed[place + 1 :]
            assert changed == sealed or refused(sealer, changed) == "state_invalid", place


@settings(max_examples=100)
@given(data=st.data())
def test_what_is_cut_lengthened_or_made_up_is_refused(data: st.DataObject) -> None:
    sealer = Sealer(KEY, 60)
    sealed = sealer.seal(left())
    place = data.draw(st.integers(0, len(sealed)))
    more = data.draw(st.text(min_size=1, max_size=5))
    for changed in (sealed[:place], sealed[:place] + more + sealed[place:], more, sealed[place:] + sealed[:place]):
        assert changed == sealed or refused(sealer, changed) == "state_invalid"


def test_a_state_is_good_for_its_time_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    sealer, now = Sealer(KEY, 100), time.time()
    sealed = sealer.seal(left())
    for later, code in ((0, None), (99, None), (102, "state_expired"), (10**7, "state_expired")):
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda later=later: now + later)
        if code is None:
            sealer.open(sealed)
        else:
            assert refused(sealer, sealed) == code


def test_a_server_whose_clock_is_behind_goes_on_with_anothers_state(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed, now = Sealer(KEY, 100).seal(left()), time.time()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now - 30)
    assert Sealer(KEY, 100).open(sealed).facts == left().facts


def test_another_key_or_none_refuses() -> None:
    sealed = Sealer(KEY, 60).seal(left())
    for other in (KEY + b"x", None):
        assert refused(Sealer(other, 60), sealed) == "state_invalid"
    assert refused(Sealer(None, 60), Sealer(None, 60).seal(left())) == "state_invalid"


def test_a_state_of_another_model_is_refused_with_what_to_do(servers: Servers) -> None:
    _, _, state = go(servers.one, model="char", max_tokens=5)
    for name in ("word", "byte", "names"):
        answer = servers.one.post("/v1/completions", {"model": name, "state": state})
        assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "state", "state_of_other")
        assert "found one of char.safetensors" in answer.error["message"]
        assert "send the text so far as prompt" in answer.error["message"]


SETTINGS: list[dict[str, Any]] = [
    {},
    {"temperature": 1.4, "top_p": 0.9},
    {"greedy": True},
    {"repetition_penalty": 1.4, "penalty_window": 30},
    {"presence_penalty": 0.7, "frequency_penalty": 0.3},
    {"logit_bias": {"3": 4.0}},
    {"top_k": 5, "min_p": 0.01, "typical": 0.9},
    {"length_in": "characters"},
]


@pytest.mark.parametrize("given_settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_two_servers_with_one_key_write_one_text(name: str, given_settings: dict[str, Any], servers: Servers) -> None:
    prompt = "the c" if name != "names" else "an"
    start = {"model": name, "prompt": prompt, "seed": 4, **given_settings}
    text, why, state = go(servers.one, max_tokens=17, **start)
    parts = [text]
    for number in range(6):
        if why == "stop":
            break
        server = servers.other if number % 2 == 0 else servers.one
        text, why, state = go(server, model=name, state=state, max_tokens=13)
        parts.append(text)
    whole = servers.one.complete(max_tokens=17 + 13 * (len(parts) - 1), **start)["choices"][0]["text"]
    assert "".join(parts) == whole
    assert servers.stranger.post("/v1/completions", {"model": "char", "state": state}).error["code"] == "state_invalid"


def test_fifty_steps_are_one_long_text_and_the_server_remembers_none_of_them(servers: Servers) -> None:
    expected = MODELS["char"].generate("the ", length=1000, seed=8)
    sizes, parts = set(), []
    text, _, state = go(servers.one, model="char", prompt="the ", seed=8, max_tokens=20)
    parts.append(text)
    before = servers.one.memory()
    for number in range(49):
        text, _, state = go((servers.one, servers.other)[number % 2], model="char", state=state, max_tokens=20)
        parts.append(text)
        sizes.add(len(state))
    assert "".join(parts) == expected
    assert max(sizes) - min(sizes) < 100  # of some kilobytes: however long the text has become
    assert servers.one.memory() - before < 4 << 20
    assert eventually(lambda: servers.one.gauge("longhand_streams_writing") == 0)


def test_each_of_several_texts_has_its_own_state(servers: Servers) -> None:
    start = {"model": "char", "prompt": ["the ", "a "], "n": 2, "seed": 3}
    choices = servers.one.complete(max_tokens=15, return_state=True, **start)["choices"]
    whole = [choice["text"] for choice in servers.one.complete(max_tokens=40, **start)["choices"]]
    rest = [go(servers.other, model="char", state=choice["state"], max_tokens=25)[0] for choice in choices]
    assert [choice["text"] + more for choice, more in zip(choices, rest, strict=True)] == whole
    assert len({choice["state"] for choice in choices}) == len(set(whole)) == 4


def test_several_texts_that_go_on_from_one_state_differ(servers: Servers) -> None:
    text, _, state = go(servers.one, model="char", prompt="the ", seed=3, max_tokens=15)
    fields = {"model": "char", "state": state, "max_tokens": 25}
    texts = [choice["text"] for choice in servers.one.complete(n=3, **fields)["choices"]]
    assert len(set(texts)) == 3
    assert text + texts[0] == MODELS["char"].generate("the ", length=40, seed=3)
    seeded = [choice["text"] for choice in servers.one.complete(n=2, seed=7, **fields)["choices"]]
    assert seeded == [servers.other.complete(seed=seed, **fields)["choices"][0]["text"] for seed in (7, 8)]


@pytest.mark.parametrize("name", ["char", "byte", "word"])
def test_a_stop_text_is_found_where_the_text_was_left_inside_of_it(name: str, servers: Servers) -> None:
    model = MODELS[name]
    start = {"model": name, "prompt": "the ", "seed": 11, "temperature": 1.0}
    plain = model.generate("the ", length=60, seed=11, temperature=1.0)
    stop = plain[-12:-8]
    before = plain[: plain.find(stop)]
    for first in range(1, 60, 4):
        text, why, state = go(servers.one, stop=[stop, "not in it"], max_tokens=first, **start)
        parts = [text]
        while why == "length" and len(parts) < 80:
            text, why, state = go(servers.other, model=name, state=state, max_tokens=7)
            parts.append(text)
        assert "".join(parts).startswith(before), first
        assert why == "stop"
        assert stop not in "".join(parts)


@pytest.mark.parametrize("until", ["line", "sentence"])
def test_a_unit_ends_where_it_ends_wherever_it_was_left(until: str, servers: Servers) -> None:
    for name in ("char", "word", "byte"):
        start = {"model": name, "prompt": "the ", "seed": 5, "temperature": 1.0, "until": until}
        whole, why, _ = go(servers.one, max_tokens=200, **start)
        for first in (1, 2, 5, 40):
            text, ended, state = go(servers.one, max_tokens=first, **start)
            parts = [text]
            while ended == "length" and sum(map(len, parts)) <= len(whole):
                text, ended, state = go(servers.other, model=name, state=state, max_tokens=9)
                parts.append(text)
            assert "".join(parts)[: len(whole)] == whole, (name, first)
            assert why == "length" or (ended, "".join(parts)) == ("stop", whole), (name, first)


def test_log_probabilities_go_on_too(servers: Servers) -> None:
    for name in ("char", "byte", "word"):
        start = {"model": name, "prompt": "the ", "seed": 5, "logprobs": 2}
        whole = servers.one.complete(max_tokens=30, **start)["choices"][0]
        first = servers.one.complete(max_tokens=12, return_state=True, **start)["choices"][0]
        rest = servers.other.complete(model=name, state=first["state"], max_tokens=18, logprobs=2)["choices"][0]
        assert first["text"] + rest["text"] == whole["text"]
        both = first["logprobs"]["token_logprobs"] + rest["logprobs"]["token_logprobs"]
        assert both == pytest.approx(whole["logprobs"]["token_logprobs"], abs=1e-4)


def test_settings_are_carried_over_and_can_be_said_anew(servers: Servers) -> None:
    model = MODELS["char"]
    sampling: dict[str, Any] = {"temperature": 0.5, "top_k": 4, "repetition_penalty": 1.2}
    _, _, state = go(servers.one, model="char", prompt="the ", seed=2, max_tokens=20, **sampling)
    others: list[dict[str, Any]] = [
        {},
        {"temperature": 1.5},
        {"greedy": True},
        {"top_k": 2, "seed": 9},
        {"stop": ["e"]},
        {"prompt": "a "},
    ]
    for anew in others:
        writing = model.pieces("the ", seed=2, length=20, **sampling)
        list(writing)
        changed: dict[str, Any] = {key: tuple(value) if key == "stop" else value for key, value in anew.items()}
        expected = model.pieces(changed.pop("prompt", ""), state=model.state_of(writing), length=30, **changed)
        text = servers.other.complete(model="char", state=state, max_tokens=30, **anew)["choices"][0]["text"]
        assert text == "".join(piece.text for piece in expected), anew


def test_a_long_prompt_is_cut_into_tokens_while_others_are_answered(servers: Servers) -> None:
    fields = {"model": "word", "prompt": VERSE * 7000, "max_tokens": 1}
    took: list[float] = []

    def ask() -> None:
        began = time.monotonic()
        assert servers.one.post("/v1/completions", fields).status == 200
        took.append(time.monotonic() - began)

    asking, longest = threading.Thread(target=ask), 0.0
    asking.start()
    while asking.is_alive():
        began = time.monotonic()
        servers.one.get("/health")
        longest = max(longest, time.monotonic() - began)
    asking.join()
    assert longest < took[0] / 4  # a hundredth of it on a quiet machine
