"""Weather bulletins: their entropy is the grammar's, each has one derivation, and what agrees in them is found."""

from __future__ import annotations

import math
import random
import re

import pytest

from longhand.corpora import weather
from longhand.corpora.grammar import Node, Pick, Recall
from longhand.errors import CorpusError, OptionError

LANGUAGES = ("en", "zh")
MANY = 3000


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def drawn(language: str) -> list[str]:
    return list(weather.bulletins(count=MANY, language=language, seed=7))


def test_the_entropy_is_the_mean_of_what_many_bulletins_have(language: str, drawn: list[str]) -> None:
    known = weather.entropy(language)
    bits = [weather.bits_of(bulletin, language) for bulletin in drawn]
    lengths = [len(bulletin) for bulletin in drawn]
    sizes = [len(bulletin.encode()) for bulletin in drawn]
    for values, mean in ((bits, known.bits), (lengths, known.characters), (sizes, known.size)):
        average = sum(values) / MANY
        spread = math.sqrt(sum((value - average) ** 2 for value in values) / MANY / MANY)
        assert abs(average - mean) < 4 * spread
    assert known.bits_per_character == known.bits / known.characters
    assert known.bits_per_byte == known.bits / known.size
    assert sum(bits) / sum(lengths) == pytest.approx(known.bits_per_character, rel=0.01)


def test_the_bits_of_a_text_are_those_of_its_bulletins(language: str, drawn: list[str]) -> None:
    some = drawn[:20]
    assert weather.bits_of("".join(some), language) == pytest.approx(
        sum(weather.bits_of(one, language) for one in some)
    )
    assert weather.bits_of("", language) == 0


def test_the_same_seed_draws_the_same_and_another_one_others(language: str, drawn: list[str]) -> None:
    assert list(weather.bulletins(count=5, language=language, seed=7)) == drawn[:5]
    assert list(weather.bulletins(count=5, language=language, seed=8)) != drawn[:5]
    text = weather.text(characters=2000, language=language, seed=7)
    assert text == "".join(drawn)[: len(text)]
    assert 2000 <= len(text) < 2600
    assert text.endswith("\n")


def spoilt(bulletin: str, chance: random.Random) -> str:
    """Return a bulletin with one of its characters gone, doubled, or become another one."""
    place = chance.randrange(len(bulletin) - 1)
    put = chance.choice(("", bulletin[place] * 2, "q", "鑫"))
    return bulletin[:place] + put + bulletin[place + 1 :]


def test_what_is_no_bulletin_is_refused_with_the_place(language: str, drawn: list[str]) -> None:
    chance, refused = random.Random(0), 0
    for bulletin in drawn[:300]:
        changed = spoilt(bulletin, chance)
        if not weather.is_bulletin(changed, language):
            refused += 1
            with pytest.raises(CorpusError, match=r"line 2 is no bulletin of this grammar: after '"):
                weather.bits_of(drawn[0] + changed, language)
    assert refused > 270  # some numbers may well be others
    for foul in ("\n", "x", drawn[0][:-1], drawn[0] + "\n", " " + drawn[0], drawn[0].replace("\n", "\r\n")):
        with pytest.raises(CorpusError):
            weather.bits_of(foul, language)


def test_all_agreements_of_what_the_grammar_writes_are_right(language: str, drawn: list[str]) -> None:
    found = [one for bulletin in drawn for one in weather.agreements(bulletin, language)]
    assert {one.outcome for one in found} == {"right"}
    assert {one.kind for one in found} == {bond.kind for bond in weather.language_of(language).bonds}
    assert sum(one.kind == "place" for one in found) == MANY


def test_they_span_from_a_few_characters_to_more_than_two_hundred(language: str, drawn: list[str]) -> None:
    distances = sorted(one.distance for bulletin in drawn for one in weather.agreements(bulletin, language))
    assert distances[0] <= 6
    assert distances[-1] > 200
    places = [
        one.distance for bulletin in drawn for one in weather.agreements(bulletin, language) if one.kind == "place"
    ]
    assert sum(distance >= 150 for distance in places) > MANY * 0.2
    for low, high in ((0, 25), (25, 50), (50, 100), (100, 150), (150, 200)):
        assert sum(low <= distance < high for distance in places) > MANY * 0.04


def recalls(node: Node, name: str) -> int:
    """Return at how many places of a grammar a name is recalled."""
    if isinstance(node, str):
        return 0
    if isinstance(node, tuple):
        return sum(recalls(part, name) for part in node)
    inner = list(node.options.values()) if isinstance(node, Pick) else [*node.nodes.values(), node.otherwise]
    own = isinstance(node, Recall) and node.name == name
    return own + sum(recalls(part, name) for part in inner)


def test_nothing_between_its_ends_reveals_the_place(language: str, drawn: list[str]) -> None:
    known = weather.language_of(language)
    assert recalls(known.bulletin, "place") == 1
    (bond,) = [bond for bond in known.bonds if bond.kind == "place"]
    names = {match[1] for bulletin in drawn if (match := bond.first.search(bulletin))}
    for bulletin in drawn[:200]:
        first, second = bond.first.search(bulletin), bond.second.search(bulletin)
        assert first
        assert second
        between = bulletin[first.end(1) : second.start(1)]
        assert not any(name in between for name in names)
        bits = weather.bits_of(bulletin, language)
        for other in names:  # any place is as likely with what stands between
            elsewhere = bulletin[: first.start(1)] + other + between + other + bulletin[second.end(1) :]
            assert weather.bits_of(elsewhere, language) == pytest.approx(bits)


def test_a_second_end_that_does_not_fit_or_is_missing_is_found_out(language: str, drawn: list[str]) -> None:
    for bond in weather.language_of(language).bonds:
        bulletins = [one for one in drawn if bond.first.search(one) and bond.second.search(one)]
        seconds = {bond.second.search(one)[1] for one in bulletins}  # type: ignore[index]
        for bulletin in bulletins[:20]:
            (right,) = bond.found(bulletin)
            first, second = bond.first.search(bulletin), bond.second.search(bulletin)
            assert first
            assert second
            assert right.distance == second.start(1) - first.end(1) >= 0
            for other in seconds:
                changed = bulletin[: second.start(1)] + other + bulletin[second.end(1) :]
                (found,) = bond.found(changed)
                assert found.outcome == ("right" if bond.fits(first[1], other) else "wrong")
                assert found.distance == right.distance
            assert any(not bond.fits(first[1], other) for other in seconds)
            cut = bulletin[: second.start()]
            assert [one.outcome for one in bond.found(cut)] == (["missing"] if bond.always else [])
            assert [one.outcome for one in bond.found(bulletin[second.start() :])] == ["missing"]


@pytest.mark.parametrize("text", ["", "\n", "a", "1" * 5000, "٣" * 50, "\u2028\x00", "🌧️ in 🌧️. From 🌧️, 1:00."])
def test_agreements_are_looked_for_in_any_text(language: str, text: str) -> None:
    assert all(one.outcome == "missing" for one in weather.agreements(text, language))


def test_agreements_are_looked_for_in_bulletins_that_are_shuffled(language: str, drawn: list[str]) -> None:
    chance = random.Random(1)
    for bulletin in drawn[:300]:
        parts = re.split(r"([ ，。.:])", bulletin)
        chance.shuffle(parts)
        assert all(one.distance >= 0 for one in weather.agreements("".join(parts), language))


def test_what_is_asked_for_in_vain_is_said() -> None:
    with pytest.raises(OptionError, match="language: found 'de', expected one of en, zh"):
        weather.entropy("de")
    with pytest.raises(OptionError, match="count: found -1"):
        weather.bulletins(count=-1)
    with pytest.raises(OptionError, match="seed: found -1"):
        weather.bulletins(count=1, seed=-1)
    with pytest.raises(OptionError, match="characters: found -1"):
        weather.text(characters=-1)


def test_what_is_no_bulletin_counts_as_a_place_that_is_missing(language: str, drawn: list[str]) -> None:
    found = [
        one for bulletin in [*drawn[:50], "x" * 200 + "\n", "\n"] for one in weather.agreements(bulletin, language)
    ]
    places = [(one.outcome, one.distance) for one in found if one.kind == "place"]
    assert len(places) == 52
    assert places[-2:] == [("missing", 201), ("missing", 1)]


@pytest.mark.parametrize(
    ("bulletin", "spoken"),
    [
        ("Fog in Nowhere. From Nowhere, 1:00.\n", "en"),
        ("Fog in Corby. From Corby, 1:00. From Ashby, 1:00.\n", "en"),
        ("火星：晴。发布：火星气象台，1时。\n", "zh"),
    ],
)
def test_a_place_that_there_is_not_and_a_second_end_that_is_another_are_wrong(bulletin: str, spoken: str) -> None:
    assert [one.outcome for one in weather.agreements(bulletin, spoken) if one.kind == "place"] == ["wrong"]
