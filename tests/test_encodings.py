"""Encodings: read strictly by their names, offered in errors, found where that was asked for."""

from __future__ import annotations

import codecs
import gzip
import io
import os
from encodings.aliases import aliases
from pathlib import Path

import pytest
from conftest import VERSE, Run
from hypothesis import example, given
from hypothesis import strategies as st

from longhand.errors import CorpusError, OptionError
from longhand.model import load
from longhand.settings import train_config
from longhand.text import corpus
from longhand.text.corpus import CorpusReader
from longhand.text.encodings import Decoding
from longhand.text.preparing import encode_corpus
from longhand.text.reading import Reading
from longhand.text.sources import File, Source

GERMAN = "Über allen Gipfeln ist Ruh, in allen Wipfeln spürest du kaum einen Hauch; die Vögelein schweigen im Walde.\n"
ENGLISH = "“It is a truth universally acknowledged,” said her aunt at once — “that a single man must be in want of…”\n"
POLISH = "Litwo! Ojczyzno moja! ty jesteś jak zdrowie; ile cię trzeba cenić, ten tylko się dowie, kto cię stracił.\n"
RUSSIAN = "Мой дядя самых честных правил, когда не в шутку занемог, он уважать себя заставил и лучше выдумать не мог.\n"
CHINESE = "床前明月光。疑是地上霜。举头望明月。低头思故乡。\n"
JAPANESE = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で泣いていた。\n"
)
LOOKS = [
    (GERMAN, "iso-8859-1", "windows-1252"),
    (ENGLISH, "windows-1252", "windows-1252"),
    ("a long text in English " * 99 + "café\n", "iso-8859-1", "windows-1252"),
    (POLISH, "windows-1250", "windows-1250"),
    (RUSSIAN, "windows-1251", "windows-1251"),
    (RUSSIAN, "koi8-r", "koi8-r"),
    (RUSSIAN, "cp866", "cp866"),
    (CHINESE, "gbk", "gb18030"),
    (JAPANESE, "shift_jis", "cp932"),
]
ENCODINGS = ["utf-8", "ascii", "windows-1251", "koi8-r", "iso-8859-15", "gbk", "gb18030", "big5", "shift_jis", "euc-kr"]
ENCODINGS += ["euc-jp", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig"]


def read(*sources: Source, encoding: str | None) -> tuple[str, list[str]]:
    reader = CorpusReader(sources, reading=Reading(encoding=encoding))
    return "".join(reader.pieces()), reader.notes


def read_bytes(data: bytes, encoding: str | None, piece: int = corpus.PIECE) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "PIECE", piece)
        patch.setattr(File, "open", lambda _: io.BytesIO(data))
        return read(os.devnull, encoding=encoding)[0]


def decode(data: bytes, encoding: str, piece: int) -> str:
    pieces = (data[begin : begin + piece] for begin in range(0, len(data), piece))
    return "".join(Decoding("a", encoding, File(None).conversion, print).decoded(pieces))


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), piece=st.integers(4, 40))
def test_a_text_in_any_encoding_is_read_wherever_pieces_end(encoding: str, text: str, piece: int) -> None:
    data = text.encode(encoding, "ignore")
    assert decode(data, encoding, piece) == data.decode(encoding)


@pytest.mark.parametrize("encoding", sorted({*ENCODINGS, "iso2022-jp", "hz", "utf-7", "johab", "cp037"}))
@example(data=b"\xef\xbb", piece=4)
@given(data=st.binary(max_size=60), piece=st.integers(4, 40))
def test_any_bytes_are_read_as_python_does_or_refused_at_the_same_byte(encoding: str, data: bytes, piece: int) -> None:
    try:
        expected, wrong = data.decode(encoding), ""
    except UnicodeDecodeError as error:
        expected, wrong = "", f"at byte {error.start} "
    try:
        assert decode(data, encoding, piece) == expected
        assert not wrong
    except CorpusError as error:
        found = str(error)
        assert "\n" not in found
        assert wrong in found or "NUL" in found or "surrogate" in found or " at byte 0, expected UTF-8" in found


def test_every_encoding_of_python_that_is_taken_decodes_as_it_comes() -> None:
    taken = 0
    for name in sorted(set(aliases.values())):
        try:
            train_config({"encoding": name})
        except OptionError:
            continue
        taken += 1
        data = ("plain text" * 9).encode(name, "ignore")
        assert decode(data, name, 7) == data.decode(name)
    assert taken > 80


@pytest.mark.parametrize(
    ("name", "close"), [("windows-125", "windows-125"), ("utf8s", "utf8"), ("latin-11", "latin-?1"), ("big-55", "big5")]
)
def test_close_names_are_suggested_for_one_that_is_unknown(name: str, close: str) -> None:
    with pytest.raises(OptionError, match=rf"found '{name}', expected one that Python knows.*did you mean .*{close}"):
        train_config({"encoding": name})


@pytest.mark.parametrize("name", ["rot13", "base64", "zip", "unicode_escape", "idna", "no\0name", "é", "..", "x" * 100])
def test_what_is_no_encoding_of_text_is_refused_in_words(name: str) -> None:
    with pytest.raises(OptionError, match=r"^encoding: found .*, expected one that Python knows, such as windows-1252"):
        train_config({"encoding": name})


def test_an_encoding_that_can_only_fail_does_so_in_words() -> None:
    with pytest.raises(CorpusError, match="not undefined at byte 0 "):
        read_bytes(VERSE.encode(), "undefined")


@pytest.mark.parametrize(("text", "encoding", "found"), LOOKS)
@pytest.mark.parametrize("before", ["", "ASCII tells nothing.\n" * 60_000])
def test_what_a_text_looks_like_is_offered_and_used_only_if_asked(
    tmp_path: Path, text: str, encoding: str, found: str, before: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes((before + text * 20).encode(encoding))
    offered = f"; it looks like {found}: if so, train with --encoding {found}, or convert it with iconv -f"
    with pytest.raises(CorpusError, match=offered):
        read(path, encoding="utf-8")
    assert read(path, encoding=None) == (before + text * 20, [f"{path}: read as {found}, as it seems"])


def test_in_a_long_line_of_long_characters_it_is_found_too(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(("ASCII " * 50_000 + JAPANESE.replace("\n", "") * 9_000).encode("euc-jp"))
    assert read(path, encoding=None)[0] == "ASCII " * 50_000 + JAPANESE.replace("\n", "") * 9_000


def test_each_file_of_a_folder_is_found_out_for_itself(tmp_path: Path) -> None:
    for name, text, encoding in (
        ("a", GERMAN * 9, "cp1252"),
        ("b", RUSSIAN * 9, "utf-8"),
        ("c", RUSSIAN * 9, "koi8-r"),
    ):
        (tmp_path / name).write_bytes(text.encode(encoding))
    (tmp_path / "d.gz").write_bytes(gzip.compress((POLISH * 9).encode("utf-16")))
    text, notes = read(tmp_path, encoding=None)
    assert text == GERMAN * 9 + RUSSIAN * 18 + POLISH * 9
    assert [Path(note).name for note in notes] == [
        "a: read as windows-1252, as it seems",
        "c: read as koi8-r, as it seems",
        "d.gz: read as utf-16, as it seems",
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_mark_is_enough_to_find_an_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a").write_bytes(VERSE.encode(encoding))
    assert read(tmp_path / "a", encoding=None)[0] == VERSE


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_without_a_mark_the_order_of_bytes_is_the_usual_one_and_said(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(VERSE.encode(f"{encoding}-le"))
    assert read(path, encoding=encoding) == (VERSE, [f"{path}: no byte order mark, so it is read as {encoding}-le"])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-be"])
def test_a_mark_is_dropped_from_an_encoding_that_needs_none(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(f"\ufeff{VERSE}".encode(encoding))
    assert read(path, encoding=encoding) == (VERSE, [f"{path}: a byte order mark was dropped"])


def test_utf8_that_is_damaged_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(RUSSIAN.encode() + b"\xff" + RUSSIAN.encode())
    at = len(RUSSIAN.encode())
    message = rf"not UTF-8 at byte {at} \(0xFF\), though what is before it is: .*iconv -f UTF-8 -c -t UTF-8 "
    for encoding in ("utf-8", None):
        with pytest.raises(CorpusError, match=message):
            read(path, encoding=encoding)


def test_what_turns_out_not_to_be_as_it_seemed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(GERMAN.encode("cp1252") * 20_000 + b"\x81")
    with pytest.raises(CorpusError, match=r"not windows-1252 at byte \d+ \(0x81\): name its encoding with --encoding$"):
        read(path, encoding=None)


def test_a_nul_is_refused_once_a_text_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes("ab\0c".encode("utf-16"))
    with pytest.raises(CorpusError, match="a NUL as character 2 in utf-16, so this is no plain text in it"):
        read(path, encoding="utf-16")
    path.write_bytes(b"ASCII, but\0")
    with pytest.raises(CorpusError, match="a NUL at byte 10"):
        read(path, encoding=None)


def test_half_a_character_is_refused_in_encodings_that_have_such() -> None:
    with pytest.raises(CorpusError, match="a lone surrogate"):
        read_bytes(rb"abc \ud800 def", "unicode_escape")


def test_the_size_of_a_text_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes((VERSE * 20).encode("utf-16-le"))
    encoded = encode_corpus([tmp_path / "a"], reading=Reading("utf-16-le"))
    assert (encoded.characters, encoded.size) == (len(VERSE) * 20, len(VERSE) * 40)


@pytest.mark.parametrize("recipe", ["default", "classic"])
def test_a_training_reads_as_it_was_told(longhand: Run, tmp_path: Path, recipe: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes((RUSSIAN * 20).encode("koi8-r"))
    options = ["--recipe", recipe, "--encoding", "detect", "--normalize", "NFD", "--hidden", 4, "--window", 8]
    done = longhand("train", path, "-o", tmp_path / "m", "--epochs", 0.01, *options)
    assert done.returncode == 0, done.stderr
    assert "a.txt: read as koi8-r, as it seems" in done.stdout + done.stderr
    assert "the text was normalised to NFD: 20 characters more" in done.stdout + done.stderr
    model = load(tmp_path / "m")
    assert not model.tokenizer.unknown_in("правил")
    assert model.card.training["encoding"] == "detect"


def test_names_of_encodings_are_those_of_python() -> None:
    for _, encoding, found in LOOKS:
        assert codecs.lookup(encoding)
        assert codecs.lookup(found)
