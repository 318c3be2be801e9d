"""Parts of a text that are small enough to be kept: slices from all over it."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]  # from the first to before the second, in characters


def spread(begin: int, end: int, most: int, count: int) -> list[Span]:
    """Return where slices of a text are to be, evenly spread over a part of it: `most` characters in all."""
    if end - begin <= most:
        return [(begin, end)]
    length = most // count
    return [
        (place, place + length) for k in range(count) for place in [begin + k * (end - begin - length) // (count - 1)]
    ]


def cut(pieces: Iterable[str], wanted: list[list[Span]]) -> list[list[str]]:
    """Return slices of a text that comes in pieces; those of each list in order."""
    found = [["" for _ in spans] for spans in wanted]
    at = 0
    for piece in pieces:
        end = at + len(piece)
        for slices, spans in zip(found, wanted, strict=True):
            for number, (first, last) in enumerate(spans):
                if first < end and last > at:
                    slices[number] += piece[max(first - at, 0) : last - at]
        at = end
    return found


def whole_lines(part: str) -> str:
    """Return a slice without the lines at both ends that it has only a part of; as it is where that leaves nothing."""
    first, last = part.find("\n"), part.rfind("\n")
    return part[first + 1 : last + 1] if first < last else part
