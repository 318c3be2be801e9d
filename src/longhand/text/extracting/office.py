"""The text of Word (.docx) and OpenDocument (.odt) files: a paragraph a line, as their programs save it as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from longhand.text.extracting.extract import Archive, Note
from longhand.text.extracting.xml import parsed_xml

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
MAX_SPACES = 1000  # of one element that stands for several

# Elements of which nothing is text of the document itself.
_WORD_SKIPPED = {
    *(f"{_WORD}{name}" for name in ("del", "moveFrom", "instrText", "delText", "rPr", "pPr", "footnoteReference")),
    f"{_COMPATIBILITY}Fallback",  # the same once more, for older programs
}
_ODT_SKIPPED = {f"{_TEXT}tracked-changes", f"{_TEXT}note", f"{_OFFICE}annotation", f"{_TEXT}sequence-decls"}
_WORD_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011", "softHyphen": "\u00ad"}


def docx_text(archive: Archive, note: Note) -> str:
    """Return the text of a Word document. Its notes, comments, headers and deleted passages are left out, and told."""
    body = parsed_xml(archive.read("word/document.xml"), archive.label)
    left_out = [
        name
        for name in ("footnotes", "endnotes", "comments")
        if f"word/{name}.xml" in archive.names
        and _has_text(parsed_xml(archive.read(f"word/{name}.xml"), archive.label), f"{_WORD}t")
    ]
    if any(True for _ in body.iter(f"{_WORD}del", f"{_WORD}moveFrom")):
        left_out.append("deleted passages")
    _tell(left_out, note)
    return "".join(_word_parts(body))


def _word_parts(element: Any) -> Iterator[str]:
    """Yield the text below an element, a line end after each paragraph, a tab between the cells of a table's row."""
    for child in element:
        tag = child.tag
        if tag in _WORD_SKIPPED or not isinstance(tag, str):
            continue
        if tag == f"{_WORD}t":
            yield child.text or ""
        elif tag == f"{_WORD}tr":
            cells = ("".join(_word_parts(cell)).rstrip("\n") for cell in child.iterchildren(f"{_WORD}tc"))
            yield "\t".join(cells) + "\n"
        elif tag.startswith(_WORD) and (sign := _WORD_SIGNS.get(tag[len(_WORD) :])):
            yield sign
        else:
            yield from _word_parts(child)
            if tag == f"{_WORD}p":
                yield "\n"


def odt_text(archive: Archive, note: Note) -> str:
    """Return the text of an OpenDocument text. Its notes, comments and deleted passages are left out, and told."""
    root = parsed_xml(archive.read("content.xml"), archive.label)
    left_out = [
        words
        for tag, words in (
            (f"{_TEXT}note", "footnotes and endnotes"),
            (f"{_OFFICE}annotation", "comments"),
            (f"{_TEXT}tracked-changes", "deleted passages"),
        )
        if any(True for _ in root.iter(tag))
    ]
    _tell(left_out, note)
    return "".join(part for text in root.iter(f"{_OFFICE}text") for part in _odt_parts(text))


def _odt_parts(element: Any) -> Iterator[str]:
    for child in element:
        tag = child.tag
        if isinstance(tag, str) and tag not in _ODT_SKIPPED:
            yield from _of_odt_element(child, tag)
        if child.tail and _inside_a_paragraph(element):
            yield child.tail


def _of_odt_element(child: Any, tag: str) -> Iterator[str]:
    if tag == f"{_TEXT}s":
        count = child.get(f"{_TEXT}c", "1")
        yield " " * min(int(count) if count.isdecimal() else 1, MAX_SPACES)
    elif tag == f"{_TEXT}tab":
        yield "\t"
    elif tag == f"{_TEXT}line-break":
        yield "\n"
    elif tag == f"{_TABLE}table-row":
        cells = ("".join(_odt_parts(cell)).rstrip("\n") for cell in child.iterchildren(f"{_TABLE}table-cell"))
        yield "\t".join(cells) + "\n"
    else:
        if child.text and _inside_a_paragraph(child):
            yield child.text
        yield from _odt_parts(child)
        if tag in (f"{_TEXT}p", f"{_TEXT}h"):
            yield "\n"


def _inside_a_paragraph(element: Any) -> bool:
    """Return whether the text in an element is the document's: elsewhere it is white space between elements."""
    paragraphs = (f"{_TEXT}p", f"{_TEXT}h")
    return element.tag in paragraphs or any(True for _ in element.iterancestors(*paragraphs))


def _has_text(root: Any, tag: str) -> bool:
    return any(element.text and element.text.strip() for element in root.iter(tag))


def _tell(left_out: list[str], note: Note) -> None:
    if left_out:
        note(f"its {', '.join(left_out)} were left out")
