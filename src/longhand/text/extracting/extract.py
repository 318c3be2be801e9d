"""The text of a document, whatever its format. Needs lxml (extra `documents`)."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from importlib.util import find_spec

from longhand.errors import CorpusError, MissingExtraError
from longhand.text.extracting.formats import SAVE_AS_TEXT, ZIP, FileFormat

MAX_DOCUMENT_BYTES = 1 << 28  # of a document, and of what it holds when decompressed
ENCRYPTED = 1  # in the flags of a part
CONTENT_TYPES, MANIFEST = "[Content_Types].xml", "META-INF/manifest.xml"
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument.text"
_OFFICE_KINDS = (b"application/vnd.oasis", b"application/vnd.sun.xml")
Note = Callable[[str], None]


def extracted(data: bytes, found: FileFormat, label: str, note: Note, encoding: str | None = "utf-8") -> str:
    """Return the text of a document; its paragraphs stay apart.

    - found: its format, by its first bytes
    - label: what to call the file
    - note: is called with what was left out
    - encoding: that a person named, for pages that do not say theirs; None: what they look like

    Raises `CorpusError` for a document that is damaged or protected, or an archive that is none; `MissingExtraError`
    without lxml.
    """
    if found.reader == "html":
        _refuse_without_lxml(found, label)
        from longhand.text.extracting.html import html_text

        return html_text(data, label, note, encoding)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _of_archive(Archive(archive, label), note, encoding)
    except CorpusError:  # a ValueError, too
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, struct.error) as error:
        raise CorpusError(f"{label}: a zip archive that cannot be read ({error}): get it anew, or unpack it") from None


class Archive:
    """The files inside a document that is a zip archive.

    - label: what to call the document
    """

    def __init__(self, archive: zipfile.ZipFile, label: str) -> None:
        self.label, self.names = label, archive.namelist()
        self._archive, self._left = archive, MAX_DOCUMENT_BYTES

    def read(self, name: str) -> bytes:
        """Return the bytes of a file inside. Raises `CorpusError` where it is not there, locked, or too large."""
        if name not in self.names:
            raise CorpusError(f"{self.label}: a document without its part {name}: {SAVE_AS_TEXT}")
        part = self._archive.getinfo(name)
        if part.flag_bits & ENCRYPTED:
            raise CorpusError(f"{self.label}: protected by a password: {SAVE_AS_TEXT}")
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CorpusError(f"{self.label}: compressed in a way that documents are not: {SAVE_AS_TEXT}")
        with self._archive.open(part) as file:
            data = file.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise CorpusError(
                f"{self.label}: more than {MAX_DOCUMENT_BYTES >> 20} MB when decompressed, the most that is read of "
                f"one document: {SAVE_AS_TEXT}"
            )
        return data


def _of_archive(archive: Archive, note: Note, encoding: str | None) -> str:
    names = set(archive.names)
    kind = archive.read("mimetype").strip() if "mimetype" in names else b""
    if kind == b"application/epub+zip" or "META-INF/container.xml" in names:
        _refuse_without_lxml(FileFormat("an e-book (EPUB)", SAVE_AS_TEXT), archive.label)
        from longhand.text.extracting.epub import epub_text

        return epub_text(archive, note, encoding)
    if kind.startswith(_OPEN_DOCUMENT) or (not kind and _manifest_names_a_text(archive)):
        _refuse_without_lxml(FileFormat("an OpenDocument text", SAVE_AS_TEXT), archive.label)
        from longhand.text.extracting.odt import odt_text

        return odt_text(archive, note)
    if any(name.startswith("word/") for name in names) or _is_word(archive):
        _refuse_without_lxml(FileFormat("a Word document", SAVE_AS_TEXT), archive.label)
        from longhand.text.extracting.docx import docx_text

        return docx_text(archive, note)
    raise CorpusError(_other_archive(names, kind).refusal(archive.label))


def _manifest_names_a_text(archive: Archive) -> bool:
    return MANIFEST in archive.names and _OPEN_DOCUMENT in archive.read(MANIFEST)


def _is_word(archive: Archive) -> bool:
    """Return whether an archive says that its main part is a Word document, wherever that is."""
    types = archive.read(CONTENT_TYPES) if CONTENT_TYPES in archive.names else b""
    return b"wordprocessingml" in types or b"vnd.ms-word" in types


def _other_archive(names: set[str], kind: bytes) -> FileFormat:
    """Return what an archive is whose text is not read."""
    if any(name.startswith("xl/") for name in names) or kind.endswith(b"opendocument.spreadsheet"):
        return FileFormat("a spreadsheet", "export its table as CSV and give that with --column")
    if any(name.startswith("ppt/") for name in names) or kind.startswith(_OFFICE_KINDS):
        return FileFormat("an office document that is no text document", SAVE_AS_TEXT)
    if CONTENT_TYPES in names or any(name.endswith(".iwa") for name in names):
        return FileFormat("an office document", SAVE_AS_TEXT)
    if "META-INF/MANIFEST.MF" in names or "AndroidManifest.xml" in names:
        return FileFormat("a program (Java or Android)", "leave it out")
    return ZIP


def _refuse_without_lxml(found: FileFormat, label: str) -> None:
    if find_spec("lxml") is None:
        kept = ", or add --keep-markup to learn its tags too" * found.is_markup
        raise MissingExtraError(
            f"{label}: {found.name}: to have its text read, pip install 'longhand[documents]'; or {found.advice}{kept}"
        )
