"""The text of HTML: a blank line between blocks, white space as a browser shows it, no scripts and styles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from longhand.errors import CorpusError
from longhand.text.extracting.extract import Note
from longhand.text.extracting.formats import SAVE_AS_TEXT

_SKIPPED = {"script", "style", "head", "noscript", "template", "svg", "math", "iframe", "object", "select", "button"}
_BLOCKS = frozenset(
    """
    address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre section summary table ul
    """.split()  # noqa: SIM905 (a list of forty lines tells no more)
)
_LINES = {"li", "tr", "caption", "option"}  # blocks that follow each other without a blank line
_CELLS = {"td", "th"}
_SPACES = re.compile(r"[ \t\n\r\f]+")  # but for the no-break space, which is meant
_CHARSET = re.compile(rb"<meta[^>]+charset", re.IGNORECASE)
_DECLARED = re.compile(rb"\s*<\?xml[^>]+encoding\s*=\s*[\"']([\w.-]+)")
BLANK, LINE, BREAK = "\n\n", "\n", "\v"  # between blocks, between items, and what two of make a blank line
KEPT_SPACE = "\x1f"  # stands for a space of preformatted text, until all is joined


def html_text(data: bytes, label: str, note: Note) -> str:
    """Return the text of a web page.

    - label: what to call it
    - note: is called with the encoding, where the page does not say it and it is not UTF-8

    Raises `CorpusError` where there is none.
    """
    from lxml import etree, html

    encoding = _encoding(data)
    if encoding == "windows-1252":
        note("a page that does not say its encoding, read as windows-1252")
    try:
        parser = html.HTMLParser(
            encoding=encoding, no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
        )
        root = html.document_fromstring(data, parser)
    except (etree.ParserError, etree.XMLSyntaxError, LookupError) as error:
        raise CorpusError(f"{label}: a web page in which no text can be found ({error}); expected some") from None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):  # what comes after it is lost
        raise CorpusError(f"{label}: a web page that nests too deep, or is too large: {SAVE_AS_TEXT}")
    return joined_blocks(element_parts(root))


def joined_blocks(parts: Iterator[str]) -> str:
    """Return a text from its parts, of which BLANK, LINE and BREAK stand for one or two line ends."""
    text: list[str] = []
    line_ends = 0
    for part in parts:
        if part in (BLANK, LINE):
            line_ends = max(line_ends, len(part))
        elif part == BREAK:
            line_ends = min(line_ends + 1, 2)
        else:
            if line_ends or not text or text[-1].endswith((" ", "\t")):
                part = part.lstrip(" ")
            if not part:
                continue
            if line_ends and text:
                _strip_end(text)
                text.append("\n" * line_ends)
            text.append(part)
            line_ends = 0
    whole = "".join(text).rstrip().replace(KEPT_SPACE, " ")
    return whole + "\n" if whole else ""


def _strip_end(text: list[str]) -> None:
    """Take the white space off the end of a line."""
    while text and not (stripped := text[-1].rstrip(" \t")):
        text.pop()
    if text:
        text[-1] = stripped


def _encoding(data: bytes) -> str | None:
    """Return the encoding of a page; None where a tag of it or a byte order mark says it."""
    if found := _DECLARED.match(data):
        return found[1].decode("ascii")
    if _CHARSET.search(data[:4096]) or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"  # as browsers do
    return "utf-8"


def element_parts(root: Any) -> Iterator[str]:
    """Yield the text of an element and of those in it, without recursion: pages nest as deep as they like."""
    preformatted = 0
    waiting: list[tuple[Any, bool]] = [(root, False)]
    while waiting:
        element, left = waiting.pop()
        tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if left:
            preformatted -= tag == "pre"
            yield from _after(tag)
            if element.tail:
                yield from _text(element.tail, preformatted)
            continue
        if tag in _SKIPPED or not tag:
            if element.tail:
                yield from _text(element.tail, preformatted)
            continue
        yield from _before(tag)
        preformatted += tag == "pre"
        if element.text:
            yield from _text(element.text, preformatted)
        waiting.append((element, True))
        waiting += [(child, False) for child in reversed(element)]


def _before(tag: str) -> Iterator[str]:
    if tag in _BLOCKS:
        yield BLANK
    elif tag in _LINES:
        yield LINE


def _after(tag: str) -> Iterator[str]:
    if tag in _BLOCKS:
        yield BLANK
    elif tag in _LINES:
        yield LINE
    elif tag == "br":
        yield BREAK
    elif tag in _CELLS:
        yield "\t"


def _text(text: str, preformatted: int) -> Iterator[str]:
    text = text.replace(KEPT_SPACE, "").replace(BREAK, "")
    if not preformatted:
        yield _SPACES.sub(" ", text)
        return
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        if number:
            yield BREAK
        if line:
            yield line.replace(" ", KEPT_SPACE)
