"""Forty kinds of files, and what becomes of each: what is read, and what is refused with what words."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from longhand.errors import CorpusError
from longhand.text.corpus import CorpusReader
from longhand.text.reading import Reading

PROSE = "One morning in May.\nA quiet café stood by the river.\n\nWinter came late.\n"
ROWS = ["One morning, in May.", 'He said "no".', "Winter; tea | cake", "café"]
AS_ROWS = "".join(f"{row}\n" for row in ROWS)
HTML = "<!DOCTYPE html>\n<html><head><title>T</title></head><body><h1>May</h1><p>One <b>two</b></p><p>Three</p></body>"
READ_HTML = "May\n\nOne two\n\nThree\n"


def zipped(**files: str | bytes) -> bytes:
    """Return a zip archive; `__` in a name stands for a slash, `_dot_` for a point."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return target.getvalue()


def tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.size = len(PROSE.encode())
        archive.addfile(entry, io.BytesIO(PROSE.encode()))
    return target.getvalue()


def docx() -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    paragraphs = "".join(f"<w:p><w:r><w:t xml:space='preserve'>{line}</w:t></w:r></w:p>" for line in PROSE.splitlines())
    document = f"<?xml version='1.0' encoding='UTF-8'?><w:document {space}><w:body>{paragraphs}</w:body></w:document>"
    return zipped(**{"[Content_Types]_dot_xml": "<Types/>", "word__document_dot_xml": document})


def odt() -> bytes:
    spaces = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text"))
    paragraphs = "".join(f"<text:p>{line}</text:p>" for line in PROSE.splitlines())
    content = f"<office:document-content{spaces}><office:body><office:text>{paragraphs}</office:text></office:body>"
    return zipped(
        mimetype="application/vnd.oasis.opendocument.text", content_dot_xml=f"{content}</office:document-content>"
    )


def epub() -> bytes:
    container = '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfile full-path="O/c.opf"/>'
    items = "".join(f'<item id="{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in "ba")
    package = f'<package><manifest>{items}</manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body><p>{}</p></body></html>'
    return zipped(
        mimetype="application/epub+zip",
        **{"META-INF__container_dot_xml": container + "</container>", "O__c_dot_opf": package},
        O__a_dot_xhtml=page.format("First &amp; café"),
        O__b_dot_xhtml=page.format("Second"),
    )


def table(separator: str, quote: Callable[[str], str], header: str = "id{}text\n") -> str:
    """Return a table whose text comes second."""
    return header.format(separator) + "".join(f"{number}{separator}{quote(row)}\n" for number, row in enumerate(ROWS))


def doubled(row: str) -> str:
    return '"' + row.replace('"', '""') + '"'


def escaped(row: str) -> str:
    return '"' + row.replace('"', '\\"') + '"'


def minimal(row: str) -> str:
    return doubled(row) if any(sign in row for sign in ',"') else row


def objects() -> list[dict[str, str]]:
    return [{"id": str(number), "text": row} for number, row in enumerate(ROWS)]


TEXT, COLUMN = Reading(), Reading(column="text")
LONG = zstandard.ZstdCompressor(
    compression_params=zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True, write_content_size=False)
)


def long_zst() -> bytes:
    writer = LONG.compressobj()
    return writer.compress(PROSE.encode()) + writer.flush()


KINDS: dict[str, tuple[str, bytes, Reading, str]] = {  # name, content, how it is read, and what is read or refused
    "plain": ("a.txt", PROSE.encode(), TEXT, PROSE),
    "byte order mark": ("a.txt", b"\xef\xbb\xbf" + PROSE.encode(), TEXT, PROSE),
    "windows line ends": ("a.txt", PROSE.replace("\n", "\r\n").encode(), TEXT, PROSE),
    "old mac line ends": ("a.txt", PROSE.replace("\n", "\r").encode(), TEXT, PROSE),
    "windows-1252": ("a.txt", PROSE.encode("cp1252"), Reading("cp1252"), PROSE),
    "utf-16": ("a.txt", PROSE.encode("utf-16"), Reading("utf-16"), PROSE),
    "utf-16 unsaid": ("a.txt", PROSE.encode("utf-16"), TEXT, "refused: UTF-16 at byte 0, expected UTF-8: train with"),
    "gzip": ("a.gz", gzip.compress(PROSE.encode()), TEXT, PROSE),
    "bzip2": ("a.bz2", bz2.compress(PROSE.encode()), TEXT, PROSE),
    "xz": ("a.xz", lzma.compress(PROSE.encode()), TEXT, PROSE),
    "old lzma": ("a.lzma", lzma.compress(PROSE.encode(), format=lzma.FORMAT_ALONE), TEXT, PROSE),
    "zstd": ("a.zst", zstandard.compress(PROSE.encode()), TEXT, PROSE),
    "zstd with a long window": ("a.zst", long_zst(), TEXT, PROSE),
    "cut gzip": ("a.gz", gzip.compress(PROSE.encode())[:-9], TEXT, "refused: compressed by gzip and cut off"),
    "gzip and more": ("a.gz", gzip.compress(PROSE.encode()) + b"more", TEXT, "refused: has other data"),
    "lz4": ("a.lz4", b"\x04\x22\x4d\x18" + bytes(99), TEXT, "refused: compressed by lz4, which is no plain text"),
    "csv": ("a.csv", table(",", minimal).encode(), COLUMN, AS_ROWS),
    "csv, all quoted": ("a.csv", table(",", doubled).encode(), COLUMN, AS_ROWS),
    "csv, backslashes": ("a.csv", table(",", escaped).encode(), COLUMN, AS_ROWS),
    "csv in utf-16 by tabs": (
        "a.csv",
        table("\t", minimal).encode("utf-16"),
        Reading("utf-16", column="text"),
        AS_ROWS,
    ),
    "csv by semicolons": ("a.csv", table(";", doubled).encode(), COLUMN, AS_ROWS),
    "csv by bars": ("a.csv", table("|", doubled).encode(), COLUMN, AS_ROWS),
    "csv by Excel": ("a.csv", ("sep=;\r\n" + table(";", doubled)).encode(), COLUMN, AS_ROWS),
    "csv by a sign": ("a.csv", table("~", str).encode(), Reading(column="text", separator="~"), AS_ROWS),
    "tsv with stray quotes": ("a.tsv", b'1\t"Go\n2\tb\n3\t"c" d\n4\te"\n', Reading(column="2"), '"Go\nb\n"c" d\ne"\n'),
    "tsv without a header": ("a.tsv", table("\t", str, "").encode(), Reading(column="2"), AS_ROWS),
    "one column": ("a.csv", ("text\n" + AS_ROWS).encode(), COLUMN, AS_ROWS),
    "no table": ("a.txt", PROSE.encode(), COLUMN, "refused: no column 'text', and no separator in its first line"),
    "json lines": ("a.jsonl", "".join(json.dumps(row) + "\n" for row in objects()).encode(), COLUMN, AS_ROWS),
    "json lines by content": (
        "wiki_00",
        "".join(json.dumps(row) + "\n" for row in objects()).encode(),
        COLUMN,
        AS_ROWS,
    ),
    "array of objects": ("a.json", json.dumps(objects(), indent=1).encode(), COLUMN, AS_ROWS),
    "array of strings": ("a.json", json.dumps(ROWS).encode(), COLUMN, AS_ROWS),
    "keys within keys": (
        "a.json",
        json.dumps([{"m": row} for row in objects()]).encode(),
        Reading(column="m.text"),
        AS_ROWS,
    ),
    "one object": ("a.json", json.dumps({"all": objects()}, indent=1).encode(), Reading(column="all.text"), AS_ROWS),
    "cut array": (
        "a.json",
        json.dumps(objects()).encode()[:-1],
        COLUMN,
        "refused: an array of JSON that is not closed",
    ),
    "Word": ("a.docx", docx(), TEXT, PROSE),
    "OpenDocument": ("a.odt", odt(), TEXT, PROSE),
    "e-book": ("a.epub", epub(), TEXT, "First & café\n\nSecond\n"),
    "web page": ("a.html", HTML.encode(), TEXT, READ_HTML),
    "web page as it is": ("a.html", HTML.encode(), Reading(keep_markup=True), HTML),
    "web page, compressed": ("a.html.gz", gzip.compress(HTML.encode()), TEXT, READ_HTML),
    "spreadsheet": ("a.xlsx", zipped(xl__workbook_dot_xml="x"), TEXT, "refused: a spreadsheet, which is no plain text"),
    "zip": ("a.zip", zipped(a_dot_txt=PROSE), TEXT, "refused: a zip archive, which is no plain text: unpack it"),
    "tar": ("a.tar", tar(), TEXT, "refused: a tar archive, which is no plain text: unpack it"),
    "tar.gz": ("a.tar.gz", gzip.compress(tar()), TEXT, "refused: a tar archive"),
    "pdf": (
        "a.pdf",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        TEXT,
        "refused: a PDF document, which is no plain text: make text",
    ),
    "rtf": ("a.rtf", rb"{\rtf1\ansi One morning}", TEXT, "refused: a document in RTF, which is no plain text: save it"),
    "old Word": ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), TEXT, "refused: old binary format"),
    "png": ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(99), TEXT, "refused: a PNG image, which is no plain text: leave it"),
    "jpeg": ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(99), Reading("latin-1"), "refused: a JPEG image"),
    "program": ("a.out", b"\x7fELF\x02\x01" + bytes(99), TEXT, "refused: a program (ELF)"),
    "midi": ("a.mid", b"MThd\0\0\0\x06\0\x01", TEXT, "refused: a MIDI file, which is no plain text: make text of it"),
    "parquet": ("a.parquet", b"PAR1\x15\x04" + bytes(99), COLUMN, "refused: a Parquet table"),
    "Git LFS": (
        "a.txt",
        b"version https://git-lfs.github.com/spec/v1\noid 1\n",
        TEXT,
        "refused: fetch it, with git lfs",
    ),
    "NULs": ("a.txt", b"abc\0def", TEXT, "refused: a NUL at byte 3"),
    "Thai": ("a.txt", "ภาษาไทย\n".encode("cp874"), Reading("cp874"), "ภาษาไทย\n"),
    "Japanese": ("a.txt", "日本語\n".encode("shift_jis"), Reading("shift_jis"), "日本語\n"),
    "Persian": ("a.txt", "می\u200cروم\n".encode(), TEXT, "می\u200cروم\n"),
    "decoded wrongly": (
        "a.txt",
        "café 😀\n".encode().decode("latin-1").encode(),
        Reading(fix_mojibake=True),
        "café 😀\n",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_file_is_read_or_refused_in_one_line_that_is_true(tmp_path: Path, kind: str) -> None:
    name, content, reading, expected = KINDS[kind]
    (tmp_path / name).write_bytes(content)
    reader = CorpusReader([tmp_path / name], reading=reading)
    if not expected.startswith("refused: "):
        assert "".join(reader.pieces()) == expected
        return
    with pytest.raises(CorpusError) as refused:
        "".join(reader.pieces())
    assert expected.removeprefix("refused: ") in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / name))
    assert "\n" not in str(refused.value)


def test_the_walk_goes_through_forty_kinds() -> None:
    assert len(KINDS) >= 40
