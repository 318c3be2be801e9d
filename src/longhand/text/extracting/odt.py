"""The text of OpenDocument texts (.odt): a paragraph a line, as their programs save it as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from longhand.errors import CorpusError
from longhand.text.extracting.extract import MANIFEST, Archive, Note
from longhand.text.extracting.formats import SAVE_AS_TEXT
from longhand.text.extracting.office import OPEN_LINE, closed_paragraph, framed, row_of, tell, with_lines
from longhand.text.extracting.xml import parsed_xml

_NAMESPACE = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
_TEXT, _TABLE, _OFFICE, _DRAW = (_NAMESPACE % name for name in ("text", "table", "office", "drawing"))
_SVG = _NAMESPACE % "svg-compatible"
MAX_SPACES = 1000  # of one element that stands for several

_PARAGRAPHS = (f"{_TEXT}p", f"{_TEXT}h")
_SKIPPED = {
    f"{_TEXT}sequence-decls",
    f"{_TEXT}script",
    f"{_OFFICE}binary-data",
    f"{_SVG}title",  # what a picture shows, for those who do not see it
    f"{_SVG}desc",
}
_LEFT_OUT = {
    f"{_TEXT}note": "footnotes and endnotes",
    f"{_OFFICE}annotation": "comments",
    f"{_TEXT}tracked-changes": "deleted passages",
    f"{_TEXT}ruby-text": "readings of characters (ruby)",
    f"{_DRAW}object": "formulas and other objects",
    f"{_DRAW}object-ole": "formulas and other objects",
}
# No XML may have these characters, so they can stand for what is not white space of the file.
_SPACE, _TAB, _BREAK = "\x1f", "\x1e", "\x1d"
_SIGNS = str.maketrans({_SPACE: " ", _TAB: "\t", _BREAK: "\n"})
_WHITE_SPACE = re.compile(r"[ \t\r\n]+")


def odt_text(archive: Archive, note: Note) -> str:
    """Return the text of an OpenDocument text. Its notes, comments and deleted passages are left out, and told.

    Raises `CorpusError` for a document that is protected by a password.
    """
    if MANIFEST in archive.names and b"encryption-data" in archive.read(MANIFEST):
        raise CorpusError(f"{archive.label}: protected by a password: {SAVE_AS_TEXT}")
    root = parsed_xml(archive.read("content.xml"), archive.label)
    left_out = {words: None for tag, words in _LEFT_OUT.items() if any(True for _ in root.iter(tag))}
    left_out.update(dict.fromkeys(_headers(archive)))
    tell(left_out, note)
    whole = "".join(_parts(part, inside=False) for text in root.iter(f"{_OFFICE}text") for part in text)
    return with_lines(whole).translate(_SIGNS)


def _headers(archive: Archive) -> Iterator[str]:
    """Yield what there is in text on every page beside the document itself."""
    if "styles.xml" in archive.names:
        for element in parsed_xml(archive.read("styles.xml"), archive.label).iter("{*}header", "{*}footer"):
            if any(text.strip() for text in element.itertext()):
                yield element.tag.rpartition("}")[2] + "s"


def _parts(element: Any, *, inside: bool) -> str:
    """Return the text of an element, its own signs and line ends in it.

    - inside: whether it is in a paragraph: the text of others is white space between elements
    """
    tag = element.tag
    if tag in _SKIPPED or tag in _LEFT_OUT:
        return ""
    if tag == f"{_TEXT}s":
        count = element.get(f"{_TEXT}c", "1")
        return _SPACE * min(int(count) if count.isdecimal() else 1, MAX_SPACES)
    if tag == f"{_TEXT}tab":
        return _TAB
    if tag == f"{_TEXT}line-break":
        return _BREAK
    if tag == f"{_TABLE}table-row":
        return row_of(map(_content, _cells(element)))
    if tag in _PARAGRAPHS:
        text = closed_paragraph(_paragraph("".join(_inside(element))))
        return framed(text) if inside else text
    if inside and not tag.startswith(_DRAW):
        return "".join(_inside(element))
    if inside:  # a frame or a shape
        return framed(_content(element))
    return _content(element)


def _content(element: Any) -> str:
    return "".join(_parts(child, inside=False) for child in element)


def _inside(element: Any) -> Iterator[str]:
    """Yield the text of an element in a paragraph."""
    yield _WHITE_SPACE.sub(" ", element.text or "")
    for child in element:
        yield _parts(child, inside=True)
        yield _WHITE_SPACE.sub(" ", child.tail or "")


def _paragraph(text: str) -> str:
    """Return a paragraph whose white space is as OpenDocument says: one space for any, none where it begins or ends."""
    lines = (re.sub(" +", " ", line).strip(" ") for line in text.split(OPEN_LINE))
    return OPEN_LINE.join(lines)


def _cells(row: Any) -> Iterator[Any]:
    yield from row.iterchildren(f"{_TABLE}table-cell")
