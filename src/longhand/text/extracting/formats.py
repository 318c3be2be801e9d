"""File formats known by their first bytes, and what to do about those that are not plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

SAVE_AS_TEXT = "save it as plain text (.txt, UTF-8) in the program that made it"
UNPACK = "unpack it and give the text files in it"
NO_TEXT = "leave it out"
HEAD = 4096  # bytes that a format is known by


@dataclass(frozen=True)
class FileFormat:
    """A file format that is not plain text.

    - name: with its article, "a PDF document"
    - advice: what to do about it, a sentence's end
    - reader: which reader takes its text out of it, "zip" or "html"; empty where none does
    - is_markup: whether it is text with tags in it, which may be wanted as it is
    """

    name: str
    advice: str
    reader: Literal["", "zip", "html"] = ""
    is_markup: bool = False

    def refusal(self, label: str) -> str:
        """Return the words that refuse a file of this format."""
        kept = "; to learn its tags too, add --keep-markup" * self.is_markup
        return f"{label}: {self.name}, which is no plain text: {self.advice}{kept}"


def _image(name: str) -> FileFormat:
    return FileFormat(f"{name} image", NO_TEXT)


def _archive(name: str) -> FileFormat:
    return FileFormat(f"{name} archive", UNPACK)


def _table(name: str) -> FileFormat:
    return FileFormat(name, "export its table as CSV or JSON lines and give that with --column")


HTML = FileFormat("a web page (HTML)", SAVE_AS_TEXT, "html", is_markup=True)
ZIP = FileFormat("a zip archive", UNPACK, "zip")
PDF = FileFormat("a PDF document", "make text of it, with pdftotext FILE.pdf text.txt")
RTF = FileFormat("a document in RTF", SAVE_AS_TEXT, is_markup=True)
OLD_OFFICE = FileFormat("a document in Microsoft's old binary format (.doc, .xls)", SAVE_AS_TEXT)
BOOK = FileFormat("an e-book in Kindle's format", "make text of it, with Calibre's ebook-convert FILE text.txt")
SOUND = FileFormat("a sound file", NO_TEXT)
FILM = FileFormat("a film", NO_TEXT)
MIDI = FileFormat("a MIDI file", "make text of it, such as ABC with midi2abc FILE > tunes.abc")
POINTER = FileFormat("a pointer of Git LFS and not the file itself", "fetch it, with git lfs pull")

# What files begin with. Text may begin with some short marks too: those are followed by a byte that no text has.
_BEGINNINGS: tuple[tuple[bytes, FileFormat], ...] = (
    (rb"\s*%PDF-", PDF),
    (rb"\s*\{\\rtf", RTF),
    (rb"%!PS", FileFormat("a PostScript document", "make text of it, with ps2ascii FILE > text.txt")),
    (rb"AT&TFORM", FileFormat("a DjVu document", "make text of it, with djvutxt FILE > text.txt")),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_OFFICE),
    (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", ZIP),
    (rb"7z\xbc\xaf\x27\x1c", _archive("a 7z")),
    (rb"Rar!\x1a\x07", _archive("a RAR")),
    (rb"!<arch>\n", _archive("an ar")),
    (rb"MSCF\0\0\0\0", _archive("a cabinet")),
    (rb"\x04\x22\x4d\x18", FileFormat("a file compressed by lz4", "decompress it first, with lz4 -dc")),
    (rb"\x1f\x9d", FileFormat("a file compressed by compress", "decompress it first, with gzip -dc")),
    (rb"\x89LZO\0", FileFormat("a file compressed by lzop", "decompress it first, with lzop -dc")),
    (rb"LZIP[\0\x01]", FileFormat("a file compressed by lzip", "decompress it first, with lzip -dc")),
    (rb"\x89PNG\r\n\x1a\n", _image("a PNG")),
    (rb"\xff\xd8\xff", _image("a JPEG")),
    (rb"GIF8[79]a", _image("a GIF")),
    (rb"(?:II\*\0|MM\0\*)", _image("a TIFF")),
    (rb"RIFF.{4}WEBP", _image("a WebP")),
    (rb"BM.{4}\0\0\0\0", _image("a BMP")),
    (rb"8BPS\0\x01", _image("a Photoshop")),
    (rb"\0\0\x01\0[\x01-\x40]\0", _image("an icon")),
    (rb"\0.{3}ftyp(?:heic|heix|mif1|avif)", _image("a HEIC or AVIF")),
    (rb"\0.{3}ftyp", FILM),
    (rb"RIFF.{4}AVI ", FILM),
    (rb"\x1a\x45\xdf\xa3", FILM),
    (rb"(?:RIFF.{4}WAVE|OggS\0|fLaC\0|ID3[\x02-\x04]\0|\xff[\xfb\xf3\xf2](?=.{0,2000}\0))", SOUND),
    (rb"MThd\0\0\0\x06", MIDI),
    (rb"\x7fELF", FileFormat("a program (ELF)", NO_TEXT)),
    (rb"MZ[^\n]{0,60}\0", FileFormat("a program for Windows", NO_TEXT)),
    (
        rb"(?:\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe)",
        FileFormat("a program (Mach-O or Java)", NO_TEXT),
    ),
    (rb"\0asm", FileFormat("a program (WebAssembly)", NO_TEXT)),
    (rb"(?:OTTO\0|\0\x01\0\0\0|wOF[F2]\0)", FileFormat("a font", NO_TEXT)),
    (rb"SQLite format 3\0", _table("an SQLite database")),
    (rb"PAR1\x15", _table("a Parquet table")),
    (rb"(?:ARROW1\0|\xff\xff\xff\xff.{3}\0\x10\0)", _table("an Arrow table")),
    (rb"Obj\x01", _table("an Avro file")),
    (rb"\x89HDF\r\n\x1a\n", FileFormat("an HDF5 file", "weights of Keras are read by longhand import")),
    (rb"\x93NUMPY", FileFormat("a NumPy array", NO_TEXT)),
    (rb"\x80[\x02-\x05](?:\x95.{8}|[\]}(cX])", FileFormat("a Python pickle", "write its texts to a text file first")),
    (rb".{4}\0{4}\{\"", FileFormat("a model file (safetensors)", "give the text that it learned from")),
    (rb"version https://git-lfs\.github\.com/spec/", POINTER),
)
_BEGINNING = tuple((re.compile(mark, re.DOTALL), found) for mark, found in _BEGINNINGS)
_AT_PLACES = ((257, b"ustar", _archive("a tar")), (60, b"BOOKMOBI", BOOK), (60, b"TEXtREAd", BOOK))
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]",
    re.DOTALL | re.IGNORECASE,
)


def recognised(data: bytes) -> FileFormat | None:
    """Return the format of a file that begins with these bytes; None for plain text, and for what is not known.

    - data: its first bytes, `HEAD` or more where it has as many
    """
    head = data[:HEAD]
    for pattern, found in _BEGINNING:
        if pattern.match(head):
            return found
    for place, mark, found in _AT_PLACES:
        if head[place : place + len(mark)] == mark:
            return found
    return HTML if _HTML.match(head) else None
