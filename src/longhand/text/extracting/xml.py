"""XML from strangers, parsed without fetching anything and without expanding entities."""

from __future__ import annotations

import re
from html.entities import html5
from typing import Any

from longhand.errors import CorpusError
from longhand.text.extracting.formats import SAVE_AS_TEXT

_BEFORE_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?")
_DOCTYPE = re.compile(rb"<!DOCTYPE\s+[\w:.-]+(?=\s*[\[>])")
MAX_PROLOG = 1 << 12  # bytes in which a document type is looked for
_UNDEFINED, _ELSEWHERE = "not defined", b' SYSTEM "d"'  # says that entities are defined in another file


class EntityError(CorpusError):
    """A document that is XML, with an entity of which it cannot be known what it stands for."""


def parsed_xml(data: bytes, label: str) -> Any:
    """Return the root element of an XML file, an `lxml.etree` element, in which the entities of HTML are characters.

    Raises `CorpusError` where it is damaged, `EntityError` for entities that HTML does not have.
    """
    from lxml import etree

    try:
        root = _parsed(data)
    except etree.XMLSyntaxError as error:
        problem = " ".join(str(error).split())
        root = _parsed_with_entities(data) if _UNDEFINED in problem else None
        if root is None:
            raise CorpusError(f"{label}: a document whose XML cannot be read ({problem}): {SAVE_AS_TEXT}") from None
    found = list(root.iter(etree.Entity))
    if found:
        own = _own_entities(root)
        for entity in reversed(found):  # so that what comes after one is text already
            _replace(entity, _character(entity, own, label))
    return root


def _parsed(data: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    return etree.fromstring(data, parser)


def _parsed_with_entities(data: bytes) -> Any:
    """Return the root of a document that uses entities which it does not define; None where that is not all."""
    from lxml import etree

    if found := _DOCTYPE.search(data, 0, MAX_PROLOG):
        added = _ELSEWHERE
    else:
        found, added = _BEFORE_DOCTYPE.match(data), b"<!DOCTYPE d" + _ELSEWHERE + b">"
    place = found.end() if found else 0
    try:
        return _parsed(data[:place] + added + data[place:])
    except etree.XMLSyntaxError:
        return None


def _own_entities(root: Any) -> dict[str, str]:
    """Return the entities that a document defines itself, and what they stand for."""
    dtd = root.getroottree().docinfo.internalDTD
    return {} if dtd is None else {entity.name: entity.content or "" for entity in dtd.iterentities()}


def _character(entity: Any, own: dict[str, str], label: str) -> str:
    """Return what an entity stands for in HTML. Raises `EntityError` where that cannot be known."""
    character = html5.get(f"{entity.name};")
    if character is None or own.get(entity.name, character) != character:
        raise EntityError(
            f"{label}: a document with an entity that HTML does not have (&{entity.name[:40]};): {SAVE_AS_TEXT}"
        )
    return character


def _replace(entity: Any, character: str) -> None:
    """Put a character in the place of an entity, as text together with what comes after it."""
    text = character + (entity.tail or "")
    parent, before = entity.getparent(), entity.getprevious()
    entity.tail = None  # or else it would go with the entity
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    parent.remove(entity)
