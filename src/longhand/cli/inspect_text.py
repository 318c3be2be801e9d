"""What `longhand inspect` prints: the text in colours, and what was found in a few lines."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from longhand.cli.output import show, visible, visible_token
from longhand.errors import OptionError
from longhand.gates.inspection import GATES
from longhand.gates.probes import STATES
from longhand.units import PLURAL

if TYPE_CHECKING:
    from rich.text import Text

    from longhand.config import NetworkConfig
    from longhand.gates.inspection import Inspection
    from longhand.gates.probes import Probe

SHOWN = 4000  # tokens of the text
MOST_BITS = 8.0  # of surprise, that have a colour of their own
HOT = ((46, 27, 24), (176, 58, 38))  # from little to much, behind light letters
COLD = ((24, 34, 46), (30, 98, 160))
FEW_COLOURS = ("standard", "windows")  # what Rich calls terminals of 16 colours
FAINT, STRONG = 0.15, 0.5  # shares of the most that have a colour there, and are bold
WIDTH = 96
LISTED, EXPECTED = 40, 3  # tokens that are listed with a unit's values, and predictions after each
PAGE = "gates.html"
DISTANCES = (1, 10, 100)


def unit_of(name: str, config: NetworkConfig) -> tuple[int, int]:
    """Return layer and number of a unit, from 1, that "LAYER:UNIT" names; raises `OptionError` if there is none."""
    try:
        layer, unit = map(int, name.split(":"))
    except ValueError:
        raise OptionError(f"unit: found {name[:40]!r}, expected LAYER:UNIT, such as 1:37") from None
    if not 1 <= layer <= config.layers or not 1 <= unit <= config.hidden:
        raise OptionError(
            f"unit: found {name[:40]}, the model has layers 1 to {config.layers} with units 1 to {config.hidden}"
        )
    return layer, unit


def report(found: Inspection, unit: tuple[int, int] | None) -> None:
    """Print the text, coloured by surprise or by a unit's cell where that is a terminal, and what was found."""
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False)
        console.print(coloured(found, unit, few=console.color_system in FEW_COLOURS))
        by = "surprise" if unit is None else f"the cell of unit {unit[0]}:{unit[1]}, blue below 0, red above"
        show(f"\ncoloured by {by}\n")
    for line in lines(found):
        show(line)
    if unit is not None:
        show("")
        for line in unit_lines(found, *unit):
            show(line)


def unit_lines(found: Inspection, layer: int, unit: int) -> list[str]:
    """Return what a unit, by layer and number from 1, does at the text's first tokens, and what is expected after each.

    Columns are cut to the width of a terminal; the page has all of it.
    """
    trace = found.trace
    head = "".join(f"{name:>9}" for name in (*GATES, *STATES))
    result = [f"unit {layer}:{unit}", f"  {'read':<12}{'bits':>6}{head}   expects"]
    for place, piece in enumerate(trace.reading.pieces[:LISTED]):
        values = "".join(
            f"{float(getattr(trace, name)[layer - 1, place, unit - 1]):>9.2f}" for name in (*GATES, *STATES)
        )
        likely = zip(trace.likely[place].tolist(), trace.probability[place].tolist(), strict=True)
        told = " ".join(f"{_cut(_token(found, token), 8)} {share:.0%}" for token, share in list(likely)[:EXPECTED])
        result.append(f"  {_cut(piece, 10):<12}{trace.surprise[place]:>6.2f}{values}   {told}")
    if len(trace) > LISTED:
        result.append(f"  … {len(trace) - LISTED:,} more: -o {PAGE} writes a page that has them")
    return result


def _token(found: Inspection, token: int) -> str:
    return "(end)" if token == found.tokenizer.start else found.tokenizer.decode(np.array([token]))


def _cut(text: str, most: int) -> str:
    """Return a text on one line, no longer than that."""
    shown = visible_token(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def coloured(found: Inspection, unit: tuple[int, int] | None, *, few: bool = False) -> Text:
    """Return the text's beginning with a colour for every token: behind it, or of it where there are `few`."""
    from rich.text import Text

    trace, text = found.trace, Text()
    if unit is None:
        levels = trace.surprise[:SHOWN] / MOST_BITS
    else:
        cell = trace.cell[unit[0] - 1, :SHOWN, unit[1] - 1].astype(float)
        levels = cell / max(float(abs(cell).max()), 1e-6)
    for piece, level in zip(trace.reading.pieces, levels.tolist(), strict=False):
        style = _few_colours(level) if few else _behind(level)
        before, line_end, after = visible(piece).partition("\n")
        text.append(before, style).append(line_end).append(after, style)
    if len(trace) > SHOWN:
        text.append(f" … {len(trace) - SHOWN:,} more")
    return text


def _few_colours(level: float) -> str:
    if abs(level) < FAINT:
        return ""
    return f"{'bold ' if abs(level) >= STRONG else ''}{'red' if level >= 0 else 'blue'}"


def _behind(level: float) -> str:
    low, high = HOT if level >= 0 else COLD
    share = min(abs(level), 1.0)
    red, green, blue = (round(one + share * (other - one)) for one, other in zip(low, high, strict=True))
    return "" if share < 0.03 else f"rgb(240,238,232) on rgb({red},{green},{blue})"


def lines(found: Inspection) -> list[str]:
    """Return what was found, for a person."""
    trace, plural = found.trace, PLURAL[found.tokenizer.kind]
    tokens = "" if plural == "characters" else f", {len(trace):,} {plural}"
    result = [f"{trace.reading.characters:,} characters{tokens}, {trace.bits_per_character:.3f} bits per character", ""]
    result.append(f"{'gates, open on average':<28}{'input':>8}{'forget':>8}{'output':>8}  half-life, {plural}")
    for layer, numbers in enumerate(found.summary()["layers"], 1):
        means = "".join(f"{numbers[gate]:>8.0%}" for gate in GATES)
        result.append(f"  layer {layer:<20}{means}  {numbers['median_half_life']:.1f} (median)")
    longest = ", ".join(
        f"{layer}:{unit} {found.half_life(layer, unit):,.0f}" for layer, unit in found.longest_lived[:5]
    )
    result += [f"  units that remember longest: {longest}", ""]
    result += _probe_lines(found.probes)
    influence = found.told_influence
    told = ", ".join(f"after {k}: {influence[k]:.2g}" for k in DISTANCES if k in influence)
    return [*result, "", f"what a replaced token changes, bits: {told or 'the text is too short to say'}"]


def _probe_lines(probes: list[Probe]) -> list[str]:
    tested = sorted((each for each in probes if not each.missing), key=lambda each: -(each.auc or 0))
    result = [f"{'what units follow':<28}{'unit':>8} {'of':<8}{'AUC':>6}   {'direction':<10}AUC"] if tested else []
    result += [_probe_line(each) for each in tested]
    if rare := [visible(each.name) for each in probes if each.missing]:
        told = f"too rare in this text, or everywhere, to look for: {', '.join(rare)}"
        result += textwrap.wrap(told, WIDTH, subsequent_indent="  ")
    return result


def _probe_line(probe: Probe) -> str:
    name = visible(probe.name)[:26]
    best, direction = probe.best[0], f"layer {probe.layer}"
    unit = f"{best.layer}:{best.unit}"
    return f"  {name:<26}{unit:>8} {best.state:<8}{best.auc:>6.3f}   {direction:<10}{probe.direction:.3f}"
