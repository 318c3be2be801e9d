"""The n-gram model: Kneser and Ney's formula, said once more in plain dictionaries, and probabilities that add up."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.text.ngram import NgramModel, bits_per_character
from longhand.text.points import CODE_POINTS

few = st.text("ab \n", min_size=1, max_size=60)


class Plain:
    """The same in dictionaries, one character at a time."""

    def __init__(self, text: str, order: int) -> None:
        self.tables: list[dict[str, Counter[str]]] = [defaultdict(Counter) for _ in range(order)]
        self.discounts: list[list[float]] = []
        grams = Counter(text[end - order : end] for end in range(order, len(text) + 1))
        for size in range(order, 0, -1):
            for gram, count in grams.items():
                self.tables[size - 1][gram[:-1]][gram[-1]] = count
            self.discounts.insert(0, self._discounts(list(grams.values())))
            shorter = Counter(gram[1:] for gram in grams)
            if size > 1 and len(text) >= size - 1:
                shorter[text[: size - 1]] += 1
            grams = shorter

    @staticmethod
    def _discounts(counts: list[int]) -> list[float]:
        n = [sum(count == size for count in counts) for size in (1, 2, 3, 4)]
        if not counts:
            return [0.0] * 4
        if not n[0] or not n[1]:
            return [0, 0.5, 0.5, 0.5]
        share = n[0] / (n[0] + 2 * n[1])
        found = [1 - 2 * share * n[1] / n[0], 2 - 3 * share * n[2] / n[1], 3 - 4 * share * n[3] / max(n[2], 1)]
        return [0, *(min(max(one, 0.1), most) for one, most in zip(found, (0.95, 1.95, 2.95), strict=True))]

    def probability(self, before: str, letter: str) -> float:
        chance = 1 / CODE_POINTS
        for size, (table, discounts) in enumerate(zip(self.tables, self.discounts, strict=True), 1):
            if len(before) < size - 1 or (followed := table.get(before[len(before) - size + 1 :])) is None:
                continue
            count, total = followed[letter], sum(followed.values())
            left = sum(discounts[min(one, 3)] for one in followed.values())
            chance = (count - discounts[min(count, 3)] + left * chance) / total
        return chance


@settings(max_examples=40)
@given(few, few, st.integers(1, 6))
def test_it_is_kneser_and_neys_formula(learned: str, text: str, order: int) -> None:
    plain = Plain(learned, order)
    expected = [-math.log2(plain.probability(text[:place], letter)) for place, letter in enumerate(text)]
    assert NgramModel(learned, order).bits(text) == pytest.approx(expected, rel=1e-9)


@given(few, st.text("abc \n", max_size=6))
def test_the_probabilities_of_all_characters_add_up_to_one(learned: str, before: str) -> None:
    model = NgramModel(learned)
    letters = sorted({*learned, *"abc\0"})
    chances = [2.0 ** -model.bits(letter, before)[0] for letter in letters]
    others = 2.0 ** -model.bits("\u1234", before)[0] * (CODE_POINTS - len(letters))
    assert sum(chances) + others == pytest.approx(1)


@given(few, few, st.integers(0, 60))
def test_it_does_not_matter_in_which_pieces_a_text_comes(learned: str, text: str, place: int) -> None:
    model = NgramModel(learned)
    pieces = np.concatenate([model.bits(text[:place]), model.bits(text[place:], text[:place])])
    assert pieces == pytest.approx(model.bits(text))


def test_what_was_learned_is_predicted_and_what_never_occurred_has_a_price() -> None:
    learned = "the cat sat on the mat. " * 50
    assert bits_per_character(learned, learned) < 0.2
    assert 20 < NgramModel(learned).bits("你")[0] < 40
    assert NgramModel("").bits("a")[0] == pytest.approx(math.log2(CODE_POINTS))
