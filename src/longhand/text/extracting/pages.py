"""What tells a web page from prose and code that speak of one, by its first bytes or its file's name."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath

from longhand.text.likely import marked_encoding
from longhand.text.packed import SUFFIXES

PAGE_SUFFIXES = (".html", ".htm", ".xhtml", ".xht", ".shtml")
_ELEMENTS = (
    rb"html|head|body|title|meta|link|base|script|style|p|div|span|h[1-6]|table|tr|td|ul|ol|li|dl|br|hr|img|a|b|i|em|"
    rb"strong|font|center|blockquote|pre|section|article|main|header|footer|nav|form|noscript|frameset|figure"
)
_VALUE = rb"\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+)"
_BEFORE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>)?")
_DOCTYPE = re.compile(
    rb"<!doctype\s+html(?:\s+(?:public|system)\b[^<>\[]{0,500})?(?:\[[^\]]*\])?\s*>", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(
    rb"<(?:html(?:\s+[^\s\"'<>=]+(?:%b)?)*|(?:head|body)(?:\s+(?:itemscope|[\w:.-]+%b))*)\s*>" % (_VALUE, _VALUE),
    re.IGNORECASE,
)
_ELEMENT = re.compile(rb"<(?:%b)(?:\s[^<>]*)?/?>" % _ELEMENTS, re.IGNORECASE)
_FIRST_ELEMENT = re.compile(rb"<(?:%b)(?=[\s/>]|\Z)" % _ELEMENTS, re.IGNORECASE)
_CLOSING = re.compile(rb"</(?!html|head|body)(?:%b)\s*>" % _ELEMENTS, re.IGNORECASE)


def named_as_page(label: str) -> bool:
    """Return whether a file has the name of a web page, compressed or not."""
    path = PurePath(label.lower())
    return PurePath(path.stem if path.suffix in SUFFIXES else path).suffix in PAGE_SUFFIXES


def begins_a_page(head: bytes) -> bool:
    """Return whether bytes begin as a web page does: its first tag, and then markup rather than words."""
    place = _past_first_tag(head)
    if place is None:
        return False
    if _FIRST_ELEMENT.match(head, place) or place == len(head):
        return True
    return bool(_ELEMENT.search(head, place) and _CLOSING.search(head, place)) and not _DOCTYPE.match(
        head, _past_comments(head, _after(_BEFORE, head, 0))
    )


def mentions_a_page(head: bytes) -> bool:
    """Return whether bytes begin with the first tag of a web page, whatever comes after it."""
    return _past_first_tag(head) is not None


def ascii_head(head: bytes, encoding: str | None) -> bytes:
    """Return the first bytes of a file as UTF-8 where its mark, or a person, says that they are UTF-16 or UTF-32."""
    name = marked_encoding(head)
    if not name and encoding is not None and b"\0" in head[:8]:
        name = encoding
    if not name:
        return head
    if not marked_encoding(head) and codecs.lookup(name).name in ("utf-16", "utf-32"):
        name = f"{codecs.lookup(name).name}-le"  # the usual order
    try:
        text = codecs.getincrementaldecoder(name)("replace").decode(head)
    except UnicodeError:  # some encodings know no way but the strict one
        return head
    return text.removeprefix("\ufeff").encode("utf-8", "replace")


def _past_first_tag(head: bytes) -> int | None:
    """Return the place after the first tag of a page and the comments behind it; None where there is no such tag."""
    place = _past_comments(head, _after(_BEFORE, head, 0))
    found = _DOCTYPE.match(head, place) or _TAG.match(head, place)
    return None if found is None else _past_comments(head, found.end())


def _past_comments(head: bytes, place: int) -> int:
    """Return the place after white space and comments; one step a comment, however many there are."""
    while True:
        while head[place : place + 1].isspace():
            place += 1
        if not head.startswith(b"<!--", place):
            return place
        end = head.find(b"-->", place + 4)
        place = len(head) if end < 0 else end + 3


def _after(pattern: re.Pattern[bytes], head: bytes, place: int) -> int:
    found = pattern.match(head, place)
    return place if found is None else found.end()
