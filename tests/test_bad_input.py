"""Bad input: one line on stderr, exit code 2, nothing written, nothing overwritten."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest
from conftest import VERSE, Run, assert_refused

BAD_TRAININGS = {
    "missing": ([], "absent.txt: not found"),
    "empty": (["empty.txt"], "empty.txt: 0 characters, expected at least 1000"),
    "short": (["short.txt"], "short.txt: 5 characters, expected at least 1000"),
    "binary": (["binary.txt"], "binary.txt: a NUL at byte 4"),
    "latin 1": (
        ["latin1.txt"],
        "latin1.txt: not UTF-8 at byte 7 (0xE9); it looks like windows-1252: if so, train with --encoding windows-1252"
        ", or convert it with iconv -f WINDOWS-1252 -t UTF-8 latin1.txt > utf8.txt",
    ),
    "utf-16": (
        ["utf16.txt"],
        "utf16.txt: UTF-16 at byte 0, expected UTF-8: train with --encoding utf-16, or convert it with iconv -f UTF-16",
    ),
    "another encoding": (["latin1.txt", "--encoding", "ascii"], "latin1.txt: not ascii at byte 7 (0xE9): name its"),
    "no encoding": (["good.txt", "--encoding", "utf8s"], "encoding: found 'utf8s', expected one that Python knows"),
    "no text encoding": (
        ["good.txt", "--encoding", "rot13"],
        "encoding: found 'rot13', expected one that Python knows",
    ),
    "no encoding found": (
        ["noise.txt", "--encoding", "detect"],
        "noise.txt: not UTF-8, and its encoding cannot be told",
    ),
    "no normal form": (["good.txt", "--normalize", "NFX"], "'NFX' is not one of 'NFC', 'NFD', 'NFKC', 'NFKD'"),
    "no match": (["texts/*.md"], "texts/*.md: no file matches it; expected a pattern such as 'books/*.txt'"),
    "twice by a pattern": (["good.txt", "g*.txt"], "good.txt is given twice"),
    "cut off": (["cut.txt"], "cut.txt: compressed by gzip and cut off; its text can be read up to byte "),
    "damaged": (
        ["damaged.txt"],
        "damaged.txt: compressed by xz and damaged (Corrupt input data); its text can be read",
    ),
    "no table": (["good.txt", "--column", "a"], "good.txt, line 1: no column 'a', and no separator in its first line"),
    "no column": (
        ["table.csv", "--column", "c"],
        "table.csv, line 1: no column 'c'; it has 'a', 'b': name one of them",
    ),
    "no such number": (["table.csv", "--column", "3"], "table.csv, line 1: 2 columns, expected a column 3"),
    "no CSV": (
        ["bad.csv", "--column", "a"],
        "bad.csv, line 3: a quotation mark that is opened and never closed; close it",
    ),
    "no key": (["rows.jsonl", "--column", "b"], "rows.jsonl: no row has the key 'b'; the first has 'a': name one"),
    "no string": (["rows.jsonl", "--column", "a"], "rows.jsonl, line 2: 'a' is 5, which is no string; expected text"),
    "no JSON": (
        ["bad.jsonl", "--column", "a"],
        "bad.jsonl, line 2: no JSON (expecting ':' delimiter, at its end); expected one value of JSON a line",
    ),
    "no rows": (["good.txt", "--documents", "row"], "documents: found row, but no column that has rows: add --column"),
    "no name of a column": (["table.csv", "--column", ""], "column: found '', expected text of length >= 1"),
    "no folder": (["good.txt", "-o", "nowhere/m"], "nowhere is no folder"),
    "unwritable": (["good.txt", "-o", "/proc/m"], "cannot write"),
    "existing": (["good.txt", "-o", "kept"], "kept.safetensors exists"),
    "no name": (["good.txt", "-o", "."], "'.' names no file"),
    "only a folder": (["good.txt", "-o", "folder.safetensors/"], "names no file"),
    "twice the same": (["good.txt", "./good.txt"], "good.txt is given twice"),
    "a folder": (["good.txt", "-o", "folder"], "folder.safetensors is a folder"),
    "both budgets": (["good.txt", "--minutes", "1", "--epochs", "1"], "--minutes and --epochs exclude each other"),
    "no time": (["good.txt", "--minutes", "0"], "minutes: found 0.0, expected a number > 0.0"),
    "nan": (["good.txt", "--lr", "nan"], "learning rate: found nan, expected a number"),
    "negative": (["good.txt", "--hidden", "-3"], "hidden: found -3, expected a whole number >= 1"),
    "too much dropout": (["good.txt", "--dropout", "1"], "dropout: found 1.0, expected a number <= 0.99"),
    "no number": (["good.txt", "--layers", "two"], "Invalid value for '--layers'"),
    "no device": (["good.txt", "--device", "tpu"], "'tpu' is not one of 'auto', 'cpu', 'cuda', 'mps'"),
    "unknown option": (["good.txt", "--minute", "1"], "--minute"),
    "long window": (["good.txt", "--window", "60000"], "expected more than a window of 60000"),
}


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {"empty.txt": b"", "short.txt": b"short", "binary.txt": b"GIF8\0\1\2" * 300}
    files |= {"latin1.txt": b"the caf\xe9 was closed early\n" * 300, "utf16.txt": ("hello" * 300).encode("utf-16")}
    files |= {"cut.txt": gzip.compress(VERSE.encode())[:-9], "noise.txt": bytes(range(1, 256)) * 20}
    files |= {"damaged.txt": lzma.compress(b"x" * 99)[:30] + b"y" * 99, "bad.csv": b'a,b\n"1,1",2\n"1,2\n3,4\n'}
    files |= {"table.csv": b"a,b\n1,2\n", "rows.jsonl": b'{"a": "x"}\n{"a": 5}\n', "bad.jsonl": b'{"a": "x"}\n{"a"\n'}
    files |= {"good.txt": VERSE.encode() * 40, "kept.safetensors": b"precious"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.safetensors").mkdir()
    return tmp_path


@pytest.mark.parametrize("case", BAD_TRAININGS)
def test_a_bad_training_ends_with_one_line_and_writes_nothing(longhand: Run, texts: Path, case: str) -> None:
    arguments, message = BAD_TRAININGS[case]
    before = {path: path.read_bytes() for path in texts.rglob("*") if path.is_file()}
    assert_refused(longhand("train", *(arguments or ["absent.txt"])), message)
    assert {path: path.read_bytes() for path in texts.rglob("*") if path.is_file()} == before
    assert not list(texts.glob("*.run"))


BAD_WRITING = {
    "missing": (["generate", "absent"], "absent: not found"),
    "no model": (["generate", "good.txt"], "good.txt: no model file or a damaged one"),
    "a folder": (["generate", "folder.safetensors"], "folder.safetensors: is a folder"),
    "length": (["generate", "MODEL", "--length", "-1"], "length: found -1, expected a whole number >= 0"),
    "nan": (["generate", "MODEL", "--temperature", "nan"], "temperature: found nan, expected a number >= 0.0"),
    "infinity": (["generate", "MODEL", "--temperature", "inf"], "temperature: found inf, expected a number <= 1000.0"),
    "seed": (["generate", "MODEL", "--seed", "x"], "Invalid value for '--seed'"),
    "nothing": (["generate"], "Missing argument 'MODEL'"),
    "info of no model": (["info", "good.txt"], "good.txt: no model file or a damaged one"),
    "info of nothing": (["info", "absent"], "absent: not found"),
    "demo in the way": (["demo", "-o", "kept"], "kept.safetensors exists"),
    "demo without time": (["demo", "--minutes", "-1"], "minutes: found -1.0, expected a number > 0.0"),
}


@pytest.mark.parametrize("case", BAD_WRITING)
def test_a_bad_request_ends_with_one_line(longhand: Run, texts: Path, model_path: Path, case: str) -> None:
    arguments, message = BAD_WRITING[case]
    done = longhand(*[model_path if word == "MODEL" else word for word in arguments])
    assert_refused(done, message)
    assert (texts / "kept.safetensors").read_bytes() == b"precious"


def test_an_unknown_command_is_refused_and_a_near_one_suggested(longhand: Run) -> None:
    assert_refused(longhand("trian"), "No such command 'trian'")
