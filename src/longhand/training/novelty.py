"""How many of the documents that a model writes are new: names, say, that are not in the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from longhand.arrays import TokenIds
from longhand.text.encoded import AT_ONCE, EncodedCorpus

MOST_DOCUMENTS = 10_000_000  # of a text, whose places are remembered


def new_documents(corpus: EncodedCorpus[Any], documents: Iterable[str]) -> int | None:
    """Return how many of `documents` are not in the text, held out or not; None for a text of too many."""
    if corpus.documents > MOST_DOCUMENTS:
        return None
    ends = _places(corpus.ids, corpus.tokenizer.start)
    begins = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - begins
    return sum(not _found(corpus.tokenizer.encode(text), corpus.ids, begins, lengths) for text in documents)


def _places(ids: TokenIds, token: int) -> npt.NDArray[np.int64]:
    """Return where a token stands, in pieces: the text may be a large one."""
    pieces = range(0, len(ids), AT_ONCE)
    return np.concatenate([begin + np.flatnonzero(ids[begin : begin + AT_ONCE] == token) for begin in pieces])


def _found(document: TokenIds, ids: TokenIds, begins: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> bool:
    """Whether a document is one of those of the text: of as many tokens, with the same first, second, ... one."""
    places = begins[lengths == len(document)]
    for number, token in enumerate(document):
        places = places[ids[places + number] == token]
    return len(places) > 0
