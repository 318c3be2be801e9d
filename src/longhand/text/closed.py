"""A whole corpus in a closed vocabulary, as the classic recipe has it: read once, all of it known."""

from __future__ import annotations

from collections.abc import Iterable

from longhand.arrays import TokenIds, smallest_type
from longhand.errors import CorpusError
from longhand.text.characters import CharacterCounter
from longhand.text.corpus import CorpusReader
from longhand.text.encoded import EncodedCorpus, fingerprint_of, joined, refuse_too_short, token_counts
from longhand.text.listed import ListedTokenizer, WordCounter
from longhand.text.points import code_points
from longhand.text.quick_look import QuickLook
from longhand.text.reading import PLAIN, Reading
from longhand.text.sources import Source
from longhand.units import PLURAL, Unit


def encode_closed(
    sources: Iterable[Source], unit: Unit, held_out: float = 0.0, reading: Reading = PLAIN
) -> EncodedCorpus[ListedTokenizer]:
    """Read `sources` once and return them as characters' or words' numbers, as the classic recipe has them.

    The vocabulary is that of the whole text, what is held out included, sorted; nothing is ever unknown. A byte order
    mark is a character like others, as it is to Python's `open`.

    Raises `CorpusError` for a source that cannot be read, or too little text.
    """
    reader, counter = CorpusReader(sources, keep_mark=True, reading=reading), _counter(unit)
    look = QuickLook()
    pieces, characters = _numbered(reader, counter, look)
    tokenizer = _listed(reader, counter, unit)
    ids = joined(pieces, smallest_type(tokenizer.size), counter.final_ids(tokenizer))
    last = round(len(ids) * held_out)
    return EncodedCorpus(
        ids,
        last,
        tokenizer,
        characters,
        reader.bytes_read,
        counts=token_counts(ids[: len(ids) - last], tokenizer.size),
        fingerprint=fingerprint_of(tokenizer.to_record(), last, ids),
        held_out_characters=len(tokenizer.decode(ids[len(ids) - last :])),
        names=reader.names,
        notes=[*look.of_split(held_out, is_shuffled=False), *reader.notes],
    )


def closed_vocabulary(sources: Iterable[Source], unit: Unit) -> ListedTokenizer:
    """Read `sources` for their vocabulary alone, as `encode_closed` makes it. Raises `CorpusError`."""
    reader, counter = CorpusReader(sources, keep_mark=True), _counter(unit)
    for piece in reader.pieces():
        counter.number(piece)
    counter.rest()
    return _listed(reader, counter, unit)


def _counter(unit: Unit) -> CharacterCounter | WordCounter:
    return WordCounter() if unit == "word" else CharacterCounter()


def _listed(reader: CorpusReader, counter: CharacterCounter | WordCounter, unit: Unit) -> ListedTokenizer:
    if counter.met == 0:
        raise CorpusError(f"{', '.join(reader.names)}: no {PLURAL[unit]} in it; expected a text")
    return counter.listed()


def _numbered(
    reader: CorpusReader, counter: CharacterCounter | WordCounter, look: QuickLook
) -> tuple[list[TokenIds], int]:
    """Return all of a text in provisional ids, and its length in characters."""
    pieces, characters = [], 0
    for piece in reader.pieces():
        pieces.append(counter.number(piece))
        look.look(piece)
        look.stretches.add(code_points(piece))
        characters += len(piece)
    pieces.append(counter.rest())
    refuse_too_short(characters, reader.names)
    return pieces, characters
