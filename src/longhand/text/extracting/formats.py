"""File formats known by their first bytes, and what to do about those that are not plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from longhand.text.extracting.pages import begins_a_page

SAVE_AS_TEXT = "save it as plain text (.txt, UTF-8) in the program that made it"
UNPACK = "unpack it and give the text files in it"
NO_TEXT = "leave it out"
HEAD = 4096  # bytes that a format is known by
PAGE_HEAD = 1 << 16  # bytes that a web page is known by: comments and declarations may come first
MAX_POINTER_BYTES = 1024  # of a pointer of Git LFS; a longer file is a text that quotes one
TAR_HEADER = 512  # bytes


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
OLD_OFFICE = FileFormat(
    "a document in Microsoft's old binary format (.doc, .xls), or one protected by a password", SAVE_AS_TEXT
)
FLAT_OFFICE = FileFormat(
    "an office document in one file of XML (.fodt, .xml)",
    f"save it as .odt or .docx, or {SAVE_AS_TEXT}",
    is_markup=True,
)
BOOK = FileFormat("an e-book in Kindle's format", "make text of it, with Calibre's ebook-convert FILE text.txt")
SOUND = FileFormat("a sound file", NO_TEXT)
FILM = FileFormat("a film", NO_TEXT)
MIDI = FileFormat("a MIDI file", "make text of it, such as ABC with midi2abc FILE > tunes.abc")
POINTER = FileFormat("a pointer of Git LFS and not the file itself", "fetch it, with git lfs pull")

# What files begin with. Prose may begin with some of these marks, too: those are followed by what only a file has.
_BINARY = rb"[\0-\x08\x0e-\x1f]"  # no text has
_BEGINNINGS: tuple[tuple[bytes, FileFormat], ...] = (
    (rb"\s*%PDF-\d\.\d[ \t]*(?:[\r\n]|%[^\n]{0,8}[\x80-\xff])", PDF),
    (rb"(?:\xef\xbb\xbf)?\s*\{\\rtf\d*\s*(?:\\[a-z*]|\{\s*\\[a-z*])", RTF),
    (
        rb"(?:\x04?%!PS(?:-Adobe-\d\.\d[ \w.-]*)?[ \t]*[\r\n]|%!(?:PS-AdobeFont|FontType1)-\d|\xc5\xd0\xd3\xc6)",
        FileFormat("a PostScript document", "make text of it, with ps2ascii FILE > text.txt"),
    ),
    (
        rb"AT&TFORM.{4}(?:DJV[UMI]|THUM)",
        FileFormat("a DjVu document", "make text of it, with djvutxt FILE > text.txt"),
    ),
    (
        rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\?>\s*(?:<\?mso-application[^>]*\?>\s*)?"
        rb"<(?:office:document[\s>]|pkg:package\s|w:wordDocument\s)",
        FLAT_OFFICE,
    ),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_OFFICE),
    (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", ZIP),
    (rb"7z\xbc\xaf\x27\x1c", _archive("a 7z")),
    (rb"Rar!\x1a\x07", _archive("a RAR")),
    (rb"!<arch>\n(?=.{58}`\n)", _archive("an ar")),
    (rb"MSCF\0\0\0\0", _archive("a cabinet")),
    (rb"(?:07070[12][0-9A-Fa-f]{104}|070707[0-7]{70}|(?:\xc7\x71|\x71\xc7)(?=.{0,24}\0))", _archive("a cpio")),
    (rb"\xed\xab\xee\xdb", _archive("an RPM")),
    (rb"xar!\0", _archive("a xar")),
    (
        rb"(?:\x04\x22\x4d|\x02\x21\x4c)\x18",
        FileFormat("a file compressed by lz4", "decompress it first, with lz4 -dc"),
    ),
    (rb"\x1f\x9d", FileFormat("a file compressed by compress", "decompress it first, with gzip -dc")),
    (rb"\xff\x06\0\0sNaPpY", FileFormat("a file compressed by snappy", "decompress it first, with snzip -dc")),
    (rb"\x89LZO\0", FileFormat("a file compressed by lzop", "decompress it first, with lzop -dc")),
    (rb"LZIP[\0\x01]", FileFormat("a file compressed by lzip", "decompress it first, with lzip -dc")),
    (rb"\x89PNG\r\n\x1a\n", _image("a PNG")),
    (rb"\xff\xd8\xff", _image("a JPEG")),
    (rb"GIF8[79]a(?=.{0,20}%b)" % _BINARY, _image("a GIF")),
    (rb"(?:II[*+]\0|MM\0[*+])", _image("a TIFF")),
    (rb"RIFF.{4}WEBP(?=.{0,12}\0)", _image("a WebP")),
    (rb"(?:\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51\0)", _image("a JPEG 2000")),
    (rb"\0\0\0\x0cJXL \r\n\x87\n", _image("a JPEG XL")),
    (rb"gimp xcf (?:file|v\d{3})\0", _image("a GIMP")),
    (rb"BM.{4}\0\0\0\0", _image("a BMP")),
    (rb"8BPS\0\x01", _image("a Photoshop")),
    (rb"\0\0\x01\0[\x01-\x40]\0", _image("an icon")),
    (rb"\0.{3}ftyp(?:heic|heix|mif1|avif)", _image("a HEIC or AVIF")),
    (rb"\0.{3}ftyp(?:M4[AB]|F4A)", SOUND),
    (rb"\0.{3}ftyp", FILM),
    (rb"RIFF.{4}AVI (?=.{0,40}\0)", FILM),
    (rb"FLV\x01", FILM),
    (rb"\0\0\x01[\xb3\xba]", FILM),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", FILM),
    (rb"\x1a\x45\xdf\xa3", FILM),
    (rb"R(?:IF[FX]|F64).{4}WAVE(?=.{0,12}\0)", SOUND),
    (rb"FORM.{4}AIF[FC](?=.{0,12}\0)", SOUND),
    (rb"(?:OggS\0|fLaC\0|caff\0|\.snd\0|ID3[\x02-\x04]\0|\xff[\xfa\xfb\xf3\xf2\xf1\xf9](?=.{0,2000}\0))", SOUND),
    (rb"#!AMR(?:-WB)?\n(?=.{0,40}%b)" % _BINARY, SOUND),
    (rb"MThd\0\0\0\x06", MIDI),
    (rb"\x7fELF", FileFormat("a program (ELF)", NO_TEXT)),
    (rb"MZ(?!\0).{0,60}\0", FileFormat("a program for Windows", NO_TEXT)),
    (
        rb"(?:\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe)",
        FileFormat("a program (Mach-O or Java)", NO_TEXT),
    ),
    (rb"[^\r\n].\r\n[\0-\x03]\0\0\0", FileFormat("a compiled Python module (.pyc)", NO_TEXT)),
    (rb"\0asm", FileFormat("a program (WebAssembly)", NO_TEXT)),
    (rb"(?:OTTO\0|ttcf\0|\0\x01\0\0\0|wOF[F2]\0)", FileFormat("a font", NO_TEXT)),
    (rb"SQLite format 3\0", _table("an SQLite database")),
    (rb"PAR1\x15", _table("a Parquet table")),
    (rb"(?:ARROW1\0|\xff\xff\xff\xff.{3}\0\x10\0)", _table("an Arrow table")),
    (rb"Obj\x01", _table("an Avro file")),
    (rb"\x89HDF\r\n\x1a\n", FileFormat("an HDF5 file", "weights of Keras are read by longhand import")),
    (rb"bplist0\d(?=.{0,64}%b)" % _BINARY, FileFormat("a binary property list (plist)", "convert it with plutil")),
    (rb"\x93NUMPY", FileFormat("a NumPy array", NO_TEXT)),
    (rb"\x80[\x02-\x05](?:\x95.{8}|[\]}(cX])", FileFormat("a Python pickle", "write its texts to a text file first")),
    (rb"GGUF[\x01-\x09]\0\0\0", FileFormat("a model file (GGUF)", "give the text that it learned from")),
    (rb".{4}\0{4}\{\"", FileFormat("a model file (safetensors)", "give the text that it learned from")),
)
_BEGINNING = tuple((re.compile(mark, re.DOTALL), found) for mark, found in _BEGINNINGS)
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v\d+\r?\n(?:ext-[^\n]*\n)*oid \S")


def recognised(data: bytes) -> FileFormat | None:
    """Return the format of a file that begins with these bytes; None for plain text, and for what is not known.

    - data: its first bytes, `PAGE_HEAD` or more where it has as many
    """
    head = data[:HEAD]
    for pattern, found in _BEGINNING:
        if pattern.match(head):
            return found
    if _is_tar(head):
        return _archive("a tar")
    if head[60:68] in (b"BOOKMOBI", b"TEXtREAd") and b"\0" in head[:60]:
        return BOOK
    if len(head) <= MAX_POINTER_BYTES and _POINTER.match(head):
        return POINTER
    return HTML if begins_a_page(data[:PAGE_HEAD]) else None


def _is_tar(head: bytes) -> bool:
    """Return whether bytes begin with the header of a tar archive, old or new: it has a checksum of its own bytes."""
    header = head[:TAR_HEADER]
    stated = header[148:156].strip(b" \0")
    if len(header) < TAR_HEADER or not re.fullmatch(rb"[0-7]+", stated):
        return False
    return b"\0" in header and sum(header[:148]) + sum(header[156:]) + 8 * ord(" ") == int(stated, 8)
