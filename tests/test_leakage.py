"""Passages of the held-out text that occur before it are found, wherever they are, and nothing else."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from longhand.checking.finding import Place
from longhand.checking.leakage import WINDOW, Copies, Folding, Leakage
from longhand.text.repeats import Repeats

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def made_up(seed: int, length: int) -> str:
    draw = random.Random(seed)
    return "".join(draw.choice(LETTERS + " \n") if k % 7 else draw.choice(LETTERS) for k in range(length))


def leakage(learned: str, held_out: str, piece: int = 1000) -> Leakage:
    copies = Copies(held_out, Folding(LETTERS + LETTERS.upper() + "é中"))
    copies.look_in(learned[begin : begin + piece] for begin in range(0, len(learned), piece))
    before = learned.count("\n")
    return copies.leakage(lambda line: Place("text", before + line + 1), lambda line: Place("text", line + 1))


def folded(text: str) -> str:
    return "".join(map(chr, Folding(LETTERS).fold(text)[0]))


@given(
    st.integers(0, 3000), st.integers(0, 1000), st.integers(WINDOW + 20, 400), st.integers(0, 99), st.integers(1, 5000)
)
def test_a_passage_is_found_wherever_it_is(before: int, after: int, length: int, seed: int, piece: int) -> None:
    passage = made_up(seed, length).strip()
    learned = f"{made_up(seed + 1000, before)}\n{passage}\n{made_up(seed + 2000, 500)}"
    held_out = f"{made_up(seed + 3000, after)}\n{passage}\n{made_up(seed + 4000, 300)}"
    found = leakage(learned, held_out, piece)
    if len(folded(passage)) < WINDOW:
        return
    assert len(passage) <= found.copied <= len(passage) + 12  # chance may add a little at both ends
    assert found.longest == found.copied
    assert found.before is not None
    assert found.at is not None
    assert abs(found.before.line - (learned[: learned.index(passage)].count("\n") + 1)) <= 3
    assert abs(found.at.line - learned.count("\n") - (held_out[: held_out.index(passage)].count("\n") + 1)) <= 3
    assert passage[:20].strip() in found.example


@given(st.integers(0, 10_000), st.integers(0, 3000))
def test_texts_of_chance_have_nothing_in_common(seed: int, length: int) -> None:
    assert leakage(made_up(seed, 3000), made_up(seed + 20_000, length)) == Leakage(length, 0)


def test_near_copies_count() -> None:
    passage = "the quick brown fox jumps over the lazy dog and then it runs away into the wood"
    near = "The quick, brown fox -- jumps over the LAZY dog;\nand then it runs away (into the wood"
    found = leakage(f"{made_up(1, 500)} {passage}. {made_up(2, 500)}", f"{made_up(3, 500)} {near}! {made_up(4, 500)}")
    assert found.copied >= len(near)


def test_what_is_shorter_than_a_passage_does_not_count() -> None:
    passage = made_up(1, 200).replace(" ", "").replace("\n", "")[: WINDOW - 4]
    assert leakage(f"x{passage}yy", f"q{passage}zz").copied == 0


def test_signs_alone_are_no_passage() -> None:
    assert leakage("-" * 500, "-" * 500).copied == 0
    assert leakage("", "").copied == 0


def test_a_text_that_repeats_itself_is_found_whole() -> None:
    line = "all work and no play makes jack a dull boy, says he\n"
    found = leakage(line * 90, line * 10)
    assert found.copied >= len(line) * 10 - 2
    assert found.share > 0.99
    assert found.before == Place("text", 1)


def test_documents_are_remembered_only_up_to_a_limit() -> None:
    repeats = Repeats()
    assert not repeats.full
    assert list(repeats.add(["a", "", "bcd"])) == [1, 0, 3]
