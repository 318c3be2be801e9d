"""A random passage of a text, for a model to go on from: the seed of the Keras tutorial's script."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

import numpy as np

from longhand.errors import CorpusError
from longhand.text.corpus import CorpusReader
from longhand.text.documents import documents_of_text
from longhand.text.reading import PLAIN, Reading
from longhand.text.rereading import Text
from longhand.text.sources import Source
from longhand.units import PLURAL, Unit

WORD = re.compile(r"\S+")


def random_passage(
    sources: Iterable[Source], unit: Unit, length: int, random: np.random.Generator, reading: Reading = PLAIN
) -> str:
    """Return `length` consecutive characters or words of a text, from a random place that leaves some after them.

    - unit: "char" or "word", which are joined by spaces

    Raises `CorpusError` for a source that cannot be read, or one that is not longer than that.
    """
    reader = CorpusReader(sources, reading=reading)
    text = "".join(reader.pieces())
    tokens = sum(1 for _ in WORD.finditer(text)) if unit == "word" else len(text)
    if tokens <= length:
        raise CorpusError(
            f"{', '.join(reader.names)}: {tokens} {PLURAL[unit]}, expected more than the {length} of a seed"
        )
    first = int(random.integers(0, tokens - length))
    if unit == "char":
        return text[first : first + length]
    return " ".join(word[0] for word in islice(WORD.finditer(text), first, first + length))


def beginning_of_a_document(text: Text, length: int, random: np.random.Generator) -> str:
    """Return the first half of a random document of a text, `length` characters at most.

    - text: of documents, whose ends are marked

    Raises `CorpusError` for a text without documents.
    """
    count = sum(1 for _ in documents_of_text(text.pieces()))
    if not count:
        raise CorpusError(f"{', '.join(text.names)}: no document in it, expected one to go on from")
    chosen = int(random.integers(0, count))
    document = next(islice(documents_of_text(text.pieces()), chosen, None))
    return document[: min(length, max(1, len(document) // 2))]
