"""What happens in a network as it reads a text: gates, cells and predictions after every token.

The NumPy reference computes it (`longhand.runtime.reference`), in pieces; what is kept of it are 16-bit floats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.errors import CorpusError, OptionError
from longhand.generation.sampler import logsumexp
from longhand.learned import marked_documents, separator_of
from longhand.modelfile import ModelFile
from longhand.runtime.reference import Cells, NumpySession
from longhand.runtime.session import checked_logits
from longhand.text.documents import BOUNDARY
from longhand.text.numbering import token_numbers
from longhand.text.progress import Told, untold
from longhand.text.tokenizer import Tokenizer
from longhand.text.utf8 import without_surrogates

HalfArray = npt.NDArray[np.float16]
STRETCH = 256  # tokens that are read at once: bounds the memory that their logits take
LIKELIEST = 5  # predictions of which the probability is kept
LARGEST = 1 << 30  # bytes of a trace
LARGEST_SURPRISE = 1e30  # bits: sums of such are still 32-bit floats
LARGEST_HALF = float(np.finfo(np.float16).max)  # which a cell reaches after 65,504 steps at the earliest
SHUT, OPEN = 1e-30, 1 - 1e-7  # forget gates are taken as no nearer to 0 and 1 than 32-bit floats can tell


class Stretch(NamedTuple):
    """A few tokens' part of a trace: cells (layers, time, hidden), and the logits after each, (time, vocabulary)."""

    cells: Cells
    logits: FloatArray


@dataclass(frozen=True)
class Reading:
    """A text as a network reads it.

    - tokens: their numbers, (time,)
    - pieces: what each adds to the text; nothing where it ends inside a character
    - characters: how many there are; the end of a document is one
    """

    tokens: TokenIds
    pieces: list[str]
    characters: int

    @property
    def text(self) -> str:
        """The text."""
        return "".join(self.pieces)


@dataclass(frozen=True)
class Trace:
    """What happened in a network as it read a text; place t is the moment after token t.

    - reading: the text
    - input, forget, output, candidate, cell, hidden: (layers, time, hidden), see `longhand.runtime.reference.Cells`
    - surprise: how unexpected each token was, in bits, (time,)
    - likely: the likeliest next tokens after each, the likeliest first, (time, up to 5)
    - probability: theirs, of the same shape
    - decay: the mean of the forget gate's logarithm, (layers, hidden), before it was rounded to 16 bits
    """

    reading: Reading
    input: HalfArray
    forget: HalfArray
    output: HalfArray
    candidate: HalfArray
    cell: HalfArray
    hidden: HalfArray
    surprise: FloatArray
    likely: TokenIds
    probability: FloatArray
    decay: DoubleArray

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.reading.tokens)

    @property
    def bits_per_character(self) -> float:
        """The mean surprise, of a character."""
        return float(self.surprise.sum(dtype=np.float64)) / max(self.reading.characters, 1)

    def gate_means(self, gate: str) -> DoubleArray:
        """Return how far a gate of each unit is open on average, from 0 to 1, (layers, hidden)."""
        return np.stack([layer.mean(axis=0, dtype=np.float64) for layer in getattr(self, gate)])


def read_text(file: ModelFile, tokenizer: Tokenizer, text: str) -> Reading:
    """Return a text as a model reads it, cut into documents if it learned from such.

    Raises `OptionError` for what the model's tokenizer has no place for, `CorpusError` for an empty text.
    """
    text, ends = without_surrogates(text), ""
    if file.config.documents:
        text, ends, between = "".join(marked_documents(file, [text])), BOUNDARY, separator_of(file)
    if not text:
        raise CorpusError("an empty text: expected one with something to look at")
    tokens = token_numbers(text, tokenizer, ends)
    if len(tokens) == len(text) and tokenizer.kind == "char":  # also what the model does not know is shown
        return Reading(tokens, [between if ends and letter == BOUNDARY else letter for letter in text], len(text))
    decoder, pieces = tokenizer.decoder(), []
    for token in tokens.tolist():
        if ends and token == tokenizer.start:
            pieces.append(decoder.rest() + between)
        else:
            pieces.append(decoder.decode(np.array([token])))
    pieces[-1] += decoder.rest()
    return Reading(tokens, pieces, len(text))


def refuse_windows(file: ModelFile) -> None:
    """Raise `OptionError` for a model that carries no state from token to token."""
    if file.config.window is not None:
        raise OptionError(
            f"the model reads every window of {file.config.window} tokens afresh, so there is no cell to follow "
            "through a text: expected one of the default recipe (longhand train without --recipe classic)"
        )


def stretches(file: ModelFile, before: int | None, tokens: TokenIds) -> Iterator[Stretch]:
    """Yield what happens as a network reads tokens, (time,), in pieces of up to `STRETCH` of them.

    - before: the token that is read first and has no part in it, the start of a text; None where there is none. A
      network of documents begins anew wherever it stands

    Raises `ModelFormatError` where a prediction is no number, as damaged weights make it.
    """
    session = NumpySession(file.config, file.weights)
    if before is not None:
        yield _stretch(session, np.array([before]))
    anew = set(np.flatnonzero(tokens == before).tolist()) if file.config.documents else set()
    edges = sorted({0, *anew, *range(0, len(tokens), STRETCH), len(tokens)})
    for begin, end in pairwise(edges):
        if begin in anew:
            session.restart([0])
        yield _stretch(session, tokens[begin:end])


def _stretch(session: NumpySession, tokens: TokenIds) -> Stretch:
    happened = session.trace(tokens)
    return Stretch(happened, checked_logits(session.logits(happened.hidden[-1])))


def trace(file: ModelFile, tokenizer: Tokenizer, text: str, tell: Told = untold) -> Trace:
    """Return what happens in a model as it reads a text, after the start token, from the fresh state.

    Raises `OptionError` for a model of the classic recipe, `CorpusError` for a text that is empty or too long: about
    174,000 characters for two layers of 256 units.
    """
    refuse_windows(file)
    reading = read_text(file, tokenizer, text)
    refuse_long(file, len(reading.tokens))
    config, time = file.config, len(reading.tokens)
    shape = (config.layers, time, config.hidden)
    kept = Cells(*(np.empty(shape, np.float16) for _ in Cells._fields))  # type: ignore[arg-type]
    count = min(LIKELIEST, config.vocabulary_size)
    surprise = np.empty(time, np.float32)
    likely, probability = np.empty((time, count), np.int32), np.empty((time, count), np.float32)
    decay = np.zeros((config.layers, config.hidden))
    before = np.zeros(config.vocabulary_size)  # of a text's beginning without a start token nothing is known
    begun, done = tokenizer.start is None, 0
    for stretch in stretches(file, tokenizer.start, reading.tokens):
        logarithms = stretch.logits.astype(np.float64)
        logarithms -= logsumexp(logarithms)
        if not begun:
            before, begun = logarithms[0], True
            continue
        end = done + len(logarithms)
        for array, values in zip(kept, stretch.cells, strict=True):
            array[:, done:end] = np.clip(values, -LARGEST_HALF, LARGEST_HALF)
        decay += np.log(np.clip(stretch.cells.forget, SHUT, OPEN)).sum(axis=1, dtype=np.float64)
        ahead = np.concatenate([before[None] - logsumexp(before[None]), logarithms[:-1]])
        said = ahead[np.arange(end - done), reading.tokens[done:end]]
        surprise[done:end] = np.minimum(np.maximum(-said / np.log(2), 0), LARGEST_SURPRISE)
        likely[done:end] = _likeliest(logarithms, count)
        probability[done:end] = np.exp(np.take_along_axis(logarithms, likely[done:end].astype(np.int64), -1))
        before, done = logarithms[-1], end
        tell("tracing", done / time)
    return Trace(reading, *kept, surprise, likely, probability, decay / time)  # type: ignore[arg-type]


def most_tokens(file: ModelFile) -> int:
    """Return how many tokens a trace of this model may have."""
    return LARGEST // (2 * len(Cells._fields) * file.config.layers * file.config.hidden)


def refuse_long(file: ModelFile, time: int) -> None:
    """Raise `CorpusError` for more tokens than a trace of this model may have."""
    if time > (most := most_tokens(file)):
        raise CorpusError(
            f"the text has {time:,} tokens, a trace of this model's {file.config.layers * file.config.hidden:,} units "
            f"has room for {most:,}: give a shorter one"
        )


def _likeliest(logarithms: npt.NDArray[np.float64], count: int) -> TokenIds:
    """Return the likeliest tokens, (time, count), the likeliest first, of equals the first."""
    some = np.argpartition(-logarithms, count - 1, axis=-1)[:, :count]
    some.sort(axis=-1)
    order = np.argsort(-np.take_along_axis(logarithms, some, -1), axis=-1, kind="stable")
    result: TokenIds = np.take_along_axis(some, order, -1)
    return result
