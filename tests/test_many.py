"""Many texts at once: each is what it is alone; none twice, the best of several, the most probable one."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Run, small_file

from longhand.api import train
from longhand.errors import OptionError
from longhand.generation import loop, many
from longhand.model import Model
from longhand.native.loading import SWITCH

LEARNED: dict[str, Any] = {"epochs": 6, "hidden": 24, "layers": 1, "embedding": 8, "window": 16}


@pytest.fixture(scope="module")
def poet() -> Model:
    """Return a model that has learned a few lines."""
    return train(io.StringIO(VERSE * 30), **LEARNED)


@pytest.fixture(scope="module", params=["word", "bpe:300"])
def reader(request: pytest.FixtureRequest) -> Model:
    """Return a model whose tokens are longer than characters."""
    return train(io.StringIO(VERSE * 30), tokens=request.param, **LEARNED)


@pytest.fixture(scope="module")
def namer() -> Model:
    """Return a model of documents."""
    return train(io.StringIO("anna\nbert\ncarla\ndora\nemil\n" * 100), documents="line", **LEARNED)


@pytest.mark.parametrize("native", ["1", "0"])
@pytest.mark.parametrize("together", [1, 3, 64])
def test_each_of_many_texts_is_what_its_seed_writes_alone(
    native: str, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, native)
    monkeypatch.setattr(many, "TOGETHER", together)
    model = Model(small_file())
    for settings in ({}, {"stop": ("e", "qu")}, {"until": "line"}, {"repetition_penalty": 1.5}, {"without": "aeiou"}):
        texts = list(model.texts("ab", count=8, seed=3, length=60, **settings))
        assert [text.seed for text in texts] == list(range(3, 11))
        for text in texts:
            assert text.text == model.generate("ab", seed=text.seed, length=60, **settings)


@pytest.mark.parametrize("size", [1, 2, 13, 5000])
def test_many_texts_do_not_depend_on_how_much_is_drawn_at_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(small_file())
    expected = [text.text for text in model.texts(count=5, seed=1, length=80, until="line")]
    monkeypatch.setattr(loop, "_next_size", lambda *_: size)
    assert [text.text for text in model.texts(count=5, seed=1, length=80, until="line")] == expected


def test_texts_of_shapes_are_what_they_are_alone(poet: Model) -> None:
    for settings in ({"pattern": "[a-z]+( [a-z]+){3}"}, {"lines": 2, "line_length": "5-30"}):
        for text in poet.texts(count=10, seed=0, **settings):
            assert text.text == poet.generate(seed=text.seed, **settings)
            assert text.ended == "shape"


def test_documents_end_by_themselves(namer: Model) -> None:
    texts = list(namer.texts(count=50, seed=0, temperature=1.0))
    assert {text.ended for text in texts} == {"document"}
    assert all("\n" not in text.text for text in texts)
    assert sum(text.text in ("anna", "bert", "carla", "dora", "emil") for text in texts) > 20
    assert namer.generate(seed=7, until="document", temperature=1.0) == texts[7].text


def test_unique_texts_are_different_and_the_first_of_their_kind(namer: Model) -> None:
    texts = list(namer.texts(count=8, unique=True, seed=0))
    assert len({text.text for text in texts}) == 8
    seen: list[str] = []
    for text in namer.texts(count=texts[-1].seed + 1, seed=0):
        if text.text not in seen:
            seen.append(text.text)
    assert seen == [text.text for text in texts]


def test_more_different_texts_than_there_are_end_with_a_message(namer: Model) -> None:
    with pytest.raises(OptionError, match="unique: of 250 texts 1 are different"):
        list(namer.texts(count=5, unique=True, greedy=True))


def test_log_probabilities_are_those_of_the_model(poet: Model) -> None:
    (text,) = poet.texts("the ", length=40, seed=2, temperature=0.5, top_k=5, log_probabilities=True)
    session, tokenizer = poet.session(), poet.tokenizer
    ids = np.concatenate([[tokenizer.start], tokenizer.encode("the " + text.text)])
    logits = session.feed(ids[:-1, None])[:, 0].astype(np.float64)
    logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = logarithms[np.arange(len(ids) - 1), ids[1:]][4:]
    np.testing.assert_allclose(text.log_probabilities, expected, atol=1e-4)


def test_the_best_of_several_is_the_one_the_model_finds_most_probable(poet: Model) -> None:
    texts = list(poet.texts("the", count=12, seed=0, length=30, log_probabilities=True))
    best = list(poet.texts("the", count=3, best_of=4, seed=0, length=30))
    for number, text in enumerate(best):
        group = texts[4 * number : 4 * number + 4]
        assert text.text == max(group, key=lambda each: each.mean_log_probability).text


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_beam_is_never_below_greedy(poet: Model, namer: Model, penalty: float) -> None:
    random = np.random.default_rng(0)
    for number in range(100):
        model = namer if number % 2 else poet
        start = int(random.integers(0, len(VERSE) - 12))
        prompt = "anna"[: number % 4] if number % 2 else VERSE[start : start + int(random.integers(0, 12))]
        (greedy,) = model.texts(prompt, greedy=True, length=25, log_probabilities=True)
        (beam,) = model.texts(prompt, beam=8, length_penalty=penalty, length=25)
        values = [sum(text.log_probabilities) / max(text.tokens, 1) ** penalty for text in (beam, greedy)]
        assert values[0] >= values[1] - 1e-4


def test_a_beam_is_not_below_greedy_after_a_prompt_that_ends_inside_a_word(reader: Model) -> None:
    for prompt in ("the c", "so th", "a bi", "the dog l", ""):
        (greedy,) = reader.texts(prompt, greedy=True, length=12, log_probabilities=True)
        (beam,) = reader.texts(prompt, beam=8, length=12)
        assert beam.tokens == greedy.tokens
        assert sum(beam.log_probabilities) >= sum(greedy.log_probabilities) - 1e-4
        assert next(reader.texts(prompt, beam=1, length=12)).text == greedy.text


def test_a_beam_of_one_is_greedy_and_a_wide_one_finds_the_best(poet: Model) -> None:
    assert next(poet.texts("the", beam=1, length=40)).text == poet.generate("the", greedy=True, length=40)
    best = next(poet.texts("s", beam=400, length=2))
    ids = range(2, poet.tokenizer.size)
    every = [poet.tokenizer.decode(np.array([one, two])) for one in ids for two in ids]
    start = [poet.tokenizer.start, int(poet.tokenizer.encode("s")[0])]
    scores = []
    for text in every:
        read = np.array([*start, *poet.tokenizer.encode(text)])
        logits = poet.session().feed(read[:-1, None])[1:, 0].astype(np.float64)
        logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        scores.append(logarithms[0, read[2]] + logarithms[1, read[3]])
    assert best.text == every[int(np.argmax(scores))]


def test_a_beam_ends_where_it_should(poet: Model, namer: Model) -> None:
    assert next(namer.texts(beam=4)).ended == "document"
    line = next(poet.texts("the", beam=4, until="line"))
    assert line.ended == "line"
    assert "\n" not in line.text
    shape = next(poet.texts(beam=4, pattern="[a-z]{2} [a-z]{3}"))
    assert shape.text[2] == " "
    assert len(shape.text) == 6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "count: found 0"),
        ({"beam": 2, "count": 2}, "beam: there is one most probable text"),
        ({"documents": 2}, "documents: the model was not trained on documents"),
        ({"new": True}, "new: the model was not trained on documents"),
        ({"beam": 2, "unique": True}, "beam: there is one most probable text"),
        ({"beam": 2, "length_in": "characters"}, "beam: a text is counted in tokens"),
        ({"length_penalty": 0.5}, "length penalty: of a beam alone"),
    ],
)
def test_what_does_not_go_together_is_refused(poet: Model, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        poet.texts(**settings)


def test_the_command_writes_many_texts_as_text_and_as_json(longhand: Run, tmp_path: Any) -> None:
    path = f"{tmp_path}/model"
    Model(small_file()).save(path)
    words = ("--prompt", "ab", "--count", "3", "--until", "line", "--seed", "5", "--length", "40")
    texts = [Model(small_file()).generate("ab", until="line", seed=seed, length=40) for seed in (5, 6, 7)]
    done = longhand("generate", path, *words)
    assert done.stdout == "".join(f"ab{text}\n" for text in texts)
    assert longhand("generate", path, *words, "--no-echo").stdout == "".join(f"{text}\n" for text in texts)
    records = [json.loads(line) for line in longhand("generate", path, *words, "--format", "jsonl").stdout.splitlines()]
    assert [record["text"] for record in records] == texts
    assert [record["seed"] for record in records] == [5, 6, 7]
    assert all(len(record["log_probabilities"]) == record["tokens"] for record in records)
    assert all(record["log_probability"] < 0 for record in records)
