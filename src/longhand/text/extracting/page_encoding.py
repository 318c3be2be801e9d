"""The bytes of a web page, decoded strictly: in the encoding that was said, that the page has a mark of, or names."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from longhand.errors import CorpusError
from longhand.text.encodings import order_of_utf_16
from longhand.text.likely import UTF_8, encoding_of, marked_encoding

MARKUP = bytes(range(0x20, 0x7F))  # is the same text in all encodings in which a page can name its own
NO_ENCODINGS = ("unicode_escape", "raw_unicode_escape", "punycode", "idna")  # codecs of Python for other things
SEVEN_BIT = ("iso2022", "hz")  # what begins the names of encodings whose bytes are all ASCII, and so valid UTF-8
MOVED = "utf-16"  # begins the names that a page cannot truly say of itself in ASCII: browsers take UTF-8 for them
# What browsers read under a name, where Python's codec of that name knows fewer characters (the WHATWG's labels).
CODECS = {
    "cp1252": "ascii us-ascii iso-8859-1 iso8859-1 iso_8859-1 latin1 latin-1 l1 cp819 x-cp1252 ansi_x3.4-1968",
    "cp1254": "iso-8859-9 iso8859-9 iso_8859-9 latin5 l5 x-cp1254",
    "cp874": "iso-8859-11 iso8859-11 tis-620 dos-874 windows-874",
    "gb18030": "gb2312 gb_2312 gb_2312-80 gbk x-gbk chinese csgb2312 iso-ir-58 cp936",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji windows-31j csshiftjis ms932",
    "cp949": "euc-kr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean windows-949 cseuckr",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc_jp": "euc-jp x-euc-jp cseucpkdfmtjapanese",
    "koi8_u": "koi8-u koi8-ru",
    "koi8_r": "koi8-r koi8 koi cskoi8r",
    "mac_roman": "macintosh mac x-mac-roman csmacintosh",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "iso8859_8": "iso-8859-8-i iso-8859-8-e logical visual",
    "iso8859_6": "iso-8859-6-i iso-8859-6-e",
    **{f"cp125{digit}": f"x-cp125{digit}" for digit in (0, 1, 3, 5, 6, 7, 8)},
    UTF_8: "unicode-1-1-utf-8 x-unicode20utf8",
}
_CODEC_OF = {label: codec for codec, labels in CODECS.items() for label in labels.split()}

_XML_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_HEAD = re.compile(  # a meta element, the end of the head, and what may hold what only looks like them
    rb"<!--.*?(?:-->|\Z)|<(script|style|title|noscript)\b.*?(?:</\1|\Z)|(<meta\b[^<>]*)|(</head\b|<body\b)",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(rb"([^\s=/\"'>]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([^\s;\"']+)", re.IGNORECASE)


def page_text(data: bytes, label: str, said: str | None, note: Callable[[str], None]) -> str:
    """Return the text of a page with its tags. Nothing is replaced: raises `CorpusError` for bytes that are no text.

    - label: what to call the page
    - said: the encoding that a person named; None: what it looks like
    - note: is called where what is read contradicts what the page says, or was guessed
    """
    declared = declared_encoding(data)
    if marked := _marked(data):
        if said is not None and not _is_utf_8(said) and not said.lower().startswith(marked):
            note(f"a page with the byte order mark of {marked}, read as that and not as {said}")
        return _decoded(data, label, marked, "though its byte order mark says so")
    if said is not None and not _is_utf_8(said) and (_keeps_markup(said) or b"\0" in data[:8]):
        if declared and _codec(declared) != _codec(said):
            note(f"a page that says it is {declared}, read as {said}, as --encoding says")
        elif not declared and not data.isascii() and _decodes(data, UTF_8):
            note(f"a page that could be UTF-8, read as {said}, as --encoding says")
        name = codecs.lookup(said).name
        if name in ("utf-16", "utf-32"):
            note(f"no byte order mark, so it is read as {name}-le")
            said = f"{name}-le"
        return _decoded(data, label, said, "though --encoding says so")
    if (order := order_of_utf_16(data, 0)) and b"\0" in data[:8]:
        raise CorpusError(
            f"{label}: a web page with NULs: if it is UTF-16 without a mark, train with --encoding utf-16-{order}"
        )
    codec = _codec(declared) if declared else ""
    if codec.startswith(SEVEN_BIT):
        return _decoded(data, label, codec, "though the page says so")
    try:
        text = data.decode(UTF_8)
    except UnicodeDecodeError as error:
        return _of_declared(data, label, declared, said, note, error)
    if codec and codec != UTF_8 and not text.isascii():
        note(f"a page that says it is {declared}, read as UTF-8, which all of it is")
    return _without_nul(text, label)


def declared_encoding(data: bytes) -> str:
    """Return the encoding that a page names in its head, or in its declaration as XML; empty where it names none."""
    for found in _HEAD.finditer(data):
        if found[3]:
            break
        if found[2] and (name := _of_meta(found[2][5:])):
            return name
    xml = _XML_DECLARATION.match(data)
    return xml[1].decode("ascii") if xml else ""


def _of_meta(attributes: bytes) -> str:
    values = {one[1].lower(): one[2] or one[3] or one[4] or b"" for one in _ATTRIBUTE.finditer(attributes)}
    name = values.get(b"charset", b"")
    if not name and values.get(b"http-equiv", b"").strip().lower() == b"content-type":
        found = _CHARSET.search(values.get(b"content", b""))
        name = found[1] if found else b""
    return name.strip().decode("ascii", "backslashreplace")


def _of_declared(
    data: bytes,
    label: str,
    declared: str,
    said: str | None,
    note: Callable[[str], None],
    error: UnicodeDecodeError,
) -> str:
    """Return the text of a page that is not UTF-8."""
    codec = _codec(declared) if declared else ""
    if codec and codec != UTF_8:
        return _decoded(data, label, codec, "though the page says so")
    likely = encoding_of(data + b"\n")  # so that no character is cut off at its end
    what = f"not UTF-8 at byte {error.start} (0x{data[error.start]:02X})"
    if likely == UTF_8:
        raise CorpusError(
            f"{label}: a web page that is {what}, though the rest of it is: it seems damaged; get it anew"
        )
    if said is None and not declared and likely is not None:
        note(f"a page that does not say its encoding, read as {likely}, as it seems")
        return _decoded(data, label, likely, "though it looks like it")
    if not declared:
        says = "does not say its encoding"
    elif codec:
        says = "says it is UTF-8"
    else:
        says = f"says an encoding that is not known ({declared[:40]})"
    looks = "name its encoding with --encoding" if likely is None else f"it looks like {likely}: --encoding {likely}"
    raise CorpusError(f"{label}: a web page that {says}, and is {what}; {looks}")


def _decoded(data: bytes, label: str, encoding: str, why: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        byte = error.object[error.start : error.start + 1].hex().upper()
        problem = f"at byte {error.start} (0x{byte})"
    except UnicodeError as error:
        problem = f"({error})"
    else:
        return _without_nul(text.removeprefix("\ufeff"), label)
    raise CorpusError(
        f"{label}: a web page that is not {encoding} {problem}, {why}: name its --encoding, or get it anew"
    )


def _without_nul(text: str, label: str) -> str:
    if (place := text.find("\0")) >= 0:
        raise CorpusError(f"{label}: a web page with a NUL as character {place}: get it anew, or name its --encoding")
    return text


def _marked(data: bytes) -> str:
    return UTF_8 if data.startswith(codecs.BOM_UTF8) else marked_encoding(data)


def _codec(name: str) -> str:
    """Return the name of the codec in which browsers read what has this label; empty where it is none for pages."""
    label = name.strip().lower()
    if label.startswith(MOVED):
        return UTF_8
    try:
        codec = codecs.lookup(_CODEC_OF.get(label, label)).name
    except (LookupError, ValueError):
        return ""
    codec = _CODEC_OF.get(codec, codec)
    if codec.replace("-", "_") in NO_ENCODINGS:
        return ""
    return codec if codec.startswith(SEVEN_BIT) or _keeps_markup(codec) else ""


def _keeps_markup(encoding: str) -> bool:
    """Return whether tags are the same bytes in an encoding as in ASCII."""
    try:
        return MARKUP.decode(encoding) == MARKUP.decode("ascii")
    except (UnicodeError, LookupError):
        return False


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeError:
        return False
    return True


def _is_utf_8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in (UTF_8, "utf-8-sig")
