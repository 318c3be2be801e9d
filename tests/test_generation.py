"""Writing text: the same seed, the same text, however it is asked for."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from conftest import ALPHABET, Run, assert_refused, fresh, small_file

from longhand.config import SamplingConfig
from longhand.errors import ModelFormatError, OptionError
from longhand.generation import opening
from longhand.generation.loop import drawn_pieces
from longhand.generation.sampler import Sampler
from longhand.generation.writing import task_of, write
from longhand.model import Model
from longhand.native.loading import SWITCH


def test_the_same_seed_writes_the_same_text(model: Model) -> None:
    texts = [model.generate("a", length=100, seed=seed) for seed in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]


def test_without_a_seed_every_text_is_another(model: Model) -> None:
    assert model.generate(length=100) != model.generate(length=100)


def test_a_stream_gives_the_text_character_by_character(model: Model) -> None:
    pieces = list(model.stream("a", length=60, seed=1))
    assert [len(piece) for piece in pieces] == [1] * 60
    assert "".join(pieces) == model.generate("a", length=60, seed=1)


def test_a_shorter_text_is_the_beginning_of_a_longer_one(model: Model) -> None:
    assert model.generate("a", length=90, seed=2).startswith(model.generate("a", length=40, seed=2))


def test_an_endless_stream_can_be_left_at_any_time(model: Model) -> None:
    assert len(list(itertools.islice(model.stream(length=10**12, seed=0), 7))) == 7


def test_special_tokens_are_never_written() -> None:
    file = small_file()
    file.weights["head.bias"][:2] = 100  # the network would write nothing else
    assert set(Model(file).generate(length=300, seed=0)) <= set(ALPHABET)


def test_weights_so_large_that_nothing_is_finite_are_refused() -> None:
    file = small_file()
    file.weights["head.weight"][:] = 3e38
    file.weights["layers.1.bias"][:] = 50  # so that all gates are open and all units show the same, whatever comes
    with pytest.raises(ModelFormatError, match="not finite"):
        Model(file).generate(length=50, seed=0)


def test_greedy_is_temperature_zero(model: Model) -> None:
    assert model.generate("x", greedy=True) == model.generate("x", temperature=0)


def test_a_long_prompt_read_in_pieces_is_read_whole(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = "the quick brown fox " * 5
    texts = set()
    for piece in (1, 7, 100, 101, 1000):
        monkeypatch.setattr(opening, "PROMPT_PIECE", piece)
        texts.add(model.generate(prompt, length=50, seed=3))
    assert len(texts) == 1


def test_a_text_begins_with_the_start_token(model: Model) -> None:
    session = model.session()
    expected = session.feed(np.array([[model.tokenizer.start], [int(model.tokenizer.encode("q")[0])]]))[-1, 0]
    best = int(np.argmax(np.where(np.arange(len(expected)) < 2, -np.inf, expected)))
    assert model.generate("q", length=1, greedy=True) == model.tokenizer.decode(np.array([best]))


def test_unknown_characters_are_read_as_the_unknown_token(model: Model) -> None:
    assert model.generate("é中", length=30, seed=0) == model.generate("\ud800?", length=30, seed=0)


def test_any_session_can_write(model: Model) -> None:
    text = "".join(
        piece.text for piece in write(task_of(model.tokenizer, SamplingConfig(length=20, seed=4)), model.session(), "")
    )
    assert text == model.generate(length=20, seed=4)


@pytest.mark.parametrize("switch", ["1", "0"])
def test_texts_drawn_side_by_side_are_each_what_they_are_alone(switch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, switch)
    model = Model(small_file())
    start = model.tokenizer.start

    def written(*seeds: int) -> np.ndarray:
        samplers = [Sampler(SamplingConfig(seed=seed, temperature=1 + seed / 4), (0, 1)) for seed in seeds]
        session = model.runtime.recurrent(len(seeds))
        return np.concatenate(list(drawn_pieces(session, np.array([start] * len(seeds)), samplers, 200)))

    together = written(3, 1, 2)
    assert together.shape == (200, 3)
    for stream, seed in enumerate((3, 1, 2)):
        assert np.array_equal(written(seed)[:, 0], together[:, stream])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": -1}, "length: found -1, expected a whole number >= 0"),
        ({"length": 1.5}, "length: found 1.5, expected a whole number, got a number"),
        ({"temperature": float("nan")}, "temperature: found nan, expected a number >= 0.0"),
        ({"temperature": -0.1}, "temperature: found -0.1, expected a number >= 0.0"),
        ({"temperature": float("inf")}, "temperature: found inf, expected a number <= 1000.0"),
        ({"seed": -1}, "seed: found -1"),
        ({"temprature": 1}, "found the option 'temprature', expected some of length, length_in"),
    ],
)
def test_nonsense_options_are_refused_at_once(model: Model, options: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        model.stream("a", **options)


def test_a_prompt_may_come_from_a_file_or_from_stdin(longhand: Run, model_path: Path, tmp_path: Path) -> None:
    words = ("--length", "30", "--seed", "1")
    expected = longhand("generate", model_path, "--prompt", "ab\ncd", *words).stdout
    file = tmp_path / "prompt.txt"
    file.write_bytes(b"ab\ncd\n")
    assert longhand("generate", model_path, "--prompt-file", file, *words).stdout == expected
    assert fresh("generate", model_path, "--prompt-file", "-", *words, input="ab\ncd\n").stdout == expected
    assert longhand("generate", model_path, "--prompt-file", file, "--no-echo", *words).stdout == expected[5:]
    file.write_bytes(b"ab\xff")
    assert_refused(longhand("generate", model_path, "--prompt-file", file), "prompt.txt: not UTF-8 at byte 2")
    assert_refused(longhand("generate", model_path, "--prompt-file", tmp_path / "none"), "none: not found")
