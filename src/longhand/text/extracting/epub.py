"""The text of EPUB e-books: their chapters in the order in which they are read."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from longhand.errors import CorpusError
from longhand.text.extracting.extract import Archive, Note
from longhand.text.extracting.formats import SAVE_AS_TEXT
from longhand.text.extracting.html import element_parts, html_text, joined_blocks
from longhand.text.extracting.xml import parsed_xml

CONTAINER, ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def epub_text(archive: Archive, note: Note) -> str:
    """Return the text of an e-book, a blank line between its chapters. Raises `CorpusError` for a protected one."""
    package_name = _package_name(archive)
    package = parsed_xml(archive.read(package_name), archive.label)
    items = {item.get("id"): item for item in package.iter("{*}item")}
    spine = [items[found] for one in package.iter("{*}itemref") if (found := one.get("idref")) in items]
    folder = posixpath.dirname(package_name)
    protected = _protected(archive)
    chapters = []
    for item in spine:
        if item.get("media-type") not in _PAGES or "nav" in item.get("properties", "").split():
            continue
        name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        if name in protected:
            raise CorpusError(
                f"{archive.label}: an e-book protected against copying: {SAVE_AS_TEXT}, if it allows that"
            )
        if text := _chapter(archive.read(name), archive.label, note).strip("\n"):
            chapters.append(text)
    if not chapters:
        raise CorpusError(f"{archive.label}: an e-book in which there is no text; expected chapters")
    return "\n\n".join(chapters) + "\n"


def _chapter(data: bytes, label: str, note: Note) -> str:
    """Return the text of a chapter: of XHTML, or where it is none, of HTML."""
    try:
        return joined_blocks(element_parts(parsed_xml(data, label)))
    except CorpusError:
        return html_text(data, label, note)


def _package_name(archive: Archive) -> str:
    container = parsed_xml(archive.read(CONTAINER), archive.label)
    for rootfile in container.iter("{*}rootfile"):
        if name := rootfile.get("full-path"):
            return str(name)
    raise CorpusError(f"{archive.label}: an e-book that does not say where its text is: {SAVE_AS_TEXT}")


def _protected(archive: Archive) -> set[str]:
    """Return the names of encrypted parts; fonts are often, and do no harm."""
    if ENCRYPTION not in archive.names:
        return set()
    root = parsed_xml(archive.read(ENCRYPTION), archive.label)
    return {unquote(one.get("URI", "")) for one in root.iter("{*}CipherReference")}
