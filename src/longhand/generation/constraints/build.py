"""From settings to what guides a text."""

from __future__ import annotations

import re

from longhand.config import SamplingConfig
from longhand.errors import OptionError
from longhand.generation.constraints.automaton import Automaton
from longhand.generation.constraints.bounds import Budget
from longhand.generation.constraints.guide import BEGIN, Guide
from longhand.generation.constraints.pattern import Pattern
from longhand.generation.constraints.shapes import LONGEST_LINE, Banned, Lines, Shape, Without, both_cases
from longhand.generation.constraints.tokens import tree_of
from longhand.settings import length_of
from longhand.text.tokenizer import Tokenizer

SHAPES = ("pattern", "lines", "line_length", "acrostic", "without", "ban")

LONGEST_SHOWN = 60  # characters of a setting in a message


def guide_for(
    tokenizer: Tokenizer,
    sampling: SamplingConfig,
    end: int | None,
    budget: Budget | None = None,
) -> Guide | None:
    """Return what guides a text into the shape that `sampling` asks for; None where it asks for none.

    - end: the token that ends a text, where there is one
    - budget: what the shape may take

    Raises `OptionError` for rules that mean nothing, that no text that the model can write obeys, or that exceed the
    bounds.
    """
    wanted = [name for name in SHAPES if getattr(sampling, name) not in (None, ())]
    if not wanted:
        return None
    budget = budget or Budget()
    shapes: list[Shape] = [each for each in (_lines(sampling),) if each is not None]
    if sampling.without:
        shapes.append(Without(both_cases(sampling.without)))
    if sampling.ban:
        shapes.append(Banned(sampling.ban))
    if sampling.pattern is not None or any(shape.ends for shape in shapes):
        if sampling.length_in == "characters":
            raise OptionError("length in: a text of a given shape is counted in tokens: leave --length-in out")
        if sampling.stop or sampling.until in ("sentence", "line"):
            raise OptionError(
                f"{'stop' if sampling.stop else 'until'}: a text of a given shape ends where that is complete"
            )
    in_bytes = tokenizer.kind in ("byte", "bpe")
    try:
        pattern = None if sampling.pattern is None else Pattern(sampling.pattern, budget=budget)
        automaton = Automaton(tree_of(tokenizer).points, pattern, shapes, in_bytes=in_bytes, budget=budget)
        guide = Guide(automaton, tokenizer, end)
    except OptionError as error:
        if str(error).startswith("pattern: "):  # which says already what was found
            raise
        listed = ", ".join(f"--{name.replace('_', '-')} {_shown(getattr(sampling, name))}" for name in wanted)
        raise OptionError(f"{error} ({listed})") from None
    if (least := guide.needed(BEGIN)) > (length := length_of(sampling)) and tokenizer.kind in ("char", "byte"):
        raise OptionError(f"length: found {length}, the shortest text of the shape that is asked for has {least}")
    budget.ignore_interrupts()
    return guide


def _shown(value: str | int | tuple[str, ...]) -> str:
    """Return a setting for a message, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."


def _lines(sampling: SamplingConfig) -> Lines | None:
    """Return what --lines, --line-length and --acrostic say together."""
    if sampling.lines is None and sampling.line_length is None and sampling.acrostic is None:
        return None
    initials = "".join((sampling.acrostic or "").split())
    if sampling.acrostic is not None and not initials:
        raise OptionError(f"acrostic: found {sampling.acrostic!r}, expected letters that lines begin with")
    count = sampling.lines or len(initials) or None
    if initials and count != len(initials):
        raise OptionError(f"lines: found {count}, but {sampling.acrostic!r} has {len(initials)} letters: leave it out")
    shortest, longest = (1, None) if sampling.line_length is None else _range(sampling.line_length)
    return Lines(count, shortest, longest, initials)


def _range(text: str) -> tuple[int, int | None]:
    found = re.fullmatch(r"(\d{1,5})(-(\d{1,5})?)?", text)
    least = int(found[1]) if found else 0
    most = least if found and found[2] is None else int(found[3]) if found and found[3] else None
    if not found or max(least, most or 0) > LONGEST_LINE or (most is not None and most < max(least, 1)):
        raise OptionError(
            f"line length: found {text!r}, expected characters such as 30-60, 40 or 20-, to {LONGEST_LINE:,}"
        )
    return least, most
