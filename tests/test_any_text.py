"""Texts of every kind that people have: each trains, or one line says what to do, where, and in which file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import VERSE, Run, assert_refused
from test_real_texts import peak_memory

from longhand.text import counting

QUICK = ("--epochs", "0.02", "--hidden", "8", "--embedding", "4")
GOOD = VERSE.encode() * 40
REFUSED = {
    "nothing": (b"", "text.txt: 0 characters, expected at least 1000"),
    "one byte": (b"a", "text.txt: 1 characters, expected at least 1000"),
    "a lone emoji": ("👩‍👩‍👧".encode(), "text.txt: 5 characters, expected at least 1000"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "text.txt: UTF-16 at byte 0"),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), "text.txt: a NUL at byte 1"),
    "cp1252": (GOOD + "“café”".encode("cp1252"), f"text.txt: not UTF-8 at byte {len(GOOD)} (0x93)"),
    "cut UTF-8": (GOOD + "中".encode()[:2], f"text.txt: not UTF-8 at byte {len(GOOD)} (the text ends inside"),
    "NULs": (GOOD + b"\0" * 5, f"text.txt: a NUL at byte {len(GOOD)}"),
    "surrogates": (GOOD + b"\xed\xa0\x80", f"text.txt: not UTF-8 at byte {len(GOOD)} (0xED)"),
}
TRAINS = {
    "emoji sequences": "👩‍👩‍👧🇩🇪👍🏽\n" * 200,
    "one line": "never an end to it " * 200,
    "no spaces": "x" * 5000,
    "only line ends": "\n" * 2000,
    "only spaces": " " * 2000,
    "right to left": "שלום עולם، مرحبا بالعالم\n" * 100,
    "combining marks": "e\u0301\u0327\u0323 Z\u0351\u0343a\u0310l\u0343g\u0352o\n" * 100,
    "every character once": "".join(map(chr, range(0x4E00, 0x4E00 + 2000))),
    "controls": "\x01\x02\x1b[31m\x7f\u200b\ufffe\u202e\n" * 200,
    "a byte order mark": "\ufeff" + "text\n" * 300,
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_text_is_refused_with_file_and_place(longhand: Run, tmp_path: Path, case: str) -> None:
    data, message = REFUSED[case]
    (tmp_path / "text.txt").write_bytes(data)
    assert_refused(longhand("train", tmp_path / "text.txt", "-o", tmp_path / "model", *QUICK), message)


@pytest.mark.parametrize("tokens", ["char", "byte", "word", "whitespace", "bpe:300"])
@pytest.mark.parametrize("case", TRAINS)
def test_whatever_is_a_text_trains_and_writes(longhand: Run, tmp_path: Path, case: str, tokens: str) -> None:
    (tmp_path / "text.txt").write_text(TRAINS[case], encoding="utf-8")
    model = tmp_path / "model"
    done = longhand("train", tmp_path / "text.txt", "-o", model, "--tokens", tokens, "--window", "16", *QUICK)
    if done.returncode == 2:  # as words, five thousand letters without a space are one
        assert_refused(done, "expected more than a window of 16: take a smaller --window, or more text")
        assert tokens in ("word", "whitespace", "bpe:300")
        return
    assert done.returncode == 0
    assert longhand("generate", model, "--length", "20", "--prompt", TRAINS[case][:7]).returncode == 0


def test_a_folder_with_a_binary_file_names_it(longhand: Run, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_bytes(GOOD)
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    assert_refused(longhand("train", folder, "-o", tmp_path / "model", *QUICK), "b.png: ")


def test_a_named_pipe_is_read_to_its_end(longhand: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(GOOD,))
    writer.start()
    done = longhand("train", pipe, "-o", tmp_path / "model", *QUICK)
    writer.join(10)
    assert done.returncode == 0
    assert f"pipe: {len(GOOD):,} characters" in done.stdout


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that cannot be read: Linux has one")
def test_a_file_that_cannot_be_read_is_named_with_the_reason(longhand: Run, tmp_path: Path) -> None:
    done = longhand("train", "/proc/self/mem", "-o", tmp_path / "model", *QUICK)
    assert_refused(done, "/proc/self/mem: cannot be read (Input/output error)")


def test_more_different_words_than_can_be_counted_train(
    longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_WORDS", 1000)
    words = " ".join(f"w{number} again" for number in range(20_000))
    (tmp_path / "text.txt").write_text(words, encoding="utf-8")
    done = longhand("train", tmp_path / "text.txt", "-o", tmp_path / "model", "--tokens", "word", *QUICK)
    assert done.returncode == 0


@pytest.mark.slow
def test_two_million_different_words_train_in_a_gigabyte_and_a_half(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(2_000_000)
    (tmp_path / "text.txt").write_text(" ".join(f"w{number}" for number in order), encoding="utf-8")
    arguments = ("--tokens", "word", "--vocabulary", "50000", "--min-count", "1", "--minutes", "0.5", "--hidden", "32")
    assert peak_memory("train", str(tmp_path / "text.txt"), "-o", str(tmp_path / "m"), *arguments) < 1_500_000_000


@pytest.mark.slow
@pytest.mark.parametrize("tokens", ["char", "byte", "word"])
def test_one_line_of_a_gigabyte_trains_in_a_gigabyte_and_a_half(tmp_path: Path, tokens: str) -> None:
    path = tmp_path / "text.txt"
    with path.open("wb") as file:
        for _ in range(1000):
            file.write(b"never an end " * 76_923)
    minutes = "5" if tokens == "word" else "1"
    arguments = ("--tokens", tokens, "--minutes", minutes, "--hidden", "32")
    assert peak_memory("train", str(path), "-o", str(tmp_path / "m"), *arguments) < 1_500_000_000
