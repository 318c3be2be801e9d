"""The official openai client asks, and every field does what it says; a stream says what a whole answer does."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest
from conftest import ALPHABET, VERSE, small_file
from serving import Server, running

from longhand.api import train
from longhand.model import Model
from longhand.modelfile import write_model

openai = pytest.importorskip("openai")

NAMES = ("char", "byte", "word", "names")
CLASSIC = "classic"  # a model that reads a window
MODELS: dict[str, Model] = {}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve an untrained model of characters, and trained ones of bytes, words and names."""
    folder = tmp_path_factory.mktemp("served")
    small: dict[str, Any] = {"epochs": 1, "hidden": 16, "embedding": 8, "window": 16, "batch": 4}
    text = (VERSE + "größe 你好 🎵 ") * 12
    MODELS["char"] = Model(small_file(alphabet=ALPHABET + "你🎵"))
    MODELS["byte"] = train(io.StringIO("🎵你好ß" * 300), tokens="byte", **{**small, "epochs": 12})
    MODELS["word"] = train(io.StringIO(text), tokens="word", **small)
    names = "\n".join(["anna", "otto", "emma", "hanna"] * 90)
    MODELS["names"] = train(io.StringIO(names), documents="line", **small)
    MODELS[CLASSIC] = train(io.StringIO(VERSE * 20), recipe="classic", epochs=1, hidden=16, window=10)
    for name, model in MODELS.items():
        write_model(model.file, folder / f"{name}.safetensors")
    with running([folder / f"{name}.safetensors" for name in MODELS]) as started:
        yield started


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as one:
        yield one


def streamed(client: Any, **fields: Any) -> tuple[dict[int, str], list[Any]]:
    """Return the texts of a stream by index, and all its chunks."""
    chunks = list(client.completions.create(stream=True, **fields))
    texts: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
    return texts, chunks


def test_models_are_listed_and_found(client: Any) -> None:
    assert [each.id for each in client.models.list()] == list(MODELS)
    one = client.models.retrieve("word")
    assert (one.object, one.owned_by) == ("model", "longhand")
    assert one.longhand["tokens"] == "word"
    with pytest.raises(openai.NotFoundError, match="there are char, byte, word, names, classic"):
        client.models.retrieve("gpt-2")


FIELDS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.3, "top_p": 0.9},
    {"temperature": 0},
    {"presence_penalty": 1.5, "frequency_penalty": 0.5},
    {"logit_bias": {"3": 100}},
    {"extra_body": {"top_k": 3, "min_p": 0.05}},
    {"extra_body": {"typical": 0.5, "repetition_penalty": 1.3, "penalty_window": 10}},
    {"extra_body": {"temperature_end": 0.1}},
    {"extra_body": {"pattern": "[a-z]{3}( [a-z]{2}){4}"}},
    {"extra_body": {"lines": 2, "line_length": "3-9"}},
    {"extra_body": {"without": "aeiou"}},
    {"extra_body": {"length_in": "characters"}},
    {"extra_body": {"until": "line"}},
]


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_a_text_is_the_one_that_generate_writes_with_its_seed(fields: dict[str, Any], client: Any) -> None:
    given = {**fields, **fields.get("extra_body", {})}
    given.pop("extra_body", None)
    if "logit_bias" in given:
        given["logit_bias"] = {int(token): value for token, value in given["logit_bias"].items()}
    expected = MODELS["char"].generate("the ", length=80, seed=5, **given)
    asked = {"model": "char", "prompt": "the ", "max_tokens": 80, "seed": 5, **fields}
    answer = client.completions.create(**asked)
    assert answer.choices[0].text == expected
    texts, _ = streamed(client, **asked)
    assert texts == {0: expected}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prompt", ["", "the c", "grö", "你", "an"])
def test_streamed_text_is_unstreamed_text_and_whole_characters(name: str, prompt: str, client: Any) -> None:
    asked = {"model": name, "prompt": prompt, "max_tokens": 150, "seed": 9, "n": 2, "temperature": 1.5}
    whole = client.completions.create(**asked)
    texts, chunks = streamed(client, **asked)
    assert texts == {choice.index: choice.text for choice in whole.choices}
    assert [choice.text for choice in whole.choices] == [
        written.text for written in MODELS[name].texts(prompt, count=2, seed=9, length=150, temperature=1.5)
    ]
    ends = {choice.index: choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason}
    assert ends == {choice.index: choice.finish_reason for choice in whole.choices}


@pytest.mark.parametrize("fields", [{}, {"temperature": 0.8}, {"stop": "e"}], ids=str)
def test_a_model_that_reads_a_window_writes_what_it_writes_alone(fields: dict[str, Any], client: Any) -> None:
    asked = {"model": CLASSIC, "prompt": "the cat sat on", "max_tokens": 60, "seed": 3, "n": 3, **fields}
    whole = client.completions.create(**asked, logprobs=0)
    expected = list(
        MODELS[CLASSIC].texts("the cat sat on", count=3, seed=3, length=60, **fields, log_probabilities=True)
    )
    assert [choice.text for choice in whole.choices] == [written.text for written in expected]
    assert streamed(client, **asked)[0] == {choice.index: choice.text for choice in whole.choices}
    for choice, written in zip(whole.choices, expected, strict=True):
        assert choice.logprobs.token_logprobs == pytest.approx(written.log_probabilities, abs=1e-4)
    with pytest.raises(openai.BadRequestError, match="no state to come back to"):
        client.completions.create(**asked, extra_body={"return_state": True})
    with pytest.raises(openai.BadRequestError, match="no beginning of its own"):
        client.completions.create(model=CLASSIC, prompt="")


def test_emoji_and_stop_strings_are_whole_however_they_are_cut(client: Any) -> None:
    asked = {"model": "byte", "prompt": "größe 你好 ", "max_tokens": 400, "seed": 3, "temperature": 0.7}
    plain = client.completions.create(**asked).choices[0].text
    assert "🎵" in plain  # four bytes, four tokens
    stop = plain[17:31]
    for stops in (stop, [stop, "nowhere to be found"], ["never", plain[40:45]]):
        cut = client.completions.create(**asked, stop=stops).choices[0]
        first = min(place for one in ([stops] if isinstance(stops, str) else stops) if (place := plain.find(one)) >= 0)
        assert (cut.text, cut.finish_reason) == (plain[:first], "stop")
        assert streamed(client, **asked, stop=stops)[0] == {0: cut.text}


def test_prompts_may_be_texts_or_tokens_one_or_several(client: Any) -> None:
    model = MODELS["char"]
    prompts = ["the ", "a cat "]
    tokens = [model.tokenizer.encode(prompt).tolist() for prompt in prompts]
    expected = [model.generate(prompt, length=20, seed=seed) for prompt in prompts for seed in (1, 2)]
    for given in (prompts, tokens):
        answer = client.completions.create(model="char", prompt=given, max_tokens=20, n=2, seed=1)
        assert [choice.text for choice in answer.choices] == expected
        assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
        assert answer.usage.prompt_tokens == 10
        assert answer.usage.completion_tokens == 80
        assert streamed(client, model="char", prompt=given, max_tokens=20, n=2, seed=1)[0] == dict(enumerate(expected))
    one = client.completions.create(model="char", prompt=tokens[0], max_tokens=20, seed=1)
    assert one.choices[0].text == expected[0]


def test_a_completion_has_sixteen_tokens_where_nothing_is_said(client: Any) -> None:
    answer = client.completions.create(model="char", prompt="a", user="somebody")
    assert answer.usage.completion_tokens == 16
    assert answer.choices[0].finish_reason == "length"
    again = client.completions.create(model="char", prompt="a", seed=answer.seed)
    assert again.choices[0].text == answer.choices[0].text


def test_a_stream_ends_with_its_usage_where_that_is_asked_for(client: Any) -> None:
    asked = {"model": "char", "prompt": "ab", "max_tokens": 9, "seed": 1}
    _, chunks = streamed(client, **asked, stream_options={"include_usage": True})
    assert chunks[-1].choices == []
    assert chunks[-1].usage.model_dump(include={"prompt_tokens", "completion_tokens", "total_tokens"}) == {
        "prompt_tokens": 2,
        "completion_tokens": 9,
        "total_tokens": 11,
    }
    _, chunks = streamed(client, **asked, stream_options={"include_usage": None, "include_obfuscation": False})
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("name", ["char", "byte", "word"])
def test_log_probabilities_are_the_models_own(name: str, client: Any) -> None:
    model, prompt = MODELS[name], "the cat "
    asked = {"model": name, "prompt": prompt, "max_tokens": 30, "seed": 2, "logprobs": 3}
    choice = client.completions.create(**asked).choices[0]
    (alone,) = model.texts(prompt, count=1, seed=2, length=30, log_probabilities=True)
    assert choice.logprobs.token_logprobs == pytest.approx(alone.log_probabilities, abs=1e-4)
    assert "".join(choice.logprobs.tokens).startswith(choice.text)
    offsets = np.cumsum([0, *map(len, choice.logprobs.tokens)])[:-1]
    assert choice.logprobs.text_offset == offsets.tolist()
    others = choice.logprobs.top_logprobs[1 if name == "word" else 0 :]  # but for the word that the prompt begins
    assert {len(each) for each in others} <= {3, 4}
    if name == "char":
        likeliest = [np.log(each.probability) for each in model.next(prompt, 3)]
        assert sorted(others[0].values())[::-1][:3] == pytest.approx(likeliest, abs=1e-4)
    chunks = streamed(client, **asked)[1]
    told = [value for chunk in chunks for one in chunk.choices if one.logprobs for value in one.logprobs.token_logprobs]
    assert told == choice.logprobs.token_logprobs
    plain = client.completions.create(**{**asked, "logprobs": 0}).choices[0].logprobs
    assert plain.top_logprobs is None
    assert plain.token_logprobs == choice.logprobs.token_logprobs


def test_each_token_says_where_its_text_stands(server: Server) -> None:
    byte = MODELS["byte"].tokenizer.encode("好ß你").tolist()
    state = server.complete(model="byte", prompt="你好", max_tokens=1, seed=3, return_state=True)["choices"][0]["state"]
    asked: list[dict[str, Any]] = [
        {"model": "char", "prompt": "xß the", "echo": True},
        {"model": "byte", "prompt": byte[:-1], "echo": True},
        {"model": "byte", "prompt": byte[:-2]},
        {"model": "byte", "prompt": byte[:-2], "n": 3, "stop": "你"},
        {"model": "byte", "prompt": byte[:1], "echo": True},
        {"model": "byte", "state": state},
    ]
    for fields in asked:
        for choice in server.complete(**{"max_tokens": 20, "seed": 4, "logprobs": 2, **fields})["choices"]:
            told = choice["logprobs"]
            for text, place in zip(told["tokens"], told["text_offset"], strict=True):
                beyond = place >= len(choice["text"])  # what a stop string took away again
                assert choice["text"].startswith(text, place) or beyond, (fields, text, place)
    whole = "".join(told["tokens"])
    assert whole == choice["text"]
    begun = server.complete(model="byte", prompt=byte[:-1], max_tokens=1, echo=True, logit_bias={str(byte[-1]): 1000})
    assert begun["choices"][0]["text"] == "好ß你"


def test_an_echoed_prompt_comes_with_its_probabilities(client: Any) -> None:
    model, prompt = MODELS["char"], "the cat sat"
    choice = client.completions.create(model="char", prompt=prompt, max_tokens=0, echo=True, logprobs=1).choices[0]
    assert choice.text == prompt
    assert choice.logprobs.tokens == list(prompt)
    assert choice.logprobs.token_logprobs == pytest.approx(model.log_probabilities(prompt).tolist(), abs=1e-4)
    asked = {"model": "char", "prompt": prompt, "max_tokens": 5, "seed": 1, "echo": True, "logprobs": 0}
    longer = client.completions.create(**asked).choices[0]
    assert longer.text == prompt + model.generate(prompt, length=5, seed=1)
    assert len(longer.logprobs.tokens) == len(prompt) + 5
    assert streamed(client, **asked)[0] == {0: longer.text}


def test_the_best_of_several_is_the_most_probable(client: Any) -> None:
    texts = list(MODELS["char"].texts("the ", count=6, seed=3, length=40, log_probabilities=True))
    ranked = sorted(texts, key=lambda each: -each.mean_log_probability)
    answer = client.completions.create(model="char", prompt="the ", max_tokens=40, seed=3, best_of=6, n=2)
    assert [choice.text for choice in answer.choices] == [each.text for each in ranked[:2]]
    assert answer.usage.completion_tokens == 240
    assert answer.choices[0].logprobs is None


def test_a_text_goes_on_from_its_state_as_if_it_had_never_been_left(client: Any, server: Server) -> None:
    for name in ("char", "byte", "word"):
        whole = MODELS[name].generate("the ", length=120, seed=4, temperature=1.1)
        asked = {"model": name, "prompt": "the ", "max_tokens": 40, "seed": 4, "temperature": 1.1}
        first = client.completions.create(**asked, extra_body={"return_state": True}).choices[0]
        _, chunks = streamed(
            client, model=name, max_tokens=50, prompt="", extra_body={"state": first.state, "return_state": True}
        )
        second = "".join(chunk.choices[0].text for chunk in chunks)
        states = [chunk.choices[0].state for chunk in chunks if hasattr(chunk.choices[0], "state")]
        third = server.complete(model=name, max_tokens=30, state=states[-1])["choices"][0]["text"]
        assert first.text + second + third == whole
    other = client.completions.create(
        model="char", prompt=" a dog", max_tokens=9, extra_body={"state": server_state(server), "seed": 1}
    )
    assert other.choices[0].text == MODELS["char"].generate("the " + left(server) + " a dog", length=9, seed=1)


def left(server: Server) -> str:
    text: str = server.complete(model="char", prompt="the ", max_tokens=7, seed=4)["choices"][0]["text"]
    return text


def server_state(server: Server) -> str:
    fields = {"model": "char", "prompt": "the ", "max_tokens": 7, "seed": 4, "return_state": True}
    state: str = server.complete(**fields)["choices"][0]["state"]
    return state


REFUSED: list[tuple[dict[str, Any], str | None, str]] = [
    ({"suffix": "end"}, "suffix", "leave it out"),
    ({"extra_body": {"functions": []}}, "functions", "no field that this server knows"),
    ({"max_tokens": 10**9}, "max_tokens", "expected 0 to 100,000"),
    ({"max_tokens": -1}, "max_tokens", "expected 0 to"),
    ({"max_tokens": 100_000, "n": 2, "logprobs": 20}, "max_tokens", "4,200,000 numbers"),
    ({"prompt": "a" * 60_000, "echo": True, "logprobs": 19}, "max_tokens", "1,200,000 numbers"),
    ({"temperature": -1}, "temperature", "found -1"),
    ({"top_p": 1.5}, "top_p", "found 1.5"),
    ({"n": 0}, "n", ">= 1"),
    ({"n": 1000}, "n", "<= 128"),
    ({"n": 2, "best_of": 1}, "best_of", "at least n, 2"),
    ({"best_of": 3, "stream": True}, "best_of", "before all are written"),
    ({"n": 100, "prompt": ["a", "b"]}, "n", "200 texts in all"),
    ({"stop": ["a"] * 101}, "stop", "length <= 100"),
    ({"stop": ""}, "stop", "length >= 1"),
    ({"prompt": []}, "prompt", "empty list"),
    ({"prompt": [10**6]}, "prompt", "the model's are 0 to"),
    ({"prompt": ["a", [1]]}, "prompt", "expected a text"),
    ({"logprobs": 99}, "logprobs", "<= 20"),
    ({"logit_bias": {"999": 1}}, "logit_bias", "token 999"),
    ({"stream_options": {"include_usage": True}}, "stream_options", "without stream"),
    ({"extra_body": {"pattern": "("}}, "pattern", "("),
    ({"extra_body": {"max_copy": 20}}, "max_copy", "nothing is known of the text"),
    ({"extra_body": {"until": "document"}}, "until", "was not trained on documents"),
    ({"extra_body": {"state": "abc"}}, "state", "not one that this server returned"),
    ({"seed": -5}, "seed", "found -5"),
    ({"seed": "int"}, "seed", "expected a whole number, got text"),
    ({"prompt": 5}, "prompt", "expected text or a list, got a whole number"),
    ({"extra_body": {"until": "print"}}, "until", "invalid enum value 'print'"),
]


@pytest.mark.parametrize(("fields", "param", "message"), REFUSED, ids=str)
def test_what_cannot_be_is_refused_as_openai_refuses(
    fields: dict[str, Any], param: str | None, message: str, client: Any
) -> None:
    with pytest.raises(openai.BadRequestError, match=re.escape(message)) as refused:
        client.completions.create(**{"model": "char", "prompt": "a", **fields})
    assert refused.value.type == "invalid_request_error"
    assert refused.value.param == param
    assert "\n" not in refused.value.body["message"]


def test_texts_are_scored_and_looked_into(server: Server) -> None:
    text = VERSE[:80]
    scored = server.post("/v1/score", {"model": "word", "input": text, "per_token": True}).json
    expected = MODELS["word"].score(text)
    assert scored["bits_per_character"] == pytest.approx(expected.bits_per_character)
    assert scored["perplexity"] == pytest.approx(expected.perplexity)
    assert sum(token["bits"] for token in scored["token_bits"]) == pytest.approx(expected.bits, abs=0.01)
    assert "".join(token["text"] for token in scored["token_bits"]) == text
    seen = server.post("/v1/inspect", {"model": "char", "input": text, "layer": 1, "show": "forget"}).json
    assert np.shape(seen["values"]) == (80, 16)
    trace = MODELS["char"].inspect(text).trace
    assert np.abs(np.array(seen["values"]) - trace.forget[0]).max() < 2e-3
    assert server.post("/v1/inspect", {"model": "char", "input": text, "layer": 9}).status == 400


def test_the_page_the_reference_and_the_health_are_there(server: Server) -> None:
    assert server.get("/health").json == {
        "status": "ok",
        "version": server.get("/openapi.json").json["info"]["version"],
    }
    for path in ("/", "/health"):  # as those ask who only want to know whether it is there
        head = server.ask("HEAD", path)
        assert (head.status, head.body) == (200, b"")
    reference = server.get("/docs")
    assert "/v1/completions" in reference.body.decode()
    assert httpx2.get(f"{server.url}/docs").headers["content-type"] == "text/html; charset=utf-8"
