"""Tiny texts of documents, such as a list of names: how they are learned, written, and told from new ones."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.api import train
from longhand.config import PLANNED, TrainConfig
from longhand.copies.documents import MAGIC, KnownDocuments
from longhand.errors import CorpusError
from longhand.model import Model, load
from longhand.text.preparing import encode_corpus
from longhand.text.vocabulary import Wanted
from longhand.training.novelty import documents_in, form_of, known_documents, suited_sampling
from longhand.training.plan import TINY_EPOCHS, TINY_TOKENS, Plan, make_plan
from longhand.training.speed import Speed

BEGINNINGS = re.findall("..", "AnBeCaDaElFiGaHeIsJoKaLeMaNoOrPaRoSaTiUl")
MIDDLES = re.findall("..", "naliromivetadilorisa")
ENDS = ["a", "na", "ne", "ra", "lia", "el", "ius", "ette", "on", "is"]


def names(count: int, seed: int = 0) -> list[str]:
    """Return different made-up names, a capital at the beginning of each."""
    chance, found = random.Random(seed), dict[str, None]()
    while len(found) < count:
        middle = chance.choice(MIDDLES) if chance.random() < 0.6 else ""
        found[chance.choice(BEGINNINGS) + middle + chance.choice(ENDS)] = None
    return list(found)


@pytest.fixture(scope="module")
def namer(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return a model of 300 names, with the settings that it chooses by itself."""
    path = tmp_path_factory.mktemp("names") / "names.safetensors"
    train(io.StringIO("\n".join(names(300)) + "\n"), path, documents="line", minutes=1, threads=1)
    return load(path)


def plan(tokens: int, *, documents: bool = True, free: frozenset[str] = frozenset(PLANNED), **settings: float) -> Plan:
    config = TrainConfig(**settings)  # type: ignore[arg-type]
    speed = None if "epochs" in settings else Speed({256: 1e11})
    return make_plan(config, free, tokens=tokens, vocabulary=50, speed=speed, documents=documents)


def test_a_tiny_text_of_documents_is_read_a_number_of_times_by_a_small_network() -> None:
    found = plan(2000, minutes=5)
    assert (found.config.layers, found.config.hidden, found.config.epochs) == (1, 128, TINY_EPOCHS)
    assert found.choices[-1].name == "epochs"
    assert found.choices[-1].planned


def test_other_texts_are_planned_as_before() -> None:
    for other in (plan(TINY_TOKENS), plan(2000, documents=False), plan(TINY_TOKENS, epochs=3)):
        assert other.config.layers == 2
        assert other.choices[-1].name != "epochs"
    assert plan(TINY_TOKENS, minutes=5).config == plan(TINY_TOKENS, documents=False, minutes=5).config


def test_what_is_given_is_not_planned() -> None:
    given = plan(2000, free=frozenset(PLANNED) - {"hidden"}, hidden=64, minutes=5)
    assert (given.config.hidden, given.config.epochs) == (64, None)
    assert plan(2000, epochs=7).config.epochs == 7
    assert plan(2000, minutes=1e-4).config.epochs is None  # less time than the readings take


def test_five_hundred_names_keep_to_the_form_and_few_are_copies(namer: Model) -> None:
    learned = set(names(300))
    written = [text.text for text in namer.texts(count=500, seed=1)]
    assert namer.card.sampling
    assert sum(re.fullmatch("[A-Z][a-z]+", name) is not None for name in written) >= 0.97 * 500
    new = [text.text for text in namer.texts(documents=500, unique=True, new=True, seed=1)]
    assert len(set(new)) == 500
    assert not learned.intersection(new)
    assert sum(re.fullmatch("[A-Z][a-z]+", name) is not None for name in new) >= 0.97 * 500


def test_a_form_is_what_letters_and_signs_follow_one_another() -> None:
    for document, form in (
        ("Anna", "Aa"),
        ("Anna-Maria", "Aa-Aa"),
        ("McCoy", "AaAa"),
        ("É́lodie", "Aa"),
        ("李明", "a"),
        ("O'Neil 12", "A'Aa 0"),
    ):
        assert form_of(document) == form


def test_the_least_safe_settings_that_keep_to_the_form_are_chosen() -> None:
    text = "\n".join(names(200))
    corpus = encode_corpus([io.StringIO(text)], 0.1, None, Wanted("char", documents="line"))
    known = known_documents(corpus)
    assert known is not None
    bad, good, copy = ["aNNa"] * 20, ["Annanna"] * 1000, [names(200)[0]] * 30

    def write(sampling: Mapping[str, float]) -> list[str]:
        return (
            good + bad * (sampling["min_p"] < 0.03 * sampling["temperature"]) + copy * (sampling["temperature"] < 1.2)
        )

    assert suited_sampling(corpus, known, write, 60) == {"temperature": 1.2, "min_p": 0.05}
    assert suited_sampling(corpus, known, lambda _: bad, 60) == {}
    assert suited_sampling(corpus, known, write, -1) == {}


def test_texts_of_no_common_form_are_left_alone() -> None:
    chance = random.Random(0)
    lines = ["".join(chance.choice("aB1-. ") for _ in range(30)) for _ in range(100)]
    corpus = encode_corpus([io.StringIO("\n".join(lines))], 0.1, None, Wanted("char", documents="line"))
    known = known_documents(corpus)
    assert known is not None
    assert suited_sampling(corpus, known, lambda _: lines, 60) == {}


KINDS = (Wanted("char"), Wanted("byte"), Wanted("word", 100, 1), Wanted("bpe", 260))


@given(st.lists(st.text("ab é中", min_size=1, max_size=4), min_size=3), st.sampled_from(KINDS))
def test_documents_are_those_of_the_text(lines: list[str], wanted: Wanted) -> None:
    text = "\n".join([*lines, "x" * 1000, "x" * 9])
    corpus = encode_corpus([io.StringIO(text)], 0.01, None, replace(wanted, documents="line"), split="end")
    assert list(documents_in(corpus)) == text.split("\n")


@given(st.lists(st.text()), st.lists(st.text()))
def test_known_documents_are_those_and_no_others(known: list[str], others: list[str]) -> None:
    found = KnownDocuments.of(known)
    stripped = {text.strip() for text in known}
    assert all(text in found and f" {text}\n" in found for text in known)
    assert [text in found for text in others] == [text.strip() in stripped for text in others]


def test_a_damaged_list_of_documents_is_refused(tmp_path: Path) -> None:
    path, data = tmp_path / "documents.hashes", KnownDocuments.of(["a", "b", "c"]).to_bytes()
    path.write_bytes(data)
    assert len(KnownDocuments.read(path)) == 3
    hashes = np.frombuffer(data[16:], "<u8")
    for damaged in (
        b"",
        data[:-1],
        data + b"x",
        b"LHDOCS\x00\x02" + data[8:],
        MAGIC + (2**40).to_bytes(8, "little") + data[16:],
        data[:16] + hashes[::-1].tobytes(),
        data[:12],
    ):
        path.write_bytes(damaged)
        with pytest.raises(CorpusError, match="damaged"):
            KnownDocuments.read(path)
