"""Grammars whose texts depend on earlier choices: what is known of them exactly is what enumerating them shows."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.corpora.grammar import (
    Node,
    Pick,
    Reader,
    Recall,
    chain,
    expected,
    maybe,
    numbers,
    one_of,
    recalled,
    write,
)

SMALL: Node = (
    one_of("ab", "c", name="first", weights=(3, 1)),
    ": ",
    maybe(0.3, ("warm", Recall("first", {"ab": one_of("!", "?", name="mark"), "c": ""}, "never"))),
    chain((" x", " yy", (" z", numbers(range(3)))), (0.9, 0.5, 0.25)),
    Recall("mark", {"!": " again!"}, one_of("", " ü", name="end")),
    Recall("first", {"ab": ".ab", "c": one_of(".c", ".cc")}),
    Recall("end", {" ü": "ü"}),
)


def every(node: Node, known: dict[str, str]) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield all derivations of a node: its text, what is known after it, and its probability."""
    if isinstance(node, str):
        yield node, known, 1.0
    elif isinstance(node, Recall):
        yield from every(node.nodes.get(known.get(node.name, ""), node.otherwise), known)
    elif isinstance(node, Pick):
        total = sum(node.weights) if node.weights else len(node.options)
        for (value, option), weight in zip(node.options.items(), node.weights or [1] * len(node.options), strict=True):
            for text, after, chance in every(option, {**known, node.name: value} if node.name else known):
                yield text, after, chance * weight / total
    elif not node:
        yield "", known, 1.0
    else:
        for begin, middle, first in every(node[0], known):
            for end, after, rest in every(node[1:], middle):
                yield begin + end, after, first * rest


def test_probabilities_add_up_to_one_and_each_text_has_one_derivation() -> None:
    found = [(text, chance) for text, _, chance in every(SMALL, {})]
    assert math.fsum(chance for _, chance in found) == pytest.approx(1, abs=1e-12)
    assert len({text for text, _ in found}) == len(found) > 60


def test_the_entropy_from_the_grammar_is_that_of_all_its_texts() -> None:
    found = [(text, chance) for text, _, chance in every(SMALL, {})]
    mean = expected(SMALL)
    assert mean.bits == pytest.approx(-math.fsum(chance * math.log2(chance) for _, chance in found), rel=1e-12)
    assert mean.characters == pytest.approx(math.fsum(chance * len(text) for text, chance in found), rel=1e-12)
    assert mean.size == pytest.approx(math.fsum(chance * len(text.encode()) for text, chance in found), rel=1e-12)


def test_a_reader_gives_each_text_the_bits_of_its_probability() -> None:
    reader = Reader(SMALL)
    for text, _, chance in every(SMALL, {}):
        assert reader.derivations(text) == [pytest.approx(-math.log2(chance))]
        assert reader.derivations(text + "x") == []
        assert reader.derivations(text[:-1] + "#") == []
        assert reader.furthest < len(text)


def test_texts_are_written_as_often_as_they_are_likely() -> None:
    chance, counts = random.Random(0), defaultdict[str, int](int)
    for _ in range(20_000):
        counts[write(SMALL, chance.random)] += 1
    for text, _, share in every(SMALL, {}):
        assert abs(counts[text] - 20_000 * share) < 5 * math.sqrt(20_000 * share) + 1
    assert sum(counts.values()) == 20_000


def test_a_text_of_two_derivations_shows_both() -> None:
    double: Node = (maybe(0.5, "a"), maybe(0.25, "a"))
    assert sorted(Reader(double).derivations("a")) == [
        pytest.approx(-math.log2(0.5 * 0.75)),
        pytest.approx(-math.log2(0.5 * 0.25)),
    ] or sorted(Reader(double).derivations("a")) == sorted([-math.log2(0.5 * 0.75), -math.log2(0.5 * 0.25)])


def nodes(names: tuple[str, ...] = ("n", "m")) -> st.SearchStrategy[Node]:
    """Grammars of any shape, in which names may be recalled that were never picked."""
    texts: st.SearchStrategy[Node] = st.text("ab\u4e2d", max_size=2)

    def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        picks = st.builds(
            lambda options, name: Pick({str(number): one for number, one in enumerate(options)}, name=name),
            st.lists(inner, min_size=1, max_size=3),
            st.sampled_from(("", *names)),
        )
        recalls = st.builds(
            lambda name, one, other: Recall(name, {"0": one}, other), st.sampled_from(names), inner, inner
        )
        return st.one_of(picks, recalls, st.lists(inner, max_size=3).map(tuple))

    return st.recursive(texts, larger, max_leaves=10)


@given(nodes())
def test_what_any_grammar_has_in_the_mean_is_what_its_derivations_have(node: Node) -> None:
    found = list(every(node, {}))
    mean = expected(node)
    assert mean.bits == pytest.approx(-math.fsum(chance * math.log2(chance) for _, _, chance in found), abs=1e-9)
    assert mean.characters == pytest.approx(math.fsum(chance * len(text) for text, _, chance in found), abs=1e-9)
    assert mean.size == pytest.approx(math.fsum(chance * len(text.encode()) for text, _, chance in found), abs=1e-9)
    for text in {text for text, _, _ in found}:
        probability = math.fsum(2**-bits for bits in Reader(node).derivations(text))
        assert probability == pytest.approx(math.fsum(chance for one, _, chance in found if one == text), abs=1e-9)


def test_names_that_are_recalled_are_known() -> None:
    assert recalled(SMALL) == {"first", "mark", "end"}


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 0.0), (1.0, -1.0), (1.0, math.inf), (1.0, math.nan)])
def test_weights_that_are_no_weights_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="expected one above zero"):
        Pick({"a": "a", "b": "b"}, weights)
