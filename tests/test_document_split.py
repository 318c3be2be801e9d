"""Documents that are held out: from all over a text, by their content alone, wherever and however the text is read."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from conftest import VERSE
from hypothesis import given
from hypothesis import strategies as st
from test_resume import Killed, Watch

from longhand.api import train
from longhand.config import TrainConfig
from longhand.learned import halves, learned_text
from longhand.model import Model, load
from longhand.text import corpus, document_split, preparing, store
from longhand.text.document_split import COPIES_TOGETHER, DocumentList, DocumentSplit
from longhand.text.documents import BOUNDARY
from longhand.text.encoded import EncodedCorpus
from longhand.text.points import code_points
from longhand.text.preparing import encode_corpus
from longhand.text.tokenizer import Tokenizer
from longhand.text.vocabulary import Wanted
from longhand.training.checkpoint_file import read_checkpoint, write_checkpoint

NAMES = sorted("".join(letters) for letters in itertools.product("abcdefgh", "aeiou", "lmnr", "aei"))
SMALL: dict[str, Any] = {
    "hidden": 24, "embedding": 8, "layers": 1, "window": 16, "batch": 4, "threads": 1, "seed": 1, "learning_rate": 0.02,
}  # fmt: skip
documents = st.lists(st.text("abé☃", min_size=1, max_size=8), min_size=2, max_size=40)


def encoded(text: str, documents: str = "line", **others: Any) -> EncodedCorpus[Tokenizer]:
    return encode_corpus([io.StringIO(text)], wanted=Wanted(documents=documents), **others)


def lines_of(encoded: EncodedCorpus[Tokenizer], half: str) -> list[str]:
    return encoded.tokenizer.decode(getattr(encoded, f"{half}_ids")).split("\ufffd")[:-1]


def split_of(texts: list[str], share: float = 0.1, cuts: tuple[int, ...] = ()) -> DocumentSplit:
    found, whole = DocumentList(), "".join(text + BOUNDARY for text in texts)
    for begin, end in itertools.pairwise([0, *sorted(cuts), len(whole)]):
        found.add(code_points(whole[begin:end]))
    return found.split(share)


def test_names_in_any_order_give_the_same_training() -> None:
    mixed = [NAMES[number] for number in np.random.default_rng(0).permutation(len(NAMES))]
    of_sorted, of_mixed = (encoded("\n".join(names)) for names in (NAMES, mixed))
    np.testing.assert_array_equal(of_sorted.learned_ids, of_mixed.learned_ids)
    assert Counter(lines_of(of_sorted, "held_out")) == Counter(lines_of(of_mixed, "held_out"))
    scores = [
        train(io.StringIO("\n".join(names)), documents="line", epochs=2, **SMALL).card.validation_bits_per_character
        for names in (NAMES, mixed)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    firsts = {name[0] for name in lines_of(of_sorted, "held_out")}
    assert len(firsts) == 8
    assert {name[0] for name in lines_of(encoded("\n".join(NAMES), split="end"), "held_out")} == {"h"}


def test_documents_that_are_sorted_by_kind_are_held_out_of_each() -> None:
    metres = [metre for metre in ("4/4", "6/8", "3/4") for _ in range(60)]
    tunes = [f"X:{number}\nM:{metre}\n{number * 7919 % 1000:03}" for number, metre in enumerate(metres)]
    found = lines_of(encoded("\n\n".join(tunes), "blank"), "held_out")
    assert {tune.split("\n")[1] for tune in found} == {"M:4/4", "M:6/8", "M:3/4"}
    learned = [tune.split("\n")[1] for tune in lines_of(encoded("\n\n".join(tunes), "blank"), "learned")]
    assert sum(first != second for first, second in itertools.pairwise(learned)) > 60


@given(documents, st.floats(0.01, 0.5), st.lists(st.integers(0, 60), max_size=5))
def test_all_documents_are_on_one_side_or_the_other_however_the_text_comes(
    texts: list[str], share: float, cuts: list[int]
) -> None:
    split = split_of(texts, share)
    assert 0 < split.held_out.sum() < len(texts) or round(share * sum(len(text) + 1 for text in texts)) == 0
    whole = "".join(text + BOUNDARY for text in texts)
    inside = tuple(min(cut, len(whole)) for cut in cuts)
    again = split_of(texts, share, inside)
    np.testing.assert_array_equal(split.held_out, again.held_out)
    pieces = [whole[begin:end] for begin, end in itertools.pairwise([0, *sorted(inside), len(whole)])]
    halves = ["".join(part for half, part in split.parts(pieces) if half == which) for which in (0, 1)]
    for half, is_held_out in zip(halves, (False, True), strict=True):
        expected = [text for text, flag in zip(texts, split.held_out, strict=True) if flag == is_held_out]
        assert half == "".join(text + BOUNDARY for text in expected)
    assert split.learned == len(halves[0])
    assert [sorted(order) for order in split.orders] == [list(range(len(order))) for order in split.orders]


def test_equal_documents_are_on_one_side_unless_there_are_many() -> None:
    texts = [text for number in range(400) for text in [f"document {number}"] * 3]
    flags = split_of(texts).held_out.reshape(-1, 3)
    assert 0.08 < flags.mean() < 0.12
    assert (flags.all(axis=1) | ~flags.any(axis=1)).all()
    coins = split_of(["heads", "tails"] * 40 * COPIES_TOGETHER).held_out.reshape(-1, 2)
    assert coins.any(axis=0).all()
    assert not coins.all(axis=0).any()


def test_a_document_that_is_much_too_long_is_passed_over() -> None:
    for number in range(20):
        texts = [f"{number}" * 3000, *(f"{number} {other} " * 20 for other in range(100))]
        split = split_of(texts)
        assert not split.held_out[0] or len(texts[0]) < 0.2 * sum(map(len, texts))
        assert 0.05 < 1 - split.learned / sum(len(text) + 1 for text in texts) < 0.15
    assert split_of(["a" * 1000, "b" * 10]).held_out.tolist() == [False, True]


@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
def test_a_text_on_the_disk_is_split_and_shuffled_as_one_in_memory(
    kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\n".join(f"{name} {number} é" for number, name in enumerate(NAMES)), encoding="utf-8")
    monkeypatch.setattr(document_split, "BLOCK", 700)
    monkeypatch.setattr(preparing, "processors", lambda: 1)
    wanted = Wanted(kind, 300, documents="line")
    expected = encode_corpus([path], wanted=wanted)
    monkeypatch.setattr(preparing, "KEPT_FROM", dict.fromkeys(preparing.KEPT_FROM, 0))
    monkeypatch.setattr(corpus, "PIECE", 1000)
    monkeypatch.setattr(store, "CHECKPOINT", 500)
    found = encode_corpus([path], wanted=wanted)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.counts, expected.counts)
    assert found.held_out == expected.held_out
    lines = lines_of(found, "learned")
    if kind in ("char", "byte"):
        assert lines != sorted(lines, key=lambda line: int(line.split()[1]))
        assert len(lines) + len(lines_of(found, "held_out")) == len(NAMES)


@pytest.mark.parametrize(("documents", "stopped"), [("line", "shuffled"), ("line", "shutil"), ("none", "shutil")])
def test_a_text_whose_halves_were_being_joined_is_joined_the_next_time(
    documents: str, stopped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\n".join(NAMES), encoding="utf-8")
    wanted = Wanted(documents=documents)
    expected = encode_corpus([path], wanted=wanted)
    monkeypatch.setattr(preparing, "KEPT_FROM", dict.fromkeys(preparing.KEPT_FROM, 0))
    with monkeypatch.context() as patch:
        patch.setattr(store, stopped, None)  # what uses it raises
        with pytest.raises((TypeError, AttributeError)):
            encode_corpus([path], wanted=wanted)
    monkeypatch.setattr(preparing, "tokenizer_for", None)  # which is kept
    np.testing.assert_array_equal(encode_corpus([path], wanted=wanted).ids, expected.ids)


def test_characters_that_only_held_out_documents_have_are_unknown() -> None:
    texts = [f"document {number} {chr(0x4E00 + number)}" for number in range(300)]
    found = encoded("\n".join(texts))
    held_out = 300 - len(lines_of(found, "learned"))
    assert f"{held_out} characters of the held-out text occur nowhere else and count as unknown" in found.notes


def test_what_a_model_learned_is_found_again_by_its_card_and_earlier_cards_split_at_the_end(tmp_path: Path) -> None:
    text = "\n".join(NAMES) + "\n"
    model = train(io.StringIO(text), tmp_path / "names", documents="line", epochs=1, **SMALL)
    assert model.card.training["split"] == "documents"
    loaded = load(tmp_path / "names.safetensors")
    with learned_text(loaded.file, [io.StringIO(text)]) as again:
        parts = ["".join(half).split(BOUNDARY)[:-1] for half in halves(loaded.file, again)]
    assert sorted([*parts[0], *parts[1]]) == NAMES
    assert len("\n".join(parts[1])) + 1 == model.card.held_out_characters
    assert parts[1] == lines_of(encoded(text), "held_out")
    training = {name: value for name, value in model.card.training.items() if name != "split"}
    earlier = Model(replace(model.file, card=msgspec.structs.replace(model.card, training=training)))
    with learned_text(earlier.file, [io.StringIO(text)]) as again:
        parts = ["".join(half).split(BOUNDARY)[:-1] for half in halves(earlier.file, again)]
    assert [*parts[0], *parts[1]] == NAMES


def test_a_checkpoint_from_before_keeps_its_split(tmp_path: Path) -> None:
    text, settings = VERSE * 40, {**SMALL, "documents": "line", "epochs": 2, "checkpoint_every": 0}
    with pytest.raises(Killed):
        train(io.StringIO(text), tmp_path / "a", split="end", listener=Watch(kill_at=30), **settings)
    for path in (tmp_path / "a.run").glob("checkpoint-*"):
        checkpoint = read_checkpoint(path)
        old = {name: value for name, value in msgspec.to_builtins(checkpoint.config).items() if name != "split"}

        config: Any = msgspec.defstruct("Old", [(name, Any) for name in old])(**old)
        write_checkpoint(replace(checkpoint, config=config), path)
        assert read_checkpoint(path).config.split == "end"
    resumed = train(io.StringIO(text), tmp_path / "a", resume=True)
    whole = train(io.StringIO(text), split="end", **settings)
    for name, array in whole.file.weights.items():
        np.testing.assert_array_equal(array, resumed.file.weights[name])
    assert TrainConfig().split == "documents"
