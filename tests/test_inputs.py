"""Where a text comes from: compressed files, whatever their names, and patterns."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import VERSE, Run
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import CorpusError, LonghandError, MissingExtraError
from longhand.text import corpus, packed
from longhand.text.corpus import CorpusReader
from longhand.text.rereading import Text
from longhand.text.sources import File, Source

SMALL = ["--epochs", 0.01, "--hidden", 8, "--batch", 4, "--window", 8]


def zstd(data: bytes) -> bytes:
    compressed: bytes = pytest.importorskip("zstandard").ZstdCompressor(write_checksum=True).compress(data)
    return compressed


PACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}
every_packing = pytest.mark.parametrize("kind", PACK)


def read(*sources: Source) -> str:
    return "".join(CorpusReader(sources).pieces())


def read_bytes(data: bytes, piece: int = corpus.PIECE, feed: int = packed.FEED) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "PIECE", piece)
        patch.setattr(packed, "FEED", feed)
        patch.setattr(File, "open", lambda _: io.BytesIO(data))
        return read(os.devnull)


@every_packing
def test_a_compressed_file_is_known_by_its_first_bytes_and_not_by_its_name(tmp_path: Path, kind: str) -> None:
    for name in ("verse", f"verse.{kind}", "verse.txt", "verse.jpg"):
        (tmp_path / name).write_bytes(PACK[kind](VERSE.encode()))
    (tmp_path / f"plain.{kind}").write_text(VERSE, encoding="utf-8")
    assert read(tmp_path) == VERSE * 5


@every_packing
@given(st.lists(st.text("abc\n中😀"), min_size=1, max_size=4), st.integers(1, 50), st.integers(1, 50))
def test_all_streams_of_a_file_are_read_wherever_pieces_end(kind: str, texts: list[str], piece: int, feed: int) -> None:
    data = b"".join(PACK[kind](text.encode()) for text in texts)
    assert read_bytes(data + bytes(8), piece, feed) == "".join(texts)


@every_packing
@given(st.data())
def test_a_file_that_is_cut_off_is_refused_with_how_far_it_can_be_read(kind: str, data: st.DataObject) -> None:
    whole = PACK[kind](VERSE.encode())
    cut = data.draw(st.integers(packed.MARK_LENGTH, len(whole) - 1))
    with pytest.raises(CorpusError, match=r"and cut off; its text can be read up to byte \d+: get it anew") as error:
        read_bytes(whole[:cut], feed=1)
    assert int(str(error.value).split("byte ")[1].split(":")[0]) <= len(VERSE)


@every_packing
@given(st.data())
def test_a_byte_that_was_changed_is_seen_or_changes_nothing(kind: str, data: st.DataObject) -> None:
    changed = bytearray(PACK[kind](VERSE.encode()))
    changed[data.draw(st.integers(packed.MARK_LENGTH, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert read_bytes(bytes(changed)) == VERSE
    except CorpusError as error:
        assert "compressed by" in str(error)  # noqa: PT017 (not every changed byte is one of the text)


@every_packing
def test_what_follows_the_last_stream_is_refused_and_not_dropped(kind: str) -> None:
    with pytest.raises(
        CorpusError, match=f"ends at byte {len(VERSE)}, the file has other data, which is not compressed"
    ):
        read_bytes(PACK[kind](VERSE.encode()) + b"more of the text")


def test_only_one_layer_is_unpacked() -> None:
    with pytest.raises(CorpusError, match="by gzip, and by xz within: only one of them is undone: unpack it once"):
        read_bytes(gzip.compress(lzma.compress(VERSE.encode())))


@every_packing
def test_nothing_compressed_is_an_empty_text(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(PACK[kind](b""))
    reader = CorpusReader([tmp_path])
    assert list(reader.pieces()) == []
    assert reader.notes == [f"{tmp_path / 'a'}: is empty"]


def test_a_text_that_begins_nearly_like_a_compressed_file_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("BZh9 is how bzip2 begins", encoding="utf-8")
    assert read(tmp_path / "a") == "BZh9 is how bzip2 begins"


def test_the_size_of_a_text_is_that_of_what_was_packed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(VERSE.encode() * 99))
    reader = CorpusReader([tmp_path / "a"])
    assert sum(map(len, reader.pieces())) == reader.bytes_read == len(VERSE) * 99


def test_errors_inside_a_compressed_file_count_the_bytes_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x" * 5000 + b"\xff"))
    with pytest.raises(CorpusError, match=r"not UTF-8 at byte 5000 .*gzip -dc \S*a.gz \| iconv -f WINDOWS-1252"):
        read(tmp_path / "a.gz")


@pytest.mark.parametrize(
    ("kind", "module", "remedy"),
    [
        ("zst", "zstandard", r"pip install 'longhand\[zst\]'"),
        ("bz2", "bz2", "unpack it with bzip2 -dc"),
        ("xz", "lzma", "unpack it with xz -dc"),
    ],
)
def test_without_its_library_a_format_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, kind: str, module: str, remedy: str
) -> None:
    data = PACK[kind](VERSE.encode())
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=remedy):
        read_bytes(data)


@given(st.binary(max_size=60), st.sampled_from([mark for packing in packed.PACKINGS for mark in packing.marks]))
def test_whatever_follows_a_mark_is_read_or_refused_in_words(rest: bytes, mark: bytes) -> None:
    try:
        read_bytes(mark + rest)
    except LonghandError as error:
        assert "\n" not in str(error)  # noqa: PT017 (some of them are whole files)


@every_packing
def test_a_pipe_of_compressed_text_can_be_read_twice(tmp_path: Path, kind: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[PACK[kind](VERSE.encode())])
    writer.start()
    with Text([pipe]) as text:
        assert ["".join(text.pieces()) for _ in range(2)] == [VERSE, VERSE]
    writer.join()


def test_standard_input_may_be_compressed() -> None:
    script = "from longhand.text.corpus import CorpusReader; print(*CorpusReader(['-']).pieces(), sep='', end='')"
    done = subprocess.run([sys.executable, "-c", script], input=gzip.compress(VERSE.encode()), capture_output=True)
    assert done.stdout.decode() == VERSE


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.txt", "a.txt", "c.md", "[x].txt", "old/d.txt", "old/e.md", ".hidden.txt", ".git/f.txt"):
        path = tmp_path / "books" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "books"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("books/*.txt", ["[x].txt", "a.txt", "b.txt"]),
        ("books/[ab].txt", ["a.txt", "b.txt"]),
        ("books/?.md", ["c.md"]),
        ("**/*.md", ["c.md", "old/e.md"]),
        ("books/*", ["[x].txt", "a.txt", "b.txt", "c.md", "old/d.txt", "old/e.md"]),
        ("books/**", ["[x].txt", "a.txt", "b.txt", "c.md", "old/d.txt", "old/e.md"]),
        ("books/[x].txt", ["[x].txt"]),
    ],
)
@pytest.mark.usefixtures("books")
def test_a_pattern_is_its_files_in_order_without_hidden_ones(pattern: str, names: list[str]) -> None:
    assert read(pattern).split() == names
    assert read(Path(pattern)).split() == names


def test_a_pattern_that_nothing_matches_is_refused(books: Path) -> None:
    for pattern in (f"{books}/*.rst", "nowhere/*", "books/.*/*.rst"):
        with pytest.raises(CorpusError, match="no file matches it; expected a pattern"):
            read(pattern)


def test_a_file_that_two_patterns_match_is_refused(books: Path) -> None:
    with pytest.raises(CorpusError, match=r"a\.txt is given twice"):
        read(f"{books}/*.txt", f"{books}/a*")


@pytest.mark.parametrize(
    ("source", "name"), [("books/*.txt", "books"), ("verse.txt.gz", "verse"), ("verse.gz", "verse"), ("verse*", "here")]
)
def test_a_model_is_named_after_what_a_pattern_or_compressed_file_holds(
    longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, name: str
) -> None:
    (tmp_path / "here" / "books").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    for path in ("books/a.txt", "verse.txt.gz", "verse.gz"):
        Path(path).write_bytes(gzip.compress(path.encode() + VERSE.encode() * 40))
    assert longhand("train", source, *SMALL).returncode == 0
    assert Path(f"{name}.safetensors").is_file()
