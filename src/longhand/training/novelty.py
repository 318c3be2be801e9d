"""Which documents a text has, and with which settings those of a tiny text, names say, are best written."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import regex

from longhand.copies.documents import MAX_DOCUMENTS, KnownDocuments
from longhand.text.encoded import AT_ONCE, EncodedCorpus
from longhand.training.plan import TINY_TOKENS

TINY_DOCUMENTS = 2000
TEMPERATURES, MIN_PS = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5), (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12)
MIN_COMMON = 0.9  # of the documents of a text, whose form another one has too, for forms to say anything
MIN_FORMED, MAX_COPIED = 0.985, 0.015  # shares of the documents written
_LETTERS = regex.compile(r"(\p{Lu}\p{M}*)|((?:[\p{L}--\p{Lu}]\p{M}*)+)|(\d+)|(\s+)", regex.V1)

Write = Callable[[Mapping[str, float]], list[str]]
"""Lets a model write documents with such settings."""


def known_documents(corpus: EncodedCorpus[Any]) -> KnownDocuments | None:
    """Return the documents of a text, held out or not; None for a text of none, or of too many to be remembered."""
    if not 0 < corpus.documents <= MAX_DOCUMENTS:
        return None
    return KnownDocuments.of(documents_in(corpus))


def documents_in(corpus: EncodedCorpus[Any]) -> Iterator[str]:
    """Yield the documents of a text, in pieces of which it is numbered: the text may be a large one."""
    tokenizer, begun = corpus.tokenizer, np.zeros(0, corpus.ids.dtype)
    for begin in range(0, len(corpus.ids), AT_ONCE):
        ids = np.concatenate([begun, corpus.ids[begin : begin + AT_ONCE]])
        ends = np.flatnonzero(ids == tokenizer.start)
        if tokenizer.kind == "char":  # whose tokens are as long as their text, so that it is decoded at once
            text, first = tokenizer.decode(ids), 0
            for end in ends.tolist():
                yield text[first:end]
                first = end + 1
        else:
            for document in np.split(ids, ends + 1)[:-1]:
                yield tokenizer.decode(document[:-1])
        begun = ids[ends[-1] + 1 :] if len(ends) else ids
    if len(begun):
        yield tokenizer.decode(begun)


def form_of(document: str) -> str:
    """Return what a document looks like: "Aa" for a capital and small letters, "Aa Aa", "0-0" and so on."""
    return _LETTERS.sub(lambda found: "Aa0 "[(found.lastindex or 1) - 1], document)


def suited_sampling(
    corpus: EncodedCorpus[Any], known: KnownDocuments, write: Write, seconds: float
) -> dict[str, float]:
    """Return temperature and min-p with which a model keeps to the forms of a tiny text's documents, and copies few.

    Little can be learned of what never occurs: each of the many characters that cannot follow keeps a small share.
    What is safer copies more, so that of all settings that keep to the forms the least safe one is taken.

    - write: lets the model write
    - seconds: that this takes at most, about

    Empty where the text is not tiny, or its documents are of no common form.
    """
    if corpus.documents > TINY_DOCUMENTS or len(corpus.ids) >= TINY_TOKENS:
        return {}
    forms = Counter(map(form_of, documents_in(corpus)))
    common = sum(count for count in forms.values() if count > 1) / max(forms.total(), 1)
    if common < MIN_COMMON:
        return {}
    wanted, until = min(MIN_FORMED, common), time.monotonic() + seconds
    best: dict[str, float] = {}
    least = math.inf
    for temperature in TEMPERATURES:
        for min_p in MIN_PS:
            if time.monotonic() > until:
                return best
            sampling = {"temperature": temperature, "min_p": min_p}
            formed, copied = _shares(write(sampling), forms, known)
            if formed >= wanted:
                if copied < least:
                    best, least = sampling, copied
                break
        if least <= MAX_COPIED:
            break
    return best


def _shares(documents: Iterable[str], forms: Mapping[str, int], known: KnownDocuments) -> tuple[float, float]:
    """Return which shares of documents have a form of the text's, and are in the text."""
    written = list(documents)
    formed = sum(form_of(text) in forms for text in written)
    return formed / max(len(written), 1), sum(text in known for text in written) / max(len(written), 1)
