"""XML from strangers, parsed without fetching anything and without expanding entities."""

from __future__ import annotations

from typing import Any

from longhand.errors import CorpusError
from longhand.text.extracting.formats import SAVE_AS_TEXT


def parsed_xml(data: bytes, label: str) -> Any:
    """Return the root element of an XML file, an `lxml.etree` element. Raises `CorpusError` where it is damaged."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        problem = " ".join(str(error).split())
        raise CorpusError(f"{label}: a document whose XML cannot be read ({problem}): {SAVE_AS_TEXT}") from None
