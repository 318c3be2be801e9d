"""The text of HTML: a blank line between blocks, white space as a browser shows it, no scripts and styles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from longhand.errors import CorpusError
from longhand.text.extracting.extract import Note
from longhand.text.extracting.formats import SAVE_AS_TEXT
from longhand.text.extracting.page_encoding import page_text
from longhand.text.extracting.xml import EntityError, parsed_xml

_SKIPPED = frozenset(
    """
    script style head title noscript noframes template svg iframe select button annotation annotation-xml rt rp rtc
    """.split()  # noqa: SIM905
)
_BLOCKS = frozenset(
    """
    address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hgroup hr listing main menu nav ol p pre section summary table textarea ul xmp
    """.split()  # noqa: SIM905 (a list of forty lines tells no more)
)
_LINES = {"li", "tr", "caption", "option"}  # blocks that follow each other without a blank line
_CELLS = {"td", "th"}
_PREFORMATTED = {"pre", "listing", "textarea", "xmp"}
_TOLD = {"rt": "readings of characters (ruby)", "svg": "texts of drawings"}  # what is left out though it is shown
_SPACES = re.compile(r"[ \t\n\r\f]+")  # but for the no-break space, which is meant
_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0e-\x1f]")  # no page may have them, and the parser would replace them
_XHTML = re.compile(r"\s*(?:<\?xml\b|(?:<!doctype[^>]*>\s*)?<html\b[^>]*\sxmlns\s*=)", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_ENDS = re.compile(  # of a page, and what may hold what only looks like one
    r"<!-->|<!--.*?(?:-->|(\Z))|<(script|style|textarea|title|xmp)\b(?![^<>]*/>).*?(?:</\2|(\Z))|(</(?:html|body)\b[^<>]*>)",
    re.DOTALL | re.IGNORECASE,
)
_OWN_ENTITIES = re.compile(r"\s*(?:<\?xml\b[^>]*\?>\s*)?<!doctype[^<>\[]*\[", re.IGNORECASE)
_UNENDED_TAG = re.compile(r"</?[a-zA-Z][^>]*\Z")
BLANK, LINE, BREAK = "\n\n", "\n", "\v"  # between blocks, between items, and what two of make a blank line
KEPT_BREAK = "\x1d"  # a line end of preformatted text
CELL, CELL_END = "\x1c", "\t"  # the beginning and the end of a cell in a row of a table
KEPT_SPACE, KEPT_TAB = "\x1f", "\x1e"  # stand for those of preformatted text, until all is joined


def html_text(data: bytes, label: str, note: Note, encoding: str | None = "utf-8") -> str:
    """Return the text of a web page.

    - label: what to call it
    - note: is called with what was left out, and with what of its encoding was not as it says
    - encoding: the one that a person named; None: what it looks like

    Raises `CorpusError` where there is none, or where bytes are not of the encoding.
    """
    text = page_text(data, label, encoding, note)
    text, controls = _CONTROLS.subn("", text)
    if controls:
        note(f"control characters, which no page may have, were left out: {controls:,}")
    if cut := _UNENDED_TAG.search(text, max(text.rfind("<"), 0)):
        note(f"a page that ends inside a tag, which was left out: {cut[0][:20]!r}")
    root = _page(text, label)
    tell_left_out(root, note)
    return joined_blocks(element_parts(root))


def _page(text: str, label: str) -> Any:
    """Return the root of a page: of XHTML as XML, where it is any, and of everything else as browsers read it."""
    from lxml import etree, html

    if _XHTML.match(text):
        try:
            return parsed_xml(_XML_DECLARATION.sub("", text, count=1).encode(), label)
        except EntityError:
            raise
        except CorpusError:
            pass  # not well-formed: browsers read it as HTML
    text = _without_ends(text, label)
    if _OWN_ENTITIES.match(text):
        raise CorpusError(f"{label}: a web page that defines entities of its own, and is no XML: {SAVE_AS_TEXT}")
    try:
        parser = html.HTMLParser(
            encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
        )
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, LookupError) as error:
        raise CorpusError(f"{label}: a web page in which no text can be found ({error}); expected some") from None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):  # what comes after it is lost
        raise CorpusError(f"{label}: a web page that nests too deep, or is too large: {SAVE_AS_TEXT}")
    return root


def _without_ends(text: str, label: str) -> str:
    """Return a page without the tags that end it: the parser leaves out what comes after them.

    Raises `CorpusError` where something that is not shown is never closed, so that the rest would be a part of it.
    """

    def kept(found: re.Match[str]) -> str:
        if found[1] is not None or found[3] is not None:
            what = f"<{found[2]}>" if found[2] else "comment (<!--)"
            raise CorpusError(f"{label}: a web page with a {what} that is never closed: close it, or get the page anew")
        return "" if found[4] else found[0]

    return _ENDS.sub(kept, text)


def tell_left_out(root: Any, note: Note) -> None:
    """Say what a page shows and its text does not have."""
    found = {
        words
        for element in root.iter()
        if (words := _TOLD.get(_tag(element))) and any(text.strip() for text in element.itertext())
    }
    if found:
        note(f"its {', '.join(sorted(found))} were left out")


def joined_blocks(parts: Iterator[str]) -> str:
    """Return a text from its parts, of which BLANK, LINE and BREAK stand for one or two line ends."""
    text: list[str] = []
    line_ends = 0
    cell_begins = False  # there blocks end no line: what is in the cell stays in its row
    for part in parts:
        if part == CELL:
            cell_begins = True
        elif part in (BLANK, LINE):
            line_ends = line_ends if cell_begins else max(line_ends, len(part))
        elif part == BREAK:
            line_ends = max(line_ends, min(line_ends + 1, 2))
        elif part == KEPT_BREAK:
            line_ends += 1
        else:
            if part == CELL_END and not cell_begins:
                line_ends = 0
            if line_ends or not text or text[-1].endswith((" ", "\t")):
                part = part.lstrip(" ")
            if not part:
                continue
            if line_ends and text:
                _strip_end(text)
                text.append("\n" * line_ends)
            text.append(part)
            line_ends, cell_begins = 0, False
    whole = "".join(text).rstrip().replace(KEPT_SPACE, " ").replace(KEPT_TAB, "\t")
    return whole + "\n" if whole else ""


def _strip_end(text: list[str]) -> None:
    """Take the white space off the end of a line."""
    while text and not (stripped := text[-1].rstrip(" \t")):
        text.pop()
    if text:
        text[-1] = stripped


def element_parts(root: Any) -> Iterator[str]:
    """Yield the text of an element and of those in it, without recursion: pages nest as deep as they like."""
    preformatted = quotes = 0
    waiting: list[tuple[Any, bool]] = [(root, False)]
    while waiting:
        element, left = waiting.pop()
        tag = _tag(element)
        if left:
            preformatted -= tag in _PREFORMATTED
            quotes -= tag == "q"
            yield from _after(tag, quotes)
        elif tag and tag not in _SKIPPED:
            yield from _before(tag, quotes)
            preformatted += tag in _PREFORMATTED
            quotes += tag == "q"
            if element.text:
                begun = element.text.removeprefix("\n") if tag in _PREFORMATTED else element.text  # as browsers do
                yield from _text(begun, preformatted)
            waiting.append((element, True))
            waiting += [(child, False) for child in reversed(element)]
            continue
        if element.tail and element is not root:
            yield from _text(element.tail, preformatted)


def _tag(element: Any) -> str:
    """Return the name of an element in small letters; empty for what is none."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _before(tag: str, quotes: int) -> Iterator[str]:
    if tag in _BLOCKS:
        yield BLANK
    elif tag in _LINES:
        yield LINE
    elif tag in _CELLS:
        yield CELL
    elif tag == "q":
        yield "\u2018" if quotes % 2 else "\u201c"


def _after(tag: str, quotes: int) -> Iterator[str]:
    if tag in _BLOCKS:
        yield BLANK
    elif tag in _LINES:
        yield LINE
    elif tag == "br":
        yield BREAK
    elif tag in _CELLS:
        yield CELL_END
    elif tag == "q":
        yield "\u2019" if quotes % 2 else "\u201d"


def _text(text: str, preformatted: int) -> Iterator[str]:
    if not preformatted:
        yield _SPACES.sub(" ", text)
        return
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        if number:
            yield KEPT_BREAK
        if line:
            yield line.replace(" ", KEPT_SPACE).replace("\t", KEPT_TAB)
