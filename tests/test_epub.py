"""E-books: which of their files are chapters, in which order, under whatever names; and what is left out is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_extracting import read
from test_file_kinds import zipped

from longhand.errors import CorpusError
from longhand.text.reading import Reading

CONTAINER = '<container><rootfiles><rootfile full-path="OEBPS/c.opf"/></rootfiles></container>'
PAGE = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body><p>{}</p></body></html>'


def book(items: str, spine: str, **files: str | bytes) -> bytes:
    """Return an e-book; `spine` names items by their ids."""
    references = "".join(f'<itemref idref="{one}"/>' for one in spine.split())
    package = f"<package><manifest>{items}</manifest><spine>{references}</spine></package>"
    return zipped(
        mimetype="application/epub+zip",
        **{"META-INF__container_dot_xml": CONTAINER, "OEBPS__c_dot_opf": package},
        **{f"OEBPS__{name}": content for name, content in files.items()},
    )


def item(name: str, href: str, kind: str = "application/xhtml+xml", more: str = "") -> str:
    return f'<item id="{name}" href="{href}" media-type="{kind}" {more}/>'


@pytest.mark.parametrize(
    "kind",
    ["text/xml", "text/x-oeb1-document", "text/x-oeb-document", "application/xml", "TEXT/HTML; charset=utf-8", ""],
)
def test_chapters_are_pages_whatever_their_type_is_called(tmp_path: Path, kind: str) -> None:
    data = book(item("a", "a.html", kind), "a", a_dot_html=PAGE.format("one"))
    assert read(tmp_path / "a.epub", data) == ("one\n", [])


@pytest.mark.parametrize("href", ["A.xhtml", "a%2Exhtml", "a.xhtml#top", "./x/../a.xhtml", "/OEBPS/a.xhtml"])
def test_a_chapter_is_found_however_its_name_is_written(tmp_path: Path, href: str) -> None:
    assert read(tmp_path / "a.epub", book(item("a", href), "a", a_dot_xhtml=PAGE.format("one")))[0] == "one\n"


def test_a_name_with_escapes_is_found_as_it_is(tmp_path: Path) -> None:
    data = book(item("a", "a b.xhtml") + item("b", "c%20d.xhtml"), "a b", **{"a%20b_dot_xhtml": PAGE.format("one")})
    with pytest.raises(CorpusError, match=r"without its part OEBPS/c d\.xhtml"):
        read(tmp_path / "a.epub", data)


def test_a_file_is_read_once_however_often_it_is_named(tmp_path: Path) -> None:
    items = item("a", "a.xhtml#one") + item("b", "a.xhtml#two") + item("c", "c.xhtml")
    data = book(items, "a c b a", a_dot_xhtml=PAGE.format("one"), c_dot_xhtml=PAGE.format("two"))
    assert read(tmp_path / "a.epub", data) == ("one\n\ntwo\n", [])


def test_what_is_left_out_of_a_book_is_told(tmp_path: Path) -> None:
    items = item("n", "nav.xhtml", more='properties="nav"') + item("s", "s.svg", "image/svg+xml") + item("a", "a.xhtml")
    data = book(items, "n s a gone lost", a_dot_xhtml=PAGE.format("one"), s_dot_svg="<svg/>", nav_dot_xhtml="x")
    left_out = "OEBPS/nav.xhtml (its contents), OEBPS/s.svg (image/svg+xml), gone (not in the list of its files)"
    assert read(tmp_path / "a.epub", data) == ("one\n", [f"parts of the book were left out: {left_out} and 1 more"])


def test_a_page_is_read_instead_of_what_is_none(tmp_path: Path) -> None:
    items = item("s", "s.svg", "image/svg+xml", 'fallback="a"') + item("a", "a.xhtml")
    assert read(tmp_path / "a.epub", book(items, "s", a_dot_xhtml=PAGE.format("one"), s_dot_svg=""))[0] == "one\n"


def test_tags_in_capitals_are_tags(tmp_path: Path) -> None:
    page = "<HTML><HEAD><TITLE>t</TITLE></HEAD><BODY><P>one</P><P>two<BR/>three</P></BODY></HTML>"
    assert read(tmp_path / "a.epub", book(item("a", "a.htm"), "a", a_dot_htm=page))[0] == "one\n\ntwo\nthree\n"


def test_a_chapter_in_an_encoding_that_it_does_not_say_needs_one(tmp_path: Path) -> None:
    page = "<html><body><p>naïve x<br>".encode("cp1252")
    other = "<html><body><p>naïve y<br>".encode()
    data = book(item("a", "a.htm") + item("b", "b.htm"), "a b", a_dot_htm=page, b_dot_htm=other)
    with pytest.raises(CorpusError, match=r"a\.epub \(OEBPS/a\.htm\): a web page that does not say its encoding"):
        read(tmp_path / "a.epub", data)
    assert read(tmp_path / "a.epub", data, Reading("cp1252"))[0] == "naïve x\n\nnaïve y\n"


@pytest.mark.parametrize(
    "doctype", ["", "<!DOCTYPE html>", '<!DOCTYPE html PUBLIC "a" "b">', "<!DOCTYPE html [<!ENTITY e '!'>]>"]
)
def test_an_entity_of_a_chapter_is_a_character_or_refused(tmp_path: Path, doctype: str) -> None:
    page = doctype + PAGE
    data = book(item("a", "a.xhtml"), "a", a_dot_xhtml=page.format("a&nbsp;b &eacute;"))
    assert read(tmp_path / "a.epub", data)[0] == "a\xa0b é\n"
    for entity in ("&notit;", "&e;"):
        data = book(item("a", "a.xhtml"), "a", a_dot_xhtml=page.format(f"a {entity} b"))
        with pytest.raises(CorpusError, match="entit"):
            read(tmp_path / "b.epub", data)
