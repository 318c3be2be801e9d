"""Damage of which each once ended in a traceback, or in a training without end: checkpoints, caches, indexes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
from conftest import VERSE, Finished
from mutation_targets import RECIPES, Killed, stop_after

from longhand.api import train
from longhand.copies.index import CopyIndex
from longhand.errors import CorpusError, ModelFormatError
from longhand.json_data import decode_json
from longhand.text import preparing
from longhand.text.cache import cache_folder, kept_texts
from longhand.text.preparing import encode_corpus
from longhand.training.checkpoint_file import read_checkpoint, write_checkpoint
from longhand.training.events import Event, Resumed, nobody
from longhand.training.run_folder import HOLDER, LOCK

DEEP = b"[" * 100_000 + b"]" * 100_000
Longhand = Callable[..., Finished]
Damage = Callable[[dict[str, Any], dict[str, Any]], object]


def fact(part: str, name: str, value: object) -> Damage:
    """Return what gives a part of a training another fact."""
    return lambda _, facts: facts[part].update({name: value})


def array(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    return lambda arrays, _: arrays.update({name: change(arrays[name])})


DAMAGES: dict[str, Damage] = {
    "steps are a table": fact("learner", "steps", {}),
    "steps are fewer than none": fact("learner", "steps", -(2**63)),
    "steps beyond all counting": fact("engine", "steps", 10**30),
    "the loss is a list": fact("learner", "recent_bits", []),
    "the rate is a text": fact("learner", "rate_share", "1"),
    "no rate": fact("learner", "rate_share", 0),
    "a part that is a text": lambda _, facts: facts.update(learner="steps"),
    "the clock is a text": fact("pace", "seconds", "1"),
    "time before the beginning": fact("pace", "seconds", -1e300),
    "a speed beyond all machines": fact("pace", "_forward_speed", 1e300),
    "no speed": fact("pace", "_forward_speed", 0),
    "returns without end": lambda _, facts: facts.update(returns=-(2**63)),
    "the best score is a text": fact("loop", "best", {"validation_bits": "x"}),
    "losses of blocks are texts": lambda _, facts: facts["loop"]["best"].update(nats=["x"]),
    "a generator of lists": fact("reader", "random", []),
    "a generator of too many bits": lambda _, facts: facts["reader"]["random"]["state"].update(state=2**128),
    "a cell state of fewer streams": array("learner/0/cell", lambda cell: cell[:, :1]),
    "states of fewer streams": lambda arrays, _: arrays.update(
        {name: arrays[name][:, :1] for name in ("learner/0/hidden", "learner/0/cell")}
    ),
    "keys that are no whole numbers": array("reader/keys", lambda keys: keys.astype(np.float64)),
    "a chapter's part at the end": array("reader/heads", lambda _: np.full((1, 2), 10**6)),
    "a stream beyond the text": array("reader/end", lambda ends: ends + 10**9),
    "moments below zero": array("engine/exp_avg_sq/head.bias", lambda squares: squares - 1),
    "weights in other numbers": array("engine/head.bias", lambda bias: bias.astype(np.float64)),
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a training that was stopped."""
    output = tmp_path_factory.mktemp("begun") / "m"
    with pytest.MonkeyPatch.context() as often:
        often.setattr("longhand.training.safety.SAVING_SHARE", float("inf"))
        with pytest.raises(Killed):
            train(io.StringIO(VERSE * 15), output, listener=stop_after(5), **RECIPES[0])
    return output.with_suffix(".run")


def resumed(folder: Path, listener: Callable[[Event], None] = nobody) -> None:
    train(io.StringIO(VERSE * 15), folder.with_suffix(""), resume=True, listener=listener)


def copied(begun: Path, folder: Path, damage: Damage | None = None, *, newest: bool = False) -> Path:
    """Copy a training's folder, with damage to all of its checkpoints, or to the newest."""
    target = folder / "m.run"
    target.mkdir()
    paths = sorted(begun.glob("checkpoint-*"))
    for path in paths:
        checkpoint = read_checkpoint(path)
        if damage is not None and (not newest or path == paths[-1]):
            damage(checkpoint.saved.arrays, checkpoint.saved.facts)  # type: ignore[arg-type]
        write_checkpoint(checkpoint, target / path.name)
    return target


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused_in_one_line_before_anything_is_learned(
    begun: Path, tmp_path: Path, damage: str
) -> None:
    folder = copied(begun, tmp_path, DAMAGES[damage])
    with pytest.raises(ModelFormatError, match="the checkpoint does not fit this training") as raised:
        resumed(folder, stop_after(1))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_checkpoint_with_numbers_that_are_not_finite_is_passed_over(
    begun: Path, tmp_path: Path, value: float
) -> None:
    folder, told = (
        copied(begun, tmp_path, array("engine/head.bias", lambda bias: bias * value), newest=True),
        list[Event](),
    )
    resumed(folder, told.append)
    (event,) = (event for event in told if isinstance(event, Resumed))
    assert event.step == 3
    assert "engine/head.bias holds numbers that are not finite" in event.problems[0]


def test_a_checkpoint_of_numbers_that_numpy_does_not_have_is_passed_over(begun: Path, tmp_path: Path) -> None:
    folder, told = copied(begun, tmp_path), list[Event]()
    newest = max(folder.glob("checkpoint-*"))
    whole = newest.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = whole[8 : 8 + length].replace(b'"BOOL"', b'"F8_E5M2"')
    newest.write_bytes(len(header).to_bytes(8, "little") + header + whole[8 + length :])
    resumed(folder, told.append)
    assert len(next(event.problems for event in told if isinstance(event, Resumed))) == 1


@pytest.mark.parametrize("holder", [DEEP, b"\xff", b"[]"])
def test_a_damaged_note_of_who_holds_a_folder_does_no_harm(
    begun: Path, tmp_path: Path, holder: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longhand.training.run_folder.INTRODUCTION", 0)
    folder = copied(begun, tmp_path)
    (folder / HOLDER).write_bytes(holder)
    with filelock.FileLock(folder / LOCK), pytest.raises(OSError, match=r"held by a training .*another process"):
        resumed(folder)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which a text is kept."""
    monkeypatch.setattr(preparing, "KEPT_FROM", dict.fromkeys(preparing.KEPT_FROM, 0))
    (tmp_path / "text.txt").write_text(VERSE * 15, encoding="utf-8")
    encode_corpus([tmp_path / "text.txt"])
    folder = cache_folder()
    assert folder is not None
    return kept_texts(folder)[0].folder


OTHERS = [b"", b"\xff\xfe", DEEP, b"null", b'{"learned": "x"}', b'{"x":' * 5000 + b"1" + b"}" * 5000]


@pytest.mark.parametrize("name", ["split.json", "progress.json"])
@pytest.mark.parametrize("content", OTHERS, ids=["empty", "no UTF-8", "deep", "null", "text", "deep table"])
def test_a_damaged_cache_is_listed_as_that_and_made_anew(
    kept: Path, tmp_path: Path, name: str, content: bytes, longhand: Longhand
) -> None:
    ids = encode_corpus([tmp_path / "text.txt"]).ids
    (kept / name).write_bytes(content)
    done = longhand("cache")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("  damaged\n")
    np.testing.assert_array_equal(encode_corpus([tmp_path / "text.txt"]).ids, ids)
    assert "text.txt" in longhand("cache").stdout
    (kept / name).write_bytes(content)
    assert longhand("cache", "clear").returncode == 0
    assert kept_texts(kept.parent) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("progress.json", lambda record: record["halves"][0].update(characters=record["halves"][0]["characters"] + 1)),
        ("progress.json", lambda record: record["halves"][1].update(lost_characters=record["halves"][1]["characters"])),
        ("progress.json", lambda record: record["halves"][0].update(documents=1)),
        ("progress.json", lambda record: record.update(halves=[{}, {}], digest="00000000")),
        ("split.json", lambda record: record.update(learned=-1)),
        ("split.json", lambda record: record["tokenizer"].update(characters="ab")),
    ],
)
def test_counts_that_were_changed_in_a_cache_are_not_believed(
    kept: Path, tmp_path: Path, name: str, change: Callable[[dict[str, Any]], object]
) -> None:
    before = encode_corpus([tmp_path / "text.txt"])
    record = json.loads((kept / name).read_bytes())
    change(record)
    (kept / name).write_text(json.dumps(record), encoding="utf-8")
    after = encode_corpus([tmp_path / "text.txt"])
    np.testing.assert_array_equal(after.ids, before.ids)
    assert (after.tokenizer.to_record(), after.characters) == (before.tokenizer.to_record(), before.characters)


def test_an_index_whose_record_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(b'{"version":1,"size":1,"x":' + DEEP + b"}")
    with pytest.raises(CorpusError, match="no index of a text, or a damaged one"):
        CopyIndex(tmp_path)


@pytest.mark.parametrize("data", [*OTHERS[1:3], b"1" * 5000, b"NaN", b'{"a": 1e999}', b"[1, 2"])
def test_json_that_cannot_be_decoded_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_json(data)
