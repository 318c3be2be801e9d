"""The text of Word files (.docx): a paragraph a line, as Word saves it as text."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from longhand.text.extracting.extract import Archive, Note
from longhand.text.extracting.office import closed_paragraph, framed, row_of, tell, with_lines
from longhand.text.extracting.xml import parsed_xml

RELATIONS, USUAL_PART = "_rels/.rels", "word/document.xml"
_WORD = (  # the namespaces of elements: the usual one, and that of strict files
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
_MATH = (
    "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "http://purl.oclc.org/ooxml/officeDocument/math",
)
_DRAWING = (
    "http://schemas.openxmlformats.org/drawingml/2006/main",
    "http://purl.oclc.org/ooxml/drawingml/main",
)
_SKIPPED = {"instrText", "delInstrText", "delText", "rPr", "pPr", "sdtPr", "footnoteReference"}
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011", "softHyphen": "\u00ad"}
_LEFT_OUT = {
    "del": "deleted passages",
    "moveFrom": "deleted passages",
    "sym": "signs of symbol fonts",
    "altChunk": "passages from other files",
    "rt": "readings of characters (ruby)",
}
_PARTS = re.compile(r"(footnotes|endnotes|comments|header|footer)\d*\.xml")
_PLURALS = {"header": "headers", "footer": "footers"}


def docx_text(archive: Archive, note: Note) -> str:
    """Return the text of a Word document.

    Its notes, comments, headers, footers, formulas and deleted passages are left out, and told.
    """
    main = _main_part(archive)
    body = parsed_xml(archive.read(main), archive.label)
    left_out = dict.fromkeys(_other_parts(archive, posixpath.dirname(main)))
    text = with_lines(_text(body, left_out))
    tell(left_out, note)
    return text


def _main_part(archive: Archive) -> str:
    """Return the name of the part that is the document itself."""
    if RELATIONS in archive.names:
        for relation in parsed_xml(archive.read(RELATIONS), archive.label).iter("{*}Relationship"):
            if relation.get("Type", "").endswith("/officeDocument"):
                return unquote(relation.get("Target", "")).lstrip("/").removeprefix("./")
    return USUAL_PART


def _other_parts(archive: Archive, folder: str) -> Iterator[str]:
    """Yield what there is in text beside the document itself."""
    for name in archive.names:
        found = _PARTS.fullmatch(posixpath.basename(name))
        if found and posixpath.dirname(name) == folder:
            root = parsed_xml(archive.read(name), archive.label)
            if any(element.text and element.text.strip() for element in root.iter("{*}t")):
                yield _PLURALS.get(found[1], found[1])


def _text(element: Any, left_out: dict[str, None]) -> str:
    return "".join(part for child in element for part in _parts(child, left_out))


def _parts(child: Any, left_out: dict[str, None]) -> Iterator[str]:
    """Yield the text of an element, a line end after each paragraph, a tab between the cells of a table's row."""
    namespace, _, name = child.tag[1:].partition("}") if child.tag.startswith("{") else ("", "", child.tag)
    if namespace in _MATH or (namespace in _DRAWING and name == "t"):
        if any(text.strip() for text in child.itertext()):
            left_out["formulas" if namespace in _MATH else "texts of drawings"] = None
    elif name == "AlternateContent":
        yield _alternative(child, left_out)
    elif namespace not in _WORD:
        if name == "symEx":
            left_out[_LEFT_OUT["sym"]] = None
        yield _text(child, left_out)
    elif name in _LEFT_OUT:
        left_out[_LEFT_OUT[name]] = None
    elif name in _SKIPPED:
        return
    elif name == "t":
        yield child.text or ""
    elif name in _SIGNS:
        yield _SIGNS[name]
    elif name == "tr":
        yield row_of(_text(cell, left_out) for cell in _cells(child))
    elif name == "txbxContent":
        yield framed(_text(child, left_out))
    else:
        text = _text(child, left_out)
        yield closed_paragraph(text) if name == "p" else text


def _alternative(element: Any, left_out: dict[str, None]) -> str:
    """Return the text of the first alternative that has some: those for newer programs come first."""
    lost: dict[str, None] = {}
    for child in element:
        found: dict[str, None] = {}
        text = _text(child, found)
        if text.strip():
            left_out.update(found)
            return text
        lost.update(found)
    left_out.update(lost)
    return ""


def _cells(row: Any) -> Iterator[Any]:
    """Yield the cells of a row, those inside its content controls and custom XML too."""
    for child in row:
        name = child.tag.rpartition("}")[2]
        if name == "tc":
            yield child
        elif name not in _LEFT_OUT:
            yield from _cells(child)
