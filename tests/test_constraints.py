"""Shapes of texts: what is written matches, whatever the tokens; what cannot be is said before anything is written."""

from __future__ import annotations

import io
import random
import re
from codecs import getincrementaldecoder
from typing import Any

import numpy as np
import pytest
from conftest import ALPHABET, VERSE
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.api import train
from longhand.errors import OptionError
from longhand.generation.constraints.alphabet import writable
from longhand.generation.constraints.automaton import END, Automaton
from longhand.generation.constraints.bounds import Bounds
from longhand.generation.constraints.guide import BEGIN, ENDED, NEVER, Guide, code_range
from longhand.generation.constraints.pattern import Pattern
from longhand.generation.constraints.shapes import Banned, Lines, Without
from longhand.model import Model
from longhand.text.bytewise import ByteTokenizer
from longhand.text.characters import CharacterTokenizer
from longhand.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tiny_models() -> dict[str, Model]:
    """Return models of every kind of token, which have learned a little."""
    settings: dict[str, Any] = {"epochs": 1, "hidden": 16, "layers": 1, "embedding": 8, "window": 16}
    kinds = ("char", "byte", "word", "bpe:300")
    return {kind[:4].rstrip(":"): train(io.StringIO(VERSE * 20), tokens=kind, **settings) for kind in kinds}


POINTS = np.array(sorted(map(ord, "abcxyzABC019 ,.\n-é中")), np.int64)
PATTERNS = [
    "[A-Z][a-z]+(, [A-Z][a-z]+){4}",
    "a*",
    "(a|b)*?c",
    "a?b{2,3}",
    ".{3,20}",
    r"\d+(\.\d{1,2})?",
    r"(?i)abc",
    r"(?s).{3}",
    r"\w+( \w+){1,3}\.",
    "(ab|a)(bc|c)?",
    "x{0}y",
    "(a{2}){2}",
    "(?:a|)b",
    "[^a-z]{2}",
    "(a*b*)*",
    "é+中?",
    "",
]


def run(automaton: Automaton, text: str) -> str:
    """Return what an automaton makes of a text: "whole", "begun", or "" where it cannot be written."""
    state = automaton.begin
    for letter in text:
        after = automaton.step(state, automaton.alphabet.class_of(letter))
        if isinstance(after, str):
            return ""
        state = after
    return "whole" if automaton.final(state) else "begun"


def random_text(guide: Guide, tokenizer: Tokenizer, seed: int, most: int = 400) -> tuple[str, bool]:
    """Return a text of random tokens that a guide allows, and whether it came to an end by itself."""
    choose, state = random.Random(seed), BEGIN
    ids: list[int] = []
    for left in range(most, 0, -1):
        row = guide.row_within(state, left) if left <= guide.bound else guide.row(state)
        token = choose.choice(np.flatnonzero(row != NEVER).tolist())
        if row[token] == ENDED:
            return tokenizer.decoder().decode(np.array(ids, np.int64)), True
        ids.append(token)
        state = int(row[token])
    return tokenizer.decoder().decode(np.array(ids, np.int64)), False


@pytest.mark.parametrize("pattern", PATTERNS)
@given(st.text("abcAB01 ,.é中", max_size=8))
@settings(max_examples=60)
def test_a_pattern_takes_what_python_says_that_matches(pattern: str, text: str) -> None:
    automaton = Automaton(POINTS, Pattern(pattern), [])
    assert (run(automaton, text) == "whole") == (re.fullmatch(pattern, text) is not None)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("tokens", ["char", "byte"])
def test_any_choice_of_allowed_tokens_matches(pattern: str, tokens: str) -> None:
    tokenizer: Tokenizer = ByteTokenizer() if tokens == "byte" else CharacterTokenizer("".join(map(chr, POINTS)))
    guide = guide_of(tokenizer, Pattern(pattern))
    for seed in range(20):
        text, _ = random_text(guide, tokenizer, seed)
        assert re.fullmatch(pattern, text), repr(text)


def guide_of(tokenizer: Tokenizer, pattern: Pattern | None, *shapes: object) -> Guide:
    """Return a guide for a tokenizer."""
    from longhand.generation.constraints.alphabet import writable

    in_bytes = tokenizer.kind in ("byte", "bpe")
    automaton = Automaton(writable(tokenizer), pattern, shapes, in_bytes=in_bytes)  # type: ignore[arg-type]
    return Guide(automaton, tokenizer)


@pytest.mark.parametrize(
    "pattern",
    [
        "^a$",
        r"\bword",
        "(?=a)b",
        r"(a)\1",
        "a(",
        "[b-a]",
        "a{3,2}",
        "(?P<n>a)(?(n)b|c)",
        "a{5000}{5000}",
        "(" * 2000,
        "(a?){3000}",
        "(a|b|c|d|){2000}",
    ],
)
def test_a_pattern_that_cannot_be_followed_is_refused(pattern: str) -> None:
    with pytest.raises(OptionError, match="pattern: "):
        Pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "shapes"),
    [
        ("[q]+", []),
        ("a+", [Without({"a"})]),
        ("ab", [Banned(["ab"])]),
        ("abc", [Lines(2, 1, None)]),
        (None, [Lines(1, 5, 3)]),
        (None, [Lines(2, 1, None, "aq")]),
        (None, [Without(set(map(chr, POINTS))), Lines(1, 1, None)]),
    ],
)
def test_what_cannot_be_is_said_at_once(pattern: str | None, shapes: list[object]) -> None:
    with pytest.raises(OptionError, match="no text that the model can write"):
        Automaton(POINTS, None if pattern is None else Pattern(pattern), shapes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("(){4000000000}", ""), ("(?:){99999999}b", "b"), ("(a{0}){999999999}", ""), ("((){5}|){7}b", "b")],
)
def test_what_repeats_nothing_is_read_at_once(pattern: str, text: str) -> None:
    """Python's own compiler takes all memory for the first one."""
    automaton = Automaton(POINTS, Pattern(pattern), [])
    assert [each for each in ("", "a", "b") if run(automaton, each) == "whole"] == [text]


def test_an_empty_pattern_is_an_empty_text(tiny_models: dict[str, Model]) -> None:
    assert {model.generate(pattern="", seed=0) for model in tiny_models.values()} == {""}


def test_letters_may_be_left_out_of_a_text_counted_in_characters(tiny_models: dict[str, Model]) -> None:
    for model in tiny_models.values():
        text = model.generate(length=40, length_in="characters", without="t", seed=0, temperature=2.0)
        assert len(text) == 40
        assert "t" not in text.lower()


def test_lines_are_as_many_and_as_long_as_asked_for() -> None:
    tokenizer = CharacterTokenizer("".join(map(chr, POINTS)))
    guide = guide_of(tokenizer, None, Lines(4, 3, 9, "abca"), Without({"é"}), Banned(["xx", "yz", "y"]))
    for seed in range(100):
        text, _ = random_text(guide, tokenizer, seed, 60)
        lines = text.split("\n")
        assert len(lines) == 4
        assert all(3 <= len(line) <= 9 for line in lines)
        assert [line[0].lower() for line in lines] == list("abca")
        assert not set(text) & set("éy")
        assert "xx" not in text


def test_lines_of_any_number_go_on() -> None:
    tokenizer = CharacterTokenizer("\nab")
    text, ended = random_text(guide_of(tokenizer, None, Lines(None, 2, 5)), tokenizer, 1)
    assert not ended
    assert len(text) == 400
    assert all(2 <= len(line) <= 5 for line in text.split("\n")[:-1])


@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=4), st.text("abc", max_size=20))
def test_banned_strings_do_not_occur_and_all_else_may(strings: list[str], text: str) -> None:
    rule, state = Banned(strings), 0
    for place, letter in enumerate(text):
        after = rule.step(state, letter)
        assert (after is None) == any(string in text[: place + 1] for string in strings)
        if after is None:
            return
        state = after


def test_a_text_ends_where_the_model_would_leave_the_pattern() -> None:
    automaton = Automaton(POINTS, Pattern("[a-z]{2,}"), [])
    state = automaton.begin
    for letter in "ab":
        after = automaton.step(state, automaton.alphabet.class_of(letter))
        assert not isinstance(after, str)
        state = after
    assert automaton.step(state, automaton.alphabet.class_of(" ")) == END


@given(st.characters(exclude_categories=["Cs"]))
def test_the_range_of_a_beginning_holds_the_character(letter: str) -> None:
    data = letter.encode()
    for count in range(1, len(data) + 1):
        first, last, whole = code_range(data[:count])
        assert first <= ord(letter) <= last
        assert whole == (count == len(data))
    assert code_range(data)[:2] == (ord(letter), ord(letter))


@given(st.binary(min_size=1, max_size=4))
def test_bytes_that_begin_no_character_have_an_empty_range(data: bytes) -> None:
    for count in range(1, len(data) + 1):
        first, last, whole = code_range(data[:count])
        try:
            text = getincrementaldecoder("utf-8")().decode(data[:count])
        except UnicodeDecodeError:
            assert first > last or (first >= 0xD800 and last <= 0xDFFF)
            return
        assert whole == (text != "")
        assert first <= last
        if whole:
            assert chr(first) == chr(last) == text
            return


def test_what_is_larger_than_its_bounds_is_refused() -> None:
    with pytest.raises(OptionError, match="more than 100 combinations"):
        Automaton(POINTS, None, [Lines(2, 1, 200)], bounds=Bounds(combinations=100))
    with pytest.raises(OptionError, match="20 steps between"):
        Automaton(POINTS, None, [Lines(2, 1, 200)], bounds=Bounds(steps=20))
    for bounds in (Bounds(places=50), Bounds(connections=1000)):
        Pattern("a?" * 30, bounds)
        with pytest.raises(OptionError, match="too large"):
            Pattern("a?" * 100, bounds)
    tokenizer = CharacterTokenizer(ALPHABET)
    guide = Guide(Automaton(writable(tokenizer), Pattern("[a-z]{99}"), []), tokenizer, most_bytes=4000)

    def followed() -> None:
        at = BEGIN
        for _ in range(99):
            at = int(guide.row(at).max())

    with pytest.raises(OptionError, match="takes more than 0 MB"):
        followed()


@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
def test_what_a_model_writes_has_its_shape_whatever_the_tokens(
    kind: str, tiny_models: dict[str, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_models[kind]
    shapes: list[dict[str, Any]] = [
        {"pattern": "[A-Za-z]+( [a-z]+){2}\\n?"},
        {"lines": 3, "line_length": "4-12", "without": "e"},
        {"acrostic": "sea", "length": 40},
        {"pattern": ".*", "length": 7},
        {"without": "aeiou", "length": 50},
        {"ban": ("th", "e "), "length": 50},
    ]
    texts = []
    for shape in shapes:
        for seed in range(2):
            text = model.generate("The", seed=seed, **shape)
            texts.append(text)
            if "pattern" in shape:
                assert re.fullmatch(shape["pattern"], text), repr(text)
            if "lines" in shape or "acrostic" in shape:
                assert len(text.split("\n")) == 3
            if "acrostic" in shape:
                assert [line[0].lower() for line in text.split("\n")] == list("sea")
            letters = set(shape.get("without", ""))
            assert not letters & set(text.lower())
            assert not any(string in text for string in shape.get("ban", ()))
    monkeypatch.setenv("LONGHAND_NATIVE", "0")
    again = Model(model.file)
    assert texts == [again.generate("The", seed=seed, **shape) for shape in shapes for seed in range(2)]


def test_the_length_is_kept_where_the_shape_would_go_on(tiny_models: dict[str, Model]) -> None:
    for kind, model in tiny_models.items():
        for seed in range(8):
            text = model.generate(seed=seed, pattern="([a-z]{3} )*[a-z]{2}", length=12)
            assert re.fullmatch("([a-z]{3} )*[a-z]{2}", text), (kind, text)
            assert len(text) <= 12 or kind in ("word", "bpe")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pattern": "a("}, "pattern: found 'a\\(', missing \\), unterminated subpattern at position 1"),
        ({"pattern": "中+"}, "no text that the model can write has the shape .*--pattern '中\\+'"),
        ({"pattern": "a{30}", "length": 20}, "length: found 20, the shortest text of the shape .* has 30"),
        ({"lines": 3, "acrostic": "ab"}, "lines: found 3, but 'ab' has 2 letters"),
        ({"acrostic": " "}, "acrostic: found ' '"),
        ({"line_length": "9-3"}, "line length: found '9-3'"),
        ({"line_length": "x"}, "line length: found 'x'"),
        ({"lines": 0}, "lines: found 0"),
        ({"without": "abcdefghijklmnopqrstuvwxyz \n"}, "cannot go on|no text that the model can write"),
        ({"ban": ("",)}, "ban: found"),
        ({"pattern": "a+", "stop": "e"}, "stop: a text of a given shape ends where that is complete"),
        ({"lines": 2, "until": "line"}, "until: a text of a given shape ends where that is complete"),
        ({"stop": "\ud800"}, "stop: found .* expected characters"),
        ({"acrostic": ""}, "acrostic: found ''"),
        ({"pattern": "a+", "length_in": "characters"}, "length in: a text of a given shape is counted in tokens"),
    ],
)
def test_shapes_that_cannot_be_are_refused_before_anything_is_written(
    model: Model, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        next(model.stream(**settings))


def test_a_thousand_of_a_thousand_texts_match(tiny_models: dict[str, Model]) -> None:
    pattern = "[a-z]+( [a-z]+){2,4}"
    for kind in ("char", "bpe"):
        texts = list(tiny_models[kind].texts(count=1000, pattern=pattern, seed=0))
        assert len(texts) == 1000
        assert all(re.fullmatch(pattern, text.text) for text in texts)
