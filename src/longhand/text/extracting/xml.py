"""XML from strangers, parsed without fetching anything and without expanding entities."""

from __future__ import annotations

from html.entities import html5
from typing import Any

from longhand.errors import CorpusError
from longhand.text.extracting.formats import SAVE_AS_TEXT


def parsed_xml(data: bytes, label: str) -> Any:
    """Return the root element of an XML file, an `lxml.etree` element, in which the entities of HTML are characters.

    Raises `CorpusError` where it is damaged, and for entities that HTML does not have: they could stand for anything.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        problem = " ".join(str(error).split())
        raise CorpusError(f"{label}: a document whose XML cannot be read ({problem}): {SAVE_AS_TEXT}") from None
    found = list(root.iter(etree.Entity))
    if found:
        own = _own_entities(root)
        for entity in reversed(found):  # so that what comes after one is text already
            _replace(entity, _character(entity, own, label))
    return root


def _own_entities(root: Any) -> dict[str, str]:
    """Return the entities that a document defines itself, and what they stand for."""
    dtd = root.getroottree().docinfo.internalDTD
    return {} if dtd is None else {entity.name: entity.content or "" for entity in dtd.iterentities()}


def _character(entity: Any, own: dict[str, str], label: str) -> str:
    """Return what an entity stands for in HTML. Raises `CorpusError` where it stands for nothing, or something else."""
    character = html5.get(f"{entity.name};")
    if character is None or own.get(entity.name, character) != character:
        raise CorpusError(
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
