"""Where a text ends: before stop strings, after sentences, lines and documents, at its length; whatever the pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Run, small_file
from hypothesis import given
from hypothesis import strategies as st

from longhand.config import SamplingConfig
from longhand.generation import loop
from longhand.generation.endings import Endings, Until
from longhand.generation.sampler import Sampler
from longhand.generation.text import Text
from longhand.model import Model

SENTENCES = {
    "He came. She went.": "He came.",
    "Mine is 3.5 miles! Yes": "Mine is 3.5 miles!",
    "“Is it?” he said.": "“Is it?”",
    "Well... No. ": "Well...",
    "Well... no. ": None,  # the sentence goes on
    "e.g. this. Then": "e.g. this.",
    "राम गया। सीता": "राम गया।",
    "هل جاء؟ نعم": "هل جاء؟",
    "(So it is.) And": "(So it is.)",
    "no end in sight": None,
    "the end.": None,  # a space may still come, or a quote
    "他来了。她走了。": "他来了。",
    "“走吧！”他说。": "“走吧！”",
    "真的？！是": "真的？！",
}
LINES = {"one\ntwo": "one", "\n\none\ntwo": "\n\none", "one": None, "\n": None, " \nx": " "}


def fed(endings: Endings, pieces: list[str]) -> tuple[str, bool]:
    """Return what endings give of pieces, the rest included, and whether an end was found."""
    text = ""
    for piece in pieces:
        more, over = endings.feed(piece)
        text += more
        if over:
            return text, True
    return text + endings.rest(), False


def cuts(text: str) -> st.SearchStrategy[list[str]]:
    """Return ways to cut a text into pieces."""
    places = st.lists(st.integers(0, len(text)), max_size=6).map(sorted)
    return places.map(lambda some: [text[a:b] for a, b in zip([0, *some], [*some, len(text)], strict=True)])


@pytest.mark.parametrize(("until", "cases"), [("sentence", SENTENCES), ("line", LINES)])
def test_a_unit_ends_where_a_reader_says(until: Until, cases: dict[str, str | None]) -> None:
    for text, expected in cases.items():
        for pieces in ([text], list(text)):
            found = fed(Endings((), until), pieces)
            assert found == ((text, False) if expected is None else (expected, True)), text


@given(st.data(), st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=3))
def test_the_text_ends_before_the_first_stop_string_however_it_comes(
    data: st.DataObject, text: str, stops: list[str]
) -> None:
    found = fed(Endings(stops), data.draw(cuts(text)))
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    # a stop string that begins later may be complete before a longer one that begins earlier
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    if not places:
        assert found == (text, False)
    elif len(stops) == 1:
        assert found == (text[: places[0]], True)
    else:
        assert found[1]
        assert text.startswith(found[0])
        assert len(found[0]) <= min(ends)
        assert not any(stop in found[0] for stop in stops)


@given(st.data(), st.text(" .!?aA1\n“”。।", max_size=30), st.sampled_from(["sentence", "line"]))
def test_units_do_not_depend_on_the_pieces(data: st.DataObject, text: str, until: Until) -> None:
    whole = fed(Endings((), until), list(text))
    assert fed(Endings((), until), data.draw(cuts(text))) == whole


def written(model: Model, **settings: object) -> Text:
    """Return a text that a model has written."""
    sampling = SamplingConfig(**settings)  # type: ignore[arg-type]
    session, tokenizer = model.session(), model.tokenizer
    text = Text(tokenizer, Sampler(sampling, tokenizer.never_written), sampling, 1)
    while not text.ended:
        loop.advance(session, [text], min(7, text.room))
    return text


def test_a_stop_string_is_never_printed_and_ends_the_text() -> None:
    model = Model(small_file())
    whole = model.generate(length=500, seed=3)
    stop = whole[200:203]
    assert model.generate(length=500, seed=3, stop=(stop,)) == whole[: whole.index(stop)]
    assert model.generate(length=500, seed=3, stop=("never there",)) == whole


def test_the_shortest_of_all_ends_counts() -> None:
    model = Model(small_file())
    whole = model.generate(length=300, seed=4)
    assert model.generate(length=5, seed=4, stop=(whole[20:25],)) == whole[:5]
    assert model.generate(length=300, seed=4, stop=(whole[20:25], whole[10:13])) == whole[: whole.index(whole[10:13])]


def test_why_a_text_ended_is_known() -> None:
    model = Model(small_file())
    assert written(model, length=5, seed=0).ended == "length"
    assert written(model, length=0, seed=0).ended == "length"
    assert written(model, stop=tuple("abcdefghij"), seed=0).ended == "stop"


def test_a_text_that_ends_gives_back_the_chances_it_did_not_take() -> None:
    model = Model(small_file())
    text = written(model, length=100, seed=5)
    used = np.random.Generator(np.random.PCG64(5))
    used.random(100)
    assert text.sampler.uniforms(3).tolist() == used.random(3).tolist()


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_stops_across_pieces_are_found(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(small_file())
    whole = model.generate(length=300, seed=6)
    expected = whole[: whole.index(whole[100:110])]
    monkeypatch.setattr(loop, "_next_size", lambda *_: size)
    assert model.generate(length=300, seed=6, stop=(whole[100:110],)) == expected


def test_the_command_takes_several_stops(longhand: Run, tmp_path: Path) -> None:
    path = f"{tmp_path}/model"
    Model(small_file()).save(path)
    whole = longhand("generate", path, "--length", "300", "--seed", "1").stdout
    stops = ("--stop", whole[50:53], "--stop", whole[40:43])
    done = longhand("generate", path, "--length", "300", "--seed", "1", *stops)
    assert done.returncode == 0, done.stderr
    assert done.stdout == whole[: min(whole.index(whole[50:53]), whole.index(whole[40:43]))]
