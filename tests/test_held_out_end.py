"""Running texts whose end, which is held out, is unlike the rest: a training says so, and says it of no other text."""

from __future__ import annotations

import io
import itertools
import random
from pathlib import Path

import pytest
from conftest import CORPORA, VERSE, Run, corpus_file
from hypothesis import given
from hypothesis import strategies as st
from test_suggestion import WORDS

from longhand.text.closed import encode_closed
from longhand.text.held_out_end import ADVICE, AlphabeticalOrder, Stretches
from longhand.text.points import code_points
from longhand.text.preparing import encode_corpus
from longhand.text.quick_look import SHUFFLED
from longhand.text.vocabulary import Wanted

DRAW = random.Random(3)
PROSE = [" ".join(DRAW.choice(WORDS) for _ in range(DRAW.randint(4, 12))) + "." for _ in range(3000)]
UNLIKE = "the end of the text, which is held out, is unlike the rest"
CASES = CORPORA.parent / "cases"


def notes(text: str, documents: str = "none", **others: float) -> list[str]:
    return encode_corpus([io.StringIO(text)], wanted=Wanted(documents=documents), **others).notes  # type: ignore[arg-type]


def tunes(metre: str, notes_in_a_bar: int, count: int) -> list[str]:
    bars = (
        "|".join("".join(DRAW.choice("ABcdef") for _ in range(notes_in_a_bar)) for _ in range(9)) for _ in range(count)
    )
    return [f"X:{number}\nM:{metre}\nK:D\n{bar}|]\n" for number, bar in enumerate(bars)]


def is_unlike(text: str) -> bool:
    return f"{UNLIKE}: {ADVICE}" in notes(text)


SORTED_BY_KIND = [*tunes("4/4", 4, 150), *tunes("6/8", 6, 150), *tunes("3/4", 3, 40)]


@pytest.mark.parametrize("seed", range(3))
def test_parts_in_the_order_of_their_kind_are_told_from_mixed_ones(seed: int) -> None:
    assert is_unlike("\n".join(SORTED_BY_KIND))
    assert not is_unlike("\n".join(random.Random(seed).sample(SORTED_BY_KIND, len(SORTED_BY_KIND))))


def test_files_of_another_kind_at_the_end_are_told() -> None:
    prose, code = "\n".join(PROSE), "".join(f"def f{k}(x):\n    return [x * {k}, {{'a': x}}]\n" for k in range(500))
    assert is_unlike(prose + code[: len(prose) // 9])
    assert is_unlike(prose + "".join(chr(0x4E00 + DRAW.randrange(500)) for _ in range(len(prose) // 10)))
    assert not is_unlike(prose)
    mixed = "".join(prose[k : k + 5000] + code[k // 10 : k // 10 + 500] for k in range(0, 90_000, 5000))
    assert not is_unlike(mixed)
    assert not is_unlike(code)


@pytest.mark.parametrize("name", ["tinyshakespeare.txt", "tang.txt", "names.txt"])
def test_real_texts_are_like_their_end(name: str) -> None:
    said = encode_corpus([corpus_file(name)]).notes
    assert not any("unlike the rest" in line for line in said)


def test_tunes_in_files_by_kind_are_told_of() -> None:
    if not (folder := CASES / "13_tunes").is_dir():
        pytest.skip("13_tunes is not here")
    assert f"{UNLIKE}: {ADVICE}" in encode_corpus([folder]).notes
    assert not any("unlike" in line for line in encode_corpus([folder], wanted=Wanted(documents="blank")).notes)


def test_lines_in_alphabetical_order_are_told_and_as_documents_shuffled() -> None:
    in_order = "\n".join(sorted(PROSE))
    said = f"100% of the lines are in alphabetical order, so that the held-out end is unlike the rest: {ADVICE}"
    assert said in notes(in_order)
    assert SHUFFLED in notes(in_order, "line")
    assert encode_closed([io.StringIO(in_order)], "char", 0.1).notes == [said]
    assert encode_closed([io.StringIO(in_order)], "char").notes == []
    for documents in ("none", "line"):
        assert not any("alphabetical" in line for line in notes("\n".join(PROSE), documents))
        assert not any("alphabetical" in line for line in notes(VERSE * 300, documents))


def test_numbers_and_orders_that_begin_again_are_no_alphabetical_order() -> None:
    for lines in ([f"line {number}" for number in range(3000)], [f"2024-{k:05}: done" for k in range(3000)]):
        order = AlphabeticalOrder()
        order.add(lines)
        assert not order.is_sorted
    again = AlphabeticalOrder()
    again.add(sorted(PROSE[:300]) * 9)
    assert not again.is_sorted
    assert again.share > 0.95


def test_a_text_that_is_scored_on_another_one_is_not_warned_of() -> None:
    text, other = io.StringIO("\n".join(SORTED_BY_KIND)), io.StringIO(VERSE * 20)
    assert not any("unlike" in line for line in encode_corpus([text], validation=[other]).notes)


@given(st.lists(st.integers(0, 200_000), max_size=6))
def test_what_is_found_hardly_depends_on_how_the_text_comes(cuts: list[int]) -> None:
    text = "\n".join(SORTED_BY_KIND)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    stretches = Stretches()
    for begin, end in itertools.pairwise(places):
        stretches.add(code_points(text[begin:end]))
    assert stretches.end_is_unlike(0.1)
    assert not stretches.end_is_unlike(0.5)


def test_a_training_says_it_on_stderr(longhand: Run, tmp_path: Path) -> None:
    path = tmp_path / "tunes.abc"
    path.write_text("\n".join(SORTED_BY_KIND), encoding="utf-8")
    options = ["--hidden", 8, "--epochs", 0.05, "--threads", 1, "-o", path.with_name("m")]
    assert f"note: {UNLIKE}: {ADVICE}" in longhand("train", path, *options).stderr
    assert UNLIKE in longhand("check", path, "--documents", "none", "--no-estimate").stdout
