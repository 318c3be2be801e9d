"""Reading texts of all kinds, good and bad."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import CorpusError
from longhand.text import corpus
from longhand.text.corpus import CorpusReader
from longhand.text.preparing import encode_corpus
from longhand.text.sources import File, Source

LONG = "a line of text\n" * 100


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "text.txt"
        path.write_bytes(data)
        return path

    return write


def read(*sources: Source) -> tuple[str, list[str]]:
    reader = CorpusReader(sources)
    text = "".join(reader.pieces())
    return text, reader.notes


def test_a_byte_order_mark_is_dropped_and_said(file: Callable[[bytes], Path]) -> None:
    text, notes = read(file(b"\xef\xbb\xbfhello\n"))
    assert text == "hello\n"
    assert [Path(note).name for note in notes] == ["text.txt: a byte order mark was dropped"]


@pytest.mark.parametrize("piece", [1, 2, 3, 1000])
def test_line_ends_become_newlines_wherever_a_piece_ends(
    file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(corpus, "PIECE", piece)
    text, notes = read(file("read at once: één\r\n二\r三\n\r\n".encode()))
    assert text == "read at once: één\n二\n三\n\n"
    assert [Path(note).name for note in notes] == [r"text.txt: line ends \r and \r\n became \n"]


def test_plain_text_needs_no_notes(file: Callable[[bytes], Path]) -> None:
    assert read(file(b"plain\n")) == ("plain\n", [])


@given(before=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), piece=st.integers(1, 9))
def test_the_offset_of_the_first_byte_that_is_not_utf8_is_named(before: str, piece: int) -> None:
    data = before.encode() + b"\xff more"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "PIECE", piece)
        path = Path(os.devnull)
        patch.setattr(File, "open", lambda _: io.BytesIO(data))
        with pytest.raises(CorpusError, match=rf"not UTF-8 at byte {len(data) - 6} \(0xFF\)"):
            read(path)


def test_a_text_that_ends_inside_a_character_is_refused(file: Callable[[bytes], Path]) -> None:
    with pytest.raises(CorpusError, match=r"not UTF-8 at byte 3 \(the text ends inside a character\)"):
        read(file("abc中".encode()[:-1]))


def test_the_offset_counts_a_byte_order_mark(file: Callable[[bytes], Path]) -> None:
    with pytest.raises(CorpusError, match="at byte 5"):
        read(file(b"\xef\xbb\xbfab\xff"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf16_and_utf32_are_named_with_the_remedy(file: Callable[[bytes], Path], encoding: str) -> None:
    with pytest.raises(CorpusError, match=f"{encoding.upper()} at byte 0.*iconv -f {encoding.upper()}"):
        read(file("hello".encode(encoding)))


def test_a_binary_file_is_refused_with_the_offset_of_its_first_nul(file: Callable[[bytes], Path]) -> None:
    with pytest.raises(CorpusError, match=r"a NUL at byte 5.*binary"):
        read(file(b"GIF89\0\0\xff"))


def test_a_folder_is_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/c.txt", ".hidden", ".git/x.txt", "a/.also"):
        path = tmp_path / "books" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n", encoding="utf-8")
    assert read(tmp_path / "books")[0] == "a/c.txt\na/z.txt\nb.txt\n"


def test_a_last_line_without_an_end_gets_one_before_the_next_file(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_text("one", encoding="utf-8")
    second.write_text("two", encoding="utf-8")
    assert read(first, second, io.StringIO("three"))[0] == "one\ntwo\nthree"


def test_an_empty_file_between_two_adds_nothing(tmp_path: Path) -> None:
    for name, text in (("a", "one"), ("b", ""), ("c", "two"), ("d", "")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert read(tmp_path)[0] == "one\ntwo"


def test_many_notes_of_one_kind_become_few(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}").write_bytes(b"a\r\n")
    notes = read(tmp_path)[1]
    assert len(notes) == 4
    assert notes[-1] == r"27 more files: line ends \r\n became \n"


def test_a_file_named_minus_is_no_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "-").write_text("from the file", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert read("./-")[0] == read(".")[0] == "from the file"


def test_a_name_that_is_not_utf8_is_shown_as_far_as_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    path.write_text(LONG, encoding="utf-8")
    assert encode_corpus([path]).names == ["caf\ufffd.txt"]


def test_a_text_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text(LONG, encoding="utf-8")
    with pytest.raises(CorpusError, match="given twice"):
        encode_corpus([tmp_path, tmp_path / ".." / tmp_path.name / "a"])


def test_no_text_at_all_is_refused() -> None:
    with pytest.raises(CorpusError, match="no text was given"):
        encode_corpus([])


def test_only_regular_files_of_a_folder_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").write_text("text", encoding="utf-8")
    assert read(tmp_path)[0] == "text"


@pytest.mark.parametrize(
    ("stream", "message"),
    [(io.BytesIO(b"x" * 2000), "a stream of bytes, expected one of text"), (io.StringIO("\udce9"), "a lone surrogate")],
)
def test_a_stream_of_anything_but_text_is_refused(stream: io.StringIO, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        encode_corpus([stream])


def test_a_stream_loses_its_byte_order_mark_too() -> None:
    assert read(io.StringIO("\ufeffhello")) == ("hello", ["text: a byte order mark was dropped"])


def test_the_remedy_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    path = tmp_path / "it's.txt"
    path.write_bytes(b"\xff")
    with pytest.raises(CorpusError, match="iconv") as error:
        read(path)
    assert shlex.quote(str(path)) in str(error.value)


def test_the_names_kept_are_without_folders(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(LONG, encoding="utf-8")
    assert encode_corpus([tmp_path, io.StringIO("b")]).names == ["a", "text"]


def test_an_open_stream_is_a_source() -> None:
    encoded = encode_corpus([io.StringIO(LONG)])
    assert encoded.characters == len(LONG)
    assert encoded.size == len(LONG)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere", "nowhere: not found"),
        (lambda folder: folder, "an empty folder"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        encode_corpus([make(tmp_path)])


@pytest.mark.parametrize("length", [0, 1, 999])
def test_too_short_a_text_is_refused_with_its_length(file: Callable[[bytes], Path], length: int) -> None:
    with pytest.raises(CorpusError, match=f"text.txt: {length} characters, expected at least 1000"):
        encode_corpus([file(b"x" * length)])


def test_an_empty_file_among_others_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(LONG, encoding="utf-8")
    (tmp_path / "b").touch()
    assert encode_corpus([tmp_path]).notes == [f"{tmp_path / 'b'}: is empty"]


def test_the_last_tenth_is_held_out_and_its_own_characters_stay_unknown(file: Callable[[bytes], Path]) -> None:
    text = "ab" * 450 + "ab" * 49 + "xx"
    encoded = encode_corpus([file(text.encode())])
    assert encoded.tokenizer.to_record() == {"kind": "char", "characters": "ab"}
    assert len(encoded.held_out_ids) == 100
    assert encoded.tokenizer.decode(encoded.learned_ids) == text[:900]
    assert encoded.held_out_ids[-3:].tolist() == [3, 0, 0]
    assert encoded.notes == ["2 characters of the held-out text occur nowhere else and count as unknown"]


@given(st.lists(st.text("abc\n中😀", min_size=1), min_size=1), st.integers(40, 4000))
def test_a_corpus_read_in_pieces_decodes_to_the_whole(texts: list[str], piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "PIECE", piece)
        whole = LONG + "".join(texts) + LONG * 9
        encoded = encode_corpus([io.StringIO(whole)])
    assert encoded.tokenizer.decode(encoded.ids) == whole
    assert encoded.ids.dtype == np.uint8
