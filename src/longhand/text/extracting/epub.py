"""The text of EPUB e-books: their chapters in the order in which they are read."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from typing import Any
from urllib.parse import unquote

from longhand.errors import CorpusError
from longhand.text.extracting.extract import Archive, Note
from longhand.text.extracting.formats import SAVE_AS_TEXT
from longhand.text.extracting.html import element_parts, html_text, joined_blocks, tell_left_out
from longhand.text.extracting.xml import EntityError, parsed_xml

CONTAINER, ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
MAX_NAMED = 3  # chapters that are named where some are left out
_PAGES = {"application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"}
_PAGE = re.compile(rb"<(?:[\w.-]+:)?(?:html|body|dtbook)[\s>]", re.IGNORECASE)  # whatever its type is called
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def epub_text(archive: Archive, note: Note, encoding: str | None = "utf-8") -> str:
    """Return the text of an e-book, a blank line between its chapters. Raises `CorpusError` for a protected one.

    - note: is called with what was left out
    - encoding: that a person named, for chapters that do not say theirs; None: what they look like
    """
    chapters, left_out, texts = _Chapters(archive), [], []
    for reference in chapters.references:
        name, why = chapters.named(reference)
        if why:
            left_out.append(f"{name} ({why})")
        elif name and (text := _chapter(archive, name, note, encoding)):
            texts.append(text)
    if left_out:
        more = f" and {len(left_out) - MAX_NAMED} more" * (len(left_out) > MAX_NAMED)
        note(f"parts of the book were left out: {', '.join(left_out[:MAX_NAMED])}{more}")
    if not texts:
        raise CorpusError(f"{archive.label}: an e-book in which there is no text; expected chapters")
    return "\n\n".join(texts) + "\n"


class _Chapters:
    """The chapters of a book, as its package lists them.

    - references: what the package says is read, in order
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._same = {_key(name): name for name in reversed(archive.names)}
        package_name = self._file(_package_name(archive), "")
        package = parsed_xml(archive.read(package_name), archive.label)
        self._folder = posixpath.dirname(package_name)
        self._items = {item.get("id"): item for item in package.iter("{*}item")}
        self.references: list[str] = [one.get("idref", "") for one in package.iter("{*}itemref")]
        self._protected = {_key(name) for name in _protected(archive)}
        self._seen: set[str] = set()

    def named(self, reference: str) -> tuple[str, str]:
        """Return the name of a chapter's file, empty where it was read before; or else its name and why it is none."""
        item = self._items.get(reference)
        if item is None:
            return reference, "not in the list of its files"
        name = self._file_of(item)
        if "nav" in item.get("properties", "").split():
            return name, "its contents"
        tried: list[str | None] = [reference]
        while not self._is_page(item, name):
            fallback = item.get("fallback")
            if fallback in tried or fallback not in self._items:
                return name, item.get("media-type", "of no type")
            tried.append(fallback)
            item = self._items[fallback]
            name = self._file_of(item)
        if _key(name) in self._protected:
            raise CorpusError(
                f"{self._archive.label}: an e-book protected against copying: {SAVE_AS_TEXT}, if it allows that"
            )
        if name in self._seen:  # references to several places of one file
            return "", ""
        self._seen.add(name)
        return name, ""

    def _file_of(self, item: Any) -> str:
        return self._file(item.get("href", "").partition("#")[0], self._folder)

    def _file(self, reference: str, folder: str) -> str:
        """Return the name in the archive of a file that a part in a folder refers to."""
        for path in (reference, unquote(reference)):
            name = posixpath.normpath(posixpath.join(folder, path)).lstrip("/")
            if name in self._archive.names:
                return name
        return self._same.get(_key(name), name)

    def _is_page(self, item: Any, name: str) -> bool:
        kind = item.get("media-type", "").partition(";")[0].strip().lower()
        if kind in _PAGES:
            return True
        if kind.startswith(("image/", "audio/", "video/", "font/")) or name not in self._archive.names:
            return False
        data = self._archive.read(name)
        return bool(_PAGE.search(data.replace(b"\0", b"") if data.startswith(_UTF_16) else data))


def _key(name: str) -> str:
    """Return what names of one file have in common, however programs wrote it."""
    return unicodedata.normalize("NFC", unquote(name.replace("\\", "/"))).casefold().lstrip("/")


def _chapter(archive: Archive, name: str, note: Note, encoding: str | None) -> str:
    """Return the text of a chapter: of XHTML, or where it is none, of HTML."""
    data, label = archive.read(name), f"{archive.label} ({name})"
    try:
        root = parsed_xml(data, label)
    except EntityError:
        raise
    except CorpusError:
        return _html_chapter(data, label, note, encoding).strip("\n")
    tell_left_out(root, note)
    return joined_blocks(element_parts(root)).strip("\n")


def _html_chapter(data: bytes, label: str, note: Note, encoding: str | None) -> str:
    """Return the text of HTML: in its own encoding, or where it does not say that, in the one that a person named."""
    try:
        return html_text(data, label, note)
    except CorpusError:
        if encoding == "utf-8":
            raise
    return html_text(data, label, note, encoding)


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
