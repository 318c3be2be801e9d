"""Formats known by their first bytes: files are, prose that speaks of them is not; and what NULs tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import CorpusError
from longhand.text.corpus import CorpusReader
from longhand.text.extracting.formats import recognised

NULS = bytes(40)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n"


def old_tar() -> bytes:
    """Return the header of a tar archive of 1979, which has no mark."""
    header = bytearray(512)
    header[:5], header[100:108], header[124:136] = b"a.txt", b"0000644\0", b"00000000000\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


FILES = {
    "a PDF document": [b"%PDF-1.4\n%", b"\n%PDF-1.7\r", b"%PDF-1.4 %\xe2\xe3\n"],
    "a document in RTF": [rb"{\rtf1\ansi", b"\xef\xbb\xbf{\\rtf1\\ansi", b"{\\rtf1\r\n\\ansi", rb"{\rtf{\fonttbl"],
    "a PostScript document": [b"%!PS-Adobe-3.0\n", b"%!PS\n", b"%!PS-Adobe-3.0 EPSF-3.0\r\n", b"%!PS-AdobeFont-1.0: A"],
    "a DjVu document": [b"AT&TFORM\0\0\1\2DJVMDIRM"],
    "a GIF image": [b"GIF89a\1\0\1\0\x80\0\0"],
    "a TIFF image": [b"II*\0", b"MM\0*", b"II+\0\x08\0", b"MM\0+\0\x08"],
    "a JPEG 2000 image": [b"\0\0\0\x0cjP  \r\n\x87\n"],
    "a sound file": [
        b"RIFF\1\2\3\4WAVEfmt \x10\0",
        b"FORM\0\0\1\2AIFFCOMM\0\0",
        b"\xff\xfa\x90" + NULS,
        b"\0\0\0\x20ftypM4A ",
    ],
    "a film": [b"FLV\1\5", b"\0\0\0\x20ftypisom", b"RIFF\1\2\3\4AVI LIST\1\0\0\0"],
    "a tar archive": [old_tar()],
    "a cpio archive": [b"070701" + b"0" * 104, b"070707" + b"0" * 70, b"\xc7\x71" + NULS],
    "a file compressed by lz4": [b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"],
    "a file compressed by snappy": [b"\xff\x06\0\0sNaPpY"],
    "a font": [b"ttcf\0\1\0\0", b"OTTO\0"],
    "a binary property list (plist)": [b"bplist00\xd1\x01\x02"],
    "a model file (GGUF)": [b"GGUF\3\0\0\0\1"],
    "a compiled Python module (.pyc)": [b"\xa7\r\r\n\0\0\0\0", b"\x42\r\r\n\1\0\0\0"],
    "a program for Windows": [b"MZ\x90\0", b"MZ\n\x01\n\0"],
    "a pointer of Git LFS and not the file itself": [POINTER],
    "an ar archive": [b"!<arch>\n" + b" " * 58 + b"`\n"],
}
PROSE = [
    "%PDF-1.4 is how a document begins",
    "{\\rtf1 is how RTF begins",
    "{\\rtf1} is short",
    "GIF89a is a format of 1989, an old one",
    "%!PS-Adobe tutorial",
    "%!PS is a comment",
    "AT&TFORM is no word",
    "AT&TFORM1234",
    "RIFF 123WAVE of the guitar",
    "FORM 123AIFF and so on",
    "bplist00 is what binary lists begin with, and then comes more",
    "MZ was his name\nand no other",
    "FLV is a film",
    "!<arch>\nis an ar archive",
    "070701 is the mark of cpio",
    "GGUF is a format",
    "ttcf is a mark",
    "PK is a knight",
    "II* is a sign",
    "ID3 tags",
    "#!AMR\nis a line of text here",
]
BINARY_PLACES = [b"x" * 60 + b"BOOKMOBI is a mark", b"x" * 257 + b"ustar is a mark" + b"x" * 300]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_known_by_its_first_bytes(name: str) -> None:
    for data in FILES[name]:
        found = recognised(data)
        assert found is not None, data
        assert found.name == name


@pytest.mark.parametrize("prose", [*(text.encode() for text in PROSE), *BINARY_PLACES])
def test_prose_that_begins_like_a_file_is_none(prose: bytes) -> None:
    for end in (b"", b"\n", b", and more.\nA second line.\n"):
        assert recognised(prose + end) is None


def test_an_essay_on_pointers_is_none() -> None:
    assert recognised(b"version https://git-lfs.github.com/spec/v1\nis what a pointer begins with") is None
    assert recognised(POINTER + b"That is a whole one. " * 100) is None


MARKS = ["GIF89a", "RIFF", "FORM", "MZ", "BM", "FLV", "bplist00", "GGUF", "PAR1", "II*", "070701 ", "%PDF-1.4 is"]


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=80))
def test_a_mark_and_words_are_text(words: str) -> None:
    for mark in MARKS:
        assert recognised(f"{mark} {words}".encode()) is None


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        ("A café\n".encode("utf-16-le"), "utf-16-le"),
        ("A café\n".encode("utf-16-be"), "utf-16-be"),
        (b"abc\0def" * 20, ""),
        (bytes(100), ""),
        (b"\1\0\0\0\2\0\0\0" * 20, ""),
        ("A café\n".encode("utf-32-le") * 9, ""),
    ],
)
def test_utf_16_is_advised_where_every_second_byte_is_nul(tmp_path: Path, data: bytes, advice: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(CorpusError, match="a NUL at byte") as refused:
        "".join(CorpusReader([tmp_path / "a.txt"]).pieces())
    assert ("utf-16" in str(refused.value)) == bool(advice)
    assert advice in str(refused.value)
