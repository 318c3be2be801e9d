"""`longhand check` reads what a training reads: compressed, in other encodings, by column; and says what it refuses."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, assert_refused
from hypothesis import given
from hypothesis import strategies as st
from test_check import PLAIN, codes, found
from test_inputs import PACK, every_packing

import longhand as package
from longhand.checking.checked_text import CheckedText
from longhand.checking.checker import Check, check_corpus
from longhand.errors import CorpusError, LonghandError, OptionError
from longhand.text.corpus import CorpusReader
from longhand.text.documents import starting_with
from longhand.text.encoded import FEWEST_CHARACTERS
from longhand.text.preparing import encode_corpus
from longhand.text.reading import Reading
from longhand.text.sources import File
from longhand.text.vocabulary import Wanted

RUSSIAN = "Мой дядя самых честных правил, когда не в шутку занемог.\n" * 20
ROWS = [f"poem {number}\nof two lines, and “signs”" for number in range(60)]
TABLE = "number,text\n" + "".join(f'{number},"{row}"\n' for number, row in enumerate(ROWS))
OBJECTS = "".join(f'{{"text": "{line} one {number}"}}\n' for number, line in enumerate(PLAIN[:3000].splitlines()))
TEXTS = [PLAIN[:3000], RUSSIAN, TABLE, OBJECTS, "\ufeff" + PLAIN[:1500] + "\0\n", "\r\n".join(ROWS), "short"]


def told_by(*arguments: Any, **options: Any) -> tuple[Check | None, str]:
    """Return a check, and what is in its way: why there is none, or what stops a training."""
    try:
        check = package.check(*arguments, estimate=False, **options)
    except CorpusError as error:
        return None, str(error)
    return check, " ".join(finding.found for finding in check.findings if finding.level == "stops")


@every_packing
def test_a_compressed_text_is_checked_as_it_is_unpacked(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(PACK[kind](PLAIN.encode() + b"bell\x07\n"))
    check, _ = told_by(tmp_path / "a")
    assert check is not None
    assert (check.bytes, check.lines, check.trainable) == (len(PLAIN) + 6, 801, True)
    assert f"{tmp_path / 'a'}:801" in found(check, "control-characters")


@every_packing
def test_a_damaged_file_is_told_with_how_far_it_can_be_read_and_the_rest_is_checked(tmp_path: Path, kind: str) -> None:
    packed = PACK[kind](PLAIN.encode())
    (tmp_path / "a.txt").write_bytes(packed[: len(packed) // 2])
    _, alone = told_by(tmp_path)
    assert f"{tmp_path / 'a.txt'}: compressed by " in alone
    assert "and cut off; its text can be read up to byte " in alone
    (tmp_path / "b.txt").write_text(PLAIN, encoding="utf-8")
    check, _ = told_by(tmp_path)
    assert check is not None
    assert (check.trainable, codes(check), check.empty_files) == (False, ["unreadable"], [])
    assert alone == found(check, "unreadable")
    assert check.characters == len(PLAIN)


def test_bad_bytes_of_a_compressed_file_are_told_with_the_way_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(RUSSIAN.encode("windows-1251")))
    check, _ = told_by(tmp_path / "a.gz")
    assert check is not None
    (finding,) = [finding for finding in check.findings if finding.code == "not-utf-8"]
    file = tmp_path / "a.gz"
    expected = f"--encoding windows-1251, or convert it with gzip -dc {file} | iconv -f WINDOWS-1251 -t UTF-8"
    assert expected in finding.advice


def test_the_same_text_packed_and_not_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(PLAIN.encode())
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(PLAIN.encode()))
    check, _ = told_by(tmp_path)
    assert check is not None
    assert check.same_files == [[str(tmp_path / "a.txt"), str(tmp_path / "a.txt.gz")]]


@pytest.mark.parametrize("encoding", ["windows-1251", "koi8-r", "utf-16", "detect"])
def test_a_text_in_an_encoding_that_was_said_has_nothing_wrong(tmp_path: Path, encoding: str) -> None:
    data = RUSSIAN.encode("windows-1251" if encoding == "detect" else encoding)
    (tmp_path / "a.txt").write_bytes(data)
    check, stops = told_by(tmp_path / "a.txt", encoding=encoding)
    assert check is not None
    assert (stops, check.bytes, check.characters, check.scripts["Cyrillic"]) == ("", len(data), 1140, 900)
    notes = [finding.found for finding in check.findings if finding.code == "read-so"]
    expected = [f"{tmp_path / 'a.txt'}: read as windows-1251, as it seems"] * (encoding == "detect")
    assert notes == expected


def test_what_is_not_of_the_encoding_is_told_in_the_words_of_a_training(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(RUSSIAN.encode("windows-1251") + b"\x98" + RUSSIAN.encode("windows-1251"))
    check, stops = told_by(tmp_path / "a.txt", encoding="windows-1251")
    with pytest.raises(CorpusError) as refused:
        package.train(tmp_path / "a.txt", encoding="windows-1251")
    assert stops == str(refused.value)
    assert "not windows-1251 at byte 1140 (0x98)" in stops
    assert check is not None
    assert check.characters == 2 * 1140


def test_a_column_is_checked_and_its_lines_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE + '60,"bell\x07"\n61,\n', encoding="utf-8")
    check, stops = told_by(tmp_path / "a.csv", column="text", documents="row")
    assert check is not None
    assert check.documents is not None
    assert (stops, check.documents.repeated.parts, check.lines) == ("", 61, 121)
    assert f"{tmp_path / 'a.csv'}, line 121 of column 'text'" in found(check, "control-characters")
    notes = [finding.found for finding in check.findings if finding.code == "read-so"]
    assert notes[-1] == "rows without text in the column 'text', left out: 1"
    assert check.line_ends == {"\n": 121, "\r\n": 0, "\r": 0}


def test_normal_forms_are_what_is_checked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PLAIN + "cafe\u0301\n", encoding="utf-8")
    assert [check.not_nfc for form in (None, "NFC") if (check := told_by(tmp_path, normalize=form)[0])] == [1, 0]


def refused_by_a_training(file: Path, reading: Reading) -> str:
    try:
        text = "".join(CorpusReader([file], reading=reading).pieces())
    except LonghandError as error:
        return str(error)
    return "" if len(text) >= FEWEST_CHARACTERS else "too short"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Texts in encodings of all kinds, compressed or not, a byte changed, cut off, or none of that; and any bytes."""
    encodings = ["utf-8", "windows-1251", "utf-16", "utf-16-le", "gb18030"]
    data = draw(st.sampled_from(TEXTS)).encode(draw(st.sampled_from(encodings)), "ignore")
    data = draw(st.sampled_from([lambda data: data, *PACK.values()]))(data)
    changed = bytearray(draw(st.sampled_from([data, data, data[:-1], data[: len(data) // 2], b""])))
    for _ in range(draw(st.integers(0, 2)) if changed else 0):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed) or draw(st.binary(max_size=50))


readings = st.builds(
    Reading,
    encoding=st.sampled_from(["utf-8", "windows-1251", "utf-16", "utf-7", "gb18030", "idna", "ascii", None]),
    column=st.sampled_from([None, None, "text", "2", "none"]),
    normalize=st.sampled_from([None, "NFC", "NFKD"]),
    skip_bad_rows=st.booleans(),
    fix_mojibake=st.booleans(),
)


@given(files(), readings)
def test_whatever_a_file_holds_a_check_stops_what_a_training_refuses(data: bytes, reading: Reading) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(File, "open", lambda _: io.BytesIO(data))
        refused = refused_by_a_training(Path(os.devnull), reading)
        try:
            check = check_corpus([os.devnull], reading, estimate=False)
        except CorpusError as error:
            assert refused
            assert "\n" not in str(error)  # noqa: PT017
            return
        assert check.trainable == (not refused)


@given(files(), readings)
def test_the_text_that_is_checked_is_the_one_that_is_read(data: bytes, reading: Reading) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(File, "open", lambda _: io.BytesIO(data))
        if refused_by_a_training(Path(os.devnull), reading) in ("", "too short"):
            with CheckedText([os.devnull], reading, lambda *_: None) as text:
                twice = ["".join(text.pieces("")) for _ in range(2)]
            assert twice == ["".join(CorpusReader([os.devnull], reading=reading).pieces())] * 2


def test_a_pipe_of_compressed_text_is_checked(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[gzip.compress(RUSSIAN.encode("utf-16"))])
    writer.start()
    check, stops = told_by(pipe, encoding="utf-16")
    writer.join()
    assert check is not None
    assert (stops, check.characters) == ("", len(RUSSIAN))


def test_standard_input_may_be_compressed_and_cut_off(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "longhand", "check", "-"]
    whole = gzip.compress(PLAIN.encode())
    for data, code, word in ((whole, 0, "can be learned from"), (whole[:-9], 2, "standard input: compressed by gzip")):
        done = subprocess.run([*command, "--no-estimate"], input=data, capture_output=True, cwd=tmp_path)
        assert done.returncode == code
        assert word in (done.stdout + done.stderr).decode()
        assert b"Traceback" not in done.stderr


def test_a_format_whose_library_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    (tmp_path / "b.txt").write_text(PLAIN, encoding="utf-8")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    check, stops = told_by(tmp_path)
    assert check is not None
    assert f"{tmp_path / 'a.zst'}: a file compressed by zstd needs the package zstandard" in stops


BAD = {
    "unknown encoding": (["a.csv", "--encoding", "utf-99"], "encoding: found 'utf-99', expected one that Python knows"),
    "unknown form": (["a.csv", "--normalize", "NFX"], "'NFX' is not one of 'NFC', 'NFD', 'NFKC', 'NFKD'"),
    "no rows": (["a.csv", "--documents", "row"], "documents: found row, but no column that has rows"),
    "no column": (["a.csv", "--column", "txt"], "a.csv, line 1: no column 'txt'; it has 'number', 'text'"),
    "no table": (["f.txt", "--column", "text"], "f.txt, line 1: no column 'text', and no separator in its first line"),
    "no encoding": (["b.txt", "--encoding", "detect"], "b.txt: not UTF-8, and its encoding cannot be told"),
    "cut off": (["c.gz"], "c.gz: compressed by gzip and cut off; its text can be read up to byte"),
    "nothing compressed": (["d.gz"], "d.gz is empty; expected a text"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_a_training_refuses_alone_is_one_line(
    longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.chdir(tmp_path)
    contents = {"a.csv": TABLE.encode(), "b.txt": bytes(range(256)) * 9, "c.gz": gzip.compress(PLAIN.encode())[:-20]}
    contents |= {"d.gz": gzip.compress(b""), "f.txt": PLAIN.encode()}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    arguments, message = BAD[case]
    assert_refused(longhand("check", *arguments), message)


def test_one_file_is_named_once_on_the_screen(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE + '60,"bell\x07"\n61,"unclosed\n', encoding="utf-8")
    done = longhand("check", tmp_path / "a.csv", "--column", "text", "--no-estimate")
    assert (done.returncode, done.stderr) == (2, "")
    words = " ".join(done.stdout.split())
    assert words.count("a.csv") == 1
    assert "What stops a training - line 123: a quotation mark that is opened and never closed" in words
    assert "control characters, 1 time, the first in line 121 of column 'text': U+0007 BELL" in words


def test_the_next_command_has_what_was_said(longhand: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(TABLE.encode("utf-16"))
    said = ["--column", "text", "--encoding", "utf-16", "--documents", "row"]
    done = longhand("check", file, *said, "--no-estimate")
    assert done.returncode == 0, done.stdout
    last = done.stdout.splitlines()[-1]
    assert last == f"Next: longhand train {file} --column text --encoding utf-16 --documents row"
    as_json = json.loads(longhand("check", file, *said, "--no-estimate", "--json").stdout)
    assert as_json["longest_at"] == {"file": str(file), "line": 2, "column": "text"}


def test_other_settings_are_not_for_a_check() -> None:
    with pytest.raises(OptionError, match="found the option 'hidden', expected some of documents, document_start"):
        package.check(io.StringIO(PLAIN), hidden=5)
    assert package.check(io.StringIO(PLAIN), documents=None, column=None, estimate=False).trainable


def test_a_check_tells_what_a_training_tells_of_how_it_reads(tmp_path: Path) -> None:
    page = "<!doctype html><html><head><title>T</title></head><body><p>" + PLAIN + "</p></body></html>"
    (tmp_path / "a.txt").write_text(page, encoding="utf-8")
    check, stops = told_by(tmp_path / "a.txt")
    assert check is not None
    assert stops == ""
    assert "read as a web page" in found(check, "read-so")


def test_rows_are_the_documents_of_a_column(tmp_path: Path) -> None:
    rows = [{"text": f"{row}\nand a second line\nand a third"} for row in ROWS]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    check, _ = told_by(tmp_path / "a.jsonl", column="text")
    assert check is not None
    assert check.suggested_documents.value == "row"


@pytest.mark.parametrize(("name", "value"), [("document_start", "Y:"), ("documents", "ZZZ")])
def test_a_mark_that_stands_nowhere_is_told(tmp_path: Path, name: str, value: str) -> None:
    for letter in "ab":
        (tmp_path / f"{letter}.txt").write_text(PLAIN + letter, encoding="utf-8")
    said: Any = {name: value}
    check = package.check(tmp_path, estimate=False, **said)
    assert [finding.code for finding in check.findings if finding.code == "never-met"] == ["never-met"]
    corpus = encode_corpus([tmp_path], wanted=Wanted(documents=value if name == "documents" else starting_with(value)))
    assert any("each file is one document" in note for note in corpus.notes)
