"""Web pages: what is one, in which encoding it is read, and that nothing that it shows is lost."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from test_extracting import AS_PAGE, read
from test_file_kinds import zipped

from longhand.errors import CorpusError
from longhand.text.corpus import CorpusReader
from longhand.text.extracting.formats import recognised
from longhand.text.extracting.page_encoding import declared_encoding
from longhand.text.reading import PLAIN, Reading

BEGUN = "<!doctype html><html><head>{}</head><body><p>"
NAIVE = f"{BEGUN.format('')}naïve"


def text_of(folder: Path, page: str | bytes, reading: Reading = PLAIN, name: str = "a.html") -> str:
    return read(folder / name, page.encode() if isinstance(page, str) else page, reading)[0]


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("iso-8859-1", "cp1252", "“café” – 5 €"),
        ("US-ASCII", "cp1252", "it’s"),
        ("iso-8859-9", "cp1254", "şğ €"),
        ("gb2312", "gb18030", "镕基，汉字"),
        ("shift_jis", "cp932", "①髙い"),
        ("euc-kr", "cp949", "똠방각하"),
        ("big5", "big5hkscs", "漢字"),
        ("koi8-r", "koi8_r", "утро"),
        ("ISO-2022-JP", "iso2022_jp", "日本語"),
        ("x-mac-cyrillic", "mac_cyrillic", "утро"),
    ],
)
def test_a_page_is_read_in_what_browsers_take_its_encoding_for(
    tmp_path: Path, label: str, codec: str, text: str
) -> None:
    for meta in (
        f"<meta charset={label}>",
        f'<META CONTENT="text/html; Charset={label}" HTTP-EQUIV="Content-Type">',
        f"<!-- <meta charset=koi8-u> --><title>meta</title>{'<meta name=x content=y>' * 500}<meta charset='{label}' />",
    ):
        assert text_of(tmp_path, (BEGUN.format(meta) + text).encode(codec)) == f"{text}\n"


@pytest.mark.parametrize(
    ("page", "name"),
    [
        (b"<?xml version='1.0' encoding='koi8-r'?><html>", "koi8-r"),
        (b"<meta name=description content='charset=koi8-r'>", ""),
        (b"<script>'<meta charset=koi8-r>'</script>", ""),
        (b"<head></head><body><meta charset=koi8-r>", ""),
        (b"<title><meta charset=koi8-r></title><meta charset=big5>", "big5"),
    ],
)
def test_an_encoding_is_named_only_where_a_page_names_it(page: bytes, name: str) -> None:
    assert declared_encoding(page) == name


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (NAIVE.encode("cp1252") + b" x", "does not say its encoding, and is not UTF-8 at byte"),
        (NAIVE.encode("cp1252") + b" x", "looks like windows-1252: --encoding windows-1252"),
        ((BEGUN.format("<meta charset=utf-8>") + "naïve x").encode("cp1252"), "says it is UTF-8, and is not UTF-8 at"),
        ((BEGUN.format("<meta charset=utf-8>") + "ü" * 20).encode() + b"\xfcx", "it seems damaged"),
        (BEGUN.format("<meta charset=windows-1251>").encode() + b"\x98", r"not cp1251 at byte \d+ \(0x98\)"),
        (BEGUN.format("<meta charset=shift_jis>").encode() + b"a\x82", "not cp932 at byte"),
        (BEGUN.format("<meta charset=klingon>").encode() + b"\xe9.", r"an encoding that is not known \(klingon\)"),
        (BEGUN.format("<meta charset=unicode_escape>").encode() + b"\\x41\xe9.", "an encoding that is not known"),
        (BEGUN.format("<meta charset=hex>").encode() + b"\xe9.", r"an encoding that is not known \(hex\)"),
        (b"\xef\xbb\xbf" + NAIVE.encode("cp1252"), "its byte order mark"),
        (NAIVE.encode() + b"\0more", "a NUL"),
        (NAIVE.encode("utf-16-le"), "UTF-16 without a mark, train with --encoding utf-16-le"),
        (f"{NAIVE}<!-- note <p>more".encode(), r"a comment \(<!--\) that is never closed"),
        (f"{NAIVE}<script>more".encode(), "a <script> that is never closed"),
    ],
)
def test_bytes_that_are_not_of_a_pages_encoding_are_refused(tmp_path: Path, page: bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as refused:
        text_of(tmp_path, page)
    assert "\n" not in str(refused.value)


def test_the_encoding_that_was_said_is_that_of_a_page_too(tmp_path: Path) -> None:
    page = NAIVE.encode("cp1252")
    assert text_of(tmp_path, page, Reading("windows-1252")) == "naïve\n"
    assert read(tmp_path / "b.html", page + b" x", Reading(None)) == (
        "naïve x\n",
        [AS_PAGE, "a page that does not say its encoding, read as windows-1252, as it seems"],
    )
    contrary = (BEGUN.format("<meta charset=koi8-r>") + "утро").encode("cp1251")
    told = "a page that says it is koi8-r, read as cp1251, as --encoding says"
    assert read(tmp_path / "c.html", contrary, Reading("cp1251")) == ("утро\n", [AS_PAGE, told])
    told = "a page that could be UTF-8, read as cp1252, as --encoding says"
    assert read(tmp_path / "e.html", b"<p>\xc3\xa9", Reading("cp1252")) == ("Ã©\n", [AS_PAGE, told])
    utf_8 = (BEGUN.format("<meta charset=koi8-r>") + "утро").encode()
    told = "a page that says it is koi8-r, read as UTF-8, which all of it is"
    assert read(tmp_path / "d.html", utf_8) == ("утро\n", [AS_PAGE, told])


@pytest.mark.parametrize("name", ["a.txt", "a.html"])
def test_a_page_in_utf_16_is_a_page(tmp_path: Path, name: str) -> None:
    assert text_of(tmp_path, NAIVE.encode("utf-16"), name=name) == "naïve\n"
    assert text_of(tmp_path, NAIVE.encode("utf-16"), Reading("utf-16"), name=name) == "naïve\n"
    assert text_of(tmp_path, NAIVE.encode("utf-16-be"), Reading("utf-16-be"), name=name) == "naïve\n"
    assert text_of(tmp_path, NAIVE.encode("utf-16-le"), Reading("utf-16"), name=name) == "naïve\n"
    assert text_of(tmp_path, NAIVE, Reading("utf-16"), name=name) == "naïve\n"  # one of ASCII beside others


def test_a_page_does_not_end_where_its_tags_say_so(tmp_path: Path) -> None:
    page = "<html><head><title>t</title></head><body>{}</body></html>".format
    two = page("<p>one") + "\n" + page("<p>two") + " <p>three</BODY >four"
    assert text_of(tmp_path, two) == "one\n\ntwo\n\nthreefour\n"
    assert text_of(tmp_path, "<html><body><textarea></body></textarea><!-- </body> -->x") == "</body>\n\nx\n"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<table><tr><td><p>a</p></td><td><p>b</p></td></tr></table>", "a\tb\n"),
        ("<table><tr><td></td><td><div>b</div></td></tr><tr><td>c<td><p>d<p>e</table>", "\tb\nc\td\n\ne\n"),
        ("<p>a<pre>\n\n b\n\n\n\tc\n</pre>d", "a\n\n\n b\n\n\n\tc\n\nd\n"),
        ("<p>She said <q>he said <q>no</q></q>.", "She said “he said \u2018no’”.\n"),
        ("<p>x is <math><mi>x</mi><annotation>TeX</annotation></math> <object>shown</object>", "x is x shown\n"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>字", "漢字\n"),
        ("a &nbsp;&mdash; &lt;b&gt;", "a \xa0— <b>\n"),
        ("<p>a\x01b\x1fc", "abc\n"),
    ],
)
def test_what_a_page_shows_is_in_its_text(tmp_path: Path, page: str, text: str) -> None:
    assert text_of(tmp_path, page) == text


def test_what_is_left_out_of_a_page_is_told(tmp_path: Path) -> None:
    page = "<p>漢<ruby><rt>kan</rt></ruby><svg><text>drawn</text></svg>\x02"
    told = ["its readings of characters (ruby), texts of drawings were left out"]
    told = ["control characters, which no page may have, were left out: 1", *told]
    assert read(tmp_path / "a.html", page.encode()) == ("漢\n", [AS_PAGE, *told])
    told = ["a page that ends inside a tag, which was left out: '<a href=x'"]
    assert read(tmp_path / "b.html", b"<p>a<a href=x") == ("a\n", [AS_PAGE, *told])
    told = ["a page with the byte order mark of utf-8, read as that and not as cp1252"]
    assert read(tmp_path / "c.html", b"\xef\xbb\xbf<p>\xc3\xa9", Reading("cp1252")) == ("é\n", [AS_PAGE, *told])


def test_xhtml_is_read_as_xml_with_the_entities_of_html(tmp_path: Path) -> None:
    page = (
        '<?xml version="1.0" encoding="iso-8859-1"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x.dtd">'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head>'
        "<body><p>a&nbsp;b&mdash;c<b>!</b>&eacute; d<?page 3?>é<!-- no --> e&amp;</p></body></html>"
    )
    assert text_of(tmp_path, page.encode("latin-1")) == "a\xa0b—c!é dé e&\n"
    assert text_of(tmp_path, page.replace("</p>", "").encode("latin-1")) == "a\xa0b—c!é dé e&\n"  # no XML, so HTML


@pytest.mark.parametrize("name", ["a.html", "a.HTM", "a.xhtml", "a.html.gz"])
def test_a_fragment_with_the_name_of_a_page_is_one(tmp_path: Path, name: str) -> None:
    fragment = b"a <b>bold</b> word &amp; more"
    data = gzip.compress(fragment) if name.endswith(".gz") else fragment
    assert read(tmp_path / name, data) == ("a bold word & more\n", [AS_PAGE])
    assert read(tmp_path / name, data, Reading(keep_markup=True)) == (fragment.decode(), [])


@pytest.mark.parametrize(
    "prose",
    [
        "<html> is how a page begins.\nThen comes more.",
        "<!DOCTYPE html> is how <p>a page</p> begins, </html> how it ends.",
        "<!DOCTYPE html is how a page begins",
        "<head scratching> <p>all around</p>",
        "<body count> went up",
        "<!-- a note -->\nand prose",
        "<p>a paragraph</p>",
        "<svg><text>drawn</text></svg>",
        "From: me\nContent-Type: text/html\n\n<html><body><p>a letter</p></body></html>",
    ],
)
def test_prose_that_speaks_of_pages_is_none(tmp_path: Path, prose: str) -> None:
    assert text_of(tmp_path, prose, name="a.txt") == prose


def test_what_begins_like_a_page_and_is_read_as_it_is_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("<html> is a tag")
    reader = CorpusReader([tmp_path / "a.txt"])
    assert "".join(reader.pieces()) == "<html> is a tag"
    assert "read as plain text: name it .html" in reader.notes[0]


@pytest.mark.parametrize(
    "page",
    [
        "<html lang=en>\n<head>",
        "<!-- saved -->" * 1000 + "<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'\n'x'>\n<html>",
        "<body bgcolor=white>Hello <b>you</b>",
        "<?xml version='1.0'?><!DOCTYPE html><html xmlns='x'>",
        "<HTML><CENTER>",
        "<html \u26a1 lang='de'>\n<head>",
        "<body itemscope itemtype=x>\n<p>",
    ],
)
def test_a_page_is_known_whatever_its_name(page: str) -> None:
    found = recognised(page.encode())
    assert found is not None
    assert found.reader == "html"


def test_entities_and_instructions_leave_the_text_of_chapters_whole(tmp_path: Path) -> None:
    page = '<!DOCTYPE html PUBLIC "a" "b"><html><body><p>a&nbsp;b&mdash;c &eacute; d<?x?>e</p></body></html>'
    book = zipped(
        mimetype="application/epub+zip",
        **{"META-INF__container_dot_xml": '<c><rootfile full-path="c.opf"/></c>'},
        c_dot_opf='<p><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><itemref idref="a"/></p>',
        a_dot_xhtml=page,
    )
    assert text_of(tmp_path, book, name="a.epub") == "a\xa0b—c é de\n"
