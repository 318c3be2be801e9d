"""A random passage of a text, for a model to go on from: the seed of the Keras tutorial's script."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from longhand.errors import CorpusError
from longhand.text.corpus import CorpusReader
from longhand.text.listed import split
from longhand.text.sources import Source


def random_passage(sources: Iterable[Source], unit: str, length: int, random: np.random.Generator) -> str:
    """Return `length` consecutive characters or words of a text, from a random place that leaves some after them.

    - unit: "char" or "word", which are joined by spaces

    Raises `CorpusError` for a source that cannot be read, or one that is not longer than that.
    """
    reader = CorpusReader(sources)
    tokens = split("".join(reader.pieces()), unit)
    if len(tokens) <= length:
        raise CorpusError(
            f"{', '.join(reader.names)}: {len(tokens)} {unit}s, expected more than the {length} of a seed"
        )
    first = int(random.integers(0, len(tokens) - length))
    return (" " if unit == "word" else "").join(tokens[first : first + length])
